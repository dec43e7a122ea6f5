package index

import (
	"strconv"
	"sync"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// Rows reads events of one segment. Going up through the rows is cheap, going
// back costs a page a column. It belongs to one goroutine.
type Rows struct {
	seg *Segment
	*rowsMemory
	err error
}

// rowsMemory is what a reader works with: its file, with the blocks that were read
// last, and a cursor for each column that was asked for.
type rowsMemory struct {
	file    eventsFile
	columns []*columnCursor // by leaf
	scratch []byte
}

// spareMemory is that of readers that were closed: a query that reads a few rows of
// many segments needs as much for each, and for each column as much as for the
// same one of the segment before.
var spareMemory = sync.Pool{New: func() any { return &rowsMemory{columns: make([]*columnCursor, layout.count)} }}

func newRows(s *Segment, f *footer, blocks *blockReader) *Rows {
	m := spareMemory.Get().(*rowsMemory)
	m.file.footer = f
	m.file.blocks.reset(blocks)
	return &Rows{seg: s, rowsMemory: m}
}

// Bounds of what spare memory keeps of each column, and of what pages are read to.
const maxSpare = 1 << 20

// Close gives up the reader's pages.
func (r *Rows) Close() {
	m := r.rowsMemory
	if m == nil {
		return
	}
	r.rowsMemory = nil
	for i, c := range m.columns {
		switch {
		case c == nil:
		case c.size() > maxSpare:
			m.columns[i] = nil
		default:
			c.reset()
		}
	}
	if cap(m.file.blocks.apart) > maxSpare {
		m.file.blocks.apart = nil
	}
	m.file.footer = nil
	m.file.blocks.reset(nil)
	spareMemory.Put(m)
}

// Reader returns a reader of the segment's rows.
func (s *Segment) Reader() (*Rows, error) {
	f, blocks, err := s.events()
	if err != nil {
		return nil, err
	}
	return newRows(s, f, blocks), nil
}

// Key is what events are ordered and cited by.
type Key struct {
	Time     time.Time // zero when the event has none
	ID       string
	Account  string
	Object   string // the delivery that the segment knows the event from
	Position int
}

// Key returns the key of a row.
func (r *Rows) Key(row int) (Key, error) {
	k := Key{
		Time:     microTime(r.micros(row)),
		ID:       string(r.text(layout.of[ingest.EventID], row)),
		Account:  string(r.text(layout.of[ingest.RecipientAccountID], row)),
		Object:   string(r.text(layout.object, row)),
		Position: r.position(row),
	}
	return k, r.err
}

func microTime(micros int64) time.Time {
	if micros == noTime {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Time returns the time of a row, zero when it has none.
func (r *Rows) Time(row int) (time.Time, error) {
	return microTime(r.micros(row)), r.err
}

// AppendRaw appends the record of a row as it was delivered.
func (r *Rows) AppendRaw(dst []byte, row int) ([]byte, error) {
	dst = render(dst, r.text(layout.template, row), readRow{r, row})
	return dst, r.err
}

// Native tells whether the row is an EventBridge state change.
func (r *Rows) Native(row int) (bool, error) {
	c, at := r.at(layout.native, row)
	return c != nil && c.bit(at), r.err
}

func (r *Rows) micros(row int) int64 {
	c, at := r.at(layout.time, row)
	if c == nil {
		return noTime
	}
	return c.longs[at]
}

func (r *Rows) position(row int) int {
	c, at := r.at(layout.position, row)
	if c == nil {
		return 0
	}
	return int(c.ints[at])
}

// text returns a text, nil when the row has none. It stays valid until a row
// elsewhere is read.
func (r *Rows) text(leaf, row int) []byte {
	c, at := r.at(leaf, row)
	if c == nil {
		return nil
	}
	return r.textAt(c, at)
}

func (r *Rows) textAt(c *columnCursor, at int) []byte {
	v, err := c.text(&r.file, at)
	if err != nil {
		r.err = asCorrupt(r.seg.info.Events.Name, err)
	}
	return v
}

// at returns the cursor of a leaf, with the page of the row, and the place of
// the row's value in it. It is nil when the row has no value, and after an
// error, which stays in r.err.
func (r *Rows) at(leaf, row int) (c *columnCursor, place int) {
	if r.err != nil {
		return nil, 0
	}
	if c = r.columns[leaf]; c == nil {
		c = newColumnCursor(leaf)
		r.columns[leaf] = c
	}
	if !c.holds(int64(row)) {
		if err := c.load(&r.file, int64(row)); err != nil {
			r.err = asCorrupt(r.seg.info.Events.Name, err)
			return nil, 0
		}
	}
	at, ok, err := c.place(int64(row))
	if err != nil {
		r.err = asCorrupt(r.seg.info.Events.Name, err)
	}
	if !ok {
		return nil, 0
	}
	return c, at
}

// readRow gives render one row of a segment.
type readRow struct {
	rows *Rows
	row  int
}

func (v readRow) appendValue(dst []byte, c ingest.Column) []byte {
	if c >= ingest.NumColumns {
		v.rows.fail("a template names column %d", c)
		return dst
	}
	cursor, at := v.rows.at(layout.of[c], v.row)
	if cursor == nil {
		v.rows.fail("a template names column %d, which is empty", c)
		return dst
	}
	switch ingest.Columns[c].Kind {
	case ingest.Time:
		dst = ingest.AppendEventTime(append(dst, '"'), time.UnixMicro(cursor.longs[at]).UTC())
		return append(dst, '"')
	case ingest.Bool:
		return strconv.AppendBool(dst, cursor.bit(at))
	}
	return appendToken(dst, c, v.rows.textAt(cursor, at))
}

func (r *Rows) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corrupt(r.seg.info.Events.Name, 0, format, args...)
	}
}
