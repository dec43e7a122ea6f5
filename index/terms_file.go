package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// A terms file is a list of sections, a directory of them, the block sums of
// all of that, and a tail:
//
//	sections   one after another
//	directory  count; then id, offset, length of each section (varints)
//	sums       uint32 per block of the above; see block.go
//	tail       uint64 length of the above, uint64 offset of the directory,
//	           uint32 format version, uint32 CRC-32C of sums and the tail so
//	           far, 8 bytes of magic
//
// All fixed-width numbers are little-endian. The manifest holds the SHA-256 of
// sums and tail, the file's root, which binds every byte of the file.
const (
	termsMagic    = "TBTERMS\n"
	termsTailSize = 32
)

// Sections of a terms file. A field's dictionary is section sectionField+f.
const (
	sectionSums       = 1 // block sums of the Parquet file
	sectionEventIDs   = 2 // fingerprints of eventID
	sectionRequestIDs = 3 // fingerprints of requestID
	sectionDeliveries = 4 // further deliveries of events
	sectionSharedIDs  = 5 // fingerprints of sharedEventID
	sectionHours      = 6 // hours with events, see hours.go
	sectionFrames     = 7 // where the frames of dictionaries stand in the Parquet file, see frames.go
	sectionField      = 16
)

func sectionName(id uint64) string {
	switch {
	case id == sectionEventIDs:
		return "the event ids"
	case id == sectionRequestIDs:
		return "the request ids"
	case id == sectionSharedIDs:
		return "the shared event ids"
	case id == sectionHours:
		return "the hours"
	case id == sectionFrames:
		return "the frames of dictionaries"
	case id >= sectionField:
		return "the terms of " + Field(id-sectionField).String()
	}
	return fmt.Sprintf("section %d", id)
}

// section is one part of a terms file.
type section struct {
	id           uint64
	offset, size int64
}

// root identifies a terms file by its checksums.
type root [sha256.Size]byte

// writeTerms writes a terms file of the given sections and returns its size
// and root.
func writeTerms(w io.Writer, ids []uint64, bodies [][]byte) (int64, root, error) {
	s := &blockSummer{w: w}
	var directory []byte
	directory = binary.AppendUvarint(directory, uint64(len(ids)))
	for i, body := range bodies {
		directory = binary.AppendUvarint(directory, ids[i])
		directory = binary.AppendUvarint(directory, uint64(s.size))
		directory = binary.AppendUvarint(directory, uint64(len(body)))
		if _, err := s.Write(body); err != nil {
			return 0, root{}, err
		}
	}
	at := s.size
	if _, err := s.Write(directory); err != nil {
		return 0, root{}, err
	}
	end := appendSums(nil, s.finish())
	end = binary.LittleEndian.AppendUint64(end, uint64(s.size))
	end = binary.LittleEndian.AppendUint64(end, uint64(at))
	end = binary.LittleEndian.AppendUint32(end, FormatVersion)
	end = binary.LittleEndian.AppendUint32(end, crc32.Checksum(end, castagnoli))
	end = append(end, termsMagic...)
	_, err := w.Write(end)
	return s.size + int64(len(end)), sha256.Sum256(end), err
}

// termsFile is an open terms file.
type termsFile struct {
	version  uint32
	r        *blockReader
	sections []section
}

// openTerms opens the terms file of the given size, whose root must be want.
func openTerms(name string, f io.ReaderAt, size int64, want root) (*termsFile, error) {
	if size < termsTailSize {
		return nil, corrupt(name, size, "the file is too short")
	}
	// One read takes the last block, which mostly has the directory, and all behind.
	from := lastBlock(size)
	buf := blockPool.Get().(*[oldBlockSize]byte)
	defer blockPool.Put(buf)
	end, err := readEnd(buf[:], name, f, size, from)
	if err != nil {
		return nil, err
	}
	tail := end[len(end)-termsTailSize:]
	length := int64(binary.LittleEndian.Uint64(tail[0:]))
	if string(tail[24:]) != termsMagic || length < 0 || length > size-termsTailSize {
		return nil, corrupt(name, size-termsTailSize, "bad tail")
	}
	version := binary.LittleEndian.Uint32(tail[16:])
	block := blockSizeOf(version)
	blocks := (length + block - 1) / block
	if length+4*blocks+termsTailSize != size {
		return nil, corrupt(name, size-termsTailSize, "bad length")
	}
	if length < from { // of version 1
		from = length
		if end, err = readEnd(nil, name, f, size, from); err != nil {
			return nil, err
		}
		tail = end[len(end)-termsTailSize:]
	}
	sums := end[length-from:]
	if sha256.Sum256(sums) != want {
		return nil, corrupt(name, length, "not the file that the manifest names")
	}
	if version < 1 || version > FormatVersion {
		return nil, fmt.Errorf("%s has format %d; this program reads up to %d, use a newer one", name, version, FormatVersion)
	}
	t := &termsFile{version: version, r: &blockReader{name: name, r: f, size: length, block: block, sums: parseSums(sums[:4*blocks])}}
	at := int64(binary.LittleEndian.Uint64(tail[8:]))
	if at < 0 || at > length {
		return nil, corrupt(name, length, "bad directory offset")
	}
	if from%block == 0 && at >= from && from < length {
		last := end[:length-from]
		return t, t.readDirectory(at, at-from, last, t.r.check(from/block, last))
	}
	directory := make([]byte, length-at)
	_, err = t.r.ReadAt(directory, at)
	return t, t.readDirectory(at, 0, directory, err)
}

