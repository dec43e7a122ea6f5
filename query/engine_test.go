package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeTrail makes a folder of deliveries whose days overlap, so that segments
// do too. Some events have no time, some share theirs.
func writeTrail(t *testing.T, records int, pad string) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 5))
	start := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	var lines []string
	for i := range records {
		at := `"` + start.Add(time.Duration(rng.IntN(8*3600))*time.Second).Format(time.RFC3339) + `"`
		if rng.IntN(50) == 0 {
			at = `"soon"`
		}
		lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%s,"eventSource":"s3.amazonaws.com","eventName":"Get%d","userIdentity":{"type":"IAMUser","userName":"u%d"},"requestParameters":{"pad":"%s"},"eventID":"%08d-0000-4000-8000-000000000000"}`,
			at, rng.IntN(5), rng.IntN(7), pad, i))
		if len(lines) == 100 || i == records-1 {
			name := filepath.Join(dir, fmt.Sprintf("%04d.json", i))
			if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			lines = nil
		}
	}
	return dir
}

// Latest first is the order of time, turned round: for any filter, over several
// segments, and when blocks do not fit.
func TestLatestIsTheOrderTurnedRound(t *testing.T) {
	for name, dir := range map[string]string{
		"small": writeTrail(t, 3000, ""),
		"large": writeTrail(t, 90, strings.Repeat("x", 250<<10)), // a block of 256 does not fit
	} {
		ix := ingested(t, 3, dir)
		at := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
		expr, err := Compile(`eventName in ["Get1","Get3"] || userIdentity.userName == "u2"`)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range []Filter{{}, {From: at}, {To: at}, {From: at, To: at.Add(3 * time.Hour)}, {Expr: expr}, {Expr: expr, From: at}, {From: at.AddDate(1, 0, 0)}} {
			for _, q := range []*Engine{NewEngine(ix), NewScanner(ix)} {
				want := collect(t, q, f)
				slices.Reverse(want)
				if len(want) == 0 && i != 6 {
					t.Fatalf("%s: filter %d finds nothing", name, i)
				}
				f.Latest = true
				if diff := cmp.Diff(sources(want), sources(collect(t, q, f))); diff != "" {
					t.Errorf("%s: filter %d (-reversed +latest):\n%s", name, i, diff)
				}
				f.Latest = false
			}
		}
	}
}

// An event on which an expression needs too much work is told and left out; the
// others are found.
func TestUndecided(t *testing.T) {
	dir := t.TempDir()
	list := strings.Repeat(`"abcdefgh",`, 20000) + `"x"`
	text := `{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X","eventTime":"2026-03-01T10:00:00Z","eventID":"00000001-0000-4000-8000-000000000000","requestParameters":{"l":["x"]}}
{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X","eventTime":"2026-03-01T11:00:00Z","eventID":"00000002-0000-4000-8000-000000000000","requestParameters":{"l":[` + list + `]}}
{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X","eventTime":"2026-03-01T12:00:00Z","eventID":"00000003-0000-4000-8000-000000000000","requestParameters":{"l":["x"]}}`
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	q := NewEngine(ingested(t, 1, dir))
	expr, err := Compile(`any(requestParameters.l, let a = #; any($env.requestParameters.l, # == "x" && a == "x" && a != "y" || # == "nothing"))`)
	if err != nil {
		t.Fatal(err)
	}
	f := Filter{Expr: expr}
	var failed error
	for _, err := range q.Events(context.Background(), f) {
		failed = err
	}
	if failed == nil || !strings.Contains(failed.Error(), "steps") {
		t.Errorf("without Undecided the query ends with %v", failed)
	}
	var told []string
	f.Undecided = func(e *Event, err error) { told = append(told, e.ID+": "+err.Error()) }
	found := collect(t, q, f)
	if len(found) != 2 || len(told) != 1 || !strings.HasPrefix(told[0], "00000002-") {
		t.Errorf("found %d events, undecided %q; want 2 and the second event", len(found), told)
	}
	x, err := q.Explain(context.Background(), f, 0)
	if err != nil || x.Read.Matches != 2 || x.Read.Undecided != 1 || x.Read.Records != 3 {
		t.Errorf("explained as %+v, %v", x, err)
	}
}

// What explain counts is what there is.
func TestExplain(t *testing.T) {
	ix := ingested(t, 2, writeTrail(t, 1000, ""))
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	expr, err := Compile(`eventName == "Get1"`)
	if err != nil {
		t.Fatal(err)
	}
	f := Filter{From: at, Expr: expr}
	x, err := NewEngine(ix).Explain(context.Background(), f, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(collect(t, NewEngine(ix), f)))
	if n == 0 || x.Read.Matches != n || x.Read.Candidates != n || x.Read.Records != n || x.Total.Rows != 1000 || x.Read.Days != 1 || x.Total.Days != 3 {
		t.Errorf("%+v, want %d matches", x, n)
	}
	if got := x.String(); !strings.Contains(got, "plan        eventName is \"Get1\"\n") || !strings.Contains(got, "days        1 of 3 in the time range\n") {
		t.Errorf("explained as\n%s", got)
	}
	scanned, err := NewScanner(ix).Explain(context.Background(), f, 0)
	if err != nil || scanned.Read.Matches != n || scanned.Read.Records <= n {
		t.Errorf("%+v, %v; want %d matches of more records", scanned, err, n)
	}
}
