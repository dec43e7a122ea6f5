package query

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
)

// Stats count what one query looked at.
type Stats struct {
	Days         int   `json:"days"`         // partitions in the time range
	Segments     int   `json:"segments"`     // in those, with events in the time range
	RuledOut     int   `json:"ruledOut"`     // of those, by their terms
	OutsideTimes int   `json:"outsideTimes"` // segments of those days without events in the time range
	Rows         int64 `json:"rows"`         // events in the segments that were searched
	Candidates   int64 `json:"candidates"`   // of those, what the terms left
	Records      int64 `json:"records"`      // read to decide
	Bytes        int64 `json:"bytes"`        // of those records
	Matches      int64 `json:"matches"`
	Undecided    int64 `json:"undecided"` // too much work for the expression
}

func (s *Stats) partition() {
	if s != nil {
		s.Days++
	}
}

func (s *Stats) outside() {
	if s != nil {
		s.OutsideTimes++
	}
}

func (s *Stats) ruledOut() {
	if s != nil {
		s.Segments++
		s.RuledOut++
	}
}

func (s *Stats) searched(rows int, candidates *index.RowSet) {
	if s == nil {
		return
	}
	s.Segments++
	s.Rows += int64(rows)
	if candidates == nil {
		s.Candidates += int64(rows)
	} else {
		s.Candidates += int64(candidates.GetCardinality())
	}
}

func (s *Stats) read(bytes int) {
	if s != nil {
		s.Records++
		s.Bytes += int64(bytes)
	}
}

// Explanation is how a query was answered.
type Explanation struct {
	From  string   `json:"from"` // "" when open
	To    string   `json:"to"`
	Terms []string `json:"terms"` // what the filters look up, all must hold
	Expr  string   `json:"expr"`  // the expression, or ""
	Plan  string   `json:"plan"`  // what the index contributes to it: "all" is nothing
	Scan  bool     `json:"scan"`  // the index was not asked
	Total struct {
		Days     int   `json:"days"`
		Segments int   `json:"segments"`
		Rows     int64 `json:"rows"`
	} `json:"total"` // what the index holds
	Read Stats `json:"read"`
}

// Explain runs a query, drops its events, and tells how it was answered. limit
// ends it after so many events; 0 is no limit.
func (q *Engine) Explain(ctx context.Context, f Filter, limit int) (*Explanation, error) {
	x := &Explanation{Scan: q.scan, Terms: []string{}}
	x.describe(f)
	x.Total.Days = len(q.ix.Partitions())
	for _, s := range q.ix.Sizes() {
		if s.Rows > 0 {
			x.Total.Segments++
			x.Total.Rows += int64(s.Rows)
		}
	}
	counted := &Engine{ix: q.ix, scan: q.scan, stats: &x.Read}
	told := f.Undecided
	f.Undecided = func(e *Event, err error) {
		x.Read.Undecided++
		if told != nil {
			told(e, err)
		}
	}
	for _, err := range counted.Events(ctx, f) {
		if err != nil {
			return nil, err
		}
		if x.Read.Matches++; x.Read.Matches == int64(limit) {
			break
		}
	}
	return x, nil
}

func (x *Explanation) describe(f Filter) {
	if !f.From.IsZero() {
		x.From = f.From.Format(time.RFC3339Nano)
	}
	if !f.To.IsZero() {
		x.To = f.To.Format(time.RFC3339Nano)
	}
	for _, t := range f.Where {
		x.Terms = append(x.Terms, Plan{Op: PlanTerm, Term: t}.String())
	}
	if len(f.Any) > 0 {
		any := Plan{Op: PlanOr}
		for _, set := range f.Any {
			all := Plan{Op: PlanAnd}
			for _, t := range set.Where {
				all.Args = append(all.Args, Plan{Op: PlanTerm, Term: t})
			}
			any.Args = append(any.Args, all)
		}
		x.Terms = append(x.Terms, any.String())
	}
	if f.Expr != nil {
		x.Expr, x.Plan = f.Expr.String(), f.Expr.Plan().String()
	}
}

// String tells it in lines for people. It holds nothing of a record but what the
// caller asked for.
func (x *Explanation) String() string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s  %s\n", label, fmt.Sprintf(format, args...))
	}
	if x.From != "" || x.To != "" {
		line("times", "from %s to %s", orOpen(x.From), orOpen(x.To))
	}
	for _, t := range x.Terms {
		line("filter", "%s", t)
	}
	if x.Expr != "" {
		line("expr", "%s", x.Expr)
		line("plan", "%s", x.Plan)
	}
	if x.Scan {
		line("scan", "every event is looked at; the terms are not asked")
	}
	r := &x.Read
	line("days", "%d of %d in the time range", r.Days, x.Total.Days)
	line("segments", "%d of %d searched; %d outside the time range, %d ruled out by their terms",
		r.Segments-r.RuledOut, x.Total.Segments, x.Total.Segments-r.Segments, r.RuledOut)
	line("events", "%d of %d left by the terms", r.Candidates, x.Total.Rows)
	line("read", "%d records, %d bytes", r.Records, r.Bytes)
	line("matches", "%d", r.Matches)
	if r.Undecided > 0 {
		line("undecided", "%d, too much work for the expression", r.Undecided)
	}
	return b.String()
}

func orOpen(t string) string {
	if t == "" {
		return "any time"
	}
	return t
}
