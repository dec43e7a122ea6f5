package correlate

import (
	"cmp"
	"iter"
	"slices"
)

// CauseSchema names the shape of a Cause in its JSON form.
const CauseSchema = "trailblame.cause/1"

// Cause is one change with all findings whose first candidate it is. Findings
// without a candidate above related are folded by their diagnosis.
type Cause struct {
	Schema    string     `json:"schema"`
	Change    *ChangeRef `json:"change"` // null when no change is blamed
	Level     Level      `json:"level,omitempty"`
	Diagnosis Diagnosis  `json:"diagnosis"`
	// Findings are the ids of the findings, in the order of their failures.
	Findings []string `json:"findings"`
	// Failures counts the failing events of all of them.
	Failures   int      `json:"failures"`
	Principals []string `json:"principals"` // who was hit, by name
	Hit        []Hit    `json:"hit"`        // who was hit, most failures first
	Actions    []string `json:"actions"`
	Resources  []string `json:"resources"`
	First      Citation `json:"first"`
	Last       Citation `json:"last"`
}

// Hit is one principal that a cause hit.
type Hit struct {
	Principal string `json:"principal"`
	Failures  int    `json:"failures"`
}

// Grouping folds findings by the change that each blames first. The zero
// Grouping is empty and ready.
type Grouping struct {
	by   map[string]*Cause
	hits map[*Cause]map[string]int
	list []*Cause
}

// Add folds one finding in. Of the finding nothing but short texts is kept.
func (g *Grouping) Add(f *Finding) {
	if g.by == nil {
		g.by, g.hits = map[string]*Cause{}, map[*Cause]map[string]int{}
	}
	key := string(f.Diagnosis)
	blamed := f.blamed()
	if blamed != nil {
		key = "change " + blamed.Change.EventID + " " + blamed.Change.Object
	}
	c := g.by[key]
	if c == nil {
		c = &Cause{Schema: CauseSchema, Diagnosis: f.Diagnosis, First: f.Failure.First, Last: f.Failure.Last}
		g.by[key], g.hits[c] = c, map[string]int{}
		g.list = append(g.list, c)
	}
	c.add(f, blamed)
	g.hits[c][f.Failure.Principal] += f.Failure.Count
}

// Causes returns what was folded, in the order of the first failures. Nothing
// may be added afterwards.
func (g *Grouping) Causes() []*Cause {
	for _, c := range g.list {
		for _, list := range []*[]string{&c.Principals, &c.Actions, &c.Resources} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		for _, p := range c.Principals {
			c.Hit = append(c.Hit, Hit{Principal: p, Failures: g.hits[c][p]})
		}
		slices.SortStableFunc(c.Hit, func(a, b Hit) int { return cmp.Compare(b.Failures, a.Failures) })
	}
	slices.SortStableFunc(g.list, func(a, b *Cause) int {
		return cmp.Or(a.First.EventTime.Compare(b.First.EventTime.Time), cmp.Compare(a.First.EventID, b.First.EventID))
	})
	return g.list
}

// Causes folds a sequence of findings. It ends with their first error.
func Causes(findings iter.Seq2[*Finding, error]) ([]*Cause, error) {
	var g Grouping
	for f, err := range findings {
		if err != nil {
			return nil, err
		}
		g.Add(f)
	}
	return g.Causes(), nil
}

// blamed is the first candidate, when it is more than related.
func (f *Finding) blamed() *Candidate {
	if len(f.Candidates) == 0 || levelRank(f.Candidates[0].Level) > levelRank(Consistent) {
		return nil
	}
	return &f.Candidates[0]
}

func (c *Cause) add(f *Finding, blamed *Candidate) {
	if blamed != nil {
		if c.Change == nil || levelRank(blamed.Level) < levelRank(c.Level) {
			c.Change, c.Level, c.Diagnosis = &blamed.Change, blamed.Level, f.Diagnosis
		}
	}
	c.Findings = append(c.Findings, f.ID)
	c.Failures += f.Failure.Count
	c.Principals = append(c.Principals, f.Failure.Principal)
	c.Actions = append(c.Actions, f.Failure.Action)
	c.Resources = append(c.Resources, f.Failure.Resource)
	if f.Failure.First.EventTime.Before(c.First.EventTime.Time) {
		c.First = f.Failure.First
	}
	if f.Failure.Last.EventTime.After(c.Last.EventTime.Time) {
		c.Last = f.Failure.Last
	}
}

// blames reports whether a finding holds a change for its cause: as the first
// candidate, or as one that would have been sufficient by itself.
func (f *Finding) blames(eventID string) bool {
	if b := f.blamed(); b != nil && (b.Change.EventID == eventID || slices.Contains(b.AlsoSufficient, eventID)) {
		return true
	}
	return false
}
