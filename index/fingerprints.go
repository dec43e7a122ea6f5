package index

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"
)

// The ids of events, requests and shared events are found by fingerprints: a
// section of them tells for an id the rows that may have it. With n entries, of
// which the highest row takes R bits:
//
//	header   varints n, R, F, B
//	buckets  uint32 per bucket and one more: the entries before it
//	entries  bits, lowest first: F-B of the fingerprint, R of the row
//
// Of the 32 bits of a fingerprint the top F are kept; their top B number the
// bucket. Entries are in the order of kept bits and row.
//
// F is more than n takes by spare bits: of eventID 16, so that one id in 65,536
// that is not there has a row to be looked at, since an ingest asks every segment
// of a day for every new event; of the others, which only searches ask for, 12. B
// is 5 less than n takes, which makes buckets of about 32 entries.
const (
	eventSpare  = 16
	searchSpare = 12
	bucketBits  = 5
)

// fingerprint is a hash of an id: equal ids have equal fingerprints, and few
// others do.
func fingerprint(id []byte) uint32 { return crc32.Checksum(id, castagnoli) }

// fingerprints is a table of (fingerprint, row), sorted.
type fingerprints struct {
	list []uint64 // fingerprint<<32 | row
	drop int      // how many low bits of the fingerprints are not known
}

func (f *fingerprints) add(id []byte, row int) {
	f.list = append(f.list, uint64(fingerprint(id))<<32|uint64(uint32(row)))
}

func (f *fingerprints) reset() { f.list = f.list[:0] }

func (f *fingerprints) sort() { slices.Sort(f.list) }

// renumber gives each entry the number that ranks has for its row, and drops
// those of negative numbers. Numbers must be in the order of the rows.
func (f *fingerprints) renumber(ranks []int32) {
	kept := f.list[:0]
	for _, e := range f.list {
		if rank := ranks[uint32(e)]; rank >= 0 {
			kept = append(kept, e>>32<<32|uint64(rank))
		}
	}
	f.list = kept
}

// join yields the rows of f and of other that may have the same id; the bits of
// f must all be known. It passes once over both tables, and where one is much
// smaller only over parts of the other.
func (f *fingerprints) join(other *fingerprints, yield func(row, otherRow int)) {
	shift, rest := 32+other.drop, other.list
	for _, e := range f.list {
		want := e >> shift
		rest = rest[gallop(rest, want<<shift):]
		for _, o := range rest {
			if o>>shift != want {
				break
			}
			yield(int(uint32(e)), int(uint32(o)))
		}
	}
}

// gallop returns how many entries of a sorted list are less than least, in a time
// that depends on their number alone.
func gallop(list []uint64, least uint64) int {
	step := 1
	for step <= len(list) && list[step-1] < least {
		step *= 2
	}
	from := step / 2
	n, _ := slices.BinarySearch(list[from:min(step-1, len(list))], least)
	return from + n
}

// fingerprintHead describes a section of fingerprints.
type fingerprintHead struct {
	count                    int
	rowBits, kept, bucketLog int
	size                     int64 // of the header
}

func (h *fingerprintHead) width() int     { return h.kept - h.bucketLog + h.rowBits }
func (h *fingerprintHead) entries() int64 { return h.size + 4*(1<<h.bucketLog+1) }

