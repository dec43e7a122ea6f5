package query

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// Events that only their bytes tell apart come in one order, whichever columns
// are asked for and whichever segments hold them.
func TestProjectionKeepsTheOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	for round := range 3 {
		var trail []byte
		for n := range 40 {
			trail = fmt.Appendf(trail, `{"eventVersion":"1.08","eventID":"id-%d","eventTime":"2026-03-01T10:00:0%dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","recipientAccountId":"111122223333","requestParameters":{"version":%d}}`+"\n",
				n/4, n/20, (n*7+round*3)%10)
		}
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d.json", round))
		if err := os.WriteFile(file, trail, 0o600); err != nil {
			t.Fatal(err)
		}
		ingestInto(t, dir, 1, file)
	}
	ix := opened(t, dir)
	segments, err := ix.Segments("2026-03-01")
	if err != nil || len(segments) < 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, latest := range []bool{false, true} {
		want := collect(t, NewEngine(ix), Filter{Latest: latest})
		for _, only := range []*Projection{NewProjection(), NewProjection(ingest.EventName, ingest.EventID)} {
			got := collect(t, NewEngine(ix), Filter{Latest: latest, Only: only})
			if len(got) != len(want) || len(want) < 60 {
				t.Fatalf("%d events of %d", len(got), len(want))
			}
			for i, e := range got {
				record, err := e.Record()
				if err != nil || !bytes.Equal(record, want[i].Raw) || e.Source() != want[i].Source() {
					t.Fatalf("latest %t, event %d: %s %s, %v\nwant %s %s", latest, i, e.Source(), record, err, want[i].Source(), want[i].Raw)
				}
				if named := e.Values.Text(ingest.EventName); only.Has(ingest.EventName) != (named == "GetObject") {
					t.Fatalf("eventName is %q", named)
				}
			}
		}
	}
}

// Keep leaves events out by what it asks of their columns, and the others have all
// columns whatever it asked for.
func TestKeepReadsOnDemand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	var trail []byte
	for n := range 200 {
		trail = fmt.Appendf(trail, `{"eventVersion":"1.08","eventID":"id-%d","eventTime":"2026-03-01T10:%02d:00Z","eventSource":"s3.amazonaws.com","eventName":"Get%d","recipientAccountId":"111122223333","requestParameters":{"n":%d}}`+"\n", n, n%60, n%3, n)
	}
	file := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(file, trail, 0o600); err != nil {
		t.Fatal(err)
	}
	ingestInto(t, dir, 1, file)
	only := NewProjection(ingest.EventName, ingest.RequestParameters)
	part := NewPart(ingest.EventName)
	keep := func(at time.Time, v *Values) bool {
		return at.Minute() >= 10 && v.Part(part).Text(ingest.EventName) != "Get0" && v.Part(part).Text(ingest.RequestParameters) == ""
	}
	all := collect(t, NewEngine(opened(t, dir)), Filter{Only: only})
	got := collect(t, NewEngine(opened(t, dir)), Filter{Only: only, Keep: keep})
	for _, e := range all {
		if !keep(e.Time, e.Values) {
			continue
		}
		if len(got) == 0 || got[0].ID != e.ID || got[0].Source() != e.Source() || got[0].Values.Text(ingest.RequestParameters) != e.Values.Text(ingest.RequestParameters) {
			t.Fatalf("%s is missing or not what it was: %v", e.ID, got)
		}
		got = got[1:]
	}
	if len(all) != 200 || len(got) > 0 {
		t.Fatalf("%d events in all, %d too many", len(all), len(got))
	}
}
