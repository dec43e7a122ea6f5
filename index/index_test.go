package index

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
)

// read ingests paths into the index in dir.
func read(t *testing.T, dir string, workers int, paths ...string) Totals {
	t.Helper()
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	readInto(t, w, workers, paths...)
	return w.Totals()
}

func readInto(t *testing.T, w *Writer, workers int, paths ...string) {
	t.Helper()
	var sources []ingest.Source
	for _, p := range paths {
		src, err := ingest.NewLocal(p)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, src)
	}
	opts := ingest.Options{Workers: workers, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink}
	if err := ingest.Run(context.Background(), sources, opts); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

// stored is one event as an index gives it back.
type stored struct {
	Raw        string
	Deliveries []string
}

// dump returns all events of an index, in the one order.
func dump(t *testing.T, dir string) []stored {
	t.Helper()
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	var all []stored
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segments {
			all = append(all, dumpSegment(t, ix, s)...)
		}
	}
	slices.SortFunc(all, func(a, b stored) int {
		return cmp.Or(strings.Compare(a.Raw, b.Raw), slices.Compare(a.Deliveries, b.Deliveries))
	})
	return all
}

func dumpSegment(t *testing.T, ix *Index, s *Segment) []stored {
	t.Helper()
	rows, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []stored
	for i := range s.Rows() {
		raw, err := rows.AppendRaw(nil, i)
		if err != nil {
			t.Fatal(err)
		}
		key, err := rows.Key(i)
		if err != nil {
			t.Fatal(err)
		}
		more, err := ix.Deliveries(s, i)
		if err != nil {
			t.Fatal(err)
		}
		e := stored{Raw: string(raw)}
		for _, d := range append(more, Delivery{key.Object, key.Position}) {
			e.Deliveries = append(e.Deliveries, fmt.Sprintf("%s#%d", filepath.Base(d.Object), d.Position))
		}
		slices.Sort(e.Deliveries)
		all = append(all, e)
	}
	return all
}

