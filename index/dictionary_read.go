package index

import (
	"encoding/binary"
	"slices"
	"sync"
)

// fieldReader reads one field's dictionary out of a terms file. It holds the
// block index, and is safe for concurrent use.
type fieldReader struct {
	file   string
	at     int64 // of the dictionary in the file
	r      *blockReader
	mixed  bool // the parts of its blocks are; see dictionary.go
	terms  int
	longAt int64 // end of the blocks, where the long postings begin
	end    int64 // of the long postings
	seps   []string
	starts []int64

	mu         sync.Mutex
	remembered map[string]*RowSet
	size       uint64 // of what is remembered
}

// openField reads the block index of the dictionary that takes size bytes at
// offset at.
func (t *termsFile) openField(at, size int64) (*fieldReader, error) {
	r := t.r
	f := &fieldReader{file: r.name, at: at, r: r, mixed: t.version == 1}
	if size < fieldTrailer {
		return nil, corrupt(r.name, at, "dictionary too short")
	}
	var trailer [fieldTrailer]byte
	if _, err := r.ReadAt(trailer[:], at+size-fieldTrailer); err != nil {
		return nil, err
	}
	f.terms = int(binary.LittleEndian.Uint32(trailer[0:]))
	blocks := int64(binary.LittleEndian.Uint32(trailer[4:]))
	f.longAt = int64(binary.LittleEndian.Uint32(trailer[8:]))
	f.end = int64(binary.LittleEndian.Uint32(trailer[12:]))
	if f.end > size-fieldTrailer || f.longAt > f.end || blocks > size {
		return nil, corrupt(r.name, at+size-fieldTrailer, "bad dictionary trailer")
	}
	index := make([]byte, size-fieldTrailer-f.end)
	if _, err := r.ReadAt(index, at+f.end); err != nil {
		return nil, err
	}
	d := &decbuf{file: r.name, offset: at + f.end, b: index}
	for range blocks {
		f.seps = append(f.seps, string(d.bytes()))
		f.starts = append(f.starts, int64(d.uvarint()))
		if d.err != nil {
			return nil, d.err
		}
	}
	f.starts = append(f.starts, f.longAt)
	return f, nil
}

// termBlock is a block of terms in its plain form.
type termBlock struct {
	lengths, letters, postings decbuf
	mixed                      bool // all of them stand in postings
	term                       []byte
}

// block reads a block.
func (f *fieldReader) block(k int) (*termBlock, error) {
	from, to := f.starts[k], f.starts[k+1]
	if from < 0 || from > to || to > f.longAt || to-from > maxBlock+2*blockParts*binary.MaxVarintLen64 {
		return nil, corrupt(f.file, f.at+from, "bad block offsets")
	}
	d := decbuf{file: f.file, offset: f.at + from, b: make([]byte, to-from)}
	if _, err := f.r.ReadAt(d.b, d.offset); err != nil {
		return nil, err
	}
	b := &termBlock{mixed: f.mixed}
	parts := []*decbuf{blockLengths: &b.lengths, blockLetters: &b.letters, blockPostings: &b.postings}
	var plain, packed [blockParts]uint64
	if b.mixed {
		parts = parts[blockPostings:]
		plain[0] = d.uvarint()
		packed[0] = uint64(len(d.b))
	} else {
		for k := range parts {
			plain[k], packed[k] = d.uvarint(), d.uvarint()
		}
	}
	room := uint64(maxBlock)
	for k, part := range parts {
		if d.err != nil || plain[k] > room || packed[k] > uint64(len(d.b)) {
			return nil, corrupt(f.file, f.at+from, "bad lengths of a block")
		}
		room -= plain[k]
		text, ok := unpack(d.b[:packed[k]], int(plain[k]))
		if !ok {
			return nil, corrupt(f.file, d.offset, "a block of terms does not unpack")
		}
		*part = decbuf{file: f.file, offset: d.offset, b: text}
		d.skip(int(packed[k]))
	}
	return b, nil
}

