package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trailblame/trailblame/ingest"
)

// smallIndex is an index in memory with what it holds. Nobody may change it.
var smallIndex = sync.OnceValues(func() (*memFS, []string) {
	m := newMemFS()
	w, err := newWriter("", m)
	if err != nil {
		panic(err)
	}
	lines := strings.Join(append(slices.Clone(odd()), event(1), event(2), event(40), event(2)), "\n")
	src := ingest.NewStdin(strings.NewReader(lines))
	opts := ingest.Options{Workers: 1, Limits: ingest.DefaultLimits, NewSink: w.NewSink}
	if err := errors.Join(ingest.Run(context.Background(), []ingest.Source{src}, opts), w.Finish(), w.Close()); err != nil {
		panic(err)
	}
	want, err := everything(m)
	if err != nil || len(want) < 10 {
		panic(err)
	}
	return m, want
})

// everything is all that an index says: records, deliveries, terms, ledger.
func everything(fsys fileSystem) ([]string, error) {
	all, err := content(fsys)
	if err != nil {
		return nil, err
	}
	ix, err := open("mem", fsys)
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	for f := range NumFields {
		for t, err := range ix.Terms(f) {
			if err != nil {
				return nil, err
			}
			all = append(all, f.String()+" "+t.Term)
		}
	}
	for e, err := range ix.Ledger() {
		if err != nil {
			return nil, err
		}
		all = append(all, e.Name)
	}
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			if err := lookUp(ix, s, &all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// lookUp asks a segment for single values.
func lookUp(ix *Index, s *Segment, all *[]string) error {
	rows := NewRowSet()
	err := errors.Join(s.FindEventID(uuid(1), rows), s.FindRequestID("R1", rows), s.Find(EventName, []string{"E*", "A"}, rows),
		s.Find(SharedEvent, []string{"x"}, rows), s.Find(Outcome, []string{OutcomeSuccess}, rows))
	if err != nil {
		return err
	}
	*all = append(*all, s.Date()+rows.String())
	for row := range s.Rows() {
		list, err := ix.Deliveries(s, row)
		if err != nil {
			return err
		}
		for _, d := range list {
			*all = append(*all, d.Object)
		}
	}
	return nil
}

// changed returns a copy of the file system in which one file has other bytes.
func (m *memFS) changed(name string, data []byte) *memFS {
	c := newMemFS()
	for n, f := range m.names {
		c.names[n] = &memFile{data: f.data, synced: len(f.data)}
	}
	c.names[name] = &memFile{data: data, synced: len(data)}
	return c
}

// bounded fails when f takes more than 256 MiB of memory in all.
func bounded(t *testing.T, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 256<<20 {
		t.Errorf("took %d bytes", took)
	}
}

// flip changes bytes of b: each three bytes of how tell an offset and what to
// change there.
func flip(b, how []byte) []byte {
	b = slices.Clone(b)
	for ; len(how) >= 3 && len(b) > 0; how = how[3:] {
		b[int(binary.LittleEndian.Uint16(how))*max(1, len(b)>>16)%len(b)] ^= how[2]
	}
	return b
}

// Whatever is flipped in whichever file, an index gives an error or the same
// answer.
func FuzzFlippedFiles(f *testing.F) {
	m, want := smallIndex()
	names, err := m.list(".")
	if err != nil || len(names) < 5 {
		f.Fatal(names, err)
	}
	for i := range names {
		f.Add(uint8(i), uint16(0), []byte{0, 0, 1})
		f.Add(uint8(i), uint16(1), []byte{3, 1, 0xff, 9, 0, 2})
	}
	f.Fuzz(func(t *testing.T, file uint8, cut uint16, how []byte) {
		name := names[int(file)%len(names)]
		data := flip(m.names[name].data, how)
		if int(cut) < len(data) {
			data = data[:len(data)-int(cut)]
		}
		bounded(t, func() {
			got, err := everything(m.changed(name, data))
			if err == nil && got != nil && !slices.Equal(got, want) {
				t.Errorf("%s: the answer differs", name)
			}
		})
	})
}

// A terms file that is damaged and sealed again, as its writer would have, is an
// error or an answer; it neither panics nor takes much memory.
func FuzzForgedTerms(f *testing.F) {
	m, _ := smallIndex()
	base, err := open("mem", m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), []byte{0, 0, 1})
	f.Add(uint8(1), []byte{0xff, 0xff, 0xff, 0, 1, 0x80, 1, 1, 0x80})
	f.Fuzz(func(t *testing.T, segment uint8, how []byte) {
		man := *base.manifest
		man.Segments = slices.Clone(man.Segments)
		info := &man.Segments[int(segment)%len(man.Segments)]
		file := resealed(m.names[info.Terms.Name].data, how)
		info.Root = hex.EncodeToString(sha(file.end))
		c := m.changed(info.Terms.Name, slices.Concat(file.body, file.end))
		man.Generation++
		if err := commit(c, &man); err != nil {
			t.Fatal(err)
		}
		bounded(t, func() { _, _ = everything(c) })
		ix, err := open("mem", c)
		if err != nil {
			t.Fatal(err)
		}
		v := &verifier{ix: ix, report: func(error) {}, seen: map[string]bool{}}
		bounded(t, func() { v.segment(*info) })
		ix.Close()
	})
}

func sha(b []byte) []byte {
	hash := sha256.Sum256(b)
	return hash[:]
}

type sealedTerms struct{ body, end []byte }

// resealed flips bytes of a terms file and makes its sums right again.
func resealed(data, how []byte) sealedTerms {
	tail := data[len(data)-termsTailSize:]
	length := binary.LittleEndian.Uint64(tail)
	body := flip(data[:length], how)
	s := &blockSummer{w: &bytes.Buffer{}}
	s.Write(body)
	end := append(appendSums(nil, s.finish()), tail[:20]...)
	end = binary.LittleEndian.AppendUint32(end, crc32.Checksum(end, castagnoli))
	return sealedTerms{body, append(end, termsMagic...)}
}

// A manifest of any content, with the right hash, is an error or an index that
// gives errors; it neither panics nor takes much memory.
func FuzzForgedManifest(f *testing.F) {
	m, _ := smallIndex()
	base, err := open("mem", m)
	if err != nil {
		f.Fatal(err)
	}
	whole, _, err := base.manifest.encode()
	if err != nil {
		f.Fatal(err)
	}
	line, _, _ := bytes.Cut(whole, []byte("\n"))
	f.Add(line)
	for _, change := range [][2]string{{`"rows":`, `"rows":9`}, {`"rows":`, `"rows":-`}, {`"size":`, `"size":9`}, {`"format":1`, `"format":2`},
		{`"sha256":"`, `"sha256":"0`}, {`"termsRoot":"`, `"termsRoot":"zz`}, {`terms/`, `../terms/`}, {`"date":"`, `"date":"x/`}, {`"entries":`, `"entries":99999`}} {
		f.Add(bytes.ReplaceAll(line, []byte(change[0]), []byte(change[1])))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsRune(line, '\n') {
			return
		}
		line = append(slices.Clone(line), '\n')
		hash := sha256.Sum256(line)
		text := hex.EncodeToString(hash[:])
		name := manifestName(base.manifest.Generation)
		c := m.changed(name, append(line, text+"\n"...)).changed(currentName, []byte(name+" "+text+"\n"))
		bounded(t, func() { _, _ = everything(c) })
		if w, err := newWriter("", c); err == nil {
			bounded(t, func() { _ = w.Merge(true) })
			w.Close()
		}
	})
}

