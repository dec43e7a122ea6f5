package index

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/trailblame/trailblame/ingest"
)

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
	moved   map[uint64][]place
	carried []delivery // of events in other segments
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
			if !slices.ContainsFunc(infos, func(s segmentInfo) bool { return s.ID == d.segment }) {
				m.carried = append(m.carried, d)
				continue
			}
			at := place{d.segment, d.row}
			m.extra[at] = append(m.extra[at], Delivery{d.object, d.position})
		}
		if info.Rows == 0 {
			continue
		}
		if in.rows, err = seg.Reader(); err != nil {
			return err
		}
		if m.moved != nil {
			m.moved[info.ID] = make([]place, info.Rows)
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
		switch {
		case m.w.stopped.Load():
			return errStopped
		case least == nil:
			return m.last()
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
	m.begin()
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
	if m.moved != nil {
		m.moved[in.seg.info.ID][in.row] = place{m.out.seg.info.ID, m.rowsOut}
	}
	m.rowsOut++
	m.raw += int64(len(in.raw))
	if m.batch.raw < mergeBatch {
		return nil
	}
	return m.flush()
}

// begin starts a segment unless one is being written.
func (m *merger) begin() {
	if !m.writing {
		m.out.begin(m.w.next.Add(1)-1, m.date)
		m.writing = true
	}
}

// last completes the last segment, which takes the deliveries of events that
// are elsewhere.
func (m *merger) last() error {
	if len(m.carried) > 0 {
		m.begin()
		m.later = append(m.later, m.carried...)
	}
	return m.finish()
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
