package score

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// levels, best first, as the table lists them.
var levels = []correlate.Level{correlate.Proven, correlate.Observed, correlate.Consistent, correlate.Related, correlate.Temporal}

// dimensions are the breakdowns after the one by mechanism.
var dimensions = []string{"gap", "message", "baseline", "decoy"}

// Markdown writes the table.
func (t *Table) Markdown(w io.Writer) {
	fmt.Fprintln(w, "| mechanism | trails | first is right | proven and right | levels of the first | window right | spread right | accused without cause |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---|---:|---:|---:|")
	for _, m := range t.Order {
		t.By["mechanism"][m].line(w, m)
	}
	t.All.line(w, "**all**")
	for _, d := range dimensions {
		fmt.Fprintf(w, "\n| %s | trails | first is right | proven and right | accused without cause |\n|---|---:|---:|---:|---:|\n", d)
		for _, v := range slices.Sorted(maps.Keys(t.By[d])) {
			r := t.By[d][v]
			name := v
			if v == "" {
				name = "no change"
			}
			fmt.Fprintf(w, "| %s | %d | %s | %s | %s |\n", name, r.Scenarios, part(r.First, r.Blamed), part(r.ProvenTrue, r.Proven), part(r.Accused, r.Clean))
		}
	}
}

func (r *Row) line(w io.Writer, name string) {
	fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s | %s | %s |\n", name, r.Scenarios, part(r.First, r.Blamed), part(r.ProvenTrue, r.Proven),
		r.levels(), part(r.Window, r.Blamed), part(r.Spread, r.Spreads), part(r.Accused, r.Clean))
}

func (r *Row) levels() string {
	var out []string
	for _, l := range levels {
		if n := r.Levels[l]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, l))
		}
	}
	return strings.Join(out, ", ")
}

// part writes a share; nothing of nothing is no figure.
func part(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", n, of)
}
