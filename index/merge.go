package index

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// When segments are merged, and how large they become.
const (
	// MergeAt is how many small segments of similar size a day must have.
	MergeAt = 8
	// largeRaw is from how many bytes of records on a segment is left alone. To
	// write an event again costs as much as its ingest did, and a segment of
	// this size is no burden to a search.
	largeRaw = 48 << 20
	// mergedRaw is how many bytes of records a merged segment holds at most.
	mergedRaw = 1 << 30
	// mergeBatch is how many bytes of records make a row group.
	mergeBatch = 32 << 20
)

// Merge makes larger segments out of the small ones of days that have many, or
// with all out of every day that has more than it needs. Answers stay as they
// are; a merge that is killed or stopped leaves the index as it was. No sink may
// work meanwhile.
func (w *Writer) Merge(all bool) error {
	merged := false
	for {
		date, infos := choose(w.manifest.Segments, w.limits.mergeAt, all)
		if date == "" {
			break
		}
		if err := w.mergeNow(date, infos, !all); err != nil {
			return fmt.Errorf("merge %s: %w", date, err)
		}
		merged = true
	}
	if !merged {
		return nil
	}
	return w.collectGarbage()
}

// mergeNow replaces segments of one date.
func (w *Writer) mergeNow(date string, infos []segmentInfo, others bool) error {
	result, err := w.merge(date, infos, others)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.ready = result
	w.mu.Unlock()
	return w.commit()
}

// choose returns segments of one date that are to be merged, and an empty date
// when there are none: at least atLeast of similar size, or all of the date.
func choose(segments []segmentInfo, atLeast int, all bool) (date string, infos []segmentInfo) {
	byDate := map[string][]segmentInfo{}
	for _, s := range segments {
		byDate[s.Date] = append(byDate[s.Date], s)
	}
	for _, date := range slices.Sorted(maps.Keys(byDate)) {
		infos := byDate[date]
		switch {
		case all && !inSequence(infos):
			return date, infos
		case all:
			continue
		}
		infos = slices.DeleteFunc(infos, func(s segmentInfo) bool { return s.Raw >= largeRaw })
		if infos = similar(infos); len(infos) >= atLeast {
			return date, infos
		}
	}
	return "", nil
}

// inSequence tells whether segments follow one another in time and are as large
// as a merge makes them.
func inSequence(infos []segmentInfo) bool {
	infos = slices.SortedFunc(slices.Values(infos), func(a, b segmentInfo) int { return cmp.Compare(a.Min, b.Min) })
	for i, s := range infos {
		last := i == len(infos)-1
		if len(infos) > 1 && s.Rows == 0 || !last && (s.Raw < mergedRaw || s.Max > infos[i+1].Min) {
			return false
		}
	}
	return true
}

// similar returns the segments that are worth merging: the largest is left out
// while it is more than twice as large as the others together, or they are too
// much for one segment. So an event is written again only when its segment
// becomes half as large again.
func similar(infos []segmentInfo) []segmentInfo {
	infos = slices.SortedFunc(slices.Values(infos), func(a, b segmentInfo) int {
		return cmp.Or(cmp.Compare(a.Raw, b.Raw), cmp.Compare(a.ID, b.ID))
	})
	var sum int64
	for _, s := range infos {
		sum += s.Raw
	}
	for len(infos) > 0 {
		largest := infos[len(infos)-1].Raw
		if largest <= 2*(sum-largest) && sum <= mergedRaw {
			break
		}
		sum -= largest
		infos = infos[:len(infos)-1]
	}
	return infos
}

// merged is a finished merge that the next commit is to take over.
type merged struct {
	date   string
	inputs []segmentInfo
	done   []segmentInfo
	moved  map[uint64][]place // where the rows of each input went
}

// merge writes the events of infos, which are of one date, into new segments.
// The index does not change. others tells that the date has further segments,
// or gets some meanwhile.
func (w *Writer) merge(date string, infos []segmentInfo, others bool) (*merged, error) {
	m := merger{w: w, out: segmentWriter{fsys: w.fsys}, date: date, names: map[string]int32{}}
	if others {
		m.moved = map[uint64][]place{}
	}
	defer m.close()
	err := m.open(infos)
	if err == nil {
		err = m.run()
	}
	if err != nil {
		if m.writing {
			m.out.abandon()
		}
		for _, info := range m.done {
			w.removeFiles(info)
		}
		return nil, err
	}
	if len(m.done) > 0 {
		for _, s := range infos {
			m.done[0].Versions += s.Versions
		}
	}
	return &merged{date, infos, m.done, m.moved}, nil
}

// holds tells whether the segment is one of those that were merged.
func (r *merged) holds(id uint64) bool {
	return slices.ContainsFunc(r.inputs, func(s segmentInfo) bool { return s.ID == id })
}

// take puts the merged segments into m in place of those that they were made
// of. Deliveries that other segments have of the merged events follow them into
// a segment of their own. Nobody may be sealing.
func (r *merged) take(w *Writer, m *manifest) error {
	segments := slices.DeleteFunc(slices.Clone(m.Segments), func(s segmentInfo) bool { return r.holds(s.ID) })
	late, err := r.followers(w.fsys, segments)
	if err != nil {
		return err
	}
	if len(late) > 0 {
		out := segmentWriter{fsys: w.fsys}
		out.begin(w.next.Add(1)-1, r.date)
		info, err := out.finish(late)
		if err != nil {
			return err
		}
		r.done = append(r.done, info)
	}
	m.Segments = append(segments, r.done...)
	return nil
}

// followers lists the deliveries in segments whose event was merged, with where
// the event is now.
func (r *merged) followers(fsys fileSystem, segments []segmentInfo) (late []delivery, err error) {
	for _, info := range segments {
		if info.Date != r.date {
			continue
		}
		list, err := deliveriesIn(fsys, info)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if rows := r.moved[d.segment]; d.row < len(rows) {
				d.segment, d.row = rows[d.row].segment, rows[d.row].row
				late = append(late, d)
			}
		}
	}
	return late, nil
}

func deliveriesIn(fsys fileSystem, info segmentInfo) ([]delivery, error) {
	seg, err := openSegment(fsys, info)
	if err != nil {
		return nil, err
	}
	defer seg.Close()
	return seg.terms.deliveries()
}

// startMerge merges in the background what has come together, unless a merge
// goes on or failed. The caller holds w.mu.
func (w *Writer) startMerge() {
	if w.merging || w.ready != nil || w.noMerge || w.stopped.Load() {
		return
	}
	date, infos := choose(w.manifest.Segments, w.limits.mergeAt, false)
	if date == "" {
		return
	}
	w.merging = true
	w.merges.Go(func() {
		result, err := w.merge(date, infos, true)
		w.mu.Lock()
		defer w.mu.Unlock()
		// What failed is tried again, and told, by Merge.
		w.merging, w.ready, w.noMerge = false, result, err != nil
	})
}

// StopMerging ends a merge in the background before its time; what it did is
// lost. It may be called at any time.
func (w *Writer) StopMerging() { w.stopped.Store(true) }

var errStopped = fmt.Errorf("merging was stopped: %w", context.Canceled)