// A Parquet file that is damaged and has the right sums, as in an index that
// somebody forged, is an error or an answer; it neither panics nor takes much
// memory.
func FuzzForgedPages(f *testing.F) {
	w := writeRecords(f, manyRecords(600))
	info, err := w.finish(nil)
	if err != nil {
		f.Fatal(err)
	}
	file, err := w.fsys.open(info.Events.Name)
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	sound := make([]byte, file.size())
	if _, err := file.ReadAt(sound, 0); err != nil && !errors.Is(err, io.EOF) {
		f.Fatal(err)
	}
	if n, err := readForged(sound, info.Rows); n != info.Rows || err != nil {
		f.Fatalf("%d rows of %d: %v", n, info.Rows, err)
	}
	f.Add([]byte{0, 0, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0, 1, 0x80, 1, 1, 0x80})
	f.Fuzz(func(t *testing.T, how []byte) {
		bounded(t, func() { _, _ = readForged(flip(sound, how), info.Rows) })
	})
}

// readForged reads the rows of a Parquet file until one cannot be.
func readForged(data []byte, rows int) (n int, err error) {
	s := &blockSummer{w: io.Discard}
	s.Write(data)
	blocks := &blockReader{name: "forged", r: bytes.NewReader(data), size: int64(len(data)), block: blockSize, sums: s.finish()}
	f, err := readFooter(&blockCache{r: blocks}, rows)
	if err != nil {
		return 0, err
	}
	r := newRows(&Segment{}, f, blocks)
	defer r.Close()
	var raw []byte
	for n < rows {
		raw, err = r.AppendRaw(raw[:0], n)
		if _, err2 := r.Key(n); errors.Join(err, err2) != nil {
			return n, errors.Join(err, err2)
		}
		n++
	}
	return n, nil
}
