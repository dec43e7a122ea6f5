package index

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// eventsFile is an open Parquet file: its footer, and a way to its pages. It
// belongs to one goroutine; the footer is shared.
type eventsFile struct {
	parquet *parquet.File
	first   []int64 // row that each row group begins with, and one behind the last
	blocks  blockCache
	located [][]format.PageLocation // of each chunk, once it was asked for
}

func newEventsFile(pf *parquet.File, blocks *blockReader) *eventsFile {
	f := &eventsFile{parquet: pf, blocks: blockCache{r: blocks}, first: []int64{0}}
	for _, g := range pf.Metadata().RowGroups {
		f.first = append(f.first, f.first[len(f.first)-1]+g.NumRows)
	}
	f.located = make([][]format.PageLocation, len(pf.Metadata().RowGroups)*layout.count)
	return f
}

// groupOf returns the row group that holds a row, -1 when none does.
func (f *eventsFile) groupOf(row int64) int {
	if row < 0 || row >= f.first[len(f.first)-1] {
		return -1
	}
	return sort.Search(len(f.first), func(g int) bool { return f.first[g] > row }) - 1
}

func (f *eventsFile) chunk(group, leaf int) *format.ColumnChunk {
	return &f.parquet.Metadata().RowGroups[group].Columns[leaf]
}

// pages tells where the pages of a chunk stand: at least one.
func (f *eventsFile) pages(group, leaf int) ([]format.PageLocation, error) {
	known := &f.located[group*layout.count+leaf]
	if *known != nil {
		return *known, nil
	}
	chunk := f.chunk(group, leaf)
	b, err := f.blocks.read(nil, chunk.OffsetIndexOffset, int64(chunk.OffsetIndexLength))
	if err != nil {
		return nil, err
	}
	list, err := readPageLocations(b)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("column %d has no pages in row group %d", leaf, group)
	}
	*known = list
	return list, nil
}

// blockCache reads a file through the blocks that were read last: the pages of
// most columns are small and stand side by side, but a record names its columns in
// another order.
type blockCache struct {
	r      *blockReader
	blocks [cachedBlocks]cachedBlock
	clock  int
}

type cachedBlock struct {
	number int64
	size   int64 // 0 when nothing is cached
	data   *[blockSize]byte
	used   int
}

const cachedBlocks = 24

// close gives the blocks' memory to others.
func (c *blockCache) close() {
	for i := range c.blocks {
		if b := &c.blocks[i]; b.data != nil {
			blockPool.Put(b.data)
			*b = cachedBlock{}
		}
	}
}

// read appends size bytes of the file.
func (c *blockCache) read(dst []byte, offset, size int64) ([]byte, error) {
	if offset < 0 || size < 0 || size > c.r.size-offset {
		return dst, corrupt(c.r.name, offset, "%d bytes outside the file", size)
	}
	if size > 2*blockSize {
		return c.direct(dst, offset, size)
	}
	for end := offset + size; offset < end; {
		k := offset / blockSize
		block, err := c.block(k)
		if err != nil {
			return dst, err
		}
		part := block[offset-k*blockSize : min(int64(len(block)), end-k*blockSize)]
		dst = append(dst, part...)
		offset += int64(len(part))
	}
	return dst, nil
}

// direct reads what would only push other blocks out.
func (c *blockCache) direct(dst []byte, offset, size int64) ([]byte, error) {
	n := len(dst)
	dst = slices.Grow(dst, int(size))[:n+int(size)]
	if _, err := c.r.ReadAt(dst[n:], offset); err != nil && err != io.EOF {
		return dst[:n], err
	}
	return dst, nil
}

// block returns a block, which stays valid until the next is asked for.
func (c *blockCache) block(k int64) ([]byte, error) {
	c.clock++
	oldest := 0
	for i := range c.blocks {
		b := &c.blocks[i]
		if b.size > 0 && b.number == k {
			b.used = c.clock
			return b.data[:b.size], nil
		}
		if b.used < c.blocks[oldest].used {
			oldest = i
		}
	}
	b := &c.blocks[oldest]
	if b.data == nil {
		b.data = blockPool.Get().(*[blockSize]byte)
	}
	b.size = 0
	size := min(blockSize, c.r.size-k*blockSize)
	if err := c.r.readBlock(k, b.data[:size]); err != nil {
		return nil, err
	}
	b.number, b.size, b.used = k, size, c.clock
	return b.data[:size], nil
}

// openEvents reads the footer of a Parquet file and checks that it has what a
// reader of pages takes from it.
func openEvents(blocks *blockReader, rows int) (pf *parquet.File, err error) {
	name := blocks.name
	defer recoverCorrupt(name, &err)
	r := &footerReader{r: blocks, cache: &blockCache{r: blocks}}
	defer r.close()
	if err := checkFooter(r); err != nil {
		return nil, err
	}
	pf, err = parquet.OpenFile(r, blocks.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, asCorrupt(name, err)
	}
	groups := pf.Metadata().RowGroups
	if n := len(pf.Schema().Columns()); n != layout.count || pf.NumRows() != int64(rows) {
		return nil, corrupt(name, 0, "%d columns and %d rows where %d and %d were written", n, pf.NumRows(), layout.count, rows)
	}
	for g := range groups {
		if len(groups[g].Columns) != layout.count || groups[g].NumRows < 0 || groups[g].NumRows > int64(rows) {
			return nil, corrupt(name, 0, "%d columns of %d rows in row group %d", len(groups[g].Columns), groups[g].NumRows, g)
		}
	}
	return pf, nil
}

// footerReader reads a file through a cache while its footer is read, which takes
// several small reads of one block.
type footerReader struct {
	r     *blockReader
	cache *blockCache // nil behind the footer
}

// ReadAt implements io.ReaderAt.
func (f *footerReader) ReadAt(p []byte, off int64) (int, error) {
	if f.cache == nil || off < 0 || off+int64(len(p)) > f.r.size {
		return f.r.ReadAt(p, off)
	}
	b, err := f.cache.read(p[:0], off, int64(len(p)))
	return len(b), err
}

func (f *footerReader) close() {
	f.cache.close()
	f.cache = nil
}

// checkFooter checks that decoding the footer takes no more memory than the
// file makes plausible.
func checkFooter(f *footerReader) error {
	blocks := f.r
	var tail [8]byte // the footer's length, and the magic bytes
	if _, err := f.ReadAt(tail[:], blocks.size-int64(len(tail))); err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(tail[:]))
	if size > blocks.size-int64(len(tail)) {
		return corrupt(blocks.name, blocks.size-int64(len(tail)), "a footer of %d bytes", size)
	}
	footer := make([]byte, size)
	if _, err := f.ReadAt(footer, blocks.size-int64(len(tail))-size); err != nil {
		return err
	}
	c := thriftCheck{decbuf{file: blocks.name, b: footer}}
	c.structure(0)
	return c.err
}
