package index

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/trailblame/trailblame/ingest"
)

// MergeAt is how many segments of one day make Finish's callers merge them.
const MergeAt = 8

// mergedRaw is how many bytes of records a merged segment holds at most.
const mergedRaw = 1 << 30

// Merge makes few large segments out of the days that have at least atLeast
// segments. Answers stay as they are; a merge that is killed leaves the index as
// it was. No sink may work meanwhile.
func (w *Writer) Merge(atLeast int) error {
	byDate := map[string][]segmentInfo{}
	for _, s := range w.manifest.Segments {
		byDate[s.Date] = append(byDate[s.Date], s)
	}
	w.days.close()
	var dates []string
	for date, infos := range byDate {
		if len(infos) >= max(atLeast, 2) {
			dates = append(dates, date)
		}
	}
	slices.Sort(dates)
	for _, date := range dates {
		if err := w.mergeDay(date, byDate[date]); err != nil {
			return fmt.Errorf("merge %s: %w", date, err)
		}
	}
	if len(dates) == 0 {
		return nil
	}
	return w.collectGarbage()
}

// mergeDay replaces the segments of one date.
func (w *Writer) mergeDay(date string, infos []segmentInfo) error {
	m := merger{w: w, out: segmentWriter{fsys: w.fsys}, date: date, names: map[string]int32{}}
	defer m.close()
	if err := m.open(infos); err != nil {
		return err
	}
	if err := m.run(); err != nil {
		return err
	}
	if len(m.done) > 0 {
		for _, s := range infos {
			m.done[0].Versions += s.Versions
		}
	}
	next := *w.manifest
	next.Generation++
	next.Segments = slices.DeleteFunc(slices.Clone(next.Segments), func(s segmentInfo) bool { return s.Date == date })
	next.Segments = append(next.Segments, m.done...)
	next.NextFile = w.next.Load()
	if err := commit(w.fsys, &next); err != nil {
		w.failed = err
		return err
	}
	w.manifest = &next
	w.days.replace(date, m.done)
	return nil
}

// replace makes infos the segments of a date. Nobody may use the day.
func (d *days) replace(date string, infos []segmentInfo) {
	delete(d.infos, date)
	for _, s := range infos {
		if s.Rows > 0 {
			d.infos[date] = append(d.infos[date], s)
		}
	}
}

// merger merges the segments of one date into new ones, in order.
type merger struct {
	w       *Writer
	out     segmentWriter
	date    string
	inputs  []*mergeInput
	extra   map[place][]Delivery
	batch   rows
	names   map[string]int32 // into batch.objects
	decoder ingest.Decoder
	later   []delivery // of the segment that is being written
	raw     int64      // of the segment that is being written
	rowsOut int
	writing bool
	done    []segmentInfo
}

// mergeInput is a segment and its next row.
type mergeInput struct {
	seg    *Segment
	rows   *Rows
	row    int
	key    Key
	raw    []byte
	native bool
}

func (m *merger) open(infos []segmentInfo) error {
	m.extra = map[place][]Delivery{}
	for _, info := range infos {
		seg, err := openSegment(m.w.fsys, info)
		if err != nil {
			return err
		}
		in := &mergeInput{seg: seg, row: -1}
		m.inputs = append(m.inputs, in)
		list, err := seg.terms.deliveries()
		if err != nil {
			return err
		}
		for _, d := range list {
			at := place{d.segment, d.row}
			m.extra[at] = append(m.extra[at], Delivery{d.object, d.position})
		}
		if info.Rows == 0 {
			continue
		}
		if in.rows, err = seg.Reader(); err != nil {
			return err
		}
	}
	return nil
}

func (m *merger) close() {
	for _, in := range m.inputs {
		if in.rows != nil {
			in.rows.Close()
		}
		in.seg.Close()
	}
}

// next reads the input's next row; rows is nil behind the last one.
func (in *mergeInput) next() (err error) {
	if in.row++; in.rows == nil || in.row >= in.seg.Rows() {
		if in.rows != nil {
			in.rows.Close()
			in.rows = nil
		}
		return nil
	}
	if in.key, err = in.rows.Key(in.row); err != nil {
		return err
	}
	if in.native, err = in.rows.Native(in.row); err != nil {
		return err
	}
	in.raw, err = in.rows.AppendRaw(in.raw[:0], in.row)
	return err
}

func (in *mergeInput) compare(other *mergeInput) int {
	a, b := &in.key, &other.key
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Account, b.Account),
		bytes.Compare(in.raw, other.raw), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Position, b.Position))
}

func (m *merger) run() error {
	for _, in := range m.inputs {
		if err := in.next(); err != nil {
			return err
		}
	}
	for {
		var least *mergeInput
		for _, in := range m.inputs {
			if in.rows != nil && (least == nil || in.compare(least) < 0) {
				least = in
			}
		}
		if least == nil {
			return m.finish()
		}
		if err := m.take(least); err != nil {
			return err
		}
		if err := least.next(); err != nil {
			return err
		}
	}
}

// take appends the input's row to what is written.
func (m *merger) take(in *mergeInput) error {
	if m.raw >= mergedRaw {
		if err := m.finish(); err != nil {
			return err
		}
	}
	if !m.writing {
		m.out.begin(m.w.next.Add(1)-1, m.date)
		m.writing = true
	}
	rec, err := m.decoder.Decode(in.raw, in.native)
	if err != nil {
		return corrupt(in.seg.info.Events.Name, 0, "row %d is no record: %v", in.row, err)
	}
	id, ok := m.names[in.key.Object]
	if !ok {
		m.batch.beginObject(in.key.Object)
		id = m.batch.current
		m.names[in.key.Object] = id
	}
	m.batch.current = id
	m.batch.append(rec, in.key.Position)
	for _, d := range m.extra[place{in.seg.info.ID, in.row}] {
		m.later = append(m.later, delivery{m.out.seg.info.ID, m.rowsOut, d.Object, d.Position})
	}
	m.rowsOut++
	m.raw += int64(len(in.raw))
	if m.batch.raw < batchRaw {
		return nil
	}
	return m.flush()
}

// flush writes the batch as a row group.
func (m *merger) flush() error {
	perm := make([]int32, m.batch.len())
	for i := range perm {
		perm[i] = int32(i)
	}
	err := m.out.add(&m.batch, perm)
	m.batch.reset()
	clear(m.names)
	return err
}

// finish completes the segment that is being written.
func (m *merger) finish() error {
	if !m.writing {
		return nil
	}
	if err := m.flush(); err != nil {
		m.out.abandon()
		return err
	}
	info, err := m.out.finish(m.later)
	m.done = append(m.done, info)
	m.later, m.raw, m.rowsOut, m.writing = nil, 0, 0, false
	return err
}
