package query

import (
	"slices"

	"github.com/trailblame/trailblame/index"
)

// Rows are read forward in blocks even when events are wanted latest first, since
// going back by single rows would decode a page for each.
const (
	blockRows  = 256
	blockBytes = 16 << 20 // of records held; a block that has more is read again in parts
)

// backward is the way of a cursor from the last row to the first.
type backward struct {
	rows *index.RowSet // nil for all
	it   interface {
		HasNext() bool
		Next() uint32
	}
	next  int      // when rows is nil: one above the next row
	again []int    // rows of the last block that did not fit, ascending
	block []*Event // what is left of the current block, earliest first
}

func newBackward(rows *index.RowSet, n int) *backward {
	b := &backward{rows: rows, next: n}
	if rows != nil {
		b.it = rows.ReverseIterator()
	}
	return b
}

// take returns the rows of the next block, ascending.
func (b *backward) take() []int {
	if len(b.again) > 0 {
		rows := b.again
		b.again = nil
		return rows
	}
	var rows []int
	for len(rows) < blockRows {
		if b.it != nil {
			if !b.it.HasNext() {
				break
			}
			rows = append(rows, int(b.it.Next()))
		} else {
			if b.next == 0 {
				break
			}
			b.next--
			rows = append(rows, b.next)
		}
	}
	slices.Reverse(rows)
	return rows
}

// fillBack makes head the next matching event on the way back, or sets done.
func (c *cursor) fillBack() error {
	for len(c.back.block) == 0 {
		rows := c.back.take()
		if len(rows) == 0 || c.behind {
			c.done = true
			c.close()
			return nil
		}
		if err := c.readBlock(rows); err != nil {
			return err
		}
	}
	last := len(c.back.block) - 1
	c.head, c.back.block = c.back.block[last], c.back.block[:last]
	return nil
}

// readBlock reads the matching events of ascending rows. When they are too much
// to hold, the earliest are left for another time.
func (c *cursor) readBlock(rows []int) error {
	var held []int // the rows of the block's events
	size := 0
	for i, row := range rows {
		t, err := c.reader.Time(row)
		if err != nil {
			return err
		}
		if i == 0 {
			c.behind = !t.IsZero() && t.Before(c.filter.From)
		}
		if !c.inRange(t, row) {
			continue
		}
		e, err := c.match(row)
		if err != nil {
			return err
		}
		if e == nil {
			continue
		}
		c.back.block, held = append(c.back.block, e), append(held, row)
		for size += e.size(); size > blockBytes && len(held) > 1; {
			size -= c.back.block[0].size()
			n, _ := slices.BinarySearch(rows, held[0])
			c.back.again = rows[:n+1]
			c.back.block, held = c.back.block[1:], held[1:]
		}
	}
	return nil
}
