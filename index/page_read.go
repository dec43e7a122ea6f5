package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// columnCursor is a position in one leaf column: one page, unpacked, and the
// dictionary of its row group. The encodings are parquet-go's. Its pages are not
// used: they make a parquet.Value of each row, and a query mostly wants one row
// of a page.
type columnCursor struct {
	leaf int

	group      int // that the dictionary is of, -1 for none
	dictionary []byte
	entries    []uint32 // where each value stands in dictionary, behind its length

	first  int64  // row of the page's first value
	rows   int    // of the page
	levels []byte // whether each row has a value; nil when all have
	empty  bool   // no row has a value
	// values tells which of the following holds the page's values.
	values  format.Encoding
	ids     []int32  // in the dictionary
	data    []byte   // texts, or bits
	offsets []uint32 // of the texts in data, and behind the last
	longs   []int64
	ints    []int32

	counted, below int // in levels: values in front of the row counted

	packed, plain []byte // reused
}

// maxPage bounds the plain bytes of a page or a dictionary: what the longest
// record and a page's other values can make.
const maxPage = 64 << 20

var pageDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPage))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// spareCursors keep the memory of cursors that were closed: a query that reads a
// few rows of many segments needs one for each column of each.
var spareCursors = sync.Pool{New: func() any { return new(columnCursor) }}

func newColumnCursor(leaf int) *columnCursor {
	c := spareCursors.Get().(*columnCursor)
	c.leaf, c.group, c.first, c.rows = leaf, -1, 0, 0
	return c
}

// Bounds of what a spare cursor keeps.
const maxSpare = 1 << 20

func (c *columnCursor) close() {
	if cap(c.packed)+cap(c.plain)+cap(c.dictionary)+cap(c.data) <= maxSpare {
		spareCursors.Put(c)
	}
}

func (c *columnCursor) holds(row int64) bool {
	return row >= c.first && row < c.first+int64(c.rows)
}

// place returns where the value of a row of the page stands among its values; ok
// is false when the row has none.
func (c *columnCursor) place(row int64) (at int, ok bool) {
	i := int(row - c.first)
	switch {
	case c.empty:
		return 0, false
	case c.levels == nil:
		return i, true
	case c.levels[i] == 0:
		return 0, false
	}
	if i < c.counted {
		c.counted, c.below = 0, 0
	}
	c.below += bytes.Count(c.levels[c.counted:i], present)
	c.counted = i
	return c.below, true
}

var present = []byte{1}

// text returns a value of a column of texts. It stays valid until the next page
// is read.
func (c *columnCursor) text(at int) ([]byte, error) {
	if c.values != format.RLEDictionary {
		return c.data[c.offsets[at]:c.offsets[at+1]:c.offsets[at+1]], nil
	}
	id := uint32(c.ids[at])
	if id >= uint32(len(c.entries)) {
		return nil, fmt.Errorf("value %d of a dictionary of %d", id, len(c.entries))
	}
	from := c.entries[id]
	return c.dictionary[from : from+binary.LittleEndian.Uint32(c.dictionary[from-4:])], nil
}

func (c *columnCursor) bit(at int) bool { return c.data[at/8]>>(at%8)&1 == 1 }

// load reads the page that holds a row.
func (c *columnCursor) load(f *eventsFile, row int64) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a page does not decode: %v", p)
		}
		if err != nil {
			c.rows = 0
		}
	}()
	group := f.groupOf(row)
	if group < 0 {
		return fmt.Errorf("row %d is outside the file", row)
	}
	from := f.first[group]
	pages, err := f.pages(group, c.leaf)
	if err != nil {
		return err
	}
	k, exact := slices.BinarySearchFunc(pages, row-from, func(p format.PageLocation, row int64) int { return int(p.FirstRowIndex - row) })
	if !exact {
		k--
	}
	if k < 0 {
		return fmt.Errorf("row %d is missing in column %d", row, c.leaf)
	}
	if c.group != group {
		if err := c.loadDictionary(f, group, pages[0].Offset); err != nil {
			return err
		}
	}
	c.first = from + pages[k].FirstRowIndex
	end := f.first[group+1]
	if k+1 < len(pages) {
		end = from + pages[k+1].FirstRowIndex
	}
	header, body, err := c.page(f, pages[k].Offset, int64(pages[k].CompressedPageSize))
	if err != nil {
		return err
	}
	return c.unpack(header, body, int(end-c.first))
}

// page reads the header and the body of a page.
func (c *columnCursor) page(f *eventsFile, offset, size int64) (h *format.PageHeader, body []byte, err error) {
	if c.packed, err = f.blocks.read(c.packed[:0], offset, size); err != nil {
		return nil, nil, err
	}
	h = new(format.PageHeader)
	n, err := decodeThrift(c.packed, h)
	if err != nil {
		return nil, nil, err
	}
	body = c.packed[n:]
	if int(h.CompressedPageSize) != len(body) || h.UncompressedPageSize < 0 || h.UncompressedPageSize > maxPage {
		return nil, nil, fmt.Errorf("a page of %d bytes says that it has %d, unpacked %d", len(body), h.CompressedPageSize, h.UncompressedPageSize)
	}
	return h, body, nil
}

