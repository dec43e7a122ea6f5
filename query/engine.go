package query

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
)

// Engine answers queries from an index. It is safe for concurrent use.
type Engine struct {
	ix    *index.Index
	scan  bool
	stats *Stats // of the one query that Explain runs, or nil
}

// NewEngine returns an engine over ix, which must stay open.
func NewEngine(ix *index.Index) *Engine { return &Engine{ix: ix} }

// NewScanner returns an engine that looks at every event and decides from the
// record alone. Its answers are what an Engine's are measured by.
func NewScanner(ix *index.Index) *Engine { return &Engine{ix: ix, scan: true} }

// Index returns the index that the engine reads.
func (q *Engine) Index() *index.Index { return q.ix }

// Events yields the events that f selects, in the order of eventTime, eventID,
// recipientAccountId, bytes, or the other way round when f says so. An error is
// the last thing yielded. Memory does not grow with the number of events.
// Segments are read ahead by other goroutines, which have ended when the
// sequence has.
func (q *Engine) Events(ctx context.Context, f Filter) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		r := newReading(q, f)
		defer r.end()
		for day := range r.days() {
			if !r.merge(ctx, day, yield) {
				return
			}
		}
	}
}

// covers tells whether events of a partition may be in the time range.
func (f *Filter) covers(date string) bool {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return f.From.IsZero() && f.To.IsZero()
	}
	next := day.AddDate(0, 0, 1)
	covers := func(from, to time.Time) bool { return from.Before(next) && (to.IsZero() || day.Before(to)) }
	return covers(f.From, f.To) && (len(f.Any) == 0 || slices.ContainsFunc(f.Any, func(s Set) bool { return covers(s.From, s.To) }))
}

// direction is 1 for the order of time, -1 for the other way round.
func (f *Filter) direction() int {
	if f.Latest {
		return -1
	}
	return 1
}

// tell reads the records of events that nothing else tells apart.
func tell(a, b *Event) (err error) {
	if a.ID != b.ID || a.Account != b.Account || !a.Time.Equal(b.Time) {
		return nil
	}
	for _, e := range []*Event{a, b} {
		if e.Raw, err = e.Record(); err != nil {
			return err
		}
	}
	return nil
}

// Compare is the one order of events: time, id, account, bytes. Equal records that are not one event, for
// want of an id, go by their deliveries.
func Compare(a, b *Event) int {
	if c := cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Account, b.Account)); c != 0 {
		return c
	}
	return cmp.Or(bytes.Compare(a.Raw, b.Raw), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Index, b.Index))
}

func (q *Engine) cursors(f Filter, date string) ([]*cursor, error) {
	segments, err := q.ix.Segments(date)
	if err != nil {
		return nil, err
	}
	var list []*cursor
	for _, s := range segments {
		from, to, timed := s.Span()
		if timed && !meets(from, to, f.From, f.To) {
			q.stats.outside()
			continue
		}
		c := &cursor{ix: q.ix, seg: s, filter: f, from: from, scan: q.scan, stats: q.stats, inexact: f.inexact()}
		if f.Latest {
			c.from = to
		}
		if !q.scan {
			if c.rows, c.sets, err = candidates(s, f); err != nil {
				return nil, err
			}
			if c.rows != nil && c.rows.IsEmpty() {
				q.stats.ruledOut()
				continue
			}
		}
		q.stats.searched(s.Rows(), c.rows)
		list = append(list, c)
	}
	direction := f.direction()
	slices.SortStableFunc(list, func(a, b *cursor) int { return direction * a.from.Compare(b.from) })
	return list, nil
}

// candidates returns the rows that may match, nil for all of them, and of which
// sets of the filter. They may be too many, never too few.
func candidates(s *index.Segment, f Filter) (rows *index.RowSet, sets []setRows, err error) {
	if len(f.Any) > 0 {
		if rows, sets, err = findSets(s, f.Any); err != nil || rows.IsEmpty() {
			return rows, nil, err
		}
	}
	if len(f.Where) > 0 {
		found, err := findTerms(s, f.Where)
		if err != nil {
			return nil, nil, err
		}
		if rows = both(rows, found); rows.IsEmpty() {
			return rows, nil, nil
		}
	}
	if f.Expr != nil {
		found, err := findPlan(s, f.Expr.Plan())
		if err != nil {
			return nil, nil, err
		}
		rows = both(rows, found)
	}
	return rows, sets, nil
}

