package stages

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailblame/trailblame/bench/trailgen/large"
	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

const events = 40_000

var folder, trail string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "trailblame-stages-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// made returns the trail that all benchmarks share.
func made(b *testing.B) string {
	b.Helper()
	if trail != "" {
		return trail
	}
	dir := filepath.Join(folder, "trail")
	if _, _, err := large.Write(dir, large.Options{Events: events, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	trail = dir
	return trail
}

func objects(b *testing.B) (list [][]byte, size int64) {
	b.Helper()
	err := filepath.WalkDir(made(b), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		text, err := os.ReadFile(path)
		list, size = append(list, text), size+int64(len(text))
		return err
	})
	if err != nil || len(list) == 0 {
		b.Fatalf("%d objects: %v", len(list), err)
	}
	return list, size
}

func BenchmarkGunzip(b *testing.B) {
	list, size := objects(b)
	b.SetBytes(size)
	b.ReportAllocs()
	var z gzip.Reader
	buf := make([]byte, 256<<10)
	for b.Loop() {
		for _, text := range list {
			if err := z.Reset(bytes.NewReader(text)); err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{&z}, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// counter is a sink that keeps nothing.
type counter struct{ records, bytes int }

func (c *counter) Begin(ingest.Object) error { return nil }
func (c *counter) Record(r *ingest.Record, _ int) error {
	c.records++
	c.bytes += len(r.Raw)
	return nil
}
func (c *counter) End(*ingest.Entry) error    { return nil }
func (c *counter) Abort()                     {}
func (c *counter) Failed(*ingest.Entry) error { return nil }

// BenchmarkDecode is gunzip, splitting and decoding, without a store.
func BenchmarkDecode(b *testing.B) {
	_, size := objects(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		var c counter
		read(b, ingest.Options{Workers: 1, Limits: ingest.DefaultLimits, NewSink: func() ingest.Sink { return &c }})
		if c.records < events {
			b.Fatalf("%d records", c.records)
		}
	}
}

// ingested reads the trail into a new index.
func ingested(b *testing.B, dir string, workers int) {
	b.Helper()
	w, err := index.OpenWriter(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	read(b, ingest.Options{Workers: workers, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink})
	if err := w.Finish(); err != nil {
		b.Fatal(err)
	}
}

func read(b *testing.B, opts ingest.Options) {
	b.Helper()
	src, err := ingest.NewLocal(made(b))
	if err != nil {
		b.Fatal(err)
	}
	if err := ingest.Run(context.Background(), []ingest.Source{src}, opts); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkIngest is the whole way from gzip to a committed index, by the
// number of workers.
func BenchmarkIngest(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			_, size := objects(b)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				ingested(b, filepath.Join(b.TempDir(), "ix"), workers)
			}
			b.ReportMetric(float64(b.N*events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

var shared *index.Index

// indexed returns the index that all benchmarks share.
func indexed(b *testing.B) *index.Index {
	b.Helper()
	if shared != nil {
		return shared
	}
	dir := filepath.Join(folder, "index")
	ingested(b, dir, 2)
	var err error
	if shared, err = index.Open(dir); err != nil {
		b.Fatal(err)
	}
	return shared
}

// BenchmarkQuery runs each shape of query on a fresh view of the index, as a
// process does.
func BenchmarkQuery(b *testing.B) {
	ix := indexed(b)
	var some *query.Event
	for e, err := range query.NewEngine(ix).Events(b.Context(), query.Filter{Where: []query.Term{query.Is(index.EventName, "GetObject")}}) {
		if err != nil {
			b.Fatal(err)
		}
		some = e
		break
	}
	if some == nil {
		b.Fatal("no event to look for")
	}
	for _, shape := range []struct {
		name   string
		filter query.Filter
	}{
		{"eventID", query.Filter{Expr: compiled(b, "eventID == "+strconv.Quote(some.ID))}},
		{"term", query.Filter{Where: []query.Term{query.Is(index.Outcome, index.OutcomeDenied)}}},
		{"prefix", query.Filter{Where: []query.Term{query.Is(index.Resource, "arn:aws:iam:*")}}},
		{"glob", query.Filter{Where: []query.Term{query.Is(index.Principal, "*/i-0*")}}},
		{"expression", query.Filter{Expr: compiled(b, `eventName startsWith "Put" && userAgent contains "aws-cli"`)}},
		{"hour", query.Filter{From: some.Time, To: some.Time.Add(time.Hour)}},
		{"all", query.Filter{}},
	} {
		b.Run(shape.name, func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				found = 0
				fresh, err := index.Open(filepath.Join(folder, "index"))
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range query.NewEngine(fresh).Events(b.Context(), shape.filter) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
				fresh.Close()
			}
			if found == 0 {
				b.Fatal("nothing found")
			}
			b.ReportMetric(float64(found), "events")
		})
	}
}

func compiled(b *testing.B, text string) *query.Expr {
	b.Helper()
	e, err := query.Compile(text)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkCorrelate(b *testing.B) {
	engine := query.NewEngine(indexed(b))
	b.ReportAllocs()
	for b.Loop() {
		found := 0
		for _, err := range correlate.Run(b.Context(), engine, correlate.Options{}) {
			if err != nil {
				b.Fatal(err)
			}
			found++
		}
		if found == 0 {
			b.Fatal("no finding")
		}
	}
}
