package index

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// pageDictionary is the dictionary of a column chunk. Its page is one or more
// frames of zstd, over which the values are spread evenly, the last frame having
// what is left. To a reader of Parquet that is one compressed page, as RFC 8878
// has it; ours unpacks the frame of the value that it is asked for.
type pageDictionary struct {
	buf    []byte // that packed is part of
	packed []byte
	frames []int    // where each begins in packed, and the end
	each   int      // values of a frame
	values []uint32 // where each stands in plain, behind its length; 0 while its frame is packed
	plain  []byte   // of the frames that are unpacked
	size   int      // plain bytes of all
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
	d.packed, d.frames, d.values, d.plain, d.size, d.each = nil, d.frames[:0], d.values[:0], d.plain[:0], 0, 0
}

// set makes d the dictionary of a page: n values that take size bytes. It keeps
// packed.
func (d *pageDictionary) set(packed []byte, n, size int) error {
	d.reset()
	if n < 0 || size < 0 || n > size/4 {
		return fmt.Errorf("a dictionary of %d values in %d bytes", n, size)
	}
	d.packed, d.size = packed, size
	d.frames = append(d.frames, 0)
	for at := 0; at < len(d.packed); d.frames = append(d.frames, at) {
		length, err := frameLength(d.packed[at:])
		if err != nil {
			return err
		}
		at += length
	}
	frames := len(d.frames) - 1
	if frames == 0 || n == 0 {
		return fmt.Errorf("a dictionary without values")
	}
	d.each = (n + frames - 1) / frames
	d.values = append(d.values, make([]uint32, n)...)
	return nil
}

// frameLength returns the length of the frame of zstd that b begins with: its
// header, blocks each behind three bytes of last (1 bit), type (2), size (RFC
// 8878, 3.1.1), and perhaps a checksum.
func frameLength(b []byte) (int, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return 0, fmt.Errorf("a dictionary does not unpack: %w", err)
	}
	at, last := h.HeaderSize, h.Skippable
	for !last && at+3 <= len(b) {
		head := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		size := head >> 3
		if head>>1&3 == 1 { // one byte, repeated
			size = 1
		}
		at, last = at+3+size, head&1 == 1
	}
	if h.HasCheckSum {
		at += 4
	}
	if !last || h.Skippable || at > len(b) {
		return 0, fmt.Errorf("a dictionary ends within a frame")
	}
	return at, nil
}

// value returns the value of a number. It stays valid until the next call.
func (d *pageDictionary) value(id uint32) ([]byte, error) {
	if id >= uint32(len(d.values)) {
		return nil, fmt.Errorf("value %d of a dictionary of %d", id, len(d.values))
	}
	if d.values[id] == 0 {
		if err := d.unpack(int(id) / d.each); err != nil {
			return nil, err
		}
	}
	from := d.values[id]
	return d.plain[from : from+binary.LittleEndian.Uint32(d.plain[from-4:])], nil
}

// unpack unpacks a frame.
func (d *pageDictionary) unpack(frame int) (err error) {
	at := len(d.plain)
	if d.plain, err = pageDecoder().DecodeAll(d.packed[d.frames[frame]:d.frames[frame+1]], d.plain); err != nil {
		d.plain = d.plain[:at]
		return err
	}
	end := len(d.plain)
	first := min(frame*d.each, len(d.values))
	values := d.values[first:min(first+d.each, len(d.values))]
	if whole := len(values) == len(d.values); end > d.size || whole && end != d.size {
		err = fmt.Errorf("a dictionary has %d bytes instead of %d", end, d.size)
	}
	for i := 0; err == nil && i < len(values); i++ {
		if end-at < 4 || uint64(binary.LittleEndian.Uint32(d.plain[at:])) > uint64(end-at-4) {
			err = fmt.Errorf("a dictionary ends within a value")
			break
		}
		values[i] = uint32(at + 4)
		at += 4 + int(binary.LittleEndian.Uint32(d.plain[at:]))
	}
	if err == nil && at != end {
		err = fmt.Errorf("a dictionary has more than its values")
	}
	if err != nil {
		clear(d.values)
		d.plain = d.plain[:0]
	}
	return err
}