// uuid makes an event id.
func uuid(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", n*2654435761%(1<<32), n) }

// odd lists records that differ in everything that a record may differ in.
func odd() []string {
	return []string{
		`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::111122223333:user/a","accountId":"111122223333","accessKeyId":"AKIA","userName":"a"},"eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"[a \"quoted\" agent]","requestParameters":{"bucketName":"b","key":"k"},"responseElements":null,"requestID":"R1","eventID":"` + uuid(1) + `","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`,
		`{"eventID":"` + uuid(2) + `", "eventVersion" : "1.08",	"eventName":"A","eventSource":"b","eventTime":"2026-03-01T10:00:00Z"}`,
		`{"eventID":"` + uuid(3) + `","eventVersion":"1.08","eventName":"\u0041\/x","eventSource":"b","eventTime":"2026-03-01T10:00:00.5Z"}`,
		`{"eventID":"` + uuid(4) + `","eventVersion":1.08,"eventName":["A"],"eventSource":{"b":1},"eventTime":1700000000,"readOnly":"true","managementEvent":null}`,
		`{"eventID":"` + uuid(5) + `","eventID":"` + uuid(6) + `","eventVersion":"1","eventVersion":"2","eventName":"A","eventSource":"b"}`,
		"{\"eventID\":\"" + uuid(7) + "\",\"eventVersion\":\"1\",\"eventName\":\"bad \xff utf8\",\"eventSource\":\"b\",\"eventTime\":\"2026-03-02T00:00:00Z\"}",
		`{"eventID":"","eventVersion":"1","eventName":"no id","eventSource":"b"}`,
		`{"eventID":"...","eventVersion":"1","eventName":"placeholder","eventSource":"b","eventTime":"..."}`,
		`{"eventID":"` + uuid(8) + `","eventVersion":"1","eventName":"surrogate \ud800","eventSource":"\u0001\u001f\b\f\n\r\t","unknown":{"deep":[1,2,{"x":1e400}]},"eventTime":"9999-12-31T23:59:59Z"}`,
		`{"eventID":"` + uuid(9) + `","eventVersion":"1","eventName":"empty","eventSource":"b","userIdentity":{},"tlsDetails":null,"resources":[],"requestParameters":"","errorCode":"","userAgent":null}`,
		`{"eventID":"` + uuid(11) + `","eventVersion":"1","event\u004eame":"escaped key","eventSource":"b"}`,
		`{"eventID":"` + uuid(10) + `","eventVersion":"1","eventName":"string identity","eventSource":"b","userIdentity":"root"}`,
	}
}

func write(t *testing.T, dir, name string, records ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, `{"Records":[%s]}`, joined(records))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func joined(records []string) string {
	var b []byte
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return string(b)
}

func TestEveryRecordComesBack(t *testing.T) {
	in, dir := t.TempDir(), filepath.Join(t.TempDir(), "ix")
	write(t, in, "odd.json.gz", odd()...)
	totals := read(t, dir, 1, in)
	if n := int64(len(odd())); totals.In != n || totals.Kept != n || !totals.Balanced() {
		t.Errorf("totals %+v", totals)
	}
	want := odd()
	slices.Sort(want)
	var got []string
	for _, e := range dump(t, dir) {
		got = append(got, e.Raw)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("records (-delivered +stored):\n%s", diff)
	}
}

// So do many that share their outline, in any order, where only some of them are
// spelled the way in which a column gives its value back; and after an object that
// came to nothing, with which its templates went.
func TestRecordsAlikeComeBack(t *testing.T) {
	var want []string
	for n := range 20 {
		for _, record := range odd() {
			for id := range 12 {
				record = strings.ReplaceAll(record, uuid(id), uuid(100*(n+1)+id))
			}
			want = append(want, record)
		}
		want = append(want, strings.Replace(event(n), `"us-east-1"`, [...]string{`"us-\u0065ast-1"`, `null`, `"us-east-1"`, `true`}[n%4], 1))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(want), func(i, k int) { want[i], want[k] = want[k], want[i] })
	in, dir := t.TempDir(), filepath.Join(t.TempDir(), "ix")
	write(t, in, "a.json.gz", want[:100]...)
	write(t, in, "b.json.gz", want[100:]...)
	whole, err := os.ReadFile(write(t, in, "0.json.gz", want...))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "0.json.gz"), whole[:len(whole)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	read(t, dir, 1, in)
	var got []string
	for _, e := range dump(t, dir) {
		got = append(got, e.Raw)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("records (-delivered +stored):\n%s", diff)
	}
}

// A template has its number in one batch: it does not outlive the templates.
func TestOutlinesGoWithTheirTemplates(t *testing.T) {
	var r rows
	var d ingest.Decoder
	add := func(text string, outline uint32) {
		rec, err := d.Decode([]byte(text), false)
		if err != nil {
			t.Fatal(err)
		}
		rec.Outline = outline
		r.append(rec, r.len())
		if got := string(r.render(nil, r.len()-1)); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
	for range 3 {
		r.beginObject("a")
		add(`{"eventName":"A"}`, 1)
		add(`{"eventName":"B"}`, 1)
		r.cut(0)
		add(`{ "eventName":"C"}`, 2)
		add(`{"eventName":"D"}`, 1)
		r.cut(1)
		add(`{  "eventName":"E"}`, 3)
		add(`{"eventName":"F"}`, 1)
		add(`{ "eventName":"G"}`, 2)
		r.reset()
	}
}

func event(n int) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"u%d"},"eventTime":"2026-03-%02dT%02d:00:00Z","eventSource":"s3.amazonaws.com","eventName":"E%d","awsRegion":"us-east-1","requestID":"R%d","eventID":"%s","recipientAccountId":"111122223333"}`,
		n%7, 1+n%3, n%24, n%11, n, uuid(n))
}

// A trail with duplicates inside a batch, across files, and of odd ids.
func duplicated(t *testing.T) string {
	dir := t.TempDir()
	for f := range 8 {
		var records []string
		for n := range 40 {
			records = append(records, event(f*20+n)) // the second half comes again in the next file
		}
		records = append(records, `{"eventVersion":"1","eventName":"no id","eventSource":"x","eventID":""}`)
		write(t, dir, fmt.Sprintf("f%d.json.gz", f), records...)
	}
	// One id, other bytes: both are kept.
	write(t, dir, "g.json.gz", event(3), event(3)[:len(event(3))-1]+`,"addendum":{"reason":"UPDATED_DATA"}}`)
	return dir
}

func TestEachEventOnce(t *testing.T) {
	in, dir := duplicated(t), filepath.Join(t.TempDir(), "ix")
	totals := read(t, dir, 2, in)
	// 180 distinct events, 8 without an id, one corrected.
	if totals.In != 8*41+2 || totals.Kept != 180+8+1 || !totals.Balanced() {
		t.Errorf("totals %+v", totals)
	}
	if n := versions(t, dir); n != 1 {
		t.Errorf("%d other versions, want the corrected one", n)
	}
	for _, e := range dump(t, dir) {
		if bytes.Contains([]byte(e.Raw), []byte(uuid(3))) && !bytes.Contains([]byte(e.Raw), []byte("addendum")) {
			if diff := gocmp.Diff([]string{"f0.json.gz#3", "g.json.gz#0"}, e.Deliveries); diff != "" {
				t.Errorf("deliveries:\n%s", diff)
			}
		}
	}
}

// versions counts the events that share an id with another.
func versions(t *testing.T, dir string) (n int) {
	t.Helper()
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	for _, s := range ix.Sizes() {
		n += s.Versions
	}
	return n
}

// The order of the files, the number of workers, and interruptions between
// files must not show.
func TestSameTrailSameIndex(t *testing.T) {
	in := duplicated(t)
	files, err := filepath.Glob(filepath.Join(in, "*.gz"))
	if err != nil || len(files) != 9 {
		t.Fatal(files, err)
	}
	reference := filepath.Join(t.TempDir(), "ix")
	totals := read(t, reference, 1, in)
	want := dump(t, reference)
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 6 {
		rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		dir := filepath.Join(t.TempDir(), "ix")
		cut := rng.IntN(len(files))
		if cut > 0 {
			read(t, dir, 1+round%3, files[:cut]...)
		}
		again := read(t, dir, 8, files...)
		if again != totals {
			t.Errorf("round %d: totals %+v, want %+v", round, again, totals)
		}
		if n := versions(t, dir); n != 1 {
			t.Errorf("round %d: %d other versions", round, n)
		}
		if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
			t.Fatalf("round %d, first %d of %v (-want +got):\n%s", round, cut, files, diff)
		}
	}
}

func TestSpilledObject(t *testing.T) {
	w, err := OpenWriter(filepath.Join(t.TempDir(), "ix"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := w.NewSink().(*sink)
	var d ingest.Decoder
	add := func(n int) {
		rec, err := d.Decode([]byte(event(n)), false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Record(rec, n); err != nil {
			t.Fatal(err)
		}
	}
	s.Begin(ingest.Object{Name: "big"})
	for n := range 10 {
		add(n)
		if n%4 == 3 {
			if err := s.spill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(2) // again, already in a sealed segment
	if err := w.commit(); err != nil || w.manifest.Generation != 0 {
		t.Fatalf("committed amid an object: generation %d, %v", w.manifest.Generation, err)
	}
	entry := &ingest.Entry{Object: ingest.Object{Name: "big"}, Status: ingest.StatusRead, Counts: ingest.Counts{In: 11}}
	if err := s.End(entry); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if want := (ingest.Counts{In: 11, Kept: 10, Duplicate: 1}); entry.Counts != want {
		t.Errorf("counts %+v, want %+v", entry.Counts, want)
	}
}

func TestTwoWriters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := OpenWriter(dir); !asLocked(err, &locked) {
		t.Errorf("second writer: %v", err)
	}
	w.Close()
	again, err := OpenWriter(dir)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	again.Close()
}

func asLocked(err error, target **LockedError) bool {
	l, ok := err.(*LockedError)
	*target = l
	return ok
}

// A merge changes no answer, and leaves one segment a day and no other file.
func TestMerge(t *testing.T) {
	in, dir := duplicated(t), filepath.Join(t.TempDir(), "ix")
	names, err := filepath.Glob(filepath.Join(in, "*.gz"))
	if err != nil || len(names) != 9 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		read(t, dir, 1, name)
	}
	want := dump(t, dir)
	reader, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Merge(true); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("after the merge (-before +after):\n%s", diff)
	}
	// The reader from before still has its files.
	for _, date := range reader.Partitions() {
		segments, err := reader.Segments(date)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segments {
			dumpSegment(t, reader, s)
		}
	}
	reader.Close()
	// Without readers nothing is left of the small segments.
	readInto(t, w, 2, in)
	w.Close()
	v, err := Verify(dir, "", func(err error) { t.Error(err) })
	if err != nil || len(v.Stray) > 0 {
		t.Errorf("stray %v, %v", v.Stray, err)
	}
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if n := len(ix.Sizes()); n != 4 {
		t.Errorf("%d segments, want one for each of 3 days and unknown", n)
	}
	if n := versions(t, dir); n != 1 {
		t.Errorf("%d other versions", n)
	}
	if ix.Totals().Duplicate != 8*20+1-20 {
		t.Errorf("totals %+v", ix.Totals())
	}
	if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("after reading again (-before +after):\n%s", diff)
	}
}
