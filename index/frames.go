package index

import (
	"encoding/binary"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// The dictionary of a column chunk is a page of several frames of zstd (see
// pageDictionary), which nothing in the Parquet file tells where they begin. The
// section of frames does, so that a reader of one value reads one of them. For each
// chunk, row group by row group, it holds a number of frames, 0 when there is no
// dictionary; then how many values there are, their plain bytes, and the length of
// each frame (varints). The last frame ends where the first data page begins.

// appendFrames appends the entry of a chunk; ends tells where in the page the frames
// end.
func appendFrames(dst []byte, values, plain int, ends []int) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ends)))
	if len(ends) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(values))
	dst = binary.AppendUvarint(dst, uint64(plain))
	at := 0
	for _, end := range ends {
		dst = binary.AppendUvarint(dst, uint64(end-at))
		at = end
	}
	return dst
}

// dictionaryFrames tells where in the file the frames of a dictionary stand.
type dictionaryFrames struct {
	values, plain int
	ends          []int64 // where each frame begins, and the last one ends
}

// readFrames reads the section into the chunks of a footer.
func (f *footer) readFrames(d *decbuf) error {
	for i := range f.chunks {
		chunk := &f.chunks[i]
		n := d.uvarint()
		if n == 0 {
			continue
		}
		if n > uint64(len(d.b)) {
			d.fail("more frames than there is room for")
			break
		}
		list := dictionaryFrames{int(d.uvarint()), int(d.uvarint()), make([]int64, n+1)}
		size := int64(0)
		for k := range n {
			if size += int64(min(d.uvarint(), maxPage+1)); size > chunk.data {
				d.fail("a frame longer than its file")
				return d.err
			}
			list.ends[k+1] = size
		}
		from := chunk.data - size
		if d.err == nil && (from <= chunk.dictionary || chunk.dictionary == 0 || !validDictionary(list.values, list.plain)) {
			d.fail("frames of another dictionary")
		}
		for k := range list.ends {
			list.ends[k] += from
		}
		chunk.frames = &list
	}
	if len(d.b) > 0 && d.err == nil {
		d.fail("more frames than dictionaries")
	}
	return d.err
}

// checkFrames compares what is told of frames with the pages themselves.
func (r *Rows) checkFrames() error {
	for i := range r.file.chunks {
		chunk := &r.file.chunks[i]
		if chunk.frames == nil {
			continue
		}
		h, body, err := readPage(&r.file, chunk.dictionary, chunk.data-chunk.dictionary)
		if err != nil {
			return asCorrupt(r.seg.info.Events.Name, err)
		}
		ends, err := frameEnds(body)
		from := chunk.data - int64(len(body))
		for k := range ends {
			ends[k] += from
		}
		if err != nil || h.kind != format.DictionaryPage || h.values != chunk.frames.values || h.plain != chunk.frames.plain || !slices.Equal(ends, chunk.frames.ends) {
			return corrupt(r.seg.info.Terms.Name, 0, "the frames of dictionaries are not those of column %d", i%layout.count)
		}
	}
	return nil
}