// next returns the next term, false behind the last one and where the block is
// damaged. The term's postings stand next in postings, from where they must be
// taken.
func (b *termBlock) next() (term []byte, ok bool) {
	lengths, letters := &b.lengths, &b.letters
	if b.mixed {
		lengths, letters = &b.postings, &b.postings
	}
	if len(lengths.b) == 0 {
		if len(b.letters.b) > 0 || len(b.postings.b) > 0 {
			b.postings.fail("postings of no term")
		}
		return nil, false
	}
	shared, n := lengths.uvarint(), lengths.uvarint()
	if lengths.err != nil || shared > uint64(len(b.term)) || n > uint64(len(letters.b)) {
		b.postings.fail("bad term")
		return nil, false
	}
	b.term = append(b.term[:shared], letters.b[:n]...)
	letters.skip(int(n))
	return b.term, true
}

// long reads from the long postings.
func (f *fieldReader) long(offset, length uint64) ([]byte, error) {
	if room := uint64(f.end - f.longAt); offset > room || length > room-offset {
		return nil, corrupt(f.file, f.at+f.longAt, "postings outside their section")
	}
	b := make([]byte, length)
	_, err := f.r.ReadAt(b, f.at+f.longAt+int64(offset))
	return b, err
}

// first returns the only block that can hold term, or the first one.
func (f *fieldReader) first(term string) int {
	k, exact := slices.BinarySearch(f.seps, term)
	if !exact && k > 0 {
		k--
	}
	return k
}

// find calls add with the rows of each term that has some, which nobody may
// change. Each block that may hold terms is read once.
func (f *fieldReader) find(terms []string, add func(term string, rows *RowSet)) error {
	terms = f.recall(terms, add)
	slices.Sort(terms)
	for terms = slices.Compact(terms); len(terms) > 0; {
		k := f.first(terms[0])
		n := 1
		for n < len(terms) && (k+1 >= len(f.seps) || terms[n] < f.seps[k+1]) {
			n++
		}
		if err := f.findIn(k, terms[:n], add); err != nil {
			return err
		}
		terms = terms[n:]
	}
	return nil
}

// findIn finds sorted terms that are in block k or nowhere.
func (f *fieldReader) findIn(k int, terms []string, add func(term string, rows *RowSet)) error {
	few := len(terms) <= rememberedTerms
	return f.scan(k, min(k+1, len(f.seps)), func(t []byte, d *decbuf) bool {
		for len(terms) > 0 && terms[0] < string(t) {
			terms = terms[1:]
		}
		if len(terms) == 0 || terms[0] != string(t) {
			d.postings(nil, nil)
			return len(terms) > 0
		}
		found := NewRowSet()
		if n := d.postings(found, f.long); few && n > shortRows && d.err == nil {
			f.remember(terms[0], found)
		}
		add(terms[0], found)
		terms = terms[1:]
		return len(terms) > 0
	})
}

// scan visits the terms of blocks from…to while visit returns true. visit must
// take the postings from d.
func (f *fieldReader) scan(from, to int, visit func(term []byte, d *decbuf) bool) error {
	for k := from; k < to; k++ {
		b, err := f.block(k)
		if err != nil {
			return err
		}
		for term, ok := b.next(); ok; term, ok = b.next() {
			if !visit(term, &b.postings) {
				return b.postings.err
			}
		}
		if b.postings.err != nil {
			return b.postings.err
		}
	}
	return nil
}

// A field remembers the rows of terms with many: one question after another asks
// for the same outcome or event name.
const (
	rememberedTerms = 8
	rememberedBytes = 64 << 10
)

// remember keeps the rows of a term, which nobody may change from now on.
func (f *fieldReader) remember(term string, rows *RowSet) {
	size := rows.GetSizeInBytes()
	if size > rememberedBytes {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size+size > rememberedBytes || len(f.remembered) >= rememberedTerms {
		clear(f.remembered)
		f.size = 0
	}
	if f.remembered == nil {
		f.remembered = map[string]*RowSet{}
	}
	f.remembered[term] = rows
	f.size += size
}

// recall finds the terms that are remembered and returns the others.
func (f *fieldReader) recall(terms []string, add func(term string, rows *RowSet)) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest []string
	for _, t := range terms {
		if found := f.remembered[t]; found != nil {
			add(t, found)
		} else {
			rest = append(rest, t)
		}
	}
	return rest
}
