package index

import (
	"bytes"
	"hash/maphash"
)

// texts is a list of byte strings in one arena.
type texts struct {
	data []byte
	ends []uint32
}

func (t *texts) len() int { return len(t.ends) }

func (t *texts) append(v []byte) {
	t.data = append(t.data, v...)
	t.ends = append(t.ends, uint32(len(t.data)))
}

func (t *texts) bytes(n int) []byte {
	start := uint32(0)
	if n > 0 {
		start = t.ends[n-1]
	}
	return t.data[start:t.ends[n]:t.ends[n]]
}

func (t *texts) reset() { t.data, t.ends = t.data[:0], t.ends[:0] }

// interned is a set of byte strings, numbered from 1 in the order of their
// first appearance. Almost every value of a trail repeats, and what is done
// once for each distinct value costs next to nothing; see distinct for those
// that do not.
type interned struct {
	texts
	slots    []uint64 // hash<<32 | number, open addressing; 0 is free
	last     uint32   // number that was given last
	asked    int      // how many numbers were given
	distinct bool     // values hardly ever repeat: number them without looking
}

// settledAfter is how many values tell whether the values of a column repeat.
const settledAfter = 4096

// hashSeed makes hashes that nobody who writes records can foresee. No order
// ever follows from them.
var hashSeed = maphash.MakeSeed()

// number returns the number of v, which it adds when it is new.
func (t *interned) number(v []byte) uint32 {
	if t.distinct {
		t.append(v)
		return uint32(t.len())
	}
	if t.last != 0 && bytes.Equal(t.value(t.last), v) {
		return t.last
	}
	t.asked++
	if t.asked == settledAfter {
		t.distinct = t.len() > settledAfter*7/8
	}
	t.last = t.find(v)
	return t.last
}

func (t *interned) find(v []byte) uint32 {
	if 2*(t.len()+1) > len(t.slots) {
		t.grow()
	}
	hash := maphash.Bytes(hashSeed, v)
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			t.append(v)
			n := uint32(t.len())
			t.slots[i] = hash&^0xffffffff | uint64(n)
			return n
		}
		if n := uint32(slot); (slot^hash)>>32 == 0 && bytes.Equal(t.bytes(int(n-1)), v) {
			return n
		}
	}
}

// value returns the value of a number that is not 0.
func (t *interned) value(n uint32) []byte { return t.bytes(int(n - 1)) }

func (t *interned) grow() {
	t.slots = make([]uint64, max(16, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for n := range t.len() {
		hash := maphash.Bytes(hashSeed, t.bytes(n))
		i := hash & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = hash&^0xffffffff | uint64(n+1)
	}
}

func (t *interned) reset() {
	if t.len() > 0 {
		clear(t.slots)
		t.texts.reset()
		t.last, t.asked, t.distinct = 0, 0, false
	}
}

// column is a column of a batch: for each row the number of its value, 0 where
// it is absent. Rows behind the last one that has a value need not be there.
type column struct {
	interned
	rows []uint32
}

// set gives a row, behind all that have one, its value.
func (c *column) set(row int, v []byte) { c.put(row, c.number(v)) }

// put gives a row, behind all that have one, the value of a number.
func (c *column) put(row int, number uint32) {
	for len(c.rows) < row {
		c.rows = append(c.rows, 0)
	}
	c.rows = append(c.rows, number)
}

// at returns the number of a row's value.
func (c *column) at(row int32) uint32 {
	if int(row) >= len(c.rows) {
		return 0
	}
	return c.rows[row]
}

// text returns a row's value, nil when it is absent.
func (c *column) text(row int) []byte {
	if n := c.at(int32(row)); n != 0 {
		return c.value(n)
	}
	return nil
}

// cut keeps the first n rows. Values that no row has any more do no harm.
func (c *column) cut(n int) {
	c.rows = c.rows[:min(n, len(c.rows))]
	if n == 0 {
		c.interned.reset()
	}
}
