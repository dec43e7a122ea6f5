package ingest

import (
	"encoding/binary"
	"hash/crc32"
)

// An inflater undoes gzip for objects that are held whole (RFC 1951, RFC 1952).
// The whole input and all of the output at hand, it needs no window and hardly
// any checks, and takes half the time of a reader that works piece by piece;
// undoing gzip is what an ingest is measured by.
//
// It takes nothing on itself: text that it cannot undo to the last byte, with
// the right length and checksum, it leaves to the general reader, which says
// what is wrong.
type inflater struct {
	lit  [1<<litBits + 144<<(maxCode-litBits)]uint32
	dist [1<<distBits + 16<<(maxCode-distBits)]uint32
	pre  [1 << preBits]uint32
	lens [maxLit + maxDist]uint8

	src  []byte
	pos  int    // next byte of src
	hold uint64 // bits read and not used yet, lowest first
	have uint   // how many
}

const (
	maxCode  = 15 // bits of a code
	maxLit   = 286
	maxDist  = 30
	litBits  = 10 // of a code that the first table resolves
	distBits = 8
	preBits  = 7

	maxMatch = 258
	slack    = maxMatch + 16 // room that the fast loop wants in front of it
)

// An entry of a table: in the low 8 bits how many bits the code takes, then 5
// bits for how many extra bits follow, then 16 bits of value. Above are marks.
const (
	entryValue   = 13
	entryExtra   = 8
	markSub      = 1 << 29 // the value is where a second table begins, the extra bits are its index
	markOther    = 1 << 30 // a second table, the end of the block, or no code at all
	markLiteral  = 1 << 31
	entryEnd     = markOther
	entryInvalid = markOther | 1<<entryValue
)

// gunzip appends what the gzip members in src hold to dst, up to limit bytes in
// all. It returns false when the general reader must have a look.
func (f *inflater) gunzip(dst, src []byte, limit int) ([]byte, bool) {
	for len(src) > 0 {
		head, ok := gzipHeader(src)
		if !ok {
			return dst, false
		}
		f.src, f.pos, f.hold, f.have = src, head, 0, 0
		start := len(dst)
		if dst, ok = f.inflate(dst, start, limit); !ok {
			return dst, false
		}
		f.pos -= int(f.have / 8) // whole bytes that were not used
		if len(src)-f.pos < 8 {
			return dst, false
		}
		trailer := src[f.pos:]
		text := dst[start:]
		if binary.LittleEndian.Uint32(trailer) != crc32.ChecksumIEEE(text) ||
			binary.LittleEndian.Uint32(trailer[4:]) != uint32(len(text)) {
			return dst, false
		}
		src = trailer[8:]
	}
	return dst, true
}

// gzipHeader returns the length of a plain member header. One with a checksum
// or reserved flags is not worth the code.
func gzipHeader(b []byte) (n int, ok bool) {
	const extra, name, comment = 4, 8, 16
	if len(b) < 18 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&^(extra|name|comment|1) != 0 {
		return 0, false
	}
	n = 10
	if b[3]&extra != 0 {
		n += 2 + int(binary.LittleEndian.Uint16(b[n:]))
	}
	for _, flag := range [...]byte{name, comment} {
		if b[3]&flag == 0 {
			continue
		}
		for n < len(b) && b[n] != 0 {
			n++
		}
		n++
	}
	return n, n < len(b)
}

// gzipSize returns how much a gzip file says that it holds, unless that cannot
// be true.
func gzipSize(b []byte) int {
	const most = 1032 // bytes that one can stand for
	if len(b) < 18 {
		return 0
	}
	return min(int(binary.LittleEndian.Uint32(b[len(b)-4:])), most*len(b))
}

// refill tops the held bits up to at least 56, as far as there is text. Behind
// the end of the text there are zeros, and have does not count them.
func (f *inflater) refill() {
	for f.have < 56 && f.pos < len(f.src) {
		f.hold |= uint64(f.src[f.pos]) << f.have
		f.pos++
		f.have += 8
	}
}

