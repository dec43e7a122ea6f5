package score

import (
	"slices"

	"github.com/trailblame/trailblame/bench/trailgen/scenario"
	"github.com/trailblame/trailblame/correlate"
)

// Row counts what was right in a set of scenarios.
type Row struct {
	Scenarios  int
	Blamed     int // with a change to blame
	First      int // of those, the first candidate is that change
	Levels     map[correlate.Level]int
	Proven     int // candidates claimed as proven, in any finding
	ProvenTrue int
	Window     int // of the blamed, searched and found in the right window
	Spreads    int // with a spread that the trail tells
	Spread     int
	Clean      int // without a change to blame
	Accused    int // of those, with a candidate above related
	Faults     []string
}

func newRow() *Row { return &Row{Levels: map[correlate.Level]int{}} }

// add counts one scenario.
func (r *Row) add(c *Case) {
	r.Scenarios++
	r.addProven(c)
	if c.Label.Culprit == nil {
		r.Clean++
		if who := accused(c); who != "" {
			r.Accused++
			r.fault(c, "accuses "+who)
		}
		return
	}
	r.Blamed++
	f := c.finding()
	if f == nil {
		r.fault(c, "has no finding")
		return
	}
	r.addFirst(c, f)
	if c.Label.Spread != "" {
		r.Spreads++
		if f.Failure.Spread.Pattern == c.Label.Spread {
			r.Spread++
		} else {
			r.fault(c, "spread "+f.Failure.Spread.Pattern+", not "+c.Label.Spread)
		}
	}
}

// addFirst judges the first candidate.
func (r *Row) addFirst(c *Case, f *correlate.Finding) {
	if len(f.Candidates) == 0 {
		r.fault(c, "no candidate: "+string(f.Diagnosis)+vetoOf(c, f))
		return
	}
	best := f.Candidates[0]
	if !guilty(&c.Label, best.Change.EventID) {
		r.fault(c, "blames "+string(best.Level)+" "+best.Change.EventName+vetoOf(c, f))
		return
	}
	r.First++
	r.Levels[best.Level]++
	if f.Search.FoundIn != nil && *f.Search.FoundIn == c.Label.Window {
		r.Window++
	} else {
		r.fault(c, "not found in "+c.Label.Window)
	}
}

// vetoOf says where the culprit ended up.
func vetoOf(c *Case, f *correlate.Finding) string {
	for _, v := range f.Vetoed {
		if v.EventID == *c.Label.Culprit {
			return "; the culprit is vetoed: " + v.Reason
		}
	}
	for _, o := range f.Candidates {
		if o.Change.EventID == *c.Label.Culprit {
			return "; the culprit comes later, " + string(o.Level)
		}
	}
	return "; the culprit is not named"
}

// addProven checks every claim of proof in every finding.
func (r *Row) addProven(c *Case) {
	for _, f := range c.Findings {
		for _, o := range f.Candidates {
			if o.Level != correlate.Proven {
				continue
			}
			r.Proven++
			if c.Label.Culprit != nil && guilty(&c.Label, o.Change.EventID) {
				r.ProvenTrue++
			} else {
				r.fault(c, "wrongly proves "+o.Change.EventName+" behind "+f.Failure.Action)
			}
		}
	}
}

func (r *Row) fault(c *Case, what string) {
	r.Faults = append(r.Faults, c.Label.Name+" ("+c.Label.Style+", baseline "+c.Label.Baseline+"): "+what)
}

// guilty reports whether an event is the change to blame or one of its steps.
func guilty(l *scenario.Label, id string) bool {
	return l.Culprit != nil && *l.Culprit == id || slices.Contains(l.Also, id)
}

// finding returns the finding that begins with the scenario's first failure.
func (c *Case) finding() *correlate.Finding {
	for _, f := range c.Findings {
		if f.Failure.First.EventID == c.Label.FirstFailure {
			return f
		}
	}
	return nil
}

// accused returns the change that any finding of a scenario without a cause
// puts above related, or "".
func accused(c *Case) string {
	for _, f := range c.Findings {
		for _, o := range f.Candidates {
			if o.Level != correlate.Related && o.Level != correlate.Temporal {
				return string(o.Level) + " " + o.Change.EventName + " behind " + f.Failure.Action
			}
		}
	}
	return ""
}

// Table is the rows of a run by mechanism and by what else tells scenarios
// apart, with the sum of all.
type Table struct {
	All   *Row
	Order []string // of mechanisms
	By    map[string]map[string]*Row
}

// Count makes the table.
func Count(cases []Case) *Table {
	t := &Table{All: newRow(), By: map[string]map[string]*Row{}}
	for i := range cases {
		c := &cases[i]
		t.All.add(c)
		if !slices.Contains(t.Order, c.Label.Mechanism) {
			t.Order = append(t.Order, c.Label.Mechanism)
		}
		t.row("mechanism", c.Label.Mechanism).add(c)
		t.row("gap", c.Label.Window).add(c)
		t.row("message", c.Label.Style).add(c)
		t.row("baseline", c.Label.Baseline).add(c)
		if len(c.Label.Decoys) == 0 {
			t.row("decoy", "none").add(c)
		}
		for d := range c.Label.Decoys {
			t.row("decoy", d).add(c)
		}
	}
	return t
}

func (t *Table) row(dimension, value string) *Row {
	if t.By[dimension] == nil {
		t.By[dimension] = map[string]*Row{}
	}
	r := t.By[dimension][value]
	if r == nil {
		r = newRow()
		t.By[dimension][value] = r
	}
	return r
}
