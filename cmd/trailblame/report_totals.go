package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// reportTotals sums findings up, all of them, also those beyond the limit. Its
// memory grows with the minutes that saw a failure and the changes blamed.
type reportTotals struct {
	Findings, Failures int
	badges             map[string]int
	facets             [len(facetNames)]map[string]int
	minutes            map[int64]*[2]int // failures by minute: blamed on a change, and not
	culprits           map[string]*culprit
}

// facetNames are what a reader may filter the findings by.
var facetNames = [...]string{"level", "playbook", "principal", "account"}

// culprit is a change that findings are blamed on.
type culprit struct {
	EventID, Level, Claim, Deed, Time string
	Findings, Failures                int
	at                                int64
	timed                             bool // at is known
	rank                              int
}

func newReportTotals() *reportTotals {
	t := &reportTotals{badges: map[string]int{}, minutes: map[int64]*[2]int{}, culprits: map[string]*culprit{}}
	for i := range t.facets {
		t.facets[i] = map[string]int{}
	}
	return t
}

// badges in the order in which they are told: the claims from strong to weak,
// then what blames nothing.
var badgeOrder = []string{"proven", "observed", "consistent", "propagation", "never-allowed", "unexplained"}

func badgeRank(badge string) int {
	if i := slices.Index(badgeOrder, badge); i >= 0 {
		return i
	}
	return len(badgeOrder)
}

// add counts a finding whose strings are safe.
func (t *reportTotals) add(f *correlate.Finding) {
	t.Findings++
	t.Failures += f.Failure.Count
	b := badge(f)
	t.badges[b]++
	for i, value := range facetsOf(f, b) {
		t.facets[i][value]++
	}
	which := 1
	if blames(f) {
		which = 0
		t.blame(f, b)
	}
	for _, a := range withBounds(f) {
		if a.Failed && !a.EventTime.IsZero() {
			minute := floorDiv(a.EventTime.Unix(), 60)
			if t.minutes[minute] == nil {
				t.minutes[minute] = new([2]int)
			}
			t.minutes[minute][which]++
		}
	}
}

func facetsOf(f *correlate.Finding, badge string) [len(facetNames)]string {
	return [...]string{badge, f.Playbook, someone(f.Failure.Principal), cmp.Or(f.Failure.Account, "unknown")}
}

func (t *reportTotals) blame(f *correlate.Finding, badge string) {
	c := &f.Candidates[0]
	k := t.culprits[c.Change.EventID]
	if k == nil {
		k = &culprit{EventID: c.Change.EventID, Deed: deed(c), Time: clock(c.Change.EventTime), at: c.Change.EventTime.Unix(), timed: !c.Change.EventTime.IsZero(), rank: len(badgeOrder) + 1}
		t.culprits[k.EventID] = k
	}
	k.Findings++
	k.Failures += f.Failure.Count
	if r := badgeRank(badge); r < k.rank {
		k.rank, k.Level, k.Claim = r, badge, claim(f, c)
	}
}

// blamed lists the changes, those first that broke most.
func (t *reportTotals) blamed() []*culprit {
	var list []*culprit
	for _, k := range t.culprits {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *culprit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.Failures, a.Failures), cmp.Compare(a.at, b.at), cmp.Compare(a.EventID, b.EventID))
	})
	return list
}

// option is a value to filter by.
type option struct {
	Value string
	Count int
}

// maxOptions bounds the values that a filter offers; the search finds the rest.
const maxOptions = 500

func (t *reportTotals) options(facet int) []option {
	var list []option
	for value, n := range t.facets[facet] {
		list = append(list, option{value, n})
	}
	slices.SortFunc(list, func(a, b option) int {
		if facet == 0 {
			return cmp.Compare(badgeRank(a.Value), badgeRank(b.Value))
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return list[:min(len(list), maxOptions)]
}

// verdict sums the report up in a sentence or two.
func (t *reportTotals) verdict() string {
	if t.Findings == 0 {
		return "No access failure was found."
	}
	blamed, strong := 0, []string{}
	for _, b := range badgeOrder[:4] {
		if n := t.badges[b]; n > 0 {
			blamed += n
			strong = append(strong, fmt.Sprintf("%s %s", thousands(n), b))
		}
	}
	text := fmt.Sprintf("%s in %s.", counted(int64(t.Failures), "refusal", "refusals"), counted(int64(t.Findings), "episode", "episodes"))
	switch {
	case blamed == t.Findings && blamed == 1:
		text += fmt.Sprintf(" A change is blamed for it (%s).", strings.TrimPrefix(strong[0], "1 "))
	case blamed == t.Findings:
		text += fmt.Sprintf(" A change is blamed for each (%s).", strings.Join(strong, ", "))
	case blamed > 0:
		text += fmt.Sprintf(" A change is blamed for %s of them (%s).", thousands(blamed), strings.Join(strong, ", "))
	default:
		text += " No change is blamed."
	}
	if n := t.badges["never-allowed"]; n > 0 {
		text += fmt.Sprintf(" %s never allowed in this trail.", wereWas(n))
	}
	if n := t.badges["unexplained"]; n > 0 {
		text += fmt.Sprintf(" %s unexplained.", strings.Replace(wereWas(n), "was", "stays", 1))
	}
	return text
}

func wereWas(n int) string {
	if n == 1 {
		return "1 was"
	}
	return thousands(n) + " were"
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}
