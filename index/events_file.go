package index

import (
	"encoding/binary"
	"fmt"
	"sort"
	"sync"

	"github.com/parquet-go/parquet-go"
)

// eventsFile is an open Parquet file: its footer, and a way to its pages. It
// belongs to one goroutine; the footer is shared.
type eventsFile struct {
	*footer
	blocks blockCache
}

// groupOf returns the row group that holds a row, -1 when none does.
func (f *eventsFile) groupOf(row int64) int {
	if row < 0 || row >= f.first[len(f.first)-1] {
		return -1
	}
	return sort.Search(len(f.first), func(g int) bool { return f.first[g] > row }) - 1
}

// page is where a data page stands, and its rows.
type page struct{ offset, size, first, end int64 }

// page finds the page of a chunk that holds a row.
func (f *eventsFile) page(group, leaf int, row int64) (p page, err error) {
	chunk := f.chunk(group, leaf)
	b, err := f.blocks.view(chunk.pages, chunk.pagesSize)
	if err != nil {
		return p, err
	}
	from, end := f.first[group], f.first[group+1]
	p, err = findPage(b, row-from, end-from)
	if err != nil {
		return p, fmt.Errorf("row %d in column %d: %w", row, leaf, err)
	}
	p.first, p.end = p.first+from, p.end+from
	return p, nil
}

// blockCache reads a file through the blocks that were read last: the pages of
// most columns are small and stand side by side, but a record names its columns in
// another order. It belongs to one goroutine and may be used for one file after
// another.
type blockCache struct {
	r      *blockReader
	blocks [cachedBlocks]cachedBlock // block k stands at k % len, or nowhere
	apart  []byte                    // what was read last and is not part of one block
}

type cachedBlock struct {
	number int64
	data   []byte // nil when nothing is cached
	buf    []byte
}

const cachedBlocks = 64

// spareCaches are for those that read a few blocks.
var spareCaches = sync.Pool{New: func() any { return new(blockCache) }}

// reset makes c read another file.
func (c *blockCache) reset(r *blockReader) {
	c.r = r
	for i := range c.blocks {
		c.blocks[i].data = nil
	}
}

// view returns size bytes of the file. They are valid until the next call.
func (c *blockCache) view(offset, size int64) ([]byte, error) {
	if offset < 0 || size < 0 || size > c.r.size-offset {
		return nil, corrupt(c.r.name, offset, "%d bytes outside the file", size)
	}
	if size == 0 {
		return nil, nil
	}
	k := offset / c.r.block
	from := k * c.r.block
	if offset+size > from+c.r.block {
		return c.span(k, offset, size)
	}
	block, err := c.block(k)
	if err != nil {
		return nil, err
	}
	return block[offset-from:][:size:size], nil
}

// span reads what several blocks hold, without pushing others out.
func (c *blockCache) span(k, offset, size int64) ([]byte, error) {
	from := k * c.r.block
	n := min((offset+size+c.r.block-1)/c.r.block*c.r.block, c.r.size) - from
	if int64(cap(c.apart)) < n {
		c.apart = make([]byte, n+n/4)
	}
	if err := c.r.readBlocks(k, c.apart[:n]); err != nil {
		return nil, err
	}
	return c.apart[offset-from:][:size:size], nil
}

func (c *blockCache) block(k int64) ([]byte, error) {
	b := &c.blocks[k%cachedBlocks]
	if b.data != nil && b.number == k {
		return b.data, nil
	}
	if int64(cap(b.buf)) < c.r.block {
		b.buf = make([]byte, c.r.block)
	}
	b.data = nil
	data := b.buf[:min(c.r.block, c.r.size-k*c.r.block)]
	if err := c.r.readBlocks(k, data); err != nil {
		return nil, err
	}
	b.number, b.data = k, data
	return data, nil
}

// openParquet opens a file with parquet-go, once what it would take the footer's
// word for is checked.
func openParquet(blocks *blockReader) (pf *parquet.File, err error) {
	defer recoverCorrupt(blocks.name, &err)
	if err := checkFooter(blocks); err != nil {
		return nil, err
	}
	pf, err = parquet.OpenFile(blocks, blocks.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return nil, asCorrupt(blocks.name, err)
	}
	return pf, nil
}

// checkFooter checks that decoding the footer takes no more memory than the
// file makes plausible.
func checkFooter(blocks *blockReader) error {
	file := blockCache{r: blocks}
	tail, err := file.view(blocks.size-footerTail, footerTail)
	if err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(tail))
	footer, err := file.view(blocks.size-footerTail-size, size)
	if err != nil {
		return err
	}
	c := thriftCheck{decbuf{file: blocks.name, b: footer}}
	c.structure(0)
	return c.err
}