func (f *inflater) take(n uint) (v uint32, ok bool) {
	if f.have < n {
		if f.refill(); f.have < n {
			return 0, false
		}
	}
	v = uint32(f.hold & (1<<n - 1))
	f.hold >>= n
	f.have -= n
	return v, true
}

// inflate appends the text of the blocks up to the last one.
func (f *inflater) inflate(dst []byte, start, limit int) ([]byte, bool) {
	for {
		head, ok := f.take(3)
		if !ok {
			return dst, false
		}
		switch head >> 1 {
		case 0:
			dst, ok = f.stored(dst, limit)
		case 1:
			f.fixed()
			dst, ok = f.block(dst, start, limit)
		case 2:
			if ok = f.dynamic(); ok {
				dst, ok = f.block(dst, start, limit)
			}
		default:
			ok = false
		}
		if !ok || head&1 == 1 {
			return dst, ok
		}
	}
}

func (f *inflater) stored(dst []byte, limit int) ([]byte, bool) {
	drop := f.have % 8
	f.hold >>= drop
	f.have -= drop
	head, ok := f.take(32)
	n := int(head & 0xffff)
	if !ok || uint32(n) != ^head>>16 {
		return dst, false
	}
	f.pos -= int(f.have / 8)
	f.hold, f.have = 0, 0
	if len(f.src)-f.pos < n || len(dst)+n > limit {
		return dst, false
	}
	dst = append(dst, f.src[f.pos:f.pos+n]...)
	f.pos += n
	return dst, true
}

// block appends the text of a block whose tables are built.
func (f *inflater) block(dst []byte, start, limit int) ([]byte, bool) {
	for {
		if cap(dst)-len(dst) < slack {
			if len(dst) > limit {
				return dst, false
			}
			dst = append(make([]byte, 0, min(2*cap(dst), limit)+2*slack), dst...)
		}
		var done bool
		if dst, done = f.fast(dst, start); done {
			return dst, len(dst) <= limit
		}
		if cap(dst)-len(dst) < slack {
			continue
		}
		// Near the end of the text, or at something odd: one symbol at a time.
		var ok bool
		if dst, done, ok = f.symbol(dst, start); done || !ok {
			return dst, ok && len(dst) <= limit
		}
	}
}

