package index

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/trailblame/trailblame/ingest"
)

// column writes the chunk of a text column: the rows of perm, in that order.
// The distinct values become a dictionary where that is smaller.
func (p *parquetWriter) column(leaf int, col *column, perm []int32) {
	p.begin(leaf)
	unique := leaf == layout.of[ingest.EventID] || leaf == layout.of[ingest.RequestID]
	if unique || !p.dictionary(col, perm) {
		p.plainTexts(col, perm)
	}
	p.end()
}

// dictionary writes the chunk with a dictionary, unless that does not pay.
func (p *parquetWriter) dictionary(col *column, perm []int32) bool {
	b := &p.page
	if len(b.local) <= col.len() {
		b.local = make([]uint32, 2*col.len()+1)
	}
	b.dictionary, b.ids, b.levels = b.dictionary[:0], b.ids[:0], b.levels[:0]
	size, all := 0, 0
	for _, row := range perm {
		n := col.at(row)
		if n == 0 {
			b.ids = append(b.ids, -1)
			continue
		}
		local := b.local[n]
		if local == 0 {
			b.dictionary = append(b.dictionary, n)
			local = uint32(len(b.dictionary))
			b.local[n] = local
			size += 4 + len(col.value(n))
		}
		all += len(col.value(n))
		b.ids = append(b.ids, int32(local-1))
	}
	for _, n := range b.dictionary {
		b.local[n] = 0
	}
	if size > dictionaryBytes || 2*len(b.ids)+size > all && size > 4<<10 {
		return false
	}
	p.dictionaryChunk(col, size)
	return true
}

// dictionaryChunk writes the dictionary, then the pages of b.ids.
func (p *parquetWriter) dictionaryChunk(col *column, size int) {
	b, c := &p.page, &p.chunk
	if len(b.dictionary) > 0 {
		p.dictionaryPage(col, size)
	}
	for ids := b.ids; len(ids) > 0; {
		n := rowsOfPage(ids)
		b.ints, b.levels = b.ints[:0], b.levels[:0]
		for _, id := range ids[:n] {
			if id < 0 {
				b.levels = append(b.levels, 0)
				continue
			}
			b.levels = append(b.levels, 1)
			b.ints = append(b.ints, id)
		}
		ids = ids[n:]
		if len(b.ints) == 0 {
			p.dataPage(n, 0, format.Plain, nil, encoder())
			continue
		}
		c.digest.values.ints(b.ints)
		var encoding rle.DictionaryEncoding
		b.body = p.sound(encoding.EncodeInt32(b.body, b.ints))
		p.dataPage(n, len(b.ints), format.RLEDictionary, b.body, encoder())
	}
}

// plainTexts writes the chunk without a dictionary.
func (p *parquetWriter) plainTexts(col *column, perm []int32) {
	b, limit := &p.page, pageBytes(0, 1)
	for len(perm) > 0 {
		b.levels = b.levels[:0]
		b.texts.reset()
		n := 0
		for n < len(perm) && n < pageRows && len(b.texts.data) < limit {
			if number := col.at(perm[n]); number != 0 {
				v := col.value(number)
				b.levels = append(b.levels, 1)
				b.texts.append(v)
				p.chunk.digest.values.bytes(v)
			} else {
				b.levels = append(b.levels, 0)
			}
			n++
		}
		perm = perm[n:]
		limit = p.textPage(n, limit)
	}
}

// textPage writes a page of b.texts, of about size bytes, and returns how large the
// next one is to be.
func (p *parquetWriter) textPage(rows, size int) (limit int) {
	b, codec := &p.page, textEncoder()
	if b.texts.len() == 0 {
		p.dataPage(rows, 0, format.Plain, nil, codec)
		return pageBytes(0, 1)
	}
	b.offsets = append(append(b.offsets[:0], 0), b.texts.ends...)
	var encoding delta.LengthByteArrayEncoding
	b.body = p.sound(encoding.EncodeByteArray(b.body, b.texts.data, b.offsets))
	lengths := len(b.body) - len(b.texts.data)
	block := size / blocksOfPage
	if lengths < splitLengths && len(b.texts.data) < 2*block {
		lengths = 0
	}
	packed := p.splitPage(rows, b.texts.len(), format.DeltaLengthByteArray, b.body, lengths, block, codec)
	return pageBytes(len(b.body), packed)
}

