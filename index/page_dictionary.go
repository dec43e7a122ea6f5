package index

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// pageDictionary is the dictionary of a column chunk. Its page is one or more
// frames of zstd, over which the values are spread evenly, the last frame having
// what is left. To a reader of Parquet that is one compressed page, as RFC 8878
// has it; ours unpacks the frame of the value that it is asked for, and reads no
// more than that where the index tells where frames stand.
type pageDictionary struct {
	packed []byte  // the page, nil when its frames are read one by one
	ends   []int64 // where each frame begins, in packed or in the file, and the last one ends
	count  int     // of values
	each   int     // values of a frame
	size   int     // plain bytes of all

	unpacked int      // frames
	at       []int32  // of each frame: where in offsets its values begin, -1 while it is packed
	offsets  []uint32 // where values stand in plain, behind their length
	plain    []byte   // of the frames that are unpacked
}

// How many plain bytes a frame has about. Smaller ones unpack faster, but each has
// its own table of letters and knows nothing of the others: keys and addresses lose
// nothing by that, names of which each has parts of others do, documents most.
const (
	shortFrame    = 16 << 10
	namesFrame    = 32 << 10
	documentFrame = 128 << 10

	nameBytes     = 36 // of a value with its length, on average
	documentBytes = 128
)

// frameValues returns how many of n values, which take size bytes, a frame has.
func frameValues(n, size int) int {
	frame := shortFrame
	switch mean := size / n; {
	case mean >= documentBytes:
		frame = documentFrame
	case mean >= nameBytes:
		frame = namesFrame
	}
	frames := max(1, size/frame)
	return (n + frames - 1) / frames
}

func (d *pageDictionary) reset() {
	d.packed, d.ends, d.count = d.packed[:0], nil, 0
}

func validDictionary(n, size int) bool {
	return n > 0 && size > 0 && n <= size/4 && size <= maxPage
}

// set makes d the dictionary whose frames stand in the file where list says.
func (d *pageDictionary) set(list *dictionaryFrames) {
	d.packed = d.packed[:0]
	d.begin(list.ends, list.values, list.plain)
}

// setPage makes d the dictionary of a page: n values that take size bytes. It
// copies the page.
func (d *pageDictionary) setPage(page []byte, n, size int) error {
	d.reset()
	if !validDictionary(n, size) {
		return fmt.Errorf("a dictionary of %d values in %d bytes", n, size)
	}
	ends, err := frameEnds(page)
	if err != nil {
		return err
	}
	d.packed = append(d.packed, page...)
	d.begin(ends, n, size)
	return nil
}

func (d *pageDictionary) begin(ends []int64, n, size int) {
	frames := len(ends) - 1
	d.ends, d.count, d.size, d.each = ends, n, size, (n+frames-1)/frames
	d.at, d.offsets, d.plain, d.unpacked = d.at[:0], d.offsets[:0], d.plain[:0], 0
	for range frames {
		d.at = append(d.at, -1)
	}
}

// frameEnds finds the frames of a dictionary's page.
func frameEnds(page []byte) ([]int64, error) {
	ends := []int64{0}
	for at := 0; at < len(page); ends = append(ends, int64(at)) {
		length, err := frameLength(page[at:])
		if err != nil {
			return nil, err
		}
		at += length
	}
	if len(ends) == 1 {
		return nil, fmt.Errorf("a dictionary without values")
	}
	return ends, nil
}

// frameLength returns the length of the frame of zstd that b begins with.
func frameLength(b []byte) (int, error) {
	var few [8]int
	blocks, sum, err := appendBlocks(few[:0], b)
	if err != nil {
		return 0, err
	}
	return blocks[len(blocks)-1] + sum, nil
}

// appendBlocks appends where the blocks of the frame that b begins with begin, and
// where they end: a frame is its header, blocks, each behind three bytes of last (1
// bit), type (2), size (RFC 8878, 3.1.1), and perhaps a checksum of sum bytes.
func appendBlocks(dst []int, b []byte) (blocks []int, sum int, err error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return dst, 0, fmt.Errorf("a page does not unpack: %w", err)
	}
	if h.HasCheckSum {
		sum = 4
	}
	at, last := h.HeaderSize, h.Skippable
	for !last && at+3 <= len(b) {
		dst = append(dst, at)
		head := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		size := head >> 3
		if head>>1&3 == 1 { // one byte, repeated
			size = 1
		}
		at, last = at+3+size, head&1 == 1
	}
	if !last || h.Skippable || at+sum > len(b) {
		return dst, 0, fmt.Errorf("a page ends within a frame")
	}
	return append(dst, at), sum, nil
}

// value returns the value of a number. It stays valid until the next call.
func (d *pageDictionary) value(f *eventsFile, id uint32) ([]byte, error) {
	if uint64(id) >= uint64(d.count) {
		return nil, fmt.Errorf("value %d of a dictionary of %d", id, d.count)
	}
	frame := int(id) / d.each
	if d.at[frame] < 0 {
		if err := d.unpack(f, frame); err != nil {
			d.reset()
			return nil, err
		}
	}
	from := d.offsets[int(d.at[frame])+int(id)-frame*d.each]
	return d.plain[from : from+binary.LittleEndian.Uint32(d.plain[from-4:])], nil
}

// frame returns the packed bytes of a frame.
func (d *pageDictionary) frame(f *eventsFile, frame int) ([]byte, error) {
	from, to := d.ends[frame], d.ends[frame+1]
	if len(d.packed) > 0 {
		return d.packed[from:to], nil
	}
	return f.blocks.view(from, to-from)
}

// unpack unpacks a frame.
func (d *pageDictionary) unpack(f *eventsFile, frame int) error {
	packed, err := d.frame(f, frame)
	if err != nil {
		return err
	}
	at := len(d.plain)
	if d.plain, err = appendFrame(d.plain, packed, d.size-at); err != nil {
		return err
	}
	if d.unpacked++; d.unpacked == len(d.at) && len(d.plain) != d.size {
		return fmt.Errorf("a dictionary has %d bytes instead of %d", len(d.plain), d.size)
	}
	first := len(d.offsets)
	for range min(d.each, d.count-frame*d.each) {
		rest := d.plain[at:]
		if len(rest) < 4 || uint64(binary.LittleEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return fmt.Errorf("a dictionary ends within a value")
		}
		d.offsets = append(d.offsets, uint32(at+4))
		at += 4 + int(binary.LittleEndian.Uint32(rest))
	}
	if at != len(d.plain) {
		return fmt.Errorf("a dictionary has more than its values")
	}
	d.at[frame] = int32(first)
	return nil
}

// appendFrame appends what a frame holds, up to limit bytes.
func appendFrame(dst, packed []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return dst, err
	}
	size := min(h.FrameContentSize, uint64(limit)) // 0 when a short frame does not tell
	dst = slices.Grow(dst, int(size)+unpackSlack)
	plain, err := pageDecoder().DecodeAll(packed, dst[len(dst):])
	if err == nil && len(plain) > limit {
		err = fmt.Errorf("a dictionary has more bytes than it says")
	}
	if err != nil {
		return dst, err
	}
	return append(dst, plain...), nil // mostly it stands there already
}
