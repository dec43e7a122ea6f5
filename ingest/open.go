package ingest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// maxWrapped is how deep inside an object of unknown form a record is looked
// for: log shippers and exports write {"aws":{"cloudtrail":{…}}},
// {"hits":{"hits":[{"_source":{…}}]}} and the like.
const maxWrapped = 6

// maxEnvelopes bounds text inside text: SQS around SNS around EventBridge
// around a record is the deepest that AWS builds.
const maxEnvelopes = 4

// decoded hands the decoded object on: as a record, as what an envelope holds,
// or as something else.
func (s *splitter) decoded(base int) error {
	if s.dec.rec.shape() == ShapeRecord {
		return s.found()
	}
	before := s.told
	if err := s.open(base, maxWrapped); err != nil || s.told > before {
		return err
	}
	s.again(base)
	r := &s.dec.rec
	switch kind := r.kind(); kind {
	case ShapeOther:
		if !s.quiet {
			s.other(kind)
		}
	case ShapeNotification, ShapeEventBridge:
		for _, name := range r.pointers() {
			s.visit.points(name)
		}
		s.other(kind)
	default:
		s.other(kind)
	}
	return nil
}

// found hands the decoded record on.
func (s *splitter) found() error {
	err := s.visit.record(&s.dec.rec, s.index)
	s.index++
	s.told++
	return err
}

// other counts an element that is no record.
func (s *splitter) other(shape Shape) {
	s.visit.other(shape)
	s.told++
}

// open follows the envelope at base, which was decoded last, to what it holds.
// Anything found counts in s.told. The decoder's record is lost.
func (s *splitter) open(base, depth int) error {
	r := &s.dec.rec
	shape := r.shape()
	switch {
	case shape == ShapeRecord:
		return s.found()
	case shape == ShapeDigest, shape == ShapeInsight, shape == ShapeAggregate,
		shape == ShapeControl && string(r.envelope(keyMessageType)) != `"DATA_MESSAGE"`:
		s.other(shape)
		return nil
	}
	if list, ok := r.list(); ok {
		return s.nested(list, base, false)
	}
	if r.isNative() {
		return s.native(base)
	}
	before := s.told
	for _, text := range r.carried() {
		if err := s.carried(text, base); err != nil || s.told > before {
			return err
		}
	}
	return s.search(base, depth)
}

// carried splits the text in which an envelope carries its record.
func (s *splitter) carried(c carried, base int) error {
	text := Unquote(nil, c.token)
	switch c.form {
	case carriedJSON:
		return s.nested(text, base, true)
	case carriedBase64:
		return s.unpack(text, base)
	}
	return s.guess(text, base)
}

// native takes the state change at base, or the record that it only wraps.
func (s *splitter) native(base int) error {
	detail := base + int(s.dec.rec.env[keyDetail].start)
	if s.again(detail); s.dec.rec.shape() == ShapeRecord {
		return s.found()
	}
	if _, err := s.dec.decode(base, nativeTree); err != nil {
		panic("ingest: an object that was valid no longer is")
	}
	s.dec.rec.Native = true
	return s.found()
}

// again decodes the object at base once more. It was valid before.
func (s *splitter) again(base int) {
	if _, err := s.dec.decode(base, recordTree); err != nil {
		panic("ingest: an object that was valid no longer is") // the text is ours alone
	}
}

// search looks into the object or list at position at, whose grammar is known
// to be right: first at the objects and lists in it, then, when they hold
// nothing, at its strings. A shipper may keep a record as it was beside what it
// made of it.
func (s *splitter) search(at, depth int) error {
	if depth == 0 {
		return nil
	}
	before := s.told
	for _, texts := range [...]bool{false, true} {
		err := s.values(at, func(val, end int) error { return s.seek(val, end, depth-1, texts) })
		if err != nil || s.told > before {
			return err
		}
	}
	return nil
}

// values calls look for each value of the object or list at position at.
func (s *splitter) values(at int, look func(val, end int) error) error {
	value := func(val int) (int, error) {
		end, err := s.dec.value(val, 0)
		if err == nil {
			err = look(val, end)
		}
		return end, err
	}
	return s.dec.each(at, value)
}

// seek looks at one value in an object or list of unknown form.
func (s *splitter) seek(val, end, depth int, texts bool) error {
	switch token := s.dec.b[val:end]; {
	case token[0] == '"' && texts && bytes.HasPrefix(token, []byte(`"{`)):
		return s.guess(Unquote(nil, token), val)
	case token[0] == '{' && !texts:
		s.again(val)
		return s.open(val, depth)
	case token[0] == '[' && !texts:
		return s.search(val, depth)
	}
	return nil
}

// guess splits text that may be JSON but need not.
func (s *splitter) guess(text []byte, base int) error {
	if !isJSON(text) {
		return nil
	}
	return s.nested(text, base, true)
}

func isJSON(text []byte) bool {
	check := scanner{b: text}
	end, err := check.value(check.space(0), 0)
	return err == nil && check.space(end) == len(text)
}

// nested splits text that stands inside the element at base: a list that an
// envelope holds, or the record that a message carries. Quiet leaves what has
// no name uncounted, because the element around it will be.
func (s *splitter) nested(text []byte, base int, quiet bool) error {
	offset := s.win.base + int64(base)
	if s.depth >= maxEnvelopes {
		s.bad(offset, "envelopes nested too deeply")
		return nil
	}
	if s.inner == nil {
		s.inner = &splitter{maxRecord: s.maxRecord, depth: s.depth + 1, dec: decoder{outlines: &outlines{}}}
	}
	in := s.inner
	in.win, in.visit, in.quiet, in.counters = window{buf: text}, s.visit, quiet, s.counters
	err := in.run()
	s.counters = in.counters
	switch {
	case errors.Is(err, errNotJSON):
		return nil
	case errors.Is(err, errTruncated):
		s.bad(offset, "a message ends inside its record")
		return nil
	}
	return err
}

// unpack splits what base64, and perhaps gzip, hold inside the element at base.
func (s *splitter) unpack(packed []byte, base int) error {
	text, err := base64.StdEncoding.AppendDecode(nil, packed)
	if err != nil {
		return s.guess(packed, base) // it only looked like base64
	}
	if !isGzip(text) {
		return s.guess(text, base)
	}
	plain, err := s.gunzip(text)
	if err == nil {
		return s.nested(plain, base, true)
	}
	s.bad(s.win.base+int64(base), "packed data: "+err.Error())
	return nil
}

// gunzip decompresses data inside an envelope, as much of it as one object may
// hold in all.
func (s *splitter) gunzip(b []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, &brokenGzip{err}
	}
	text, err := io.ReadAll(io.LimitReader(zip, s.packable+1))
	s.packable -= int64(len(text))
	switch {
	case s.packable < 0:
		s.packable = 0
		return nil, errTooLarge
	case err != nil:
		return nil, &brokenGzip{err}
	}
	return text, nil
}
