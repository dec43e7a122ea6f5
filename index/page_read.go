package index

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// columnCursor is a position in one leaf column: one page, and the dictionary of
// its row group. The encodings are parquet-go's. Its pages are not used: they
// make a parquet.Value of each row, and a query mostly wants one row of a page.
type columnCursor struct {
	leaf int

	group      int // that the dictionary is of, -1 for none
	dictionary pageDictionary

	first  int64 // row of the page's first value
	rows   int   // of the page
	values int   // of its rows that have one

	// encoding tells which of the following holds the page's values.
	encoding format.Encoding
	ids      hybrid      // in the dictionary
	data     []byte      // texts, or bits; part of plain or of packed
	offsets  []uint32    // of the texts in data, and behind the last
	packed   packedTexts // what data holds the first part of, as far as it was asked for
	longs    []int64
	ints     []int32
	levels   hybrid // whether each row has a value, where some have

	asked int // how often the page was asked for another row than before
	row   int // the last of them, counted from the page's first
	at    int // where its value stands; -1 when it has none

	// Of a page that was asked for more than a few rows:
	whole, scanned bool // scanned is whole of the page before
	allIDs         []int32
	allLevels      []byte
	counted, below int // values in front of the row counted

	plain      []byte // of the page
	levelBytes []byte
}

// fewRows is how many rows of a page are looked for one by one. When it is asked
// for more, all its levels and numbers are unpacked.
const fewRows = 4

// maxPage bounds the plain bytes of a page or a dictionary: what the longest
// record and a page's other values can make.
const maxPage = 64 << 20

var pageDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPage), zstd.IgnoreChecksum(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// unpackSlack is room behind what is unpacked, with which the decoder is faster.
const unpackSlack = 64

func newColumnCursor(leaf int) *columnCursor { return &columnCursor{leaf: leaf, group: -1} }

// reset makes the cursor one of another file.
func (c *columnCursor) reset() { c.group, c.first, c.rows = -1, 0, 0 }

// size is what the cursor holds in memory, about.
func (c *columnCursor) size() int {
	d := &c.dictionary
	return cap(c.plain) + cap(c.levelBytes) + cap(c.allLevels) + 4*(cap(c.allIDs)+cap(c.ints)+cap(c.offsets)) + 8*cap(c.longs) +
		cap(d.packed) + cap(d.plain) + 4*cap(d.offsets)
}

func (c *columnCursor) holds(row int64) bool {
	return row >= c.first && row < c.first+int64(c.rows)
}

// place returns where the value of a row of the page stands among its values; ok
// is false when the row has none.
func (c *columnCursor) place(row int64) (at int, ok bool, err error) {
	i := int(row - c.first)
	if i != c.row {
		if c.asked++; c.asked > fewRows && !c.whole {
			if err := c.unpackWhole(); err != nil {
				return 0, false, err
			}
		}
		if c.row, c.at = i, c.placeOf(i); c.at >= c.values {
			return 0, false, fmt.Errorf("a page of %d values tells of more", c.values)
		}
	}
	return c.at, c.at >= 0, nil
}

func (c *columnCursor) placeOf(i int) int {
	switch {
	case c.values == 0:
		return -1
	case c.values == c.rows:
		return i
	case !c.whole:
		before, one := c.levels.ones(i)
		if !one {
			return -1
		}
		return before
	case c.allLevels[i] == 0:
		return -1
	}
	if i < c.counted {
		c.counted, c.below = 0, 0
	}
	c.below += bytes.Count(c.allLevels[c.counted:i], present)
	c.counted = i
	return c.below
}

var present = []byte{1}

// text returns a value of a column of texts. It stays valid until the next one is
// asked for.
func (c *columnCursor) text(f *eventsFile, at int) ([]byte, error) {
	if c.encoding != format.RLEDictionary {
		if at+1 >= len(c.offsets) {
			return nil, fmt.Errorf("value %d of a page of %d", at, len(c.offsets)-1)
		}
		if end := int(c.offsets[at+1]); end > len(c.data) {
			if err := c.unpackTexts(end); err != nil {
				return nil, err
			}
		}
		return c.data[c.offsets[at]:c.offsets[at+1]:c.offsets[at+1]], nil
	}
	var id uint32
	if c.whole {
		id = uint32(c.allIDs[at])
	} else {
		var ok bool
		if id, ok = c.ids.at(at); !ok {
			return nil, fmt.Errorf("a page has no value %d", at)
		}
	}
	return c.dictionary.value(f, id)
}

func (c *columnCursor) bit(at int) bool { return c.data[at/8]>>(at%8)&1 == 1 }

// unpackWhole unpacks the levels and the numbers of the page.
func (c *columnCursor) unpackWhole() (err error) {
	defer recoverPage(&err)
	if c.values > 0 && c.values < c.rows {
		if err := checkRuns(c.levels.packed, 1, c.rows); err != nil {
			return err
		}
		e := rle.Encoding{BitWidth: 1}
		if c.allLevels, err = e.DecodeLevels(c.allLevels, c.levels.packed); err != nil {
			return err
		}
		if len(c.allLevels) < c.rows || bytes.Count(c.allLevels[:c.rows], present) != c.values {
			return fmt.Errorf("a page of %d values tells of others", c.values)
		}
	}
	if c.values > 0 && c.encoding == format.RLEDictionary {
		if err := checkRuns(c.ids.packed, c.ids.width, c.values); err != nil {
			return err
		}
		e := rle.Encoding{BitWidth: c.ids.width}
		if c.allIDs, err = e.DecodeInt32(c.allIDs[:0], c.ids.packed); err != nil {
			return err
		}
		if len(c.allIDs) < c.values {
			return fmt.Errorf("a page has %d values instead of %d", len(c.allIDs), c.values)
		}
	}
	c.whole, c.counted, c.below = true, 0, 0
	return nil
}

// recoverPage turns a panic of a decoder into an error: pages may be forged.
func recoverPage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("a page does not decode: %v", p)
	}
}

