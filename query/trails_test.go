package query

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// sharedTrails returns the folders of real records, which do not come with the
// repository.
func sharedTrails(t *testing.T) []string {
	t.Helper()
	root := os.Getenv("TRAILBLAME_SHARED")
	if root == "" {
		root = "../../shared"
	}
	entries, err := os.ReadDir(filepath.Join(root, "trails"))
	if err != nil {
		t.Skipf("SKIPPED: NO REAL RECORDS TESTED: %v; set TRAILBLAME_SHARED to the folder that holds trails/", err)
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(root, "trails", e.Name()))
		}
	}
	if len(dirs) == 0 {
		t.Fatalf("%s holds no trails", root)
	}
	return dirs
}

// ingested reads a folder into a new index.
func ingested(t *testing.T, workers int, paths ...string) *index.Index {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ix")
	ingestInto(t, dir, workers, paths...)
	return opened(t, dir)
}

// ingestInto ingests paths into the index in dir.
func ingestInto(t *testing.T, dir string, workers int, paths ...string) {
	t.Helper()
	w, err := index.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
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

func opened(t *testing.T, dir string) *index.Index {
	t.Helper()
	ix, err := index.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

func collect(t *testing.T, q *Engine, f Filter) []*Event {
	t.Helper()
	var all []*Event
	for e, err := range q.Events(context.Background(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// Every record of every real trail comes back byte for byte, and the ledger of
// each folder adds up. What the records are is found out by encoding/json here.
func TestRealRecordsComeBack(t *testing.T) {
	for _, dir := range sharedTrails(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			ix := ingested(t, 2, dir)
			totals := ix.Totals()
			if !totals.Balanced() || totals.Damaged+totals.Unreadable > 0 {
				t.Errorf("ledger %+v", totals)
			}
			stored := map[string]int{}
			for _, e := range collect(t, NewEngine(ix), Filter{}) {
				stored[string(e.Raw)]++
			}
			delivered := deliveredRecords(t, dir)
			if len(delivered) == 0 {
				t.Fatal("no records found by the reference")
			}
			missing := 0
			for raw := range delivered {
				if stored[raw] == 0 {
					missing++
					t.Errorf("delivered, not stored: %.200s", raw)
				}
			}
			t.Logf("%d records delivered, %d distinct, %d missing; ledger %+v", totals.In, len(delivered), missing, totals.Counts)
		})
	}
}

// deliveredRecords finds the records in the files of a folder by their keys.
func deliveredRecords(t *testing.T, dir string) map[string]bool {
	t.Helper()
	records := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			if b, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		d := json.NewDecoder(bytes.NewReader(b))
		for {
			var v json.RawMessage
			if d.Decode(&v) != nil {
				return nil //nolint:nilerr // the file ends, or is no JSON from here on
			}
			findRecords(v, records, 0)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(dir, "opensearch") {
		records = repairedOpensearch(t, dir)
	}
	return records
}

// repairedOpensearch reads the one file that is not valid JSON as a whole: each
// of its records begins with eventVersion.
func repairedOpensearch(t *testing.T, dir string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "samples-large.json"))
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]bool{}
	for {
		i := bytes.Index(b, []byte(`"eventVersion"`))
		if i < 0 {
			return records
		}
		start := bytes.LastIndexByte(b[:i], '{')
		var v json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(b[start:])).Decode(&v); err != nil {
			t.Fatal(err)
		}
		records[oneLine(v)] = true
		b = b[i+1:]
	}
}

func findRecords(v json.RawMessage, records map[string]bool, depth int) {
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case depth > 4:
	case json.Unmarshal(v, &list) == nil:
		for _, e := range list {
			findRecords(e, records, depth+1)
		}
	case json.Unmarshal(v, &object) == nil:
		if looksLikeRecord(object) {
			records[oneLine(v)] = true
			return
		}
		for _, key := range []string{"Records", "detail", "aws", "cloudtrail", "r", "data"} {
			if inner, ok := object[key]; ok {
				findRecords(inner, records, depth+1)
			}
		}
	}
}

func looksLikeRecord(object map[string]json.RawMessage) bool {
	_, hasName := object["eventName"]
	_, hasVersion := object["eventVersion"]
	_, hasID := object["eventID"]
	_, notification := object["s3"]
	return hasName && (hasVersion || hasID) && !notification
}

func oneLine(v []byte) string {
	return string(bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, v))
}

