package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
	"slices"
)

// A field's dictionary is a list of blocks, the long postings, the block index
// and a trailer:
//
//	block     the plain and packed lengths (varints) of its three parts, then
//	          the parts, each in zstd's form when that is shorter
//	postings  see postings.go
//	index     per block its separator and its offset; a separator is not above
//	          the block's terms and above those of the block before it
//	trailer   uint32 terms, blocks, offset of the long postings, of the index
//
// A block is a run of terms in byte order. Its parts are the lengths, of each term
// what it shares with the one before it in the block and what the rest takes; the
// letters of the rests; and the postings. Packed apart each has a table of codes to
// itself, which takes an eighth less than they would take together. A block ends
// with the term that brings it to blockTarget bytes, so that one term is found by
// reading a few kilobytes, however many there are.
//
// In files of version 1 the parts are mixed: behind the block's plain length stand
// the lengths, the letters and the postings of one term after another, packed
// together.
const (
	blockTarget  = 8 << 10
	maxBlock     = blockTarget + 2*maxTerm + maxInline + 64
	fieldTrailer = 16
)

// Parts of a block.
const (
	blockLengths = iota
	blockLetters
	blockPostings
	blockParts
)

var errDictionaryTooLarge = errors.New("the terms of one field take more than 4 GiB in one segment; ingest fewer events at a time")

// dictionary gathers the terms of one field and their rows, which must come in
// increasing order. It keeps its memory between segments.
type dictionary struct {
	table []int32 // open addressing: term number + 1, 0 when free
	terms []dictTerm
	bytes []byte     // of all terms, one after another
	pairs []termPair // in the order of their rows
}

type dictTerm struct {
	hash       uint64
	start, end uint32 // in bytes
	last       uint32 // row that came last
	count      uint32 // rows
}

type termPair struct{ term, row uint32 }

var termSeed = maphash.MakeSeed()

// reset empties the dictionary.
func (d *dictionary) reset() {
	clear(d.table)
	d.terms, d.bytes, d.pairs = d.terms[:0], d.bytes[:0], d.pairs[:0]
}

func (d *dictionary) add(term []byte, row uint32) { d.note(d.number(term), row) }

// note adds a row to the term of a number.
func (d *dictionary) note(t, row uint32) {
	e := &d.terms[t]
	if e.count > 0 && e.last == row {
		return
	}
	e.last = row
	e.count++
	d.pairs = append(d.pairs, termPair{t, row})
}

// number gives a term its number.
func (d *dictionary) number(term []byte) uint32 {
	if 4*len(d.terms) >= 3*len(d.table) {
		d.grow()
	}
	hash := maphash.Bytes(termSeed, term)
	mask := uint64(len(d.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		k := d.table[i]
		if k == 0 {
			start := len(d.bytes)
			d.bytes = append(d.bytes, term...)
			d.terms = append(d.terms, dictTerm{hash: hash, start: uint32(start), end: uint32(len(d.bytes))})
			d.table[i] = int32(len(d.terms))
			return uint32(len(d.terms) - 1)
		}
		if e := &d.terms[k-1]; e.hash == hash && bytes.Equal(d.bytes[e.start:e.end], term) {
			return uint32(k - 1)
		}
	}
}

func (d *dictionary) grow() {
	d.table = make([]int32, max(1024, 2*len(d.table)))
	mask := uint64(len(d.table) - 1)
	for n, e := range d.terms {
		i := e.hash & mask
		for d.table[i] != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = int32(n + 1)
	}
}

func (d *dictionary) text(term uint32) []byte {
	e := d.terms[term]
	return d.bytes[e.start:e.end]
}

// rows returns the rows of all terms, one term's after another's, and where
// each term's begin.
func (d *dictionary) rows() (rows []uint32, starts []uint32) {
	starts = make([]uint32, len(d.terms)+1)
	for t, e := range d.terms {
		starts[t+1] = starts[t] + e.count
	}
	next := slices.Clone(starts)
	rows = make([]uint32, len(d.pairs))
	for _, p := range d.pairs {
		rows[next[p.term]] = p.row
		next[p.term]++
	}
	return rows, starts
}

// order returns the terms' numbers in the order of their bytes.
func (d *dictionary) order() []uint32 {
	list := make([]keyedTerm, len(d.terms))
	for t := range list {
		list[t].term = uint32(t)
	}
	d.sort(list, 0)
	order := make([]uint32, len(list))
	for i, k := range list {
		order[i] = k.term
	}
	return order
}

// keyedTerm is a term and some of its bytes, which mostly decide its place.
type keyedTerm struct {
	key  uint64
	term uint32
}

// keyBytes is how many bytes of a term decide at a time.
const keyBytes = 8

// sort sorts terms that are equal in their first depth bytes. Terms begin alike,
// as ARNs do: the next few bytes of all are put side by side and compared there,
// so that the terms themselves, which stand anywhere in memory, are looked at
// once for each step and not for each comparison.
func (d *dictionary) sort(list []keyedTerm, depth int) {
	for i := range list {
		var next [keyBytes]byte
		copy(next[:], d.text(list[i].term)[depth:])
		list[i].key = binary.BigEndian.Uint64(next[:])
	}
	slices.SortFunc(list, func(a, b keyedTerm) int { return cmp.Compare(a.key, b.key) })
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].key == list[0].key {
			n++
		}
		if n > 1 {
			d.sortEqual(list[:n], depth+keyBytes)
		}
		list = list[n:]
	}
}

