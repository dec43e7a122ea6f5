package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// A field's dictionary is a sequence of blocks of termsPerBlock terms in byte
// order. A term is written as the length it shares with the one before it in
// the block, the rest, and its postings. Behind the blocks stands the block
// index: each block's first term and offset; then three uint32: terms, blocks,
// offset of the block index.
//
// Postings are a count; then, up to inlineRows, the rows as increasing deltas;
// above that the length and bytes of a roaring bitmap.
const (
	termsPerBlock = 64
	inlineRows    = 16
	fieldTrailer  = 12
)

// dictionary gathers the terms of one field and their rows, which must come in
// increasing order.
type dictionary struct {
	ids  map[string]int32
	rows [][]uint32
}

func (d *dictionary) add(term []byte, row uint32) {
	id, ok := d.ids[string(term)]
	if !ok {
		if d.ids == nil {
			d.ids = map[string]int32{}
		}
		id = int32(len(d.rows))
		d.ids[string(term)] = id
		d.rows = append(d.rows, nil)
	}
	rows := d.rows[id]
	if n := len(rows); n > 0 && rows[n-1] == row {
		return
	}
	d.rows[id] = append(rows, row)
}

// encode appends the dictionary in its file form.
func (d *dictionary) encode(dst []byte) ([]byte, error) {
	start := len(dst)
	terms := slices.Sorted(maps.Keys(d.ids))
	var index []byte
	var last string
	var err error
	for i, term := range terms {
		shared := 0
		if i%termsPerBlock == 0 {
			index = appendString(index, term)
			index = binary.AppendUvarint(index, uint64(len(dst)-start))
		} else {
			shared = sharedPrefix(last, term)
		}
		dst = binary.AppendUvarint(dst, uint64(shared))
		dst = appendString(dst, term[shared:])
		if dst, err = appendPostings(dst, d.rows[d.ids[term]]); err != nil {
			return nil, err
		}
		last = term
	}
	indexAt := len(dst) - start
	dst = append(dst, index...)
	blocks := (len(terms) + termsPerBlock - 1) / termsPerBlock
	for _, v := range [...]int{len(terms), blocks, indexAt} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
	}
	return dst, nil
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendPostings(dst []byte, rows []uint32) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	if len(rows) <= inlineRows {
		last := uint32(0)
		for _, r := range rows {
			dst = binary.AppendUvarint(dst, uint64(r-last))
			last = r
		}
		return dst, nil
	}
	bitmap := roaring.BitmapOf(rows...)
	bitmap.RunOptimize()
	b, err := bitmap.ToBytes()
	if err != nil {
		return nil, fmt.Errorf("encode a bitmap: %w", err)
	}
	return appendString(dst, b), nil
}

// fieldReader reads one field's dictionary out of a terms file.
type fieldReader struct {
	file   string
	at     int64 // of the dictionary in the file
	r      *blockReader
	terms  int
	end    int64 // of the blocks, relative to at
	firsts []string
	starts []int64
}

// openField reads the block index of the dictionary that takes size bytes at
// offset at.
func openField(r *blockReader, at, size int64) (*fieldReader, error) {
	f := &fieldReader{file: r.name, at: at, r: r}
	if size < fieldTrailer {
		return nil, corrupt(r.name, at, "dictionary too short")
	}
	var trailer [fieldTrailer]byte
	if _, err := r.ReadAt(trailer[:], at+size-fieldTrailer); err != nil {
		return nil, err
	}
	f.terms = int(binary.LittleEndian.Uint32(trailer[0:]))
	blocks := int64(binary.LittleEndian.Uint32(trailer[4:]))
	f.end = int64(binary.LittleEndian.Uint32(trailer[8:]))
	if f.end > size-fieldTrailer || blocks > size {
		return nil, corrupt(r.name, at+size-fieldTrailer, "bad dictionary trailer")
	}
	index := make([]byte, size-fieldTrailer-f.end)
	if _, err := r.ReadAt(index, at+f.end); err != nil {
		return nil, err
	}
	d := &decbuf{file: r.name, offset: at + f.end, b: index}
	for range blocks {
		f.firsts = append(f.firsts, string(d.bytes()))
		f.starts = append(f.starts, int64(d.uvarint()))
	}
	f.starts = append(f.starts, f.end)
	return f, d.err
}

// block returns the bytes of a block.
func (f *fieldReader) block(k int) (*decbuf, error) {
	from, to := f.starts[k], f.starts[k+1]
	if from > to || to > f.end {
		return nil, corrupt(f.file, f.at+from, "bad block offsets")
	}
	b := make([]byte, to-from)
	if _, err := f.r.ReadAt(b, f.at+from); err != nil {
		return nil, err
	}
	return &decbuf{file: f.file, offset: f.at + from, b: b}, nil
}

// find adds the rows of one term to rows.
func (f *fieldReader) find(term string, rows *roaring.Bitmap) error {
	k, exact := slices.BinarySearch(f.firsts, term)
	if !exact {
		k--
	}
	if k < 0 {
		return nil
	}
	return f.scan(k, k+1, func(t []byte, d *decbuf) bool {
		c := bytes.Compare(t, []byte(term))
		if c == 0 {
			d.postings(rows)
		} else {
			d.postings(nil)
		}
		return c < 0
	})
}

// match adds the rows of all terms that begin with prefix and that keep
// accepts. A nil rows only visits the terms.
func (f *fieldReader) match(prefix string, rows *roaring.Bitmap, keep func(term []byte) bool) error {
	k, exact := slices.BinarySearch(f.firsts, prefix)
	if !exact && k > 0 {
		k--
	}
	return f.scan(k, len(f.firsts), func(t []byte, d *decbuf) bool {
		within := bytes.HasPrefix(t, []byte(prefix))
		if within && keep(t) {
			d.postings(rows)
		} else {
			d.postings(nil)
		}
		return within || string(t) < prefix
	})
}

// scan visits the terms of blocks from…to while visit returns true. visit must
// take the postings from d.
func (f *fieldReader) scan(from, to int, visit func(term []byte, d *decbuf) bool) error {
	for k := from; k < to; k++ {
		d, err := f.block(k)
		if err != nil {
			return err
		}
		var term []byte
		for len(d.b) > 0 && d.err == nil {
			shared := d.uvarint()
			if shared > uint64(len(term)) {
				return corrupt(f.file, d.offset, "bad term")
			}
			term = append(term[:shared], d.bytes()...)
			if !visit(term, d) {
				return d.err
			}
		}
		if d.err != nil {
			return d.err
		}
	}
	return nil
}

// postings reads postings into rows, or past them when rows is nil.
func (d *decbuf) postings(rows *roaring.Bitmap) int {
	n := d.uvarint()
	if n <= inlineRows {
		row := uint64(0)
		for range n {
			row += d.uvarint()
			if rows != nil && d.err == nil {
				rows.Add(uint32(row))
			}
		}
		return int(n)
	}
	b := d.bytes()
	if rows == nil || d.err != nil {
		return int(n)
	}
	bitmap := roaring.New()
	if _, err := bitmap.FromUnsafeBytes(b); err != nil {
		d.fail("bad bitmap: " + err.Error())
		return 0
	}
	if err := bitmap.Validate(); err != nil {
		d.fail("bad bitmap: " + err.Error())
		return 0
	}
	rows.Or(bitmap)
	return int(n)
}
