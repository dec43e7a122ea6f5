package query

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/index"
)

// A corrected record stays apart from what it corrects, and both are found by
// the id of the event.
func TestAddenda(t *testing.T) {
	const id = "11111111-aaaa-4bbb-8ccc-000000000001"
	record := func(eventID, name, rest string) string {
		return fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":%q,"eventID":%q%s}`, name, eventID, rest)
	}
	corrects := `{"reason":"UPDATED_DATA","updatedFields":"responseElements","originalRequestID":"R","originalEventID":"` + id + `"}`
	other := func(n int) string { return strings.Replace(id, "11111111", fmt.Sprintf("2222222%d", n), 1) }
	records := []string{
		record(id, "original", ""),
		record(id, "same id, other bytes", `,"addendum":{"reason":"DELIVERY_DELAY"}`),
		record(other(0), "correction", `,"addendum":`+corrects),
		record(other(1), "escaped key", `,"adden\u0064um":`+corrects),
		record(other(2), "last one counts", `,"addendum":null,"addendum":`+corrects),
		record(other(3), "no longer", `,"addendum":`+corrects+`,"addendum":null`),
		record(other(4), "unrelated", `,"addendum":{"originalEventID":"x"}`),
		record(other(5), "text", `,"addendum":"`+id+`"`),
		`{"version":"0","id":"` + other(6) + `","detail-type":"CodePipeline Pipeline Execution State Change","source":"aws.codepipeline","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"us-east-1","resources":[],"detail":{"state":"FAILED"},"addendum":` + corrects + `}`,
	}
	in := t.TempDir()
	if err := os.WriteFile(filepath.Join(in, "a.json"), []byte(strings.Join(records, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	ix := ingested(t, 1, in)
	names := func(e *Engine, text string) []string {
		expr, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		list := []string{}
		for ev, err := range e.Events(context.Background(), Filter{Expr: expr}) {
			if err != nil {
				t.Fatal(err)
			}
			var r map[string]any
			if err := json.Unmarshal(ev.Raw, &r); err != nil {
				t.Fatal(err)
			}
			name, ok := r["eventName"].(string)
			if !ok {
				name = "state change"
			}
			list = append(list, name)
		}
		slices.Sort(list)
		return list
	}
	for text, want := range map[string][]string{
		EventIDExpr(id):                        {"correction", "escaped key", "last one counts", "original", "same id, other bytes", "state change"},
		EventIDExpr("x"):                       {"unrelated"},
		`addendum.reason == "DELIVERY_DELAY"`:  {"same id, other bytes"},
		`addendum.reason startsWith "UPDATED"`: {"correction", "escaped key", "last one counts", "state change"},
	} {
		got, reference := names(NewEngine(ix), text), names(NewScanner(ix), text)
		if diff := cmp.Diff(reference, got); diff != "" {
			t.Errorf("%s (-scan +index):\n%s", text, diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	segments, err := ix.Segments("2026-03-01")
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	rows := index.NewRowSet()
	if err := segments[0].Find(index.Outcome, []string{index.OutcomeAddendum}, rows); err != nil || rows.GetCardinality() >= 8 {
		t.Errorf("%d rows have an addendum, %v", rows.GetCardinality(), err)
	}
}
