package score

import "fmt"

// Missed lists the bars that a run does not reach, empty when it reaches all:
// the first candidate right in 95 of 100, a proof true in 99, windows and
// spreads right in 95, at most one in 100 trails without a cause accused, and
// no mechanism that is never found.
func (t *Table) Missed() []string {
	var out []string
	atLeast := func(what string, n, of, percent int) {
		if of == 0 || 100*n < percent*of {
			out = append(out, fmt.Sprintf("%s %d of %d, want %d%%", what, n, of, percent))
		}
	}
	r := t.All
	atLeast("first candidate right", r.First, r.Blamed, 95)
	atLeast("proofs true", r.ProvenTrue, r.Proven, 99)
	atLeast("window right", r.Window, r.Blamed, 95)
	atLeast("spread right", r.Spread, r.Spreads, 95)
	atLeast("left alone without a cause", r.Clean-r.Accused, r.Clean, 99)
	for _, m := range t.Order {
		if row := t.By["mechanism"][m]; row.Blamed > 0 && row.First == 0 {
			out = append(out, m+" is never found")
		}
	}
	return out
}
