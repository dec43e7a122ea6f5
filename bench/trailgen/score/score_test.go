package score

import (
	"os"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/bench/trailgen/scenario"
	"github.com/trailblame/trailblame/correlate"
)

// TestBars runs the product on labelled trails and wants what the bars want.
// TRAILBLAME_TEST=full takes two seeds of 600 trails.
func TestBars(t *testing.T) {
	mechanisms, blamed := scenario.Mechanisms()
	runs := map[uint64]int{1: 120}
	switch {
	case testing.Short():
		runs = map[uint64]int{1: len(mechanisms)}
	case os.Getenv("TRAILBLAME_TEST") == "full":
		runs = map[uint64]int{9: 600, 10: 600}
	}
	for seed, n := range runs {
		cases, err := Run(t.Context(), seed, n)
		if err != nil {
			t.Fatal(err)
		}
		table := Count(cases)
		for _, m := range table.Missed() {
			t.Errorf("seed %d: %s", seed, m)
		}
		for _, m := range mechanisms {
			r := table.By["mechanism"][m]
			if r == nil || blamed[m] != (r.Blamed > 0) || blamed[m] == (r.Clean > 0) {
				t.Errorf("seed %d: %s was not tried: %+v", seed, m, r)
			}
		}
		if t.Failed() {
			t.Log(strings.Join(table.All.Faults, "\n"))
		}
	}
}

// TestCountSeesFaults checks the counting itself: wrong answers must cost.
func TestCountSeesFaults(t *testing.T) {
	culprit := "c"
	label := scenario.Label{Name: "x", Mechanism: "m", Culprit: &culprit, Window: "5m", Spread: "branch", FirstFailure: "f"}
	clean := scenario.Label{Name: "y", Mechanism: "none", FirstFailure: "f"}
	finding := func(level correlate.Level, id, window, spread string) []*correlate.Finding {
		f := &correlate.Finding{Candidates: []correlate.Candidate{{Level: level, Change: correlate.ChangeRef{EventID: id}}}}
		f.Failure.First.EventID, f.Search.FoundIn, f.Failure.Spread.Pattern = "f", &window, spread
		return []*correlate.Finding{f}
	}
	for name, c := range map[string]struct {
		Case
		missed int
	}{
		"right":           {Case{label, finding(correlate.Proven, "c", "5m", "branch")}, 1}, // no clean trail
		"wrong change":    {Case{label, finding(correlate.Proven, "d", "5m", "branch")}, 5},
		"no finding":      {Case{label, nil}, 6},
		"wrong window":    {Case{label, finding(correlate.Proven, "c", "1h", "branch")}, 2},
		"wrong spread":    {Case{label, finding(correlate.Proven, "c", "5m", "single")}, 2},
		"accused":         {Case{clean, finding(correlate.Consistent, "d", "5m", "")}, 5},
		"clean":           {Case{clean, finding(correlate.Related, "d", "5m", "")}, 4},
		"proven of clean": {Case{clean, finding(correlate.Proven, "d", "5m", "")}, 5},
	} {
		if missed := Count([]Case{c.Case}).Missed(); len(missed) != c.missed {
			t.Errorf("%s: %d bars missed, want %d: %v", name, len(missed), c.missed, missed)
		}
	}
}
