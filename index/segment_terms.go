package index

import (
	"iter"

	"github.com/trailblame/trailblame/ingest"
)

// segmentTerms gathers what the terms file of a segment says of its rows. It
// keeps its memory between segments.
type segmentTerms struct {
	fields                   [NumFields]dictionary // but for those that hold ids
	events, requests, shared fingerprints
	hours                    hourSets
	known                    []termNumbers // reused
}

func (s *segmentTerms) reset() {
	for f := range s.fields {
		s.fields[f].reset()
	}
	s.events.reset()
	s.requests.reset()
	s.shared.reset()
	s.hours.reset()
}

// add notes a row of r, which is row number at of the segment.
func (s *segmentTerms) add(r *rows, row, at int) {
	r.termsOf(row, func(f Field, term []byte) {
		if f == SharedEvent {
			s.shared.add(term, at)
			return
		}
		s.fields[f].add(term, uint32(at))
	})
	s.addIDs(r, row, at)
}

// addRows notes rows of a batch, of which the first is row number at of the
// segment. It says what add says of each, but looks at each distinct value of
// the batch only once.
func (s *segmentTerms) addRows(r *rows, perm []int32, at int) {
	for f, columns := range fieldColumns() {
		s.addColumns(f, r, columns, perm, at)
	}
	s.addResources(r, perm, at)
	for i, row := range perm {
		r.otherTerms(int(row), s.adder(at+i))
		s.addIDs(r, int(row), at+i)
	}
}

// adder returns a function that notes terms of a row.
func (s *segmentTerms) adder(at int) func(Field, []byte) {
	return func(f Field, term []byte) {
		if len(term) > 0 {
			s.fields[f].add(clip(term), uint32(at))
		}
	}
}

// addIDs notes the ids and the hour of a row.
func (s *segmentTerms) addIDs(r *rows, row, at int) {
	s.hours.add(r, row)
	if id := r.text(ingest.EventID, row); len(id) > 0 {
		s.events.add(id, at)
	}
	if id := r.text(ingest.RequestID, row); len(id) > 0 {
		s.requests.add(id, at)
	}
}

// addColumns notes a field that columns feed.
func (s *segmentTerms) addColumns(f Field, r *rows, columns []ingest.Column, perm []int32, at int) {
	known := s.knownOf(len(columns))
	for k, c := range columns {
		known[k].begin(&r.cols[c].interned)
	}
	for i, row := range perm {
		for k, c := range columns {
			if n := r.cols[c].at(row); n != 0 {
				s.note(f, &known[k], n, at+i)
			}
		}
	}
}

// addResources notes the names of resources and the ARNs in messages; of each
// term the rows must come in order.
func (s *segmentTerms) addResources(r *rows, perm []int32, at int) {
	known, l := &s.knownOf(1)[0], &r.lists
	known.begin(&l.names.interned)
	for i, row := range perm {
		for k := l.start(l.nameEnds, int(row)); k < l.nameEnds[row]; k++ {
			s.note(Resource, known, l.names.entries[k], at+i)
		}
		r.messageTerms(int(row), s.adder(at+i))
	}
}

// note notes a value of a batch by its number.
func (s *segmentTerms) note(f Field, known *termNumbers, n uint32, at int) {
	t := known.numbers[n]
	if t == 0 {
		term := clip(known.values.value(n))
		switch {
		case len(term) == 0:
			t = noTerm
		case f == SharedEvent:
			s.shared.add(term, at)
			return
		default:
			t = s.fields[f].number(term) + 1
		}
		known.numbers[n] = t
	}
	if t != noTerm {
		s.fields[f].note(t-1, uint32(at))
	}
}

// termNumbers gives the values of a column of a batch their numbers in a
// dictionary.
type termNumbers struct {
	values  *interned
	numbers []uint32 // number of the term + 1, 0 when not known yet
}

// noTerm stands for a value that is no term.
const noTerm = 1<<32 - 1

func (k *termNumbers) begin(values *interned) {
	k.values = values
	k.numbers = append(k.numbers[:0], make([]uint32, values.len()+1)...)
}

// knownOf returns n reusable tables.
func (s *segmentTerms) knownOf(n int) []termNumbers {
	for len(s.known) < n {
		s.known = append(s.known, termNumbers{})
	}
	return s.known[:n]
}

// fieldColumns yields the fields that columns feed, with the columns.
func fieldColumns() iter.Seq2[Field, []ingest.Column] {
	return func(yield func(Field, []ingest.Column) bool) {
		for list := termColumns[:]; len(list) > 0; {
			var columns []ingest.Column
			f := list[0].field
			for len(list) > 0 && list[0].field == f {
				columns, list = append(columns, list[0].column), list[1:]
			}
			if !yield(f, columns) {
				return
			}
		}
	}
}

// sections encodes what was gathered.
func (s *segmentTerms) sections() (ids []uint64, bodies [][]byte, err error) {
	ids = []uint64{sectionEventIDs, sectionRequestIDs, sectionSharedIDs, sectionHours}
	bodies = [][]byte{s.events.encode(eventSpare), s.requests.encode(searchSpare), s.shared.encode(searchSpare), s.hours.encode()}
	for f := range NumFields {
		if f == SharedEvent {
			continue
		}
		body, err := s.fields[f].encode(nil)
		if err != nil {
			return nil, nil, err
		}
		ids, bodies = append(ids, sectionField+uint64(f)), append(bodies, body)
	}
	return ids, bodies, nil
}