// An indexed answer equals a scan: random filters over every real trail.
func TestPlanEqualsScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	found := 0
	for _, dir := range sharedTrails(t) {
		ix := ingested(t, 2, dir)
		all := collect(t, NewScanner(ix), Filter{})
		if len(all) == 0 {
			continue
		}
		for range 40 {
			f, text := randomFilter(t, rng, all)
			want := collect(t, NewScanner(ix), f)
			got := collect(t, NewEngine(ix), f)
			if diff := cmp.Diff(sources(want), sources(got)); diff != "" {
				t.Fatalf("%s: %s (-scan +plan):\n%s", dir, text, diff)
			}
			found += len(want)
		}
	}
	if found < 1000 {
		t.Errorf("the filters found only %d events in all", found)
	}
	t.Logf("%d events found", found)
}

func sources(events []*Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.Source()+" "+string(e.Raw))
	}
	return list
}

// randomFilter makes a filter out of values that events of the trail have.
func randomFilter(t *testing.T, rng *rand.Rand, all []*Event) (Filter, string) {
	t.Helper()
	var f Filter
	var err error
	src := randomExpr(t, rng, all, 0)
	if f.Expr, err = Compile(src); err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	if rng.IntN(3) == 0 {
		f.From = all[rng.IntN(len(all))].Time
	}
	if rng.IntN(3) == 0 {
		f.To = all[rng.IntN(len(all))].Time.Add(time.Second)
	}
	if rng.IntN(2) == 0 {
		term := randomTerm(t, rng, all)
		f.Where = append(f.Where, term)
		src += fmt.Sprintf(" where %v", term)
	}
	if rng.IntN(2) == 0 {
		for range 1 + rng.IntN(3) {
			f.Any = append(f.Any, Set{Where: []Term{randomTerm(t, rng, all), randomTerm(t, rng, all)}})
		}
		f.Any = append(f.Any, Set{Where: []Term{randomTerm(t, rng, all)}})
		for i := range f.Any {
			switch set := &f.Any[i]; rng.IntN(4) {
			case 0:
				set.From = all[rng.IntN(len(all))].Time
			case 1:
				set.To = all[rng.IntN(len(all))].Time
			case 2:
				set.From = all[rng.IntN(len(all))].Time
				set.To = set.From.Add(time.Duration(1+rng.IntN(7200)) * time.Second)
			}
		}
		src += fmt.Sprintf(" any %v", f.Any)
	}
	return f, src
}

// randomTerm takes a term that some event has, whole or as a glob.
func randomTerm(t *testing.T, rng *rand.Rand, all []*Event) Term {
	t.Helper()
	var reader index.TermReader
	var terms []Term
	err := reader.Terms(all[rng.IntN(len(all))].Raw, false, func(f index.Field, term []byte) {
		value := string(term)
		switch rng.IntN(3) {
		case 0:
			value = value[:len(value)/2] + "*"
		case 1:
			value = "*" + value[len(value)/2:]
		}
		terms = append(terms, Is(f, value))
	})
	if err != nil || len(terms) == 0 {
		t.Fatal(err, len(terms))
	}
	return terms[rng.IntN(len(terms))]
}

var exprPaths = []string{
	"eventName", "eventSource", "errorCode", "awsRegion", "recipientAccountId", "sourceIPAddress", "eventID", "requestID",
	"userIdentity.arn", "userIdentity.userName", "userIdentity.accessKeyId", "userIdentity.accountId", "userIdentity.type",
	"userIdentity.sessionContext.sessionIssuer.arn", "requestParameters.bucketName", "sharedEventID", "errorMessage",
}

func randomExpr(t *testing.T, rng *rand.Rand, all []*Event, depth int) string {
	t.Helper()
	if depth < 3 && rng.IntN(2) == 0 {
		op := []string{"&&", "||"}[rng.IntN(2)]
		return "(" + randomExpr(t, rng, all, depth+1) + " " + op + " " + randomExpr(t, rng, all, depth+1) + ")"
	}
	if depth < 3 && rng.IntN(5) == 0 {
		return "!" + "(" + randomExpr(t, rng, all, depth+1) + ")"
	}
	p := exprPaths[rng.IntN(len(exprPaths))]
	value := pathValue(t, all[rng.IntN(len(all))].Raw, p)
	text, ok := value.(string)
	if !ok {
		return p + []string{" == nil", " != nil"}[rng.IntN(2)]
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	part, _ := json.Marshal(text[:len(text)/2])
	other, _ := json.Marshal(fmt.Sprint(pathValue(t, all[rng.IntN(len(all))].Raw, p)))
	return slices.Concat([]string{
		p + " == " + string(quoted), string(quoted) + " == " + p, p + " != " + string(quoted),
		p + " startsWith " + string(part), p + " contains " + string(part), p + " in [" + string(quoted) + "," + string(other) + "]",
	})[rng.IntN(6)]
}

func pathValue(t *testing.T, raw []byte, path string) any {
	t.Helper()
	record, err := DecodeRecord(raw)
	if err != nil {
		t.Fatal(err)
	}
	var v any = record
	for _, key := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}
