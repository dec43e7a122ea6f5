package index

import (
	"errors"

	"github.com/parquet-go/parquet-go/format"
)

// The structures of a Parquet file are Thrift's in the compact protocol
// (Apache Thrift, "Thrift Compact protocol encoding"). The library that decodes the
// footer makes room for as many elements as a list says it has, so what a forged
// file says is checked first. What stands in front of each page, and where the pages
// stand, is read here: for a query of a few rows the library's reflection would take
// as long as the values.

var errBadThrift = errors.New("a structure of the Parquet file does not decode")

var errNoPage = errors.New("no page holds it")

// pageHeader is what a reader takes of the PageHeader in front of a page.
type pageHeader struct {
	kind          format.PageType
	plain, packed int  // bytes behind the header
	data          bool // a DataPageHeaderV2 follows
	values, nulls int
	encoding      format.Encoding
	levels        int // bytes of the definition levels
	repeated      int // of the repetition levels
	compressed    bool
}

// readPageHeader reads the header that b begins with and returns how long it is.
func readPageHeader(b []byte) (h pageHeader, size int, err error) {
	c := thriftCheck{decbuf{b: b}}
	c.fields(0, func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			h.kind = format.PageType(c.number())
		case id == 2 && kind == thriftI32:
			h.plain = c.number()
		case id == 3 && kind == thriftI32:
			h.packed = c.number()
		case id == 7 && kind == thriftStruct: // DictionaryPageHeader
			c.fields(1, func(id int, kind byte) bool {
				if id == 1 && kind == thriftI32 {
					h.values = c.number()
					return true
				}
				return false
			})
		case id == 8 && kind == thriftStruct:
			h.data, h.compressed = true, true
			c.fields(1, func(id int, kind byte) bool { return c.dataPage(&h, id, kind) })
		default:
			return false
		}
		return true
	})
	if c.err != nil {
		return h, 0, errBadThrift
	}
	return h, len(b) - len(c.b), nil
}

// dataPage reads a field of a DataPageHeaderV2.
func (c *thriftCheck) dataPage(h *pageHeader, id int, kind byte) bool {
	switch {
	case id == 1 && kind == thriftI32:
		h.values = c.number()
	case id == 2 && kind == thriftI32:
		h.nulls = c.number()
	case id == 4 && kind == thriftI32:
		h.encoding = format.Encoding(c.number())
	case id == 5 && kind == thriftI32:
		h.levels = c.number()
	case id == 6 && kind == thriftI32:
		h.repeated = c.number()
	case id == 7 && kind == thriftFalse:
		h.compressed = false
	default:
		return false
	}
	return true
}

// findPage finds in an OffsetIndex the page that holds a row of a row group of so
// many rows.
func findPage(b []byte, row, rows int64) (found page, err error) {
	c := thriftCheck{decbuf{b: b}}
	found.first, found.end = -1, rows
	c.fields(0, func(id int, kind byte) bool {
		if id != 1 || kind != thriftList {
			return false
		}
		c.structures(func() {
			if p := c.pageLocation(); p.FirstRowIndex <= row {
				found = page{p.Offset, int64(p.CompressedPageSize), p.FirstRowIndex, rows}
			} else {
				found.end = min(found.end, p.FirstRowIndex)
			}
		})
		return true
	})
	switch {
	case c.err != nil:
		return found, errBadThrift
	case found.first < 0 || found.end <= row:
		return found, errNoPage
	}
	return found, nil
}

func (c *thriftCheck) pageLocation() (p format.PageLocation) {
	c.fields(1, func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI64:
			p.Offset = int64(c.number())
		case id == 2 && kind == thriftI32:
			p.CompressedPageSize = int32(c.number())
		case id == 3 && kind == thriftI64:
			p.FirstRowIndex = int64(c.number())
		default:
			return false
		}
		return true
	})
	return p
}

// number reads a whole number, which stands in zigzag form.
func (c *thriftCheck) number() int {
	v := c.uvarint()
	return int(int64(v>>1) ^ -int64(v&1))
}

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI8     = 3
	thriftI32    = 5
	thriftI64    = 6 // I16 to I64 are varints
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftStruct = 12

	maxThriftDepth = 16
)

// thriftCheck walks through a structure.
type thriftCheck struct{ decbuf }

func (c *thriftCheck) structure(depth int) {
	c.fields(depth, func(int, byte) bool { return false })
}

// fields walks through the fields of a structure; read tells whether it has read
// the value.
func (c *thriftCheck) fields(depth int, read func(id int, kind byte) bool) {
	if depth > maxThriftDepth {
		c.fail("structures too deep")
	}
	for id := 0; c.err == nil; {
		head := c.byte()
		if head == 0 {
			return
		}
		if head>>4 == 0 { // the field's number follows
			id = c.number()
		} else {
			id += int(head >> 4)
		}
		// A boolean field has its value in its type.
		if kind := head & 15; !read(id, kind) && kind != thriftTrue && kind != thriftFalse {
			c.value(kind, depth)
		}
	}
}

func (c *thriftCheck) byte() byte {
	if len(c.b) == 0 {
		c.fail("ends too early")
		return 0
	}
	v := c.b[0]
	c.skip(1)
	return v
}

func (c *thriftCheck) value(kind byte, depth int) {
	switch {
	case kind <= thriftI8:
		c.byte()
	case kind <= thriftI64:
		c.uvarint()
	case kind == thriftDouble:
		if len(c.b) < 8 {
			c.fail("ends too early")
			return
		}
		c.skip(8)
	case kind == thriftBinary:
		c.bytes()
	case kind == thriftList, kind == thriftSet:
		for n, kind := c.list(); n > 0 && c.err == nil; n-- {
			c.value(kind, depth+1)
		}
	case kind == thriftStruct:
		c.structure(depth + 1)
	default: // a map: Parquet has none
		c.fail("unknown type")
	}
}

// list reads how many elements a list has, and of what type.
func (c *thriftCheck) list() (n uint64, kind byte) {
	head := c.byte()
	if n = uint64(head >> 4); n == 15 {
		n = c.uvarint()
	}
	if n > uint64(len(c.b)) {
		c.fail("list longer than its structure")
	}
	return n, head & 15
}
