package index

import (
	"errors"
	"fmt"

	"github.com/trailblame/trailblame/ingest"
)

// sink gathers the records of one worker's objects and seals them into segments
// when enough have come together. It implements ingest.Sink.
type sink struct {
	w       *Writer
	out     segmentWriter
	rows    rows
	mark    int      // rows in front of the object that is being read
	objects []*tally // of rows.objects
	held    int64    // about what rows.held tells
	spilled bool     // part of the object that is being read is sealed
	parts   []segmentInfo
	done    []*ingest.Entry // of objects without rows, or whose rows are sealed
}

// tally counts what became of one object's records.
type tally struct {
	entry           *ingest.Entry // nil while the object is being read
	kept, duplicate int64
}

// Begin implements ingest.Sink.
func (s *sink) Begin(obj ingest.Object) error {
	s.mark, s.spilled = s.rows.len(), false
	s.rows.beginObject(obj.Name)
	s.objects = append(s.objects, &tally{})
	return nil
}

// Record implements ingest.Sink.
func (s *sink) Record(r *ingest.Record, index int) error {
	s.rows.append(r, index)
	if s.rows.len()%256 == 0 {
		s.held = s.rows.held()
	}
	if s.rows.raw < 2*s.w.limits.batch && s.held < 2*s.w.limits.held {
		return nil
	}
	return s.spill()
}

// held returns how many bytes of values a batch holds: each distinct one once.
// They take a multiple of that in memory until the batch is on disk.
func (r *rows) held() int64 {
	n := len(r.templates.data) + len(r.names.data) + len(r.lists.names.data) + len(r.lists.issued.data)
	for c := range r.cols {
		n += len(r.cols[c].data)
	}
	return int64(n)
}

// spill seals what is there amid an object, which must not be committed before
// the object's end.
func (s *sink) spill() error {
	if !s.spilled {
		s.spilled = true
		s.w.mu.Lock()
		s.w.spilling++
		s.w.mu.Unlock()
	}
	current := s.objects[len(s.objects)-1]
	name := s.rows.objects[len(s.rows.objects)-1]
	if err := s.seal(); err != nil {
		return err
	}
	s.mark = 0
	s.rows.beginObject(name)
	s.objects = append(s.objects, current)
	return nil
}

// End implements ingest.Sink.
func (s *sink) End(entry *ingest.Entry) error {
	s.objects[len(s.objects)-1].entry = entry
	if s.spilled {
		// The parts are handed over before anything may be committed:
		// others may refer to their events.
		s.spilled = false
		err := s.seal()
		s.w.mu.Lock()
		s.w.spilling--
		s.w.mu.Unlock()
		return err
	}
	if s.rows.raw < s.w.limits.batch && s.held < s.w.limits.held {
		return nil
	}
	return s.seal()
}

// Abort implements ingest.Sink.
func (s *sink) Abort() {
	if s.spilled {
		// The object was whole when it was checked and no longer is. What
		// it left in sealed segments cannot be told from the rest.
		s.w.mu.Lock()
		s.w.failed = errors.New("a large object changed while it was read; nothing since the last commit was kept, run again")
		s.w.mu.Unlock()
	}
	s.rows.cut(s.mark)
	s.rows.objects = s.rows.objects[:len(s.rows.objects)-1]
	s.objects = s.objects[:len(s.objects)-1]
}

// Failed implements ingest.Sink.
func (s *sink) Failed(entry *ingest.Entry) error {
	s.done = append(s.done, entry)
	return nil
}

// seal turns the batch into segments, one for each date in it, and commits when
// enough has come together.
func (s *sink) seal() error {
	due, err := s.hand()
	if err != nil || !due {
		return err
	}
	return s.w.commit()
}

// hand writes the batch and hands it over, unless it ends amid an object. No
// manifest is written in between: it could name another worker's deliveries of
// events that are not handed over yet.
func (s *sink) hand() (due bool, err error) {
	s.w.sealing.RLock()
	defer s.w.sealing.RUnlock()
	for _, day := range s.rows.byDate() {
		info, err := s.segment(day)
		if err != nil {
			return false, err
		}
		s.parts = append(s.parts, info)
	}
	for _, t := range s.objects {
		if t.entry != nil {
			t.entry.Kept, t.entry.Duplicate = t.kept, t.duplicate
			s.done = append(s.done, t.entry)
		}
	}
	raw := s.rows.raw
	s.rows.reset()
	s.held = 0
	s.objects = s.objects[:0]
	if s.spilled {
		return false, nil
	}
	parts, done := s.parts, s.done
	s.parts, s.done = nil, nil
	return s.w.sealed(parts, done, raw), nil
}

func (s *sink) segment(batch dayRows) (segmentInfo, error) {
	id := s.w.next.Add(1) - 1
	day, err := s.w.days.get(batch.date)
	if err != nil {
		return segmentInfo{}, err
	}
	kept, extra, versions, err := day.admit(id, &s.rows, batch.perm)
	if err != nil {
		return segmentInfo{}, fmt.Errorf("look for duplicates of %s: %w", batch.date, err)
	}
	s.count(batch.perm, kept)
	info, err := s.out.write(id, batch.date, &s.rows, kept, extra)
	if err != nil {
		return info, err
	}
	info.Versions = versions
	return info, s.w.days.settle(day, info)
}

// count notes which objects' records were kept and which were duplicates.
func (s *sink) count(all, kept []int32) {
	for _, row := range all {
		s.objects[s.rows.object[row]].duplicate++
	}
	for _, row := range kept {
		t := s.objects[s.rows.object[row]]
		t.duplicate--
		t.kept++
	}
}