func (h *fingerprintHead) append(dst []byte) []byte {
	for _, v := range [...]int{h.count, h.rowBits, h.kept, h.bucketLog} {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

const maxFingerprintHead = binary.MaxVarintLen64 + 3

func (d *decbuf) fingerprintHead(sectionSize int64) (h fingerprintHead) {
	had := len(d.b)
	h = fingerprintHead{int(d.uvarint()), int(d.uvarint()), int(d.uvarint()), int(d.uvarint()), 0}
	h.size = int64(had - len(d.b))
	if h.count < 0 || int64(h.count) > 8*sectionSize || h.rowBits < 0 || h.rowBits > 32 || h.kept < 0 || h.kept > 32 ||
		h.bucketLog < 0 || h.bucketLog > h.kept || h.entries()+int64(h.count*h.width()+7)/8 != sectionSize {
		d.fail("bad head of fingerprints")
	}
	return h
}

// encode returns the section; it sorts the table, whose bits must all be known.
func (f *fingerprints) encode(spare int) []byte {
	f.sort()
	n := len(f.list)
	if n == 0 {
		return nil
	}
	last := uint32(0)
	for _, e := range f.list {
		last = max(last, uint32(e))
	}
	h := fingerprintHead{count: n, rowBits: bits.Len32(last), kept: min(32, bits.Len(uint(n))+spare), bucketLog: max(0, bits.Len(uint(n))-bucketBits)}
	dst := h.append(nil)
	f.drop = 32 - h.kept
	if f.drop > 0 { // entries whose kept bits are equal go by row
		for i, e := range f.list {
			f.list[i] = e>>(32+f.drop)<<(32+f.drop) | uint64(uint32(e))
		}
		f.sort()
	}
	i := 0
	for bucket := range 1<<h.bucketLog + 1 {
		for i < n && int(f.list[i]>>(64-h.bucketLog)) < bucket {
			i++
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(i))
	}
	w := bitWriter{dst: dst}
	for _, e := range f.list {
		low := e >> (32 + f.drop) & (1<<(h.kept-h.bucketLog) - 1)
		w.write(low|uint64(uint32(e))<<(h.kept-h.bucketLog), h.width())
	}
	return w.finish()
}

// fingerprints reads a whole section.
func (t *termsFile) fingerprints(id uint64) (fingerprints, error) {
	b, at, err := t.load(id)
	if err != nil || len(b) == 0 {
		return fingerprints{}, err
	}
	d := &decbuf{file: t.r.name, offset: at, b: b}
	h := d.fingerprintHead(int64(len(b)))
	if d.err != nil {
		return fingerprints{}, d.err
	}
	f := fingerprints{list: make([]uint64, 0, h.count), drop: 32 - h.kept}
	starts := d.b[:4*(1<<h.bucketLog+1)]
	packed := b[h.entries():]
	for bucket := range 1 << h.bucketLog {
		from, to := binary.LittleEndian.Uint32(starts[4*bucket:]), binary.LittleEndian.Uint32(starts[4*bucket+4:])
		if int(from) != len(f.list) || from > to || int(to) > h.count {
			return fingerprints{}, corrupt(t.r.name, at, "bad buckets of fingerprints")
		}
		for i := from; i < to; i++ {
			low, row := h.entry(packed, int(i))
			f.list = append(f.list, (uint64(bucket)<<(h.kept-h.bucketLog)|low)<<(32+f.drop)|uint64(row))
		}
	}
	return f, nil
}

// entry returns the parts of an entry.
func (h *fingerprintHead) entry(packed []byte, i int) (low uint64, row uint32) {
	v := readBits(packed, i*h.width(), h.width())
	return v & (1<<(h.kept-h.bucketLog) - 1), uint32(v >> (h.kept - h.bucketLog))
}

// find yields the rows that may have id, reading only their bucket.
func (t *termsFile) find(sectionID uint64, id []byte, yield func(row int)) error {
	s, ok := t.section(sectionID)
	if !ok || s.size == 0 {
		return nil
	}
	file := spareCaches.Get().(*blockCache) // the parts mostly stand in one or two blocks
	defer spareCaches.Put(file)
	file.reset(t.r)
	head, err := file.view(s.offset, min(s.size, maxFingerprintHead))
	if err != nil {
		return err
	}
	d := &decbuf{file: t.r.name, offset: s.offset, b: head}
	h := d.fingerprintHead(s.size)
	if d.err != nil {
		return d.err
	}
	kept := uint64(fingerprint(id)) >> (32 - h.kept)
	bucket := int64(kept >> (h.kept - h.bucketLog))
	bounds, err := file.view(s.offset+h.size+4*bucket, 8)
	if err != nil {
		return err
	}
	from, to := int(binary.LittleEndian.Uint32(bounds)), int(binary.LittleEndian.Uint32(bounds[4:]))
	if from > to || to > h.count {
		return corrupt(t.r.name, s.offset, "bad buckets of fingerprints")
	}
	first := from * h.width() / 8
	packed, err := file.view(s.offset+h.entries()+int64(first), int64((to*h.width()+7)/8-first))
	if err != nil {
		return err
	}
	want := kept & (1<<(h.kept-h.bucketLog) - 1)
	for i := from; i < to; i++ {
		v := readBits(packed, i*h.width()-8*first, h.width())
		if v&(1<<(h.kept-h.bucketLog)-1) == want {
			yield(int(v >> (h.kept - h.bucketLog)))
		}
	}
	return nil
}

// each yields all rows of a section.
func (t *termsFile) each(sectionID uint64, yield func(row int)) error {
	f, err := t.fingerprints(sectionID)
	for _, e := range f.list {
		yield(int(uint32(e)))
	}
	return err
}

// bitWriter writes numbers of any width up to 64, lowest bits first.
type bitWriter struct {
	dst  []byte
	acc  uint64
	fill int
}

func (w *bitWriter) write(v uint64, width int) {
	w.acc |= v << w.fill
	if w.fill+width < 64 {
		w.fill += width
		return
	}
	w.dst = binary.LittleEndian.AppendUint64(w.dst, w.acc)
	w.acc = v >> (64 - w.fill) // 0 when fill is 0
	w.fill += width - 64
}

func (w *bitWriter) finish() []byte {
	for ; w.fill > 0; w.fill -= 8 {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
	}
	return w.dst
}

// readBits reads width bits, up to 64, from bit at on.
func readBits(b []byte, at, width int) uint64 {
	var word [16]byte
	copy(word[:], b[at/8:])
	shift := at % 8
	v := binary.LittleEndian.Uint64(word[:])>>shift | binary.LittleEndian.Uint64(word[8:])<<(64-shift)
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}
