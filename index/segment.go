package index

import (
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/parquet-go/parquet-go"
)

// RowSet is a set of row numbers of one segment.
type RowSet = roaring.Bitmap

// RowIterator yields the rows of a RowSet in increasing order.
type RowIterator = roaring.IntPeekable

// NewRowSet returns an empty set.
func NewRowSet() *RowSet { return roaring.New() }

// Segment is an open segment: events of one UTC day, in order, numbered from 0.
// It is safe for concurrent use; the Rows it gives out are not.
type Segment struct {
	info  segmentInfo
	terms *termsFile
	files []reader

	mu     sync.Mutex
	fields [NumFields]*fieldReader
	footer *footer
	blocks *blockReader // of the Parquet file, when it is open
	fsys   fileSystem
}

// openSegment opens the segment's terms file; the events are opened when they
// are first needed. names gives where the files stand, which for a segment just
// written is not yet where the manifest will have them.
func openSegment(fsys fileSystem, info segmentInfo) (*Segment, error) {
	f, err := fsys.open(info.Terms.Name)
	if err != nil {
		return nil, err
	}
	s := &Segment{info: info, fsys: fsys, files: []reader{f}}
	var want root
	if n, err := hex.Decode(want[:], []byte(info.Root)); err != nil || n != len(want) {
		s.Close()
		return nil, corrupt(info.Terms.Name, 0, "the manifest has no root for it")
	}
	if f.size() != info.Terms.Size {
		s.Close()
		return nil, corrupt(info.Terms.Name, min(f.size(), info.Terms.Size), "%d bytes instead of %d", f.size(), info.Terms.Size)
	}
	if s.terms, err = openTerms(info.Terms.Name, f, f.size(), want); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the segment's files.
func (s *Segment) Close() error {
	var first error
	for _, f := range s.files {
		if err := f.Close(); first == nil {
			first = err
		}
	}
	s.files = nil
	return first
}

// Rows returns the number of events.
func (s *Segment) Rows() int { return s.info.Rows }

// Date returns the partition, YYYY-MM-DD or "unknown".
func (s *Segment) Date() string { return s.info.Date }

// Span returns the times of the first and the last event; ok is false when the
// events have none.
func (s *Segment) Span() (first, last time.Time, ok bool) {
	if s.info.Rows == 0 || s.info.Date == unknownDate {
		return time.Time{}, time.Time{}, false
	}
	return time.UnixMicro(s.info.Min).UTC(), time.UnixMicro(s.info.Max).UTC(), true
}

// field opens the dictionary of f.
func (s *Segment) field(f Field) (*fieldReader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fields[f] != nil {
		return s.fields[f], nil
	}
	sec, ok := s.terms.section(sectionField + uint64(f))
	if !ok {
		return nil, corrupt(s.info.Terms.Name, 0, "no terms for %s", f)
	}
	r, err := s.terms.openField(sec.offset, sec.size)
	if err != nil {
		return nil, err
	}
	s.fields[f] = r
	return r, nil
}

// Find adds to rows the events that have one of values in field f. In a value
// '*' stands for any run of characters.
//
// What it finds is exact, but for SharedEvent: there the events may have the
// value.
func (s *Segment) Find(f Field, values []string, rows *RowSet) error {
	if f == SharedEvent {
		return s.findShared(values, rows)
	}
	r, err := s.field(f)
	if err != nil {
		return err
	}
	terms, patterns := splitGlobs(values)
	if err := r.match(groupGlobs(patterns), func(_ []string, d *decbuf) { d.postings(rows, r.long) }); err != nil {
		return err
	}
	return r.find(terms, func(_ string, found *RowSet) { rows.Or(found) })
}

// FindEach is Find for several lists of values, in one pass: rows[i] gets the
// events that have one of values[i].
func (s *Segment) FindEach(f Field, values [][]string, rows []*RowSet) error {
	if f == SharedEvent {
		for i := range values {
			if err := s.findShared(values[i], rows[i]); err != nil {
				return err
			}
		}
		return nil
	}
	r, err := s.field(f)
	if err != nil {
		return err
	}
	askers := map[string][]int{}
	var all []string
	for i, list := range values {
		for _, v := range list {
			if askers[v] == nil {
				all = append(all, v)
			}
			askers[v] = append(askers[v], i)
		}
	}
	add := func(v string, found *RowSet) {
		for _, i := range askers[v] {
			rows[i].Or(found)
		}
	}
	terms, patterns := splitGlobs(all)
	err = r.match(groupGlobs(patterns), func(patterns []string, d *decbuf) {
		found := NewRowSet()
		d.postings(found, r.long)
		for _, p := range patterns {
			add(p, found)
		}
	})
	if err != nil {
		return err
	}
	return r.find(terms, add)
}

// splitGlobs tells values that are patterns from the others.
func splitGlobs(values []string) (terms, patterns []string) {
	for _, v := range values {
		if _, glob := GlobPrefix(v); glob {
			patterns = append(patterns, v)
		} else {
			terms = append(terms, v)
		}
	}
	return terms, patterns
}

func (s *Segment) findShared(values []string, rows *RowSet) error {
	add := func(row int) { rows.Add(uint32(row)) }
	for _, v := range values {
		var err error
		if _, glob := GlobPrefix(v); glob {
			err = s.terms.each(sectionSharedIDs, add)
		} else {
			err = s.terms.find(sectionSharedIDs, []byte(v), add)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// FindEventID adds the events that may have the given eventID.
func (s *Segment) FindEventID(id string, rows *RowSet) error {
	return s.terms.find(sectionEventIDs, []byte(id), func(row int) { rows.Add(uint32(row)) })
}

// FindRequestID adds the events that may have the given requestID.
func (s *Segment) FindRequestID(id string, rows *RowSet) error {
	return s.terms.find(sectionRequestIDs, []byte(id), func(row int) { rows.Add(uint32(row)) })
}

// TermCount is a term with the number of events that have it.
type TermCount struct {
	Term  string
	Count int
}

// Terms calls yield for each term of f in byte order, while it returns true.
// Of SharedEvent there is no list of terms.
func (s *Segment) Terms(f Field, yield func(TermCount) bool) error {
	if f == SharedEvent {
		return nil
	}
	r, err := s.field(f)
	if err != nil {
		return err
	}
	return r.scan(0, len(r.seps), func(term []byte, d *decbuf) bool {
		return yield(TermCount{string(term), d.postings(nil, nil)}) && d.err == nil
	})
}

// file opens the Parquet file. s.mu is held.
func (s *Segment) file() (*blockReader, error) {
	if s.blocks != nil {
		return s.blocks, nil
	}
	name := s.info.Events.Name
	f, err := s.fsys.open(name)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	if f.size() != s.info.Events.Size {
		return nil, corrupt(name, min(f.size(), s.info.Events.Size), "%d bytes instead of %d", f.size(), s.info.Events.Size)
	}
	blocks, err := s.terms.events(name, f)
	if err != nil {
		return nil, err
	}
	s.blocks = blocks
	return blocks, nil
}

// events returns the Parquet file and its footer.
func (s *Segment) events() (*footer, *blockReader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blocks, err := s.file()
	if err != nil {
		return nil, nil, err
	}
	if s.footer == nil {
		f, err := s.readFooter(blocks)
		if err != nil {
			return nil, nil, err
		}
		s.footer = f
	}
	return s.footer, blocks, nil
}

func (s *Segment) readFooter(blocks *blockReader) (*footer, error) {
	cache := blockCache{r: blocks}
	f, err := readFooter(&cache, s.info.Rows)
	if err != nil {
		return nil, err
	}
	frames, at, err := s.terms.load(sectionFrames)
	if err != nil || frames == nil { // of version 1
		return f, err
	}
	return f, f.readFrames(&decbuf{file: s.info.Terms.Name, offset: at, b: frames})
}

// parquet opens the Parquet file with parquet-go, its footer being one of ours.
func (s *Segment) parquet() (*parquet.File, error) {
	_, blocks, err := s.events()
	if err != nil {
		return nil, err
	}
	return openParquet(blocks)
}

// recoverCorrupt turns a panic of the Parquet library into an error. The bytes
// it works on were verified, so this is for a forged index, not for damage.
func recoverCorrupt(name string, err *error) {
	if p := recover(); p != nil {
		*err = corrupt(name, 0, "the Parquet library gave up: %v", p)
	}
}

func asCorrupt(name string, err error) error {
	if _, ok := err.(*CorruptError); ok {
		return err
	}
	return fmt.Errorf("read %s: %w", name, err)
}
