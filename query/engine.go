package query

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/trailblame/trailblame/index"
)

// Engine answers queries from an index. It is safe for concurrent use.
type Engine struct {
	ix   *index.Index
	scan bool
}

// NewEngine returns an engine over ix, which must stay open.
func NewEngine(ix *index.Index) *Engine { return &Engine{ix: ix} }

// NewScanner returns an engine that looks at every event and decides from the
// record alone. Its answers are what an Engine's are measured by.
func NewScanner(ix *index.Index) *Engine { return &Engine{ix: ix, scan: true} }

// Index returns the index that the engine reads.
func (q *Engine) Index() *index.Index { return q.ix }

// Events yields the events that f selects, in the order of eventTime, eventID,
// recipientAccountId, bytes. An error is the last thing yielded. Memory does not
// grow with the number of events.
func (q *Engine) Events(ctx context.Context, f Filter) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for _, date := range q.ix.Partitions() {
			if !f.covers(date) {
				continue
			}
			if !q.partition(ctx, f, date, yield) {
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
	return (f.From.IsZero() || f.From.Before(day.AddDate(0, 0, 1))) && (f.To.IsZero() || day.Before(f.To))
}

// partition merges the segments of one date. A segment is opened when the merge
// comes to its first event, and closed behind its last one.
func (q *Engine) partition(ctx context.Context, f Filter, date string, yield func(*Event, error) bool) bool {
	cursors, err := q.cursors(f, date)
	if err != nil {
		return yield(nil, err) && false
	}
	defer func() {
		for _, c := range cursors {
			c.close()
		}
	}()
	for {
		if err := ctx.Err(); err != nil {
			return yield(nil, err) && false
		}
		best, err := first(cursors)
		if err != nil {
			return yield(nil, err) && false
		}
		if best == nil {
			return true
		}
		if !yield(best.head, nil) {
			return false
		}
		best.head = nil
	}
}

// first returns the cursor with the least event, nil when all are at their end.
// Cursors are sorted by the time of their first event.
func first(cursors []*cursor) (*cursor, error) {
	var best *cursor
	for _, c := range cursors {
		if c.done {
			continue
		}
		if best != nil && !c.opened() && c.from.After(best.head.Time) {
			break
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
		if !c.done && (best == nil || compare(c.head, best.head) < 0) {
			best = c
		}
	}
	return best, nil
}

// compare is the one order of events. Equal records that are not one event, for
// want of an id, go by their deliveries.
func compare(a, b *Event) int {
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
		if timed && (!f.To.IsZero() && !from.Before(f.To) || to.Before(f.From)) {
			continue
		}
		c := &cursor{ix: q.ix, seg: s, filter: f, from: from, scan: q.scan, inexact: slices.ContainsFunc(f.Where, Term.inexact)}
		if !q.scan {
			if c.rows, err = candidates(s, f); err != nil {
				return nil, err
			}
			if c.rows != nil && c.rows.IsEmpty() {
				continue
			}
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b *cursor) int { return a.from.Compare(b.from) })
	return list, nil
}

// candidates returns the rows that may match, nil for all of them. They may be
// too many, never too few.
func candidates(s *index.Segment, f Filter) (*index.RowSet, error) {
	var rows *index.RowSet
	narrow := func(found *index.RowSet) {
		if rows == nil {
			rows = found
		} else if found != nil {
			rows.And(found)
		}
	}
	for _, t := range f.Where {
		found, err := findTerm(s, t)
		if err != nil {
			return nil, err
		}
		narrow(found)
	}
	if f.Expr != nil {
		found, err := findPlan(s, f.Expr.Plan())
		if err != nil {
			return nil, err
		}
		if found != nil {
			narrow(found)
		}
	}
	return rows, nil
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

// cursor walks the matching events of one segment.
type cursor struct {
	ix     *index.Index
	seg    *index.Segment
	filter Filter
	from   time.Time // of the segment's first event
	scan   bool
	// inexact: the candidates are not all known to hold a term of the filter.
	inexact bool
	rows    *index.RowSet // candidates, nil for all
	it      index.RowIterator
	next    int
	reader  *index.Rows
	terms   index.TermReader
	head    *Event
	size    int // of the last record, as a guess at the next one's
	done    bool
}

func (c *cursor) opened() bool { return c.reader != nil }

func (c *cursor) close() {
	if c.reader != nil {
		c.reader.Close()
		c.reader = nil
	}
}

// fill makes head the next matching event, or sets done.
func (c *cursor) fill() error {
	if c.head != nil || c.done {
		return nil
	}
	if c.reader == nil {
		var err error
		if c.reader, err = c.seg.Reader(); err != nil {
			return err
		}
		if c.rows != nil {
			c.it = c.rows.Iterator()
		}
	}
	for {
		row, ok := c.advance()
		if !ok {
			break
		}
		t, err := c.reader.Time(row)
		if err != nil {
			return err
		}
		if !c.filter.To.IsZero() && !t.IsZero() && !t.Before(c.filter.To) {
			break
		}
		if !c.filter.inRange(t) {
			continue
		}
		if found, err := c.match(row); found || err != nil {
			return err
		}
	}
	c.done = true
	c.close()
	return nil
}

func (f *Filter) inRange(t time.Time) bool {
	if t.IsZero() {
		return f.From.IsZero() && f.To.IsZero()
	}
	return !t.Before(f.From) && (f.To.IsZero() || t.Before(f.To))
}

func (c *cursor) advance() (row int, ok bool) {
	if c.it != nil {
		if !c.it.HasNext() {
			return 0, false
		}
		return int(c.it.Next()), true
	}
	if c.next >= c.seg.Rows() {
		return 0, false
	}
	c.next++
	return c.next - 1, true
}

// match makes head the event of row when the filter holds for it.
func (c *cursor) match(row int) (bool, error) {
	raw, err := c.reader.AppendRaw(make([]byte, 0, c.size+c.size/8+64), row)
	if err != nil {
		return false, err
	}
	c.size = len(raw)
	if ok, err := c.holds(raw, row); !ok || err != nil {
		return false, err
	}
	key, err := c.reader.Key(row)
	if err != nil {
		return false, err
	}
	e := &Event{Raw: raw, Time: key.Time, ID: key.ID, Account: key.Account, Object: key.Object, Index: key.Position}
	others, err := c.ix.Deliveries(c.seg, row)
	for _, d := range others {
		if d.Object < e.Object || d.Object == e.Object && d.Position < e.Index {
			e.Object, e.Index = d.Object, d.Position
		}
	}
	c.head = e
	return true, err
}

// holds decides what the candidates left open: the expression, and when
// scanning the terms as well.
func (c *cursor) holds(raw []byte, row int) (bool, error) {
	if c.scan || c.inexact {
		native, err := c.reader.Native(row)
		if err != nil {
			return false, err
		}
		if ok, err := matchTerms(&c.terms, raw, native, c.filter.Where); !ok || err != nil {
			return false, err
		}
	}
	if c.filter.Expr == nil {
		return true, nil
	}
	record, err := DecodeRecord(raw)
	if err != nil {
		return false, err
	}
	return c.filter.Expr.Match(record)
}

// matchTerms evaluates terms on a record.
func matchTerms(reader *index.TermReader, raw []byte, native bool, terms []Term) (bool, error) {
	if len(terms) == 0 {
		return true, nil
	}
	found := make([]bool, len(terms))
	err := reader.Terms(raw, native, func(f index.Field, text []byte) {
		for i, t := range terms {
			if !found[i] && slices.Contains(t.Fields, f) {
				found[i] = slices.ContainsFunc(t.Values, func(v string) bool { return index.MatchGlob(v, string(text)) })
			}
		}
	})
	return !slices.Contains(found, false), err
}