// lastBlock returns where the last block of a terms file of this version begins.
func lastBlock(size int64) int64 {
	const perBlock = blockSize + 4 // with its sum
	blocks := (size - termsTailSize + perBlock - 1) / perBlock
	return max(0, blocks-1) * blockSize
}

// readEnd reads all from an offset on, into buf if that is large enough.
func readEnd(buf []byte, name string, f io.ReaderAt, size, from int64) ([]byte, error) {
	if int64(len(buf)) < size-from {
		buf = make([]byte, size-from)
	}
	end := buf[:size-from]
	if n, err := f.ReadAt(end, from); n < len(end) {
		return nil, corrupt(name, from, "cannot be read: %v", err)
	}
	return end, nil
}

// readDirectory reads the directory, which stands at offset at of the file, and
// behind skip bytes of b; err is what reading it gave.
func (t *termsFile) readDirectory(at, skip int64, b []byte, err error) error {
	if err != nil {
		return err
	}
	d := &decbuf{file: t.r.name, offset: at, b: b[skip:]}
	n := d.uvarint()
	t.sections = make([]section, 0, min(n, uint64(len(d.b)/3)))
	for range n {
		s := section{d.uvarint(), int64(d.uvarint()), int64(d.uvarint())}
		if s.offset < 0 || s.size < 0 || s.size > at || s.offset > at-s.size {
			d.fail("bad section")
		}
		if d.err != nil {
			break
		}
		t.sections = append(t.sections, s)
	}
	return d.err
}

func (t *termsFile) section(id uint64) (section, bool) {
	i := slices.IndexFunc(t.sections, func(s section) bool { return s.id == id })
	if i < 0 {
		return section{}, false
	}
	return t.sections[i], true
}

// events returns a reader of the Parquet file that stands beside the terms.
func (t *termsFile) events(name string, f reader) (*blockReader, error) {
	sums, _, err := t.load(sectionSums)
	return &blockReader{name: name, r: f, size: f.size(), block: t.r.block, sums: parseSums(sums)}, err
}

// load reads a whole section; a section that is not there is empty.
func (t *termsFile) load(id uint64) ([]byte, int64, error) {
	s, ok := t.section(id)
	if !ok {
		return nil, 0, nil
	}
	b := make([]byte, s.size)
	_, err := t.r.ReadAt(b, s.offset)
	return b, s.offset, err
}

// delivery is a further delivery of an event that is kept in some segment.
type delivery struct {
	segment  uint64 // that keeps the event
	row      int
	object   string
	position int
}

// comparePlace compares the places of the events.
func (d delivery) comparePlace(e delivery) int {
	return cmp.Or(cmp.Compare(d.segment, e.segment), cmp.Compare(d.row, e.row))
}

func encodeDeliveries(list []delivery) []byte {
	slices.SortFunc(list, func(a, b delivery) int {
		return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.row, b.row),
			cmp.Compare(a.object, b.object), cmp.Compare(a.position, b.position))
	})
	names := map[string]int{}
	var table, body []byte
	for _, d := range list {
		id, ok := names[d.object]
		if !ok {
			id = len(names)
			names[d.object] = id
			table = appendString(table, d.object)
		}
		for _, v := range [...]uint64{d.segment, uint64(d.row), uint64(id), uint64(d.position)} {
			body = binary.AppendUvarint(body, v)
		}
	}
	dst := binary.AppendUvarint(nil, uint64(len(names)))
	dst = append(dst, table...)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	return append(dst, body...)
}

// deliveries returns the deliveries, in order of the events' places.
func (t *termsFile) deliveries() ([]delivery, error) {
	b, at, err := t.load(sectionDeliveries)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	d := &decbuf{file: t.r.name, offset: at, b: b}
	whole := string(b) // the names are parts of it
	var names []string
	for range d.uvarint() {
		n := len(d.bytes())
		if d.err != nil {
			return nil, d.err
		}
		end := len(b) - len(d.b)
		names = append(names, whole[end-n:end])
	}
	list := make([]delivery, 0, len(d.b)/8)
	for range d.uvarint() {
		e := delivery{segment: d.uvarint(), row: int(d.uvarint())}
		id := d.uvarint()
		e.position = int(d.uvarint())
		if d.err == nil && id >= uint64(len(names)) {
			d.fail("bad object number")
		}
		if d.err != nil {
			return nil, d.err
		}
		e.object = names[id]
		if len(list) > 0 && list[len(list)-1].comparePlace(e) > 0 {
			return nil, corrupt(t.r.name, at, "further deliveries are not in order")
		}
		list = append(list, e)
	}
	return list, nil
}