// sortEqual sorts terms whose first depth bytes are equal. Those that end there
// differ in nothing but zero bytes at their end, so in length.
func (d *dictionary) sortEqual(list []keyedTerm, depth int) {
	ended := 0
	for i, k := range list {
		if len(d.text(k.term)) <= depth {
			list[ended], list[i] = list[i], list[ended]
			ended++
		}
	}
	slices.SortFunc(list[:ended], func(a, b keyedTerm) int { return len(d.text(a.term)) - len(d.text(b.term)) })
	d.sort(list[ended:], depth)
}

// dictionaryEncoder writes one dictionary.
type dictionaryEncoder struct {
	dst    []byte             // the blocks
	start  int                // of the dictionary in dst
	parts  [blockParts][]byte // of the block
	long   longPostings
	packed []byte
	index  []byte
	last   []byte // the term before
	count  int    // blocks
}

// encode appends the dictionary in its file form.
func (d *dictionary) encode(dst []byte) ([]byte, error) {
	e := dictionaryEncoder{dst: dst, start: len(dst)}
	rows, starts := d.rows()
	for _, t := range d.order() {
		if err := e.add(d.text(t), rows[starts[t]:starts[t+1]]); err != nil {
			return nil, err
		}
	}
	e.endBlock()
	longAt := len(e.dst) - e.start
	e.dst = append(e.dst, e.long.bytes...)
	indexAt := len(e.dst) - e.start
	if indexAt > math.MaxUint32 {
		return nil, errDictionaryTooLarge
	}
	e.dst = append(e.dst, e.index...)
	for _, v := range [...]int{len(d.terms), e.count, longAt, indexAt} {
		e.dst = binary.LittleEndian.AppendUint32(e.dst, uint32(v))
	}
	return e.dst, nil
}

func (e *dictionaryEncoder) add(term []byte, rows []uint32) error {
	shared := 0
	if len(e.parts[blockLengths]) == 0 {
		// What tells the term from the one before it is enough to find it by.
		n := min(sharedPrefix(e.last, term)+1, len(term))
		e.index = appendString(e.index, term[:n])
		e.index = binary.AppendUvarint(e.index, uint64(len(e.dst)-e.start))
		e.count++
	} else {
		shared = sharedPrefix(e.last, term)
	}
	lengths, letters, postings := &e.parts[blockLengths], &e.parts[blockLetters], &e.parts[blockPostings]
	*lengths = binary.AppendUvarint(*lengths, uint64(shared))
	*lengths = binary.AppendUvarint(*lengths, uint64(len(term)-shared))
	*letters = append(*letters, term[shared:]...)
	var err error
	if *postings, err = appendPostings(*postings, rows, &e.long); err != nil {
		return err
	}
	e.last = term
	if len(*lengths)+len(*letters)+len(*postings) >= blockTarget {
		e.endBlock()
	}
	return nil
}

func (e *dictionaryEncoder) endBlock() {
	if len(e.parts[blockLengths]) == 0 {
		return
	}
	e.packed = e.packed[:0]
	for k, part := range e.parts {
		start := len(e.packed)
		e.packed = appendPacked(e.packed, part)
		e.dst = binary.AppendUvarint(e.dst, uint64(len(part)))
		e.dst = binary.AppendUvarint(e.dst, uint64(len(e.packed)-start))
		e.parts[k] = part[:0]
	}
	e.dst = append(e.dst, e.packed...)
}

func sharedPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