// load reads the page that holds a row.
func (c *columnCursor) load(f *eventsFile, row int64) (err error) {
	defer func() {
		if err != nil {
			c.rows = 0
		}
	}()
	defer recoverPage(&err)
	group := f.groupOf(row)
	if group < 0 {
		return fmt.Errorf("row %d is outside the file", row)
	}
	if c.group != group {
		if err := c.loadDictionary(f, group); err != nil {
			return err
		}
	}
	p, err := f.page(group, c.leaf, row)
	if err != nil {
		return err
	}
	h, body, err := readPage(f, p.offset, p.size)
	if err != nil {
		return err
	}
	c.first = p.first
	return c.unpack(&h, body, int(p.end-p.first))
}

// readPage reads the header and the body of a page, which is valid until something
// else of the file is read.
func readPage(f *eventsFile, offset, size int64) (h pageHeader, body []byte, err error) {
	b, err := f.blocks.view(offset, size)
	if err != nil {
		return h, nil, err
	}
	h, n, err := readPageHeader(b)
	if err != nil {
		return h, nil, err
	}
	body = b[n:]
	if h.packed != len(body) || h.plain < 0 || h.plain > maxPage {
		return h, nil, fmt.Errorf("a page of %d bytes says that it has %d, unpacked %d", len(body), h.packed, h.plain)
	}
	return h, body, nil
}

// loadDictionary prepares the dictionary of a group, if there is one. Its page ends
// where the first data page begins.
func (c *columnCursor) loadDictionary(f *eventsFile, group int) error {
	c.group = -1
	c.dictionary.reset()
	chunk := f.chunk(group, c.leaf)
	switch {
	case chunk.frames != nil:
		c.dictionary.set(chunk.frames)
	case chunk.dictionary != 0:
		h, body, err := readPage(f, chunk.dictionary, chunk.data-chunk.dictionary)
		if err != nil {
			return err
		}
		if h.kind != format.DictionaryPage {
			return fmt.Errorf("page of type %v instead of a dictionary", h.kind)
		}
		if err := c.dictionary.setPage(body, h.values, h.plain); err != nil {
			return err
		}
	}
	c.group = group
	return nil
}

func unpackPage(dst, packed []byte, size int) ([]byte, error) {
	if cap(dst) < size+unpackSlack {
		dst = make([]byte, 0, size+size/8+unpackSlack)
	}
	dst, err := pageDecoder().DecodeAll(packed, dst[:0])
	if err == nil && len(dst) != size {
		err = fmt.Errorf("a page has %d bytes instead of %d", len(dst), size)
	}
	return dst, err
}

