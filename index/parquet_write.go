package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// parquetWriter writes one Parquet file, a column chunk after the other. The
// schema, the encodings, the compression and the file's structures are
// parquet-go's. Its own writer is not used: it takes each value of each row
// through an interface and looks it up in a dictionary, where a batch already
// has the distinct values numbered; that was a third of the time of an ingest.
type parquetWriter struct {
	w       io.Writer
	offset  int64
	group   format.RowGroup
	groups  []format.RowGroup
	pages   []format.OffsetIndex // one for each chunk
	times   []format.ColumnIndex // eventTime's, one for each row group
	digests []uint64             // one for each chunk; see chunkDigest
	frames  []byte               // of the dictionary of each chunk; see frames.go
	err     error

	chunk   openChunk
	head    bytes.Buffer
	encoder *thrift.Encoder
	page    pageBuffers
}

// pageBuffers are reused from page to page.
type pageBuffers struct {
	levels, body, packed []byte
	levelBytes           []byte // encoded
	texts                texts
	offsets              []uint32
	ids                  []int32
	longs                []int64
	ints                 []int32
	bits                 []byte
	local                []uint32 // by number in the batch: number in the chunk
	dictionary           []uint32 // numbers in the batch
	ends                 []int    // of the frames of a dictionary
	frames               textFrames
}

// openChunk is the column chunk that is being written.
type openChunk struct {
	leaf     int
	optional bool
	meta     format.ColumnMetaData
	index    format.OffsetIndex
	digest   chunkDigest
	rows     int64
}

// Limits of a page and of a dictionary. A reader of one row unpacks one page a
// column.
const (
	pageRows        = 8 << 10
	shortPageRows   = 2 << 10 // where the rows vary
	dictionaryBytes = 1 << 20
)

// rowsOfPage returns how many of a chunk's rows that are left, given by their
// numbers in the dictionary, its next page has. A page costs some thirty bytes and a
// reader of one row all of its numbers: those that hardly vary take next to nothing.
func rowsOfPage(ids []int32) int {
	n := min(len(ids), pageRows)
	changes := 0
	for i := 1; i < n; i++ {
		if ids[i] != ids[i-1] {
			changes++
		}
	}
	if changes > pageRows/16 {
		n = min(n, shortPageRows)
	}
	return n
}

// pageBytes returns how many bytes of text the next page of a chunk has, after one
// of which plain bytes were packed. What hardly shrinks, as ids do, is not made
// longer by standing in a small page; what repeats itself is.
func pageBytes(plain, packed int) int {
	if plain < 2*packed {
		return 32 << 10
	}
	return 128 << 10
}

// The encoders of pages. What a dictionary was no use for has little repetition
// that is worth a longer search, but letters that a few bits can tell apart.
var (
	encoder     = sync.OnceValue(func() *zstd.Encoder { return pageEncoder(zstd.SpeedDefault) })
	textEncoder = sync.OnceValue(func() *zstd.Encoder { return pageEncoder(zstd.SpeedFastest) })
)

func pageEncoder(level zstd.EncoderLevel, more ...zstd.EOption) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, append(more, zstd.WithEncoderLevel(level), zstd.WithWindowSize(1<<20),
		zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true), zstd.WithAllLitEntropyCompression(true))...)
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}

const parquetMagic = "PAR1"

func newParquetWriter(w io.Writer) *parquetWriter {
	p := &parquetWriter{w: w}
	var protocol thrift.CompactProtocol
	p.encoder = thrift.NewEncoder(protocol.NewWriter(&p.head))
	p.write([]byte(parquetMagic))
	return p
}

func (p *parquetWriter) write(b []byte) {
	if p.err != nil {
		return
	}
	n, err := p.w.Write(b)
	p.offset += int64(n)
	p.err = err
}

// structure writes a Thrift structure and returns its size.
func (p *parquetWriter) structure(v any) int {
	p.head.Reset()
	p.sound(nil, p.encoder.Encode(v))
	p.write(p.head.Bytes())
	return p.head.Len()
}