// both returns the rows that are in a and b, either of which may be nil for all.
// It may change a.
func both(a, b *index.RowSet) *index.RowSet {
	if a == nil {
		return b
	}
	if b != nil {
		a.And(b)
	}
	return a
}

// setRows are the rows for which the terms of a set hold.
type setRows struct {
	set  *Set
	rows *index.RowSet
}

// findSets returns the rows for which a set may hold, all of them and by set. Terms
// of several sets that ask the same fields are looked up in one pass, those that few
// rows can have first.
func findSets(s *index.Segment, list []Set) (rows *index.RowSet, sets []setRows, err error) {
	first, last, timed := s.Span()
	for i := range list {
		if set := &list[i]; !timed || meets(first, last, set.From, set.To) {
			sets = append(sets, setRows{set: set})
		}
	}
	for _, fields := range askedFields(sets) {
		var values [][]string
		var found []*index.RowSet
		var of []int
		for i := range sets {
			for _, t := range sets[i].set.Where {
				if slices.Equal(t.Fields, fields) {
					values, found, of = append(values, t.Values), append(found, index.NewRowSet()), append(of, i)
				}
			}
		}
		for _, field := range fields {
			if err := s.FindEach(field, values, found); err != nil {
				return nil, nil, err
			}
		}
		for k, i := range of {
			sets[i].rows = both(sets[i].rows, found[k])
		}
		sets = slices.DeleteFunc(sets, func(r setRows) bool { return r.rows != nil && r.rows.IsEmpty() })
	}
	rows = index.NewRowSet()
	for _, r := range sets {
		rows.Or(r.rows)
	}
	return rows, sets, nil
}

// broadFields have values that a good part of all rows have.
var broadFields = map[index.Field]bool{index.EventName: true, index.EventSource: true, index.ErrorCode: true,
	index.Account: true, index.Region: true, index.Outcome: true}

// askedFields lists the fields that the terms of sets ask, in the order to look
// them up in.
func askedFields(sets []setRows) (out [][]index.Field) {
	for _, r := range sets {
		for _, t := range r.set.Where {
			if !slices.ContainsFunc(out, func(f []index.Field) bool { return slices.Equal(f, t.Fields) }) {
				out = append(out, t.Fields)
			}
		}
	}
	broad := func(f []index.Field) int {
		if slices.ContainsFunc(f, func(f index.Field) bool { return broadFields[f] }) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b []index.Field) int { return broad(a) - broad(b) })
	return out
}

// findTerms returns the rows for which all terms hold.
func findTerms(s *index.Segment, terms []Term) (rows *index.RowSet, err error) {
	for _, t := range cheapFirst(terms) {
		found, err := findTerm(s, t)
		if err != nil {
			return nil, err
		}
		if rows == nil {
			rows = found
		} else {
			rows.And(found)
		}
		if rows.IsEmpty() {
			break
		}
	}
	return rows, nil
}

// cheapFirst puts the terms whose values all stand in one block of a dictionary in
// front of those that take a walk through it: most segments are ruled out by then.
func cheapFirst(terms []Term) []Term {
	walks := func(t Term) int {
		if slices.ContainsFunc(t.Values, func(v string) bool { return strings.Contains(v, "*") }) {
			return 1
		}
		return 0
	}
	terms = slices.Clone(terms)
	slices.SortStableFunc(terms, func(a, b Term) int { return walks(a) - walks(b) })
	return terms
}

func findTerm(s *index.Segment, t Term) (*index.RowSet, error) {
	rows := index.NewRowSet()
	for _, field := range t.Fields {
		if err := s.Find(field, t.Values, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
