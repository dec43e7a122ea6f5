package index

import "encoding/binary"

// decbuf reads the fields of an encoded structure one after another. It keeps
// its first error, after which every field is zero, so that a decoder reads
// like a list of fields and checks once.
type decbuf struct {
	file   string
	offset int64 // of b's first byte
	b      []byte
	err    error
}

func (d *decbuf) fail(reason string) {
	if d.err == nil {
		d.err = corrupt(d.file, d.offset, "%s", reason)
	}
	d.b = nil
}

func (d *decbuf) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("bad number")
		return 0
	}
	d.skip(n)
	return v
}

func (d *decbuf) skip(n int) {
	d.b, d.offset = d.b[n:], d.offset+int64(n)
}

// bytes reads a length and as many bytes, which stay part of the buffer.
func (d *decbuf) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail("string longer than its structure")
		return nil
	}
	v := d.b[:n:n]
	d.skip(int(n))
	return v
}

// skipUvarints goes past n numbers.
func (d *decbuf) skipUvarints(n int) {
	for i, c := range d.b {
		if n == 0 {
			d.skip(i)
			return
		}
		if c < 0x80 {
			n--
		}
	}
	if n > 0 {
		d.fail("bad number")
	}
	d.skip(len(d.b))
}