// splitLengths is how many bytes of lengths are worth a frame of their own: it
// takes a dozen more, and they would spoil the texts' table of letters. Texts of
// several blocks have theirs apart in any case.
const splitLengths = 128

// timeColumn writes the chunk of eventTime, with the bounds of its pages.
func (p *parquetWriter) timeColumn(micros []int64, perm []int32) {
	p.begin(layout.time)
	b, c := &p.page, &p.chunk
	var bounds format.ColumnIndex
	bounds.BoundaryOrder = format.Ascending
	for len(perm) > 0 {
		n := min(len(perm), shortPageRows)
		b.longs, b.levels = b.longs[:0], b.levels[:0]
		for _, row := range perm[:n] {
			if t := micros[row]; t != noTime {
				b.levels = append(b.levels, 1)
				b.longs = append(b.longs, t)
			} else {
				b.levels = append(b.levels, 0)
			}
		}
		perm = perm[n:]
		none := len(b.longs) == 0
		bounds.NullPages = append(bounds.NullPages, none)
		bounds.NullCounts = append(bounds.NullCounts, int64(n-len(b.longs)))
		if none {
			bounds.MinValues, bounds.MaxValues = append(bounds.MinValues, []byte{}), append(bounds.MaxValues, []byte{})
			p.dataPage(n, 0, format.Plain, nil, encoder())
			continue
		}
		low, high := longBytes(b.longs[0]), longBytes(b.longs[len(b.longs)-1])
		bounds.MinValues, bounds.MaxValues = append(bounds.MinValues, low), append(bounds.MaxValues, high)
		if c.meta.Statistics.MinValue == nil {
			c.meta.Statistics.MinValue = low
		}
		c.meta.Statistics.MaxValue = high
		c.digest.values.longs(b.longs)
		var encoding delta.BinaryPackedEncoding
		b.body = p.sound(encoding.EncodeInt64(b.body, b.longs))
		p.dataPage(n, len(b.longs), format.DeltaBinaryPacked, b.body, encoder())
	}
	p.times = append(p.times, bounds)
	p.end()
}

func longBytes(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

// intColumn writes the chunk of a required column of int32.
func (p *parquetWriter) intColumn(leaf int, values, perm []int32) {
	p.begin(leaf)
	b := &p.page
	for len(perm) > 0 {
		n := min(len(perm), pageRows)
		b.ints = b.ints[:0]
		for _, row := range perm[:n] {
			b.ints = append(b.ints, values[row])
		}
		perm = perm[n:]
		p.chunk.digest.values.ints(b.ints)
		var encoding delta.BinaryPackedEncoding
		b.body = p.sound(encoding.EncodeInt32(b.body, b.ints))
		p.dataPage(n, n, format.DeltaBinaryPacked, b.body, encoder())
	}
	p.end()
}

// boolColumn writes the chunk of a column of booleans, of which value tells
// those of a row.
func (p *parquetWriter) boolColumn(leaf int, perm []int32, value func(row int32) (v, ok bool)) {
	p.begin(leaf)
	b := &p.page
	for len(perm) > 0 {
		n := min(len(perm), pageRows)
		b.levels, b.bits = b.levels[:0], b.bits[:0]
		present := 0
		for _, row := range perm[:n] {
			v, ok := value(row)
			if !ok {
				b.levels = append(b.levels, 0)
				continue
			}
			b.levels = append(b.levels, 1)
			if present%8 == 0 {
				b.bits = append(b.bits, 0)
			}
			if v {
				b.bits[present/8] |= 1 << (present % 8)
			}
			present++
		}
		perm = perm[n:]
		if present > 0 {
			p.chunk.digest.values.bytes(b.bits)
		}
		p.dataPage(n, present, format.Plain, b.bits, encoder())
	}
	p.end()
}
