package ingest

import "math/bits"

var (
	litEntries  = litSymbols()
	distEntries = distSymbols()
	preEntries  = preSymbols()
	preOrder    = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

func litSymbols() (e [288]uint32) {
	for i := range 256 {
		e[i] = markLiteral | uint32(i)<<entryValue
	}
	e[256] = entryEnd
	base := uint32(3)
	for i := 257; i < 285; i++ {
		extra := uint32(max(0, (i-261)/4))
		e[i] = base<<entryValue | extra<<entryExtra
		base += 1 << extra
	}
	e[285] = maxMatch << entryValue
	e[286], e[287] = entryInvalid, entryInvalid
	return e
}

func distSymbols() (e [32]uint32) {
	base := uint32(1)
	for i := range 30 {
		extra := uint32(max(0, (i-2)/2))
		e[i] = base<<entryValue | extra<<entryExtra
		base += 1 << extra
	}
	e[30], e[31] = entryInvalid, entryInvalid
	return e
}

func preSymbols() (e [19]uint32) {
	for i := range e {
		e[i] = uint32(i) << entryValue
	}
	return e
}

func (f *inflater) fixed() {
	lens := f.lens[:0]
	for i := range 288 {
		switch {
		case i < 144, i >= 280:
			lens = append(lens, 8)
		case i < 256:
			lens = append(lens, 9)
		default:
			lens = append(lens, 7)
		}
	}
	build(f.lit[:], litBits, lens, litEntries[:])
	lens = lens[:0]
	for range 32 {
		lens = append(lens, 5)
	}
	build(f.dist[:], distBits, lens, distEntries[:])
}

// dynamic reads the codes of a block.
func (f *inflater) dynamic() bool {
	head, ok := f.take(14)
	nlit, ndist, npre := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if !ok || nlit > maxLit || ndist > maxDist {
		return false
	}
	var pre [19]uint8
	for _, k := range preOrder[:npre] {
		v, ok := f.take(3)
		if !ok {
			return false
		}
		pre[k] = uint8(v)
	}
	if !build(f.pre[:], preBits, pre[:], preEntries[:]) {
		return false
	}
	if !f.codeLengths(nlit + ndist) {
		return false
	}
	lit, dist := f.lens[:nlit], f.lens[nlit:nlit+ndist]
	return lit[256] != 0 && build(f.lit[:], litBits, lit, litEntries[:]) && f.buildDist(dist)
}

func (f *inflater) codeLengths(n int) bool {
	for i := 0; i < n; {
		f.refill()
		e := f.pre[f.hold&(1<<preBits-1)]
		if _, ok := f.take(uint(e & 0xff)); !ok {
			return false
		}
		symbol := uint8(e >> entryValue)
		if symbol < 16 {
			f.lens[i] = symbol
			i++
			continue
		}
		value, width, base := uint8(0), uint(7), 11
		switch symbol {
		case 16:
			if i == 0 {
				return false
			}
			value, width, base = f.lens[i-1], 2, 3
		case 17:
			width, base = 3, 3
		}
		more, ok := f.take(width)
		run := base + int(more)
		if !ok || i+run > n {
			return false
		}
		for range run {
			f.lens[i] = value
			i++
		}
	}
	return true
}

// buildDist makes the table of distances, of which there may be only one, or
// none.
func (f *inflater) buildDist(lens []uint8) bool {
	used, one := 0, 0
	for i, n := range lens {
		if n > 0 {
			used, one = used+1, i
		}
	}
	if used > 1 {
		return build(f.dist[:], distBits, lens, distEntries[:])
	}
	for i := range 1 << distBits {
		f.dist[i] = entryInvalid
		if used == 1 && lens[one] == 1 && i&1 == 0 {
			f.dist[i] = distEntries[one] | 1
		}
	}
	return true
}

// build fills a table for codes of the given lengths, which must leave no code
// unused. Codes longer than the index of the table go on in second tables.
func build(table []uint32, index uint, lens []uint8, entries []uint32) bool {
	var count [maxCode + 1]int
	longest := uint(0)
	for _, n := range lens {
		count[n]++
		longest = max(longest, uint(n))
	}
	count[0] = 0
	var next [maxCode + 2]uint16
	left, code := 1, 0
	for n := 1; n <= maxCode; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return false
		}
		code = (code + count[n-1]) << 1
		next[n] = uint16(code)
	}
	if left != 0 {
		return false
	}
	free := uint32(1) << index
	for i := range free {
		table[i] = 0
	}
	for symbol, n := range lens {
		if n == 0 {
			continue
		}
		n := uint(n)
		reversed := uint32(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		if n <= index {
			for i := reversed; i < 1<<index; i += 1 << n {
				table[i] = entries[symbol] | uint32(n)
			}
			continue
		}
		width := longest - index
		first := &table[reversed&(1<<index-1)]
		if *first == 0 {
			*first = markOther | markSub | free<<entryValue | uint32(width)<<entryExtra | uint32(index)
			free += 1 << width
		}
		second := table[*first>>entryValue&0xffff:]
		for i := reversed >> index; i < 1<<width; i += 1 << (n - index) {
			second[i] = entries[symbol] | uint32(n-index)
		}
	}
	return true
}