// fast decodes while there is plenty of text and of room, up to the end of the
// block, which it reports, or to what it cannot take on.
func (f *inflater) fast(dst []byte, start int) (out []byte, done bool) {
	var (
		src        = f.src
		pos        = f.pos
		hold, have = f.hold, f.have
		at         = len(dst)
		room       = dst[:cap(dst)]
		end        = len(room) - slack
	)
	for at <= end && pos+8 <= len(src) {
		hold |= binary.LittleEndian.Uint64(src[pos:]) << (have & 63)
		pos += int((63 - have) >> 3)
		have |= 56
		e := f.lit[hold&(1<<litBits-1)]
		if e&markLiteral != 0 {
			// Three literals take at most 30 bits of the 56.
			room[at] = byte(e >> entryValue)
			at++
			hold >>= e & 63
			have -= uint(e & 63)
			e = f.lit[hold&(1<<litBits-1)]
			if e&markLiteral != 0 {
				room[at] = byte(e >> entryValue)
				at++
				hold >>= e & 63
				have -= uint(e & 63)
				e = f.lit[hold&(1<<litBits-1)]
				if e&markLiteral != 0 {
					room[at] = byte(e >> entryValue)
					at++
					hold >>= e & 63
					have -= uint(e & 63)
					continue
				}
			}
			if pos+8 > len(src) {
				break
			}
			hold |= binary.LittleEndian.Uint64(src[pos:]) << (have & 63)
			pos += int((63 - have) >> 3)
			have |= 56
		}
		used := uint(0) // bits of the first table's index
		if e&markOther != 0 {
			if e&markSub == 0 {
				if e>>entryValue&0xffff != 0 {
					break
				}
				f.pos, f.hold, f.have = pos, hold>>(e&63), have-uint(e&63)
				f.hold &= 1<<(f.have&63) - 1
				return room[:at], true
			}
			sub := f.lit[e>>entryValue&0xffff+uint32(hold>>litBits)&(1<<(e>>entryExtra&31)-1)]
			if sub&markOther != 0 {
				break
			}
			used = litBits
			if e = sub; e&markLiteral != 0 {
				room[at] = byte(e >> entryValue)
				at++
				hold >>= (litBits + e&63) & 63
				have -= litBits + uint(e&63)
				continue
			}
		}
		// A match: at most 15+5+15+13 bits.
		n := used + uint(e&63)
		h := hold >> (n & 63)
		extra := e >> entryExtra & 31
		length := int(e>>entryValue&0xffff + uint32(h)&(1<<extra-1))
		h >>= extra & 63
		n += uint(extra)
		d := f.dist[h&(1<<distBits-1)]
		if d&markSub != 0 {
			h >>= distBits
			n += distBits
			d = f.dist[d>>entryValue&0xffff+uint32(h)&(1<<(d>>entryExtra&31)-1)]
		}
		if d&markOther != 0 {
			break
		}
		h >>= d & 63
		n += uint(d & 63)
		extra = d >> entryExtra & 31
		distance := int(d>>entryValue&0xffff + uint32(h)&(1<<extra-1))
		h >>= extra & 63
		n += uint(extra)
		if distance > at-start {
			break
		}
		hold, have = h, have-n
		copyMatch(room, at, distance, length)
		at += length
	}
	f.pos, f.hold, f.have = pos, hold, have
	f.hold &= 1<<(f.have&63) - 1
	return room[:at], false
}

// copyMatch repeats length bytes of room from distance before at. There are at
// least 16 bytes of room behind them.
func copyMatch(room []byte, at, distance, length int) {
	from := at - distance
	if distance >= 8 {
		if length > 64 && distance >= length {
			copy(room[at:at+length], room[from:from+length])
			return
		}
		to := room[at : at+length+8]
		text := room[from : from+length+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(text[i:]))
		}
		return
	}
	for i := range length {
		room[at+i] = room[from+i]
	}
}

// symbol decodes one symbol with all checks.
func (f *inflater) symbol(dst []byte, start int) (out []byte, done, ok bool) {
	e, ok := f.code(f.lit[:], litBits)
	switch {
	case !ok || e&^0xff == entryInvalid:
		return dst, false, false
	case e&markLiteral != 0:
		return append(dst, byte(e>>entryValue)), false, true
	case e&markOther != 0:
		return dst, true, true
	}
	more, ok1 := f.take(uint(e >> entryExtra & 31))
	length := int(e>>entryValue&0xffff + more)
	d, ok2 := f.code(f.dist[:], distBits)
	if !ok1 || !ok2 || d&markOther != 0 {
		return dst, false, false
	}
	more, ok = f.take(uint(d >> entryExtra & 31))
	distance := int(d>>entryValue&0xffff + more)
	if !ok || distance > len(dst)-start {
		return dst, false, false
	}
	for range length {
		dst = append(dst, dst[len(dst)-distance])
	}
	return dst, false, true
}

// code reads one code.
func (f *inflater) code(table []uint32, index uint) (e uint32, ok bool) {
	f.refill()
	e = table[f.hold&(1<<index-1)]
	if e&markSub != 0 {
		if _, ok := f.take(index); !ok {
			return 0, false
		}
		e = table[e>>entryValue&0xffff+uint32(f.hold)&(1<<(e>>entryExtra&31)-1)]
	}
	_, ok = f.take(uint(e & 0xff))
	return e, ok
}