// unpack decodes the page.
func (c *columnCursor) unpack(h *pageHeader, body []byte, rows int) error {
	if h.kind != format.DataPageV2 || !h.data {
		return fmt.Errorf("page of type %v", h.kind)
	}
	values, size := h.values-h.nulls, h.levels
	if h.values != rows || values < 0 || values > rows || size < 0 || size > len(body) || h.repeated != 0 {
		return fmt.Errorf("a page of %d rows says that it has %d, %d of them empty", rows, h.values, h.nulls)
	}
	c.scanned = c.whole
	c.values, c.whole, c.asked, c.row = values, false, 0, -1
	c.levelBytes = append(c.levelBytes[:0], body[:size]...)
	c.levels = hybrid{c.levelBytes, 1}
	c.rows = rows
	if values == 0 {
		return nil
	}
	body, plain := body[size:], h.plain-size
	if !h.compressed {
		c.plain = append(c.plain[:0], body...)
		return c.decode(h.encoding, c.plain)
	}
	if h.encoding == format.DeltaLengthByteArray {
		if apart, err := c.textsApart(body, plain); apart || err != nil {
			return err
		}
	}
	var err error
	if c.plain, err = unpackPage(c.plain, body, plain); err != nil {
		return err
	}
	return c.decode(h.encoding, c.plain)
}

// textsApart prepares the texts of a page that has them in a frame behind that of
// their lengths; it tells whether it is such a page.
func (c *columnCursor) textsApart(body []byte, size int) (apart bool, err error) {
	n, err := frameLength(body)
	if err != nil || n == len(body) {
		return false, err
	}
	if c.plain, err = pageDecoder().DecodeAll(body[:n], c.plain[:0]); err != nil {
		return false, err
	}
	if err := checkCount(format.DeltaLengthByteArray, c.plain, c.values); err != nil {
		return false, err
	}
	texts := size - len(c.plain)
	end, err := c.decodeLengths(c.plain, texts)
	if err != nil {
		return false, err
	}
	if end != texts || len(c.ints) < c.values {
		return false, fmt.Errorf("%d texts of %d bytes where there should be %d of %d", len(c.ints), end, c.values, texts)
	}
	c.encoding, c.data = format.DeltaLengthByteArray, nil
	return true, c.packed.set(body[n:], texts)
}

// unpackTexts unpacks the texts of the page up to end, or all of them when it was
// asked for more than a few.
func (c *columnCursor) unpackTexts(end int) (err error) {
	defer recoverPage(&err)
	if len(c.data) > 0 || c.scanned {
		end = c.packed.size
	}
	c.plain, err = c.packed.unpack(c.plain, end)
	c.data = c.plain
	return err
}

// decode reads the values of the page, but for numbers in the dictionary.
func (c *columnCursor) decode(encoding format.Encoding, plain []byte) (err error) {
	if err := checkCount(encoding, plain, c.values); err != nil {
		return err
	}
	n := c.values
	switch c.encoding = encoding; {
	case encoding == format.RLEDictionary:
		c.ids = hybrid{plain[1:], int(plain[0])}
	case encoding == format.DeltaLengthByteArray:
		err = c.decodeTexts(plain)
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
		c.data = plain
		n = 8 * len(plain)
	default:
		return fmt.Errorf("a page is encoded as %v", encoding)
	}
	if err == nil && n < c.values {
		err = fmt.Errorf("a page has %d values instead of %d", n, c.values)
	}
	return err
}

// decodeTexts reads where the texts stand: their lengths come first, and they
// themselves to the end of the page.
func (c *columnCursor) decodeTexts(plain []byte) error {
	end, err := c.decodeLengths(plain, len(plain))
	if err == nil {
		c.data = plain[len(plain)-end:]
	}
	return err
}

// decodeLengths reads the lengths of texts that take no more than limit bytes.
func (c *columnCursor) decodeLengths(plain []byte, limit int) (end int, err error) {
	var e delta.BinaryPackedEncoding
	if c.ints, err = e.DecodeInt32(c.ints[:0], plain); err != nil {
		return 0, err
	}
	c.offsets = append(c.offsets[:0], 0)
	for _, n := range c.ints {
		if n < 0 || int(n) > limit-end {
			return 0, fmt.Errorf("a text of %d bytes in a page of %d", n, limit)
		}
		end += int(n)
		c.offsets = append(c.offsets, uint32(end))
	}
	return end, nil
}

// checkCount checks that encoded values are not many more than there should be,
// so that a forged page cannot make a decoder take memory without bound.
func checkCount(encoding format.Encoding, plain []byte, values int) error {
	switch encoding {
	case format.RLEDictionary:
		if len(plain) == 0 || plain[0] > 32 {
			return fmt.Errorf("a page has no width of its values")
		}
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
