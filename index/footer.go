package index

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// footer is what a reader of pages takes from the footer of a Parquet file. It is
// read here, as pages are: for a query of a few rows the library's reflection would
// take as long as the values.
type footer struct {
	first  []int64      // row that each row group begins with, and one behind the last
	chunks []chunkPlace // of each leaf of each row group
}

// chunkPlace tells where the parts of a column chunk stand.
type chunkPlace struct {
	dictionary       int64             // page, 0 when there is none
	data             int64             // first data page
	pages, pagesSize int64             // list of the data pages
	frames           *dictionaryFrames // of the dictionary, nil when they are not known
}

func (f *footer) chunk(group, leaf int) *chunkPlace { return &f.chunks[group*layout.count+leaf] }

// footerTail is the footer's length and the magic bytes.
const footerTail = 8

// readFooter reads the footer of a file of rows.
func readFooter(file *blockCache, rows int) (*footer, error) {
	name, size := file.r.name, file.r.size
	tail, err := file.view(size-footerTail, footerTail)
	if err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != parquetMagic || length > size-footerTail {
		return nil, corrupt(name, size-footerTail, "a footer of %d bytes", length)
	}
	b, err := file.view(size-footerTail-length, length)
	if err != nil {
		return nil, err
	}
	c := thriftCheck{decbuf{file: name, offset: size - footerTail - length, b: b}}
	f := c.footer(size)
	if c.err != nil {
		return nil, c.err
	}
	if last := f.first[len(f.first)-1]; last != int64(rows) {
		return nil, corrupt(name, 0, "%d rows where %d were written", last, rows)
	}
	return f, nil
}

// footer reads a FileMetaData of a file of size bytes.
func (c *thriftCheck) footer(size int64) *footer {
	f := &footer{first: []int64{0}}
	leaves := 0
	c.fields(0, func(id int, kind byte) bool {
		switch {
		case id == 2 && kind == thriftList:
			c.structures(func() { leaves += c.leaf(leaves) })
		case id == 4 && kind == thriftList:
			c.structures(func() { c.rowGroup(f, size) })
		default:
			return false
		}
		return true
	})
	if leaves != layout.count {
		c.fail("its schema is another one")
	}
	return f
}

// structures reads a list of structures.
func (c *thriftCheck) structures(read func()) {
	n, kind := c.list()
	if kind != thriftStruct && n > 0 {
		c.fail("not a list of structures")
	}
	for ; n > 0 && c.err == nil; n-- {
		read()
	}
}

// leaf reads a SchemaElement and returns how many leaves it is: none when it is a
// group. A leaf must be the one that ours have at that place.
func (c *thriftCheck) leaf(at int) int {
	var name []byte
	leafKind := -1
	c.fields(1, func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			leafKind = c.number()
		case id == 4 && kind == thriftBinary:
			name = c.bytes()
		default:
			return false
		}
		return true
	})
	if leafKind < 0 {
		return 0
	}
	if at >= layout.count || format.Type(leafKind) != layout.leaves[at].kind || string(name) != layout.leaves[at].name() {
		c.fail("its schema is another one")
	}
	return 1
}

// rowGroup reads a RowGroup.
func (c *thriftCheck) rowGroup(f *footer, size int64) {
	had, rows := len(f.chunks), 0
	f.chunks = slices.Grow(f.chunks, layout.count)
	c.fields(1, func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			c.structures(func() { f.chunks = append(f.chunks, c.columnChunk(size)) })
		case id == 3 && kind == thriftI64:
			rows = c.number()
		default:
			return false
		}
		return true
	})
	if len(f.chunks)-had != layout.count || rows < 0 || rows > maxRun {
		c.fail("a row group of other columns")
	}
	f.first = append(f.first, f.first[len(f.first)-1]+int64(rows))
}

// columnChunk reads a ColumnChunk.
func (c *thriftCheck) columnChunk(size int64) (p chunkPlace) {
	c.fields(2, func(id int, kind byte) bool {
		switch {
		case id == 3 && kind == thriftStruct:
			c.fields(3, func(id int, kind byte) bool {
				switch {
				case id == 9 && kind == thriftI64:
					p.data = c.place(size)
				case id == 11 && kind == thriftI64:
					p.dictionary = c.place(size)
				default:
					return false
				}
				return true
			})
		case id == 4 && kind == thriftI64:
			p.pages = c.place(size)
		case id == 5 && kind == thriftI32:
			p.pagesSize = c.place(size)
		default:
			return false
		}
		return true
	})
	return p
}

// place reads an offset in a file of size bytes, or a length of its part.
func (c *thriftCheck) place(size int64) int64 {
	v := int64(c.number())
	if v < 0 || v > size {
		c.fail("a place outside the file")
		return 0
	}
	return v
}
