package index

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/trailblame/trailblame/ingest"
)

// Index is a consistent snapshot of an index, as of the manifest that counted
// when it was opened. Writers that come later do not change it. It is safe for
// concurrent use.
type Index struct {
	dir      string
	fsys     fileSystem
	manifest *manifest
	warnings []string
	readers  *os.File // locked while open, or nil
	mended   bool     // CURRENT did not tell the manifest

	mu         sync.Mutex
	segments   map[uint64]*Segment
	deliveries map[string]map[uint64][]delivery // by date, of each segment
}

// place is where an event is kept.
type place struct {
	segment uint64
	row     int
}

// Delivery is an object that an event came in, and its position there.
type Delivery struct {
	Object   string
	Position int
}

// Open opens the index in dir for reading. An index that is not there is an
// error that wraps fs.ErrNotExist; damage is a *CorruptError.
func Open(dir string) (*Index, error) {
	fsys, err := openOSFS(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no index here; make one with trailblame ingest: %w", dir, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("open index %s: %w", dir, plainError(err))
	}
	// The lock comes before the manifest, so that no file that it names can
	// go in between.
	readers := shareReaders(dir)
	ix, err := open(dir, fsys)
	if err != nil {
		if readers != nil {
			readers.Close()
		}
		return nil, err
	}
	ix.readers = readers
	ix.warnings = append(ix.warnings, doubts(dir)...)
	return ix, nil
}

func open(dir string, fsys fileSystem) (*Index, error) {
	m, warning, err := loadManifest(fsys)
	if errors.Is(err, errNoIndex) {
		return nil, fmt.Errorf("%s: no index here; make one with trailblame ingest: %w", dir, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	ix := &Index{dir: dir, fsys: fsys, manifest: m, segments: map[uint64]*Segment{}, deliveries: map[string]map[uint64][]delivery{}}
	if warning != "" {
		ix.warnings, ix.mended = append(ix.warnings, warning), true
	}
	slices.SortFunc(m.Segments, func(a, b segmentInfo) int {
		return cmp.Or(cmp.Compare(dateKey(a.Date), dateKey(b.Date)), cmp.Compare(a.ID, b.ID))
	})
	return ix, nil
}

// dateKey makes the partition of events without a time sort first, where their
// events do.
func dateKey(date string) string {
	if date == unknownDate {
		return ""
	}
	return date
}

// Close closes all segments.
func (ix *Index) Close() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	var first error
	for _, s := range ix.segments {
		if err := s.Close(); first == nil {
			first = err
		}
	}
	clear(ix.segments)
	if ix.readers != nil {
		ix.readers.Close()
		ix.readers = nil
	}
	return first
}

// Warnings tells what was odd about the index but kept no answer from being
// right.
func (ix *Index) Warnings() []string { return ix.warnings }

// Generation counts the commits that made this snapshot.
func (ix *Index) Generation() uint64 { return ix.manifest.Generation }

// Totals sums up the ledger.
func (ix *Index) Totals() Totals { return ix.manifest.Totals }

// Partitions returns the dates that hold events, oldest first; the partition
// of events without a time, "unknown", comes before all.
func (ix *Index) Partitions() []string {
	var dates []string
	for _, s := range ix.manifest.Segments {
		if s.Rows > 0 && (len(dates) == 0 || dates[len(dates)-1] != s.Date) {
			dates = append(dates, s.Date)
		}
	}
	return dates
}

// Segments opens the segments of one partition that hold events.
func (ix *Index) Segments(date string) ([]*Segment, error) {
	var list []*Segment
	for _, info := range ix.manifest.Segments {
		if info.Date != date || info.Rows == 0 {
			continue
		}
		s, err := ix.segment(info)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (ix *Index) segment(info segmentInfo) (*Segment, error) {
	ix.mu.Lock()
	s := ix.segments[info.ID]
	ix.mu.Unlock()
	if s != nil {
		return s, nil
	}
	// Others open other segments meanwhile, and may come to open this one.
	s, err := openSegment(ix.fsys, info)
	if err != nil {
		return nil, err
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if first := ix.segments[info.ID]; first != nil {
		s.Close()
		return first, nil
	}
	ix.segments[info.ID] = s
	return s, nil
}

// Deliveries returns all deliveries of an event beyond the one that its segment
// names, in no particular order.
func (ix *Index) Deliveries(s *Segment, row int) ([]Delivery, error) {
	bySegment, err := ix.deliveriesOf(s.info.Date)
	if err != nil {
		return nil, err
	}
	list := bySegment[s.info.ID]
	at := delivery{segment: s.info.ID, row: row}
	var found []Delivery
	for i, _ := slices.BinarySearchFunc(list, at, delivery.comparePlace); i < len(list) && list[i].comparePlace(at) == 0; i++ {
		found = append(found, Delivery{list[i].object, list[i].position})
	}
	return found, nil
}

// deliveriesOf returns the further deliveries of a day's events in order, by the
// segment of the event.
func (ix *Index) deliveriesOf(date string) (map[uint64][]delivery, error) {
	ix.mu.Lock()
	cached, ok := ix.deliveries[date]
	ix.mu.Unlock()
	if ok {
		return cached, nil
	}
	all := map[uint64][]delivery{}
	for _, info := range ix.manifest.Segments {
		if info.Date != date {
			continue
		}
		s, err := ix.segment(info)
		if err != nil {
			return nil, err
		}
		list, err := s.terms.deliveries()
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			all[d.segment] = append(all[d.segment], d)
		}
	}
	for _, list := range all {
		slices.SortStableFunc(list, delivery.comparePlace)
	}
	ix.mu.Lock()
	ix.deliveries[date] = all
	ix.mu.Unlock()
	return all, nil
}

// ManifestSHA256 returns the hash of the manifest, in hex. Since the manifest
// holds the hash of every file of the index, it stands for all that is in it.
func (ix *Index) ManifestSHA256() string { return hex.EncodeToString(ix.manifest.hash[:]) }

// Ledger yields the entries of all objects that were ever read, in the order
// of their commits.
func (ix *Index) Ledger() iter.Seq2[*ingest.Entry, error] {
	return func(yield func(*ingest.Entry, error) bool) {
		for _, f := range ix.manifest.Ledger {
			for e, err := range readLedger(ix.fsys, f) {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// EventFiles returns the absolute paths of the Parquet files that make up the
// snapshot, for SQL engines.
func (ix *Index) EventFiles() ([]string, error) {
	dir, err := filepath.Abs(ix.dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, s := range ix.manifest.Segments {
		if s.Rows > 0 {
			files = append(files, filepath.Join(dir, filepath.FromSlash(s.Events.Name)))
		}
	}
	return files, nil
}
