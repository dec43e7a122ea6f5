package index

import (
	"encoding/binary"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// The postings of a term are a count; then, for up to shortRows rows, the rows
// as increasing deltas (varints). Above that, a varint of length<<2 | form; then
// as many bytes, or, when they are more than maxInline, the offset at which they
// stand among the long postings. The form tells what the bytes are:
//
//	0  deltas
//	1  deltas packed by zstd; in front of them their plain length
//	2  a roaring bitmap
//
// The writer takes deltas for rows that lie apart and the bitmap for dense ones:
// bitmaps spend two bytes on a row that stands alone, deltas one.
const (
	shortRows = 16
	maxInline = 128

	formDeltas = 0
	formPacked = 1
	formBitmap = 2
)

// longPostings gathers the postings that do not stand in their block.
type longPostings struct{ bytes, buf []byte }

func appendPostings(dst []byte, rows []uint32, long *longPostings) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	if len(rows) <= shortRows {
		return appendDeltas(dst, rows), nil
	}
	form, body, err := long.encode(rows)
	if err != nil {
		return nil, err
	}
	dst = binary.AppendUvarint(dst, uint64(len(body))<<2|form)
	if len(body) <= maxInline {
		return append(dst, body...), nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(long.bytes)))
	long.bytes = append(long.bytes, body...)
	return dst, nil
}

func appendDeltas(dst []byte, rows []uint32) []byte {
	last := uint32(0)
	for _, r := range rows {
		dst = binary.AppendUvarint(dst, uint64(r-last))
		last = r
	}
	return dst
}

// encode chooses the form. The body is valid until the next call.
func (l *longPostings) encode(rows []uint32) (form uint64, body []byte, err error) {
	if span := rows[len(rows)-1] - rows[0]; uint32(len(rows)) > span/8 {
		bitmap := roaring.BitmapOf(rows...)
		bitmap.RunOptimize()
		if bitmap.GetSerializedSizeInBytes() < uint64(len(rows)) {
			body, err = bitmap.ToBytes()
			if err != nil {
				return 0, nil, fmt.Errorf("encode a bitmap: %w", err)
			}
			return formBitmap, body, nil
		}
	}
	l.buf = appendDeltas(l.buf[:0], rows)
	deltas := len(l.buf)
	if deltas <= maxInline {
		return formDeltas, l.buf, nil // its block is packed as a whole
	}
	l.buf = binary.AppendUvarint(l.buf, uint64(deltas))
	l.buf = appendPacked(l.buf, l.buf[:deltas])
	if packed := l.buf[deltas:]; len(packed) < deltas {
		return formPacked, packed, nil
	}
	return formDeltas, l.buf[:deltas], nil
}

// postings reads a term's postings into rows, or past them when rows is nil, and
// returns how many there are. long reads from the long postings.
func (d *decbuf) postings(rows *RowSet, long func(offset, length uint64) ([]byte, error)) int {
	n := d.uvarint()
	if n <= shortRows {
		d.deltas(n, rows)
		return int(n)
	}
	v := d.uvarint()
	form, length := v&3, v>>2
	if length > maxInline {
		offset := d.uvarint()
		if rows == nil || d.err != nil {
			return int(n)
		}
		body, err := long(offset, length)
		if err != nil {
			d.err = err
			return 0
		}
		d.body(form, n, body, rows)
		return int(n)
	}
	if length > uint64(len(d.b)) {
		d.fail("postings longer than their block")
		return 0
	}
	body := d.b[:length]
	d.skip(int(length))
	if rows != nil && d.err == nil {
		d.body(form, n, body, rows)
	}
	return int(n)
}

// deltas reads n rows.
func (d *decbuf) deltas(n uint64, rows *RowSet) {
	if rows == nil {
		d.skipUvarints(int(n))
		return
	}
	row := uint64(0)
	for range n {
		row += d.uvarint()
		if d.err == nil {
			rows.Add(uint32(row))
		}
	}
}

// body reads postings in one of the forms.
func (d *decbuf) body(form, n uint64, body []byte, rows *RowSet) {
	switch form {
	case formPacked:
		p := decbuf{b: body}
		size := p.uvarint()
		if size > n*binary.MaxVarintLen32 {
			d.fail("bad length of postings")
			return
		}
		plain, ok := unpack(p.b, int(size))
		if !ok || p.err != nil {
			d.fail("bad postings")
			return
		}
		body = plain
		fallthrough
	case formDeltas:
		p := decbuf{file: d.file, offset: d.offset, b: body}
		list := make([]uint32, 0, min(n, uint64(len(body))))
		row := uint64(0)
		for len(p.b) > 0 {
			row += p.uvarint()
			list = append(list, uint32(row))
		}
		if p.err != nil || uint64(len(list)) != n {
			d.fail("bad postings")
			return
		}
		rows.AddMany(list)
	case formBitmap:
		bitmap := roaring.New()
		if _, err := bitmap.FromUnsafeBytes(body); err != nil {
			d.fail("bad bitmap: " + err.Error())
			return
		}
		d.bitmap(n, bitmap, rows)
	default:
		d.fail("bad form of postings")
	}
}

// bitmap adds the rows of a bitmap, of which the bytes may be forged. The rows
// themselves are looked at: the library's own check takes a time that grows with
// the square of the runs.
func (d *decbuf) bitmap(n uint64, bitmap *roaring.Bitmap, rows *RowSet) {
	var buf [1024]uint32
	next, count := uint64(0), uint64(0)
	for it := bitmap.ManyIterator(); ; {
		list := buf[:it.NextMany(buf[:])]
		if count += uint64(len(list)); len(list) == 0 || count > n {
			break
		}
		for _, row := range list {
			if uint64(row) < next {
				d.fail("bad bitmap: rows are not in order")
				return
			}
			next = uint64(row) + 1
		}
		rows.AddMany(list)
	}
	if count != n {
		d.fail("bad bitmap: it has another number of rows")
	}
}
