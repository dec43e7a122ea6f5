package index

import "github.com/trailblame/trailblame/ingest"

// segmentTerms gathers what the terms file of a segment says of its rows. It
// keeps its memory between segments.
type segmentTerms struct {
	fields                   [NumFields]dictionary // but for those that hold ids
	events, requests, shared fingerprints
}

func (s *segmentTerms) reset() {
	for f := range s.fields {
		s.fields[f].reset()
	}
	s.events.reset()
	s.requests.reset()
	s.shared.reset()
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
	if id := r.text(ingest.EventID, row); len(id) > 0 {
		s.events.add(id, at)
	}
	if id := r.text(ingest.RequestID, row); len(id) > 0 {
		s.requests.add(id, at)
	}
}

// sections encodes what was gathered.
func (s *segmentTerms) sections() (ids []uint64, bodies [][]byte, err error) {
	ids = []uint64{sectionEventIDs, sectionRequestIDs, sectionSharedIDs}
	bodies = [][]byte{s.events.encode(), s.requests.encode(), s.shared.encode()}
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
