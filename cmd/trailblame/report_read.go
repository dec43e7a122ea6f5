package main

import (
	"fmt"
	"slices"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// readView says what the report was made from, and what was not read.
type readView struct {
	Events      int64
	First, Last string
	Accounts    int
	Regions     int
	Totals      index.Totals
	Faults      []faultView
	MoreFaults  int
	Others      []labelled
	Coverage    string // in a sentence
	Hours       string // with events, in words
	Lacking     bool   // deliveries may be missing
	Map         *coverageMap
	Silences    []silenceView
	More        int // silences
	Pairs       []pairView
	MorePairs   int
}

type faultView struct{ Object, Status, Problem string }

// maxFaultsShown bounds the objects that a report names as not read.
const maxFaultsShown = 50

// newReadView asks an index what it holds.
func newReadView(found *findings) (*readView, error) {
	ix := found.ix
	v := &readView{Totals: ix.Totals()}
	in := inspection{Others: map[string]int64{}}
	if err := in.readLedger(ix); err != nil {
		return nil, err
	}
	v.faults(in.Faults)
	for _, shape := range sortedNames(in.Others) {
		v.Others = append(v.Others, labelled{Label: safe(shape), Text: thousands(in.Others[shape])})
	}
	v.hours(found.coverage)
	return v, v.segments(ix)
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v *readView) faults(list []*ingest.Entry) {
	v.MoreFaults = max(len(list)-maxFaultsShown, 0)
	for _, e := range list[:len(list)-v.MoreFaults] {
		f := faultView{Object: cutReportText(safe(e.Name)), Status: string(e.Status), Problem: cutReportText(safe(e.Problem))}
		if e.Malformed > 0 {
			f.Problem = fmt.Sprintf("%s malformed, skipped", counted(e.Malformed, "record", "records"))
			if len(e.Bad) > 0 {
				f.Problem += fmt.Sprintf("; the first, #%d: %s", e.Bad[0].Index, cutReportText(safe(e.Bad[0].Reason)))
			}
		}
		v.Faults = append(v.Faults, f)
	}
}

// segments counts the events, and who and where they are of.
func (v *readView) segments(ix *index.Index) error {
	seen, err := look(ix)
	if err != nil {
		return err
	}
	v.Events, v.Accounts, v.Regions = seen.events, len(seen.accounts), len(seen.regions)
	if !seen.last.IsZero() {
		v.First, v.Last = clock(correlate.Time{Time: seen.first}), clock(correlate.Time{Time: seen.last})
	}
	return nil
}

// counted writes a large number with its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
