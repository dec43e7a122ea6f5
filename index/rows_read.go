package index

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailblame/trailblame/ingest"
)

// Rows reads events of one segment. Going up through the rows is cheap, going
// back costs a seek. It belongs to one goroutine.
type Rows struct {
	seg     *Segment
	groups  []parquet.RowGroup
	columns []*columnCursor
	err     error
}

// Reader returns a reader of the segment's rows.
func (s *Segment) Reader() (*Rows, error) {
	pf, err := s.file()
	if err != nil {
		return nil, err
	}
	return &Rows{seg: s, groups: pf.RowGroups(), columns: make([]*columnCursor, layout.count)}, nil
}

// Close gives up the reader's pages.
func (r *Rows) Close() {
	for _, c := range r.columns {
		if c != nil {
			c.close()
		}
	}
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
		ID:       string(r.column(ingest.EventID, row)),
		Account:  string(r.column(ingest.RecipientAccountID, row)),
		Object:   string(r.value(layout.object, row).ByteArray()),
		Position: int(r.value(layout.position, row).Int32()),
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
	template := r.value(layout.template, row).ByteArray()
	dst = render(dst, template, readRow{r, row})
	return dst, r.err
}

// Native tells whether the row is an EventBridge state change.
func (r *Rows) Native(row int) (bool, error) {
	return r.value(layout.native, row).Boolean(), r.err
}

func (r *Rows) micros(row int) int64 {
	v := r.value(layout.of[ingest.EventTime], row)
	if v.IsNull() {
		return noTime
	}
	return v.Int64()
}

func (r *Rows) column(c ingest.Column, row int) []byte {
	v := r.value(layout.of[c], row)
	if v.IsNull() {
		return nil
	}
	return v.ByteArray()
}

// value returns a leaf's value. After an error, kept in r.err, it is null.
func (r *Rows) value(leaf, row int) (v parquet.Value) {
	if r.err != nil {
		return zeroValue(leaf)
	}
	c := r.columns[leaf]
	if c == nil {
		c = &columnCursor{leaf: leaf, groups: r.groups, group: -1}
		r.columns[leaf] = c
	}
	v, err := c.at(int64(row))
	if err != nil {
		r.err = asCorrupt(r.seg.info.Events.Name, err)
		return zeroValue(leaf)
	}
	return v
}

func zeroValue(leaf int) parquet.Value {
	switch leaf {
	case layout.position:
		return parquet.Int32Value(0)
	case layout.native:
		return parquet.BooleanValue(false)
	}
	return parquet.Value{}
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
	value := v.rows.value(layout.of[c], v.row)
	if value.IsNull() {
		v.rows.fail("a template names column %d, which is empty", c)
		return dst
	}
	switch ingest.Columns[c].Kind {
	case ingest.Time:
		dst = ingest.AppendEventTime(append(dst, '"'), time.UnixMicro(value.Int64()).UTC())
		return append(dst, '"')
	case ingest.Bool:
		return fmt.Append(dst, value.Boolean())
	}
	return appendToken(dst, c, value.ByteArray())
}

func (r *Rows) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corrupt(r.seg.info.Events.Name, 0, format, args...)
	}
}

// columnCursor is a position in one leaf column: the values of one page.
type columnCursor struct {
	leaf   int
	groups []parquet.RowGroup
	group  int   // index of the open row group, -1 for none
	from   int64 // first row of the open group
	pages  parquet.Pages
	page   parquet.Page
	first  int64 // row of values[0]
	values []parquet.Value
}

// at returns the value of a row, which stays valid until another page is read.
func (c *columnCursor) at(row int64) (v parquet.Value, err error) {
	if row >= c.first && row < c.first+int64(len(c.values)) {
		return c.values[row-c.first], nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Parquet library gave up: %v", p)
		}
	}()
	if err := c.seek(row); err != nil {
		return v, err
	}
	if err := c.next(); err != nil {
		return v, err
	}
	if row < c.first || row >= c.first+int64(len(c.values)) {
		return v, fmt.Errorf("row %d is missing in column %d", row, c.leaf)
	}
	return c.values[row-c.first], nil
}

// seek makes row the first of the next page.
func (c *columnCursor) seek(row int64) error {
	inGroup := c.group >= 0 && row >= c.from && row < c.from+c.groups[c.group].NumRows()
	if !inGroup {
		if err := c.openGroup(row); err != nil {
			return err
		}
	}
	if inGroup && row == c.first+int64(len(c.values)) {
		c.first = row
		return nil
	}
	c.first = row
	return c.pages.SeekToRow(row - c.from)
}

func (c *columnCursor) openGroup(row int64) error {
	from := int64(0)
	for i, g := range c.groups {
		if row < from+g.NumRows() {
			c.close()
			c.group, c.from = i, from
			c.pages = g.ColumnChunks()[c.leaf].Pages()
			return nil
		}
		from += g.NumRows()
	}
	return fmt.Errorf("row %d is outside the file", row)
}

func (c *columnCursor) next() error {
	c.release()
	page, err := c.pages.ReadPage()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	c.page = page
	n := int(page.NumValues())
	if cap(c.values) < n {
		c.values = pageValues(n)
	}
	c.values = c.values[:n]
	read, err := page.Values().ReadValues(c.values)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	c.values = c.values[:read]
	return nil
}

// spareValues are slices of cursors that were closed: a query that reads a few
// rows of many segments needs one for each column of each.
var spareValues sync.Pool

// pageValues returns room for the values of a page.
func pageValues(n int) []parquet.Value {
	if spare, ok := spareValues.Get().(*[]parquet.Value); ok && cap(*spare) >= n {
		return *spare
	}
	return make([]parquet.Value, n)
}

func (c *columnCursor) release() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
	c.values = c.values[:0]
}

func (c *columnCursor) close() {
	c.release()
	if cap(c.values) > 0 {
		spare := c.values
		spareValues.Put(&spare)
		c.values = nil
	}
	if c.pages != nil {
		c.pages.Close()
		c.pages = nil
	}
	c.group = -1
}