// begin starts the chunk of a leaf; chunks come in the order of the leaves.
func (p *parquetWriter) begin(leaf int) {
	l := &layout.leaves[leaf]
	p.chunk = openChunk{leaf: leaf, optional: l.optional}
	p.chunk.meta = format.ColumnMetaData{Type: l.kind, PathInSchema: l.path, Codec: format.Zstd}
	if len(p.group.Columns) == 0 {
		p.group.FileOffset = p.offset
	}
}

// dataPage writes a page of rows: their levels, then the encoded values, of
// which there are present.
func (p *parquetWriter) dataPage(rows, present int, encoding format.Encoding, body []byte, codec *zstd.Encoder) {
	p.splitPage(rows, present, encoding, body, 0, 0, codec)
}

// splitPage writes a data page whose first bytes, up to split, are of another kind
// than the others, which are texts in blocks of so many bytes, and returns how many
// bytes it packed the values into.
func (p *parquetWriter) splitPage(rows, present int, encoding format.Encoding, body []byte, split, block int, codec *zstd.Encoder) int {
	c, b := &p.chunk, &p.page
	b.levelBytes = b.levelBytes[:0]
	if c.optional {
		levels := rle.Encoding{BitWidth: 1}
		b.levelBytes = p.sound(levels.EncodeLevels(b.levelBytes, b.levels))
		c.digest.levels.bytes(b.levels)
	}
	packed, compressed := p.pack(body, split, block, codec)
	if !compressed {
		packed = body
	}
	header := format.PageHeader{
		Type:                 format.DataPageV2,
		UncompressedPageSize: int32(len(b.levelBytes) + len(body)),
		CompressedPageSize:   int32(len(b.levelBytes) + len(packed)),
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: int32(rows), NumNulls: int32(rows - present), NumRows: int32(rows),
			Encoding:                   encoding,
			DefinitionLevelsByteLength: int32(len(b.levelBytes)),
			IsCompressed:               thrift.New(compressed),
		}),
	}
	if c.meta.DataPageOffset == 0 {
		c.meta.DataPageOffset = p.offset
	}
	at := p.offset
	head := p.structure(&header)
	p.write(b.levelBytes)
	p.write(packed)
	c.index.PageLocations = append(c.index.PageLocations, format.PageLocation{
		Offset: at, CompressedPageSize: int32(p.offset - at), FirstRowIndex: c.rows,
	})
	c.meta.TotalUncompressedSize += int64(head) + int64(header.UncompressedPageSize)
	c.meta.Statistics.NullCount += int64(rows - present)
	c.rows += int64(rows)
	p.uses(encoding)
	return len(packed)
}

// sound returns b; the first error stays in p.err.
func (p *parquetWriter) sound(b []byte, err error) []byte {
	if p.err == nil {
		p.err = err
	}
	return b
}

// pack compresses body where that is worth the reader's time: what stands in front
// of split in a frame of its own, since each frame has one table of letters.
func (p *parquetWriter) pack(body []byte, split, block int, codec *zstd.Encoder) (packed []byte, ok bool) {
	if len(body) < 32 {
		return nil, false
	}
	packed = p.page.packed[:0]
	if split > 0 {
		packed = codec.EncodeAll(body[:split], packed)
		p.page.packed = p.sound(p.page.frames.append(packed, body[split:], block))
	} else {
		p.page.packed = codec.EncodeAll(body, packed)
	}
	return p.page.packed, len(p.page.packed) < len(body)-len(body)/16
}

func (p *parquetWriter) uses(encoding format.Encoding) {
	for _, e := range p.chunk.meta.Encoding {
		if e == encoding {
			return
		}
	}
	p.chunk.meta.Encoding = append(p.chunk.meta.Encoding, encoding)
}