// loadDictionary reads the dictionary of a group, which ends where its first
// page begins; without one there is none.
func (c *columnCursor) loadDictionary(f *eventsFile, group int, end int64) error {
	c.group, c.entries = -1, c.entries[:0]
	start := f.chunk(group, c.leaf).MetaData.DictionaryPageOffset
	if start == 0 {
		c.group = group
		return nil
	}
	h, body, err := c.page(f, start, end-start)
	if err != nil {
		return err
	}
	if h.Type != format.DictionaryPage {
		return fmt.Errorf("page of type %v instead of a dictionary", h.Type)
	}
	if c.dictionary, err = unpackPage(c.dictionary, body, int(h.UncompressedPageSize)); err != nil {
		return err
	}
	for at := 0; at < len(c.dictionary); {
		if len(c.dictionary)-at < 4 {
			return fmt.Errorf("a dictionary ends within a value")
		}
		n := binary.LittleEndian.Uint32(c.dictionary[at:])
		at += 4
		if uint64(n) > uint64(len(c.dictionary)-at) {
			return fmt.Errorf("a dictionary ends within a value")
		}
		c.entries = append(c.entries, uint32(at))
		at += int(n)
	}
	c.group = group
	return nil
}

func unpackPage(dst, packed []byte, size int) ([]byte, error) {
	dst, err := pageDecoder().DecodeAll(packed, dst[:0])
	if err == nil && len(dst) != size {
		err = fmt.Errorf("a page has %d bytes instead of %d", len(dst), size)
	}
	return dst, err
}

// unpack decodes the page.
func (c *columnCursor) unpack(header *format.PageHeader, body []byte, rows int) error {
	if header.Type != format.DataPageV2 || !header.DataPageHeaderV2.Valid {
		return fmt.Errorf("page of type %v", header.Type)
	}
	h := &header.DataPageHeaderV2.V
	size := int(h.DefinitionLevelsByteLength)
	values := int(h.NumValues - h.NumNulls)
	if int(h.NumValues) != rows || values < 0 || values > rows || size < 0 || size > len(body) || h.RepetitionLevelsByteLength != 0 {
		return fmt.Errorf("a page of %d rows says that it has %d, %d of them empty", rows, h.NumValues, h.NumNulls)
	}
	c.empty, c.counted, c.below = values == 0, 0, 0
	if err := c.unpackLevels(body[:size], rows, values); err != nil {
		return err
	}
	c.rows = rows
	if c.empty {
		return nil
	}
	plain := body[size:]
	if !h.IsCompressed.Valid || h.IsCompressed.V {
		var err error
		if c.plain, err = unpackPage(c.plain, plain, int(header.UncompressedPageSize)-size); err != nil {
			return err
		}
		plain = c.plain
	}
	return c.decode(h.Encoding, plain, values)
}

func (c *columnCursor) unpackLevels(packed []byte, rows, values int) error {
	if values == rows || values == 0 {
		c.levels = nil
		return nil
	}
	err := checkRuns(packed, 1, rows)
	if err != nil {
		return err
	}
	levels := rle.Encoding{BitWidth: 1}
	if c.levels, err = levels.DecodeLevels(c.levels, packed); err != nil {
		return err
	}
	if len(c.levels) < rows || bytes.Count(c.levels[:rows], present) != values {
		return fmt.Errorf("a page of %d values tells of others", values)
	}
	return nil
}

// decode reads the values of the page.
func (c *columnCursor) decode(encoding format.Encoding, plain []byte, values int) (err error) {
	if err := checkCount(encoding, plain, values); err != nil {
		return err
	}
	var n int
	switch c.values = encoding; {
	case encoding == format.RLEDictionary:
		var e rle.DictionaryEncoding
		c.ids, err = e.DecodeInt32(c.ids[:0], plain)
		n = len(c.ids)
	case encoding == format.DeltaLengthByteArray:
		var e delta.LengthByteArrayEncoding
		c.data, c.offsets, err = e.DecodeByteArray(c.data[:0], plain, c.offsets[:0])
		n = len(c.offsets) - 1
	case encoding == format.DeltaBinaryPacked && layout.leaves[c.leaf].kind == format.Int64:
		var e delta.BinaryPackedEncoding
		c.longs, err = e.DecodeInt64(c.longs[:0], plain)
		n = len(c.longs)
	case encoding == format.DeltaBinaryPacked:
		var e delta.BinaryPackedEncoding
		c.ints, err = e.DecodeInt32(c.ints[:0], plain)
		n = len(c.ints)
	case encoding == format.Plain && layout.leaves[c.leaf].kind == format.Boolean:
		c.data = append(c.data[:0], plain...)
		n = 8 * len(c.data)
	default:
		return fmt.Errorf("a page is encoded as %v", encoding)
	}
	if err == nil && n < values {
		err = fmt.Errorf("a page has %d values instead of %d", n, values)
	}
	return err
}

// checkCount checks that encoded values are not many more than there should be,
// so that a forged page cannot make a decoder take memory without bound.
func checkCount(encoding format.Encoding, plain []byte, values int) error {
	switch encoding {
	case format.RLEDictionary:
		if len(plain) == 0 || plain[0] > 32 {
			return fmt.Errorf("a page has no width of its values")
		}
		return checkRuns(plain[1:], int(plain[0]), values)
	case format.DeltaLengthByteArray, format.DeltaBinaryPacked:
		// The size of a block, how many parts it has, how many values follow.
		d := decbuf{b: plain}
		_, _ = d.uvarint(), d.uvarint()
		if n := d.uvarint(); d.err != nil || n > uint64(values) {
			return fmt.Errorf("a page has %d values instead of %d", n, values)
		}
	}
	return nil
}

// checkRuns adds up the runs of the hybrid encoding. The last one may be filled
// up to eight values.
func checkRuns(packed []byte, width, values int) error {
	d := decbuf{b: packed}
	for left := values + 7; len(d.b) > 0; {
		head := d.uvarint()
		n, size := head>>1, (width+7)/8
		if head&1 == 1 {
			n, size = 8*n, int(min(head>>1, 1<<30))*width
		}
		if d.err != nil || n > uint64(left) || size > len(d.b) {
			return fmt.Errorf("a page of %d values has more", values)
		}
		left -= int(n)
		d.skip(size)
	}
	return nil
}
