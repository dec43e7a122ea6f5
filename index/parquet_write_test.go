package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trailblame/trailblame/ingest"
)

// manyRecords makes records whose columns are of every kind: hardly varied,
// unique, absent in whole pages, empty, long.
func manyRecords(n int) (raw [][]byte) {
	rnd := rand.New(rand.NewPCG(1, 2))
	long := bytes.Repeat([]byte("long "), 20_000)
	for i := range n {
		r := fmt.Appendf(nil, `{"eventVersion":"1.%02d","eventTime":"2026-03-01T%02d:%02d:%02dZ"`, rnd.IntN(3), i/3600%24, i/60%60, i%60)
		r = fmt.Appendf(r, `,"eventID":%q,"requestParameters":{"n":%d,"of":%d}`, uuid(i), i, rnd.IntN(500))
		if rnd.IntN(4) > 0 {
			r = fmt.Appendf(r, `,"readOnly":%t`, rnd.IntN(2) == 0)
		}
		if i > 20_000 && i < 40_000 {
			r = append(r, `,"errorCode":"","userAgent":"a \"quoted\" agent","managementEvent":true`...)
		}
		if i%9_000 == 5 {
			r = fmt.Appendf(r, `,"additionalEventData":{"text":"%d%s"}`, i, long)
		}
		raw = append(raw, append(r, '}'))
	}
	return raw
}

// writeRecords writes the records as a segment that is not finished.
func writeRecords(t testing.TB, raw [][]byte) *segmentWriter {
	t.Helper()
	fsys, err := openOSFS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := fsys.mkdirAll(stagingDir); err != nil {
		t.Fatal(err)
	}
	var batch rows
	var dec ingest.Decoder
	batch.beginObject("an object")
	for i, r := range raw {
		rec, err := dec.Decode(r, false)
		if err != nil {
			t.Fatal(err)
		}
		batch.append(rec, i)
	}
	days := batch.byDate()
	if len(days) != 1 {
		t.Fatalf("%d days", len(days))
	}
	w := &segmentWriter{fsys: fsys}
	w.begin(1, days[0].date)
	if err := w.add(&batch, days[0].perm); err != nil {
		t.Fatal(err)
	}
	return w
}

// finished completes the segment and opens it.
func finished(t *testing.T, w *segmentWriter) *Segment {
	t.Helper()
	info, err := w.finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := openSegment(w.fsys, info)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { seg.Close() })
	return seg
}

// A segment of several row groups and many pages gives every record back, in
// whatever order it is asked.
func TestManyRows(t *testing.T) {
	raw := manyRecords(2*groupRows + 5000)
	seg := finished(t, writeRecords(t, raw))
	reader, err := seg.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if seg.Rows() != len(raw) {
		t.Fatalf("%d rows of %d", seg.Rows(), len(raw))
	}
	check := func(row int) {
		got, err := reader.AppendRaw(nil, row)
		key, err2 := reader.Key(row)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, raw[key.Position]) {
			t.Fatalf("row %d: %.300s\nwant %.300s", row, got, raw[key.Position])
		}
	}
	for row := range raw {
		check(row)
	}
	for row := len(raw) - 1; row > 0; row -= 7919 {
		check(row)
	}
}

// A value that comes back as another one stops the segment.
func TestReadBackFindsChanges(t *testing.T) {
	raw := manyRecords(100)
	for leaf := range layout.leaves {
		w := writeRecords(t, raw)
		w.seg.parquet.digests[leaf]++
		if _, err := w.finish(nil); !errors.Is(err, errReadBack) {
			t.Errorf("column %d: %v", leaf, err)
		}
		if left, err := w.fsys.list(stagingDir); err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
	}
}

// The digest of a chunk tells apart what differs in one value only.
func TestChunkDigest(t *testing.T) {
	sums := map[uint64]string{}
	note := func(name string, d chunkDigest) {
		if other, ok := sums[d.sum()]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		sums[d.sum()] = name
	}
	note("nothing", chunkDigest{})
	for i := range 64 {
		var d, e, f chunkDigest
		values := make([]int32, 64)
		values[i] = 1
		d.values.ints(values)
		note(fmt.Sprint("value ", i), d)
		e.levels.bytes(append(make([]byte, i), 1))
		note(fmt.Sprint("level ", i), e)
		f.dictionary.texts([]byte("ab"), []uint32{0, 1, 2})
		f.values.ints(values)
		note(fmt.Sprint("dictionary ", i), f)
	}
}
