package index

import (
	"container/heap"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// SegmentSizes describes a segment as the manifest does.
type SegmentSizes struct {
	ID          uint64 `json:"id"`
	Date        string `json:"date"`
	Rows        int    `json:"rows"`
	First       string `json:"firstEventTime,omitempty"` // RFC 3339
	Last        string `json:"lastEventTime,omitempty"`
	RawBytes    int64  `json:"rawBytes"`      // of the records
	Versions    int    `json:"otherVersions"` // events that share eventID and eventTime with an earlier one
	EventsBytes int64  `json:"eventsBytes"`
	TermsBytes  int64  `json:"termsBytes"`
	EventsFile  string `json:"eventsFile,omitempty"` // none without rows
	TermsFile   string `json:"termsFile"`
}

// Sizes lists the segments with their sizes.
func (ix *Index) Sizes() []SegmentSizes {
	list := []SegmentSizes{}
	for _, s := range ix.manifest.Segments {
		d := SegmentSizes{ID: s.ID, Date: s.Date, Rows: s.Rows, RawBytes: s.Raw, Versions: s.Versions, EventsBytes: s.Events.Size,
			TermsBytes: s.Terms.Size, EventsFile: s.Events.Name, TermsFile: s.Terms.Name}
		if s.Rows > 0 && s.Date != unknownDate {
			d.First = string(ingest.AppendEventTime(nil, microTime(s.Min)))
			d.Last = string(ingest.AppendEventTime(nil, microTime(s.Max)))
		}
		list = append(list, d)
	}
	return list
}

// Format returns the version of what is on disk.
func (ix *Index) Format() int { return ix.manifest.Format }

// Narrow leaves of the snapshot the one segment that name tells, by its number
// or by the path of one of its files. It must come before anything is read;
// the ledger and the totals stay those of the whole index.
func (ix *Index) Narrow(name string) error {
	info, err := ix.manifest.named(name)
	if err != nil {
		return fmt.Errorf("%s: %w", ix.dir, err)
	}
	m := *ix.manifest
	m.Segments = []segmentInfo{info}
	ix.manifest = &m
	return nil
}

func (m *manifest) named(name string) (segmentInfo, error) {
	base := filepath.Base(name)
	base = strings.TrimSuffix(strings.TrimSuffix(base, parquetSuffix), termsSuffix)
	id, err := strconv.ParseUint(base, 10, 64)
	if err != nil {
		return segmentInfo{}, fmt.Errorf("%q names no segment; want its number or one of its files", name)
	}
	i := slices.IndexFunc(m.Segments, func(s segmentInfo) bool { return s.ID == id })
	if i < 0 {
		return segmentInfo{}, fmt.Errorf("no segment %d in generation %d; it may have been merged into another", id, m.Generation)
	}
	return m.Segments[i], nil
}

// Holder returns the folder of the index that the file of that name is part of,
// empty when there is none: the nearest folder above it that holds an index.
func Holder(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if Exists(dir) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// Exists tells whether dir holds an index.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, currentName))
	return err == nil
}

// Part is a part of a file: a column, a field's terms, what is left.
type Part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Names of the parts that are neither columns nor fields.
const (
	partFooter     = "(footer)"    // of the Parquet file, with its magic
	partEventIDs   = "(event ids)" // fingerprints
	partRequestIDs = "(request ids)"
	partHours      = "(hours)"
	partSharedIDs  = "(shared event ids)"
	partDeliveries = "(deliveries)" // further ones of an event
	partFrames     = "(frames)"     // of dictionaries in the Parquet file
	partSums       = "(checksums)"  // of the blocks of both files
	partOther      = "(other)"
)

// ColumnParts returns what each column takes of the segment's Parquet file,
// compressed, in the order of the file. The parts add up to the file.
func (s *Segment) ColumnParts() ([]Part, error) {
	if s.info.Rows == 0 {
		return nil, nil
	}
	pf, err := s.parquet()
	if err != nil {
		return nil, err
	}
	var parts []Part
	rest := pf.Size()
	for _, group := range pf.Metadata().RowGroups {
		for i, c := range group.Columns {
			if i == len(parts) {
				parts = append(parts, Part{Name: strings.Join(c.MetaData.PathInSchema, ".")})
			}
			parts[i].Bytes += c.MetaData.TotalCompressedSize
			rest -= c.MetaData.TotalCompressedSize
		}
	}
	return append(parts, Part{partFooter, rest}), nil
}

// TermParts returns what each section takes of the segment's terms file. The
// parts add up to the file.
func (s *Segment) TermParts() []Part {
	sums := s.info.Terms.Size - s.terms.r.size
	rest := s.terms.r.size
	var parts []Part
	for _, sec := range s.terms.sections {
		rest -= sec.size
		switch name := sectionPart(sec.id); name {
		case partSums:
			sums += sec.size
		default:
			parts = append(parts, Part{name, sec.size})
		}
	}
	return append(parts, Part{partSums, sums}, Part{partOther, rest})
}

func sectionPart(id uint64) string {
	switch id {
	case sectionSums:
		return partSums
	case sectionEventIDs:
		return partEventIDs
	case sectionRequestIDs:
		return partRequestIDs
	case sectionHours:
		return partHours
	case sectionSharedIDs:
		return partSharedIDs
	case sectionDeliveries:
		return partDeliveries
	case sectionFrames:
		return partFrames
	}
	if id >= sectionField && id < sectionField+uint64(NumFields) {
		return Field(id - sectionField).String()
	}
	return partOther
}

// Parts sums up the parts of all segments: columns in the order of the files,
// then sections of terms. What has the same name is one part.
func (ix *Index) Parts() (columns, terms []Part, err error) {
	for _, info := range ix.manifest.Segments {
		s, err := ix.segment(info)
		if err != nil {
			return nil, nil, err
		}
		list, err := s.ColumnParts()
		if err != nil {
			return nil, nil, err
		}
		columns, terms = addParts(columns, list), addParts(terms, s.TermParts())
	}
	return columns, terms, nil
}

func addParts(sum, list []Part) []Part {
	for _, p := range list {
		i := slices.IndexFunc(sum, func(q Part) bool { return q.Name == p.Name })
		if i < 0 {
			sum = append(sum, p)
			continue
		}
		sum[i].Bytes += p.Bytes
	}
	return sum
}

// Terms yields each term of f in byte order with the number of events that have
// it, over all segments. Memory does not grow with the number of terms. An error
// is the last thing yielded. A field that has no list of terms yields none.
func (ix *Index) Terms(f Field) iter.Seq2[TermCount, error] {
	return func(yield func(TermCount, error) bool) {
		heads, stop, err := ix.termHeads(f)
		defer stop()
		for err == nil && len(heads) > 0 {
			sum := TermCount{Term: heads[0].term.Term}
			for err == nil && len(heads) > 0 && heads[0].term.Term == sum.Term {
				sum.Count += heads[0].term.Count
				err = heads.advance()
			}
			if err == nil && !yield(sum, nil) {
				return
			}
		}
		if err != nil {
			yield(TermCount{}, err)
		}
	}
}

// termHead is a segment's next term.
type termHead struct {
	next func() (TermCount, error, bool)
	term TermCount
}

// termHeads is a heap of them by term.
type termHeads []*termHead

func (h termHeads) Len() int           { return len(h) }
func (h termHeads) Less(i, j int) bool { return h[i].term.Term < h[j].term.Term }
func (h termHeads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *termHeads) Push(x any)        { *h = append(*h, x.(*termHead)) }

func (h *termHeads) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// advance moves the least head to its segment's next term.
func (h *termHeads) advance() error {
	least := (*h)[0]
	term, err, ok := least.next()
	if err != nil {
		return err
	}
	if least.term = term; ok {
		heap.Fix(h, 0)
	} else {
		heap.Pop(h)
	}
	return nil
}

// termHeads starts reading f's terms of every segment that has any.
func (ix *Index) termHeads(f Field) (heads termHeads, stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	for _, info := range ix.manifest.Segments {
		if info.Rows == 0 {
			continue
		}
		s, err := ix.segment(info)
		if err != nil {
			return nil, stop, err
		}
		next, done := iter.Pull2(s.termList(f))
		stops = append(stops, done)
		term, err, ok := next()
		if err != nil {
			return nil, stop, err
		}
		if ok {
			heads = append(heads, &termHead{next, term})
		}
	}
	heap.Init(&heads)
	return heads, stop, nil
}

func (s *Segment) termList(f Field) iter.Seq2[TermCount, error] {
	return func(yield func(TermCount, error) bool) {
		more := true
		err := s.Terms(f, func(t TermCount) bool {
			more = yield(t, nil)
			return more
		})
		if err != nil && more {
			yield(TermCount{}, err)
		}
	}
}