// dictionaryPage writes the chunk's dictionary, b.dictionary, whose values take
// size bytes; see pageDictionary.
func (p *parquetWriter) dictionaryPage(col *column, size int) {
	b := &p.page
	b.packed, b.ends = b.packed[:0], b.ends[:0]
	for numbers := range slices.Chunk(b.dictionary, frameValues(len(b.dictionary), size)) {
		b.body = b.body[:0]
		for _, n := range numbers {
			v := col.value(n)
			b.body = plain.AppendByteArray(b.body, v)
			p.chunk.digest.dictionary.bytes(v)
		}
		b.packed = encoder().EncodeAll(b.body, b.packed)
		b.ends = append(b.ends, len(b.packed))
	}
	p.frames = appendFrames(p.frames, len(b.dictionary), size, b.ends)
	header := format.PageHeader{
		Type:                 format.DictionaryPage,
		UncompressedPageSize: int32(size),
		CompressedPageSize:   int32(len(b.packed)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(len(b.dictionary)), Encoding: format.Plain}),
	}
	p.chunk.meta.DictionaryPageOffset = p.offset
	head := p.structure(&header)
	p.write(b.packed)
	p.chunk.meta.TotalUncompressedSize += int64(head + size)
	p.uses(format.Plain)
}

// end completes the chunk.
func (p *parquetWriter) end() {
	c := &p.chunk
	start := c.meta.DataPageOffset
	if c.meta.DictionaryPageOffset > 0 {
		start = c.meta.DictionaryPageOffset
	} else {
		p.frames = appendFrames(p.frames, 0, 0, nil)
	}
	if c.optional {
		p.uses(format.RLE)
	}
	c.meta.NumValues = c.rows
	c.meta.TotalCompressedSize = p.offset - start
	p.group.Columns = append(p.group.Columns, format.ColumnChunk{MetaData: c.meta})
	p.group.TotalByteSize += c.meta.TotalUncompressedSize
	p.group.TotalCompressedSize += c.meta.TotalCompressedSize
	p.group.NumRows = c.rows
	p.pages = append(p.pages, c.index)
	p.digests = append(p.digests, c.digest.sum())
}

// endGroup completes a row group.
func (p *parquetWriter) endGroup() error {
	p.group.Ordinal = int16(len(p.groups))
	p.groups = append(p.groups, p.group)
	p.group = format.RowGroup{}
	if len(p.groups) > math.MaxInt16 && p.err == nil {
		p.err = fmt.Errorf("more than %d row groups", math.MaxInt16)
	}
	return p.err
}

// close writes the indexes and the footer.
func (p *parquetWriter) close() error {
	rows, chunk := int64(0), 0
	for g := range p.groups {
		group := &p.groups[g]
		rows += group.NumRows
		for c := range group.Columns {
			column := &group.Columns[c]
			column.OffsetIndexOffset = p.offset
			column.OffsetIndexLength = int32(p.structure(&p.pages[chunk]))
			chunk++
		}
	}
	for g := range p.groups {
		column := &p.groups[g].Columns[layout.time]
		column.ColumnIndexOffset = p.offset
		column.ColumnIndexLength = int32(p.structure(&p.times[g]))
	}
	of := footerSchema()
	size := p.structure(&format.FileMetaData{
		Version: 2, Schema: of.elements, NumRows: rows, RowGroups: p.groups,
		CreatedBy: "trailblame version 1 (build )", ColumnOrders: of.orders,
	})
	p.write(append(binary.LittleEndian.AppendUint32(nil, uint32(size)), parquetMagic...))
	return p.err
}

// footerSchema is the schema as a file's footer has it: what parquet-go writes
// into a file without rows.
var footerSchema = sync.OnceValue(func() fileSchema {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[any](&b, schema())
	if err := w.Close(); err != nil {
		panic("index: the schema cannot be written: " + err.Error())
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		panic("index: the schema cannot be read: " + err.Error())
	}
	return fileSchema{f.Metadata().Schema, f.Metadata().ColumnOrders}
})
