package index

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// hybrid is numbers in Parquet's encoding of runs and packed bits (RLE). A query
// mostly wants one number of a page: to walk to it takes a fraction of what
// unpacking all of them does.
type hybrid struct {
	packed []byte
	width  int
}

// run is one part of the encoding: n numbers, in bits or all equal.
type run struct {
	n     int
	bits  []byte // nil when the numbers are equal
	value uint32
}

// maxRun bounds the numbers of a run far above those of any page.
const maxRun = 1 << 25

// run reads a run of numbers of a width.
func (d *decbuf) run(width int) run {
	head, at := binary.Uvarint(d.b)
	if at <= 0 || head > maxRun {
		d.fail("bad number")
		return run{}
	}
	n, size := int(head>>1), (width+7)/8
	if head&1 == 1 {
		n, size = 8*n, n*width
	}
	if size > len(d.b)-at {
		d.fail("a run longer than its page")
		return run{}
	}
	body := d.b[at : at+size]
	d.b = d.b[at+size:]
	switch {
	case head&1 == 1:
		return run{n: n, bits: body}
	case size == 1:
		return run{n: n, value: uint32(body[0])}
	}
	var word [4]byte
	copy(word[:], body)
	return run{n: n, value: binary.LittleEndian.Uint32(word[:])}
}

// checkRuns adds up the runs of the hybrid encoding. The last one may be filled
// up to eight values.
func checkRuns(packed []byte, width, values int) error {
	d := decbuf{b: packed}
	for left := values + 7; len(d.b) > 0; {
		r := d.run(width)
		if left -= r.n; d.err != nil || left < 0 {
			return fmt.Errorf("a page of %d values has more", values)
		}
	}
	return nil
}

// at returns a number; ok is false when there are fewer.
func (h hybrid) at(i int) (v uint32, ok bool) {
	for d := (decbuf{b: h.packed}); len(d.b) > 0; {
		r := d.run(h.width)
		switch {
		case i >= r.n:
			i -= r.n
		case r.bits == nil:
			return r.value, true
		default:
			return uint32(readBits(r.bits, i*h.width, h.width)), true
		}
	}
	return 0, false
}

// ones counts the ones in front of a number, of those that have a width of 1, and
// tells whether it is one itself.
func (h hybrid) ones(i int) (before int, one bool) {
	for d := (decbuf{b: h.packed}); len(d.b) > 0; {
		r := d.run(1)
		n := min(i, r.n)
		if r.bits == nil {
			before += n * int(r.value&1)
		} else {
			before += onesIn(r.bits, n)
		}
		if i < r.n {
			return before, r.bits == nil && r.value&1 == 1 || r.bits != nil && r.bits[i/8]>>(i%8)&1 == 1
		}
		i -= r.n
	}
	return before, false
}

// onesIn counts the ones among the first n bits.
func onesIn(b []byte, n int) (count int) {
	for ; n >= 64; b, n = b[8:], n-64 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	if n > 0 {
		var word [8]byte
		copy(word[:], b)
		count += bits.OnesCount64(binary.LittleEndian.Uint64(word[:]) & (1<<n - 1))
	}
	return count
}
