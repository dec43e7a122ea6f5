package query

import (
	"slices"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// cursor walks the matching events of one segment.
type cursor struct {
	ix     *index.Index
	seg    *index.Segment
	filter Filter
	from   time.Time // of the segment's first event, or its last going back
	scan   bool
	// inexact: the candidates are not all known to hold a term of the filter.
	inexact bool
	stats   *Stats
	rows    *index.RowSet // candidates, nil for all
	sets    []setRows     // of which sets, unless all of the candidates may be
	it      index.RowIterator
	next    int
	back    *backward // when going back
	behind  bool      // the last block began in front of the time range
	reader  *index.Rows
	terms   index.TermReader
	columns *columnReader // when only columns are wanted
	head    *Event
	size    int // of the last record, as a guess at the next one's
	done    bool
}

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
		c.start()
	}
	if c.back != nil {
		return c.fillBack()
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
		if !c.inRange(t, row) {
			continue
		}
		if c.head, err = c.match(row); c.head != nil || err != nil {
			return err
		}
	}
	c.done = true
	c.close()
	return nil
}

func (c *cursor) start() {
	switch {
	case c.filter.Latest:
		c.back = newBackward(c.rows, c.seg.Rows())
	case c.rows != nil:
		c.it = c.rows.Iterator()
	}
}

// inRange tells whether a candidate is in the time range, and in that of a set
// which it may be in.
func (c *cursor) inRange(t time.Time, row int) bool {
	return within(t, c.filter.From, c.filter.To) && (len(c.sets) == 0 || slices.ContainsFunc(c.sets, func(s setRows) bool {
		return within(t, s.set.From, s.set.To) && s.rows.Contains(uint32(row))
	}))
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

// match returns the event of row when the filter holds for it, else nil.
func (c *cursor) match(row int) (*Event, error) {
	if c.filter.Only != nil && !c.scan && !c.inexact && c.filter.Expr == nil {
		if e, ok, err := c.values(row); ok || err != nil {
			return e, err
		}
	}
	raw, err := c.reader.AppendRaw(make([]byte, 0, c.size+c.size/8+64), row)
	if err != nil {
		return nil, err
	}
	c.size = len(raw)
	c.stats.read(len(raw))
	ok, tooMuch, err := c.holds(raw, row)
	if err != nil || !ok && tooMuch == nil {
		return nil, err
	}
	if tooMuch == nil {
		return c.event(raw, row, !c.filter.Uncited)
	}
	e, err := c.event(raw, row, true)
	if err != nil {
		return nil, err
	}
	if c.filter.Undecided == nil {
		return nil, tooMuch
	}
	c.filter.Undecided(e, tooMuch)
	return nil, nil
}

// event makes the event of a record.
func (c *cursor) event(raw []byte, row int, cited bool) (*Event, error) {
	e := &Event{Raw: raw, at: place{c.seg, row}}
	if !cited {
		return e, c.identify(e, row)
	}
	key, err := c.reader.Key(row)
	if err != nil {
		return nil, err
	}
	e.Time, e.ID, e.Account, e.Object, e.Index = key.Time, key.ID, key.Account, key.Object, key.Position
	return c.cite(e, row)
}

// identify reads what orders an event.
func (c *cursor) identify(e *Event, row int) error {
	t, err := c.reader.Time(row)
	if err != nil {
		return err
	}
	e.Time = t
	id, err := c.reader.Value(ingest.EventID, row)
	if err != nil {
		return err
	}
	e.ID = string(id)
	account, err := c.reader.Value(ingest.RecipientAccountID, row)
	e.Account = string(account)
	return err
}

// values returns the event of row without its record, nil when Keep leaves it
// out; ok is false when columns tell too little.
func (c *cursor) values(row int) (e *Event, ok bool, err error) {
	if c.columns == nil {
		c.columns = newColumnReader(c.filter.Only)
	}
	e, ok, err = c.columns.event(c.reader, row, c.filter.Keep)
	if e == nil || err != nil {
		return nil, ok, err
	}
	c.stats.read(e.size())
	e, err = c.cite(e, row)
	return e, true, err
}

// cite names the smallest delivery of an event.
func (c *cursor) cite(e *Event, row int) (*Event, error) {
	e.at = place{c.seg, row}
	others, err := c.ix.Deliveries(c.seg, row)
	if err != nil {
		return nil, err
	}
	for _, d := range others {
		if d.Object < e.Object || d.Object == e.Object && d.Position < e.Index {
			e.Object, e.Index = d.Object, d.Position
		}
	}
	return e, nil
}

// holds decides what the candidates left open: the expression, and when
// scanning the terms as well. tooMuch is why the expression could not be
// decided on this record.
func (c *cursor) holds(raw []byte, row int) (ok bool, tooMuch, err error) {
	if c.scan || c.inexact {
		native, err := c.reader.Native(row)
		if err != nil {
			return false, nil, err
		}
		t, err := c.reader.Time(row)
		if err != nil {
			return false, nil, err
		}
		if ok, err := matchFilter(&c.terms, raw, t, native, &c.filter); !ok || err != nil {
			return false, nil, err
		}
	}
	if c.filter.Expr == nil {
		return true, nil, nil
	}
	record, err := DecodeRecord(raw)
	if err != nil {
		return false, nil, err
	}
	ok, tooMuch = c.filter.Expr.Match(record)
	return ok, tooMuch, nil
}

// matchFilter evaluates the terms of a filter on a record of time t.
func matchFilter(reader *index.TermReader, raw []byte, t time.Time, native bool, f *Filter) (bool, error) {
	ok, err := matchTerms(reader, raw, native, f.Where)
	if !ok || err != nil || len(f.Any) == 0 {
		return ok, err
	}
	for _, set := range f.Any {
		if !within(t, set.From, set.To) {
			continue
		}
		if ok, err := matchTerms(reader, raw, native, set.Where); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
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
