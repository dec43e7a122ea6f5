package ingest

import (
	"bytes"
	"errors"
	"fmt"
)

// visitor takes what a splitter finds in an object, in the order of the text.
// Index counts the elements from 0.
type visitor interface {
	record(r *Record, index int) error
	malformed(index int, offset int64, reason string)
	other(shape Shape)
}

// splitter finds the records in the text of one object, whatever envelopes
// they came in. A malformed element costs nothing but itself.
type splitter struct {
	dec       decoder
	win       window
	visit     visitor
	maxRecord int
	index     int       // of the next element
	resumed   bool      // pos is behind a malformed element
	skipped   int64     // bytes looked at to get past malformed elements
	depth     int       // of envelopes around this text
	inner     *splitter // for text inside an envelope, made when needed
}

// errTruncated says that the object ends inside an array of records: what
// stood in front of the end is whole, the object is not.
var errTruncated = errors.New("the text ends inside its list of records")

// errNotJSON says that the object is no JSON text at all.
var errNotJSON = errors.New("not JSON")

// run splits what win holds. It returns errNotJSON for something else than
// JSON, errTruncated, a read error, or an error of the visitor.
func (s *splitter) run() error {
	if s.peek(); bytes.HasPrefix(s.win.buf[s.win.pos:], []byte("\xef\xbb\xbf")) {
		s.win.pos += 3
	}
	seen := false
	for {
		c, ok := s.peek()
		if !ok {
			return s.win.err
		}
		var err error
		switch {
		case c == '{' && s.streams():
			err = s.stream()
		case c == '{':
			err = s.element(false)
		case c == '[':
			s.win.pos++
			err = s.list()
		case !seen:
			return errNotJSON
		default:
			err = s.skipBad(syntax(s.win.pos, "expected a JSON object"), false)
		}
		if err != nil {
			return err
		}
		seen = true
	}
}

// peek steps over whitespace and returns the next byte, false at the end.
func (s *splitter) peek() (byte, bool) {
	for {
		s.dec.b = s.win.buf
		s.win.pos = s.dec.space(s.win.pos)
		if s.win.pos < len(s.win.buf) {
			return s.win.buf[s.win.pos], true
		}
		if !s.win.more() {
			return 0, false
		}
	}
}

// streams tells whether the object at pos begins with a list of records under
// one of the streamed keys.
func (s *splitter) streams() bool {
	const look = 256
	for len(s.win.buf)-s.win.pos < look && s.win.more() {
	}
	_, _, ok := streamedHead(s.win.buf[s.win.pos:])
	return ok
}

// streamedHead parses `{ "Records" : [` and returns the position of the
// bracket.
func streamedHead(b []byte) (key string, bracket int, ok bool) {
	trim := func(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }
	rest := trim(b[1:])
	for _, k := range streamed {
		if after, found := bytes.CutPrefix(rest, []byte(k)); found {
			if after, found = bytes.CutPrefix(trim(after), []byte(":")); found {
				if after = trim(after); len(after) > 0 && after[0] == '[' {
					return k, len(b) - len(after), true
				}
			}
		}
	}
	return "", 0, false
}

// stream reads an envelope whose first value is the list of its elements; the
// members behind the list are of no interest but must be JSON.
func (s *splitter) stream() error {
	_, bracket, _ := streamedHead(s.win.buf[s.win.pos:])
	s.win.pos += bracket + 1
	if err := s.list(); err != nil {
		return err
	}
	c, ok := s.peek()
	if !ok {
		return s.truncated()
	}
	if c == ',' {
		return s.tail()
	}
	if c != '}' {
		return s.skipBad(syntax(s.win.pos, "expected ',' or '}'"), false)
	}
	s.win.pos++
	return nil
}

// tail steps over the members behind the streamed list: from the comma on they
// read as an object of their own.
func (s *splitter) tail() error {
	s.win.buf[s.win.pos] = '{'
	end, err := s.decode()
	var bad *SyntaxError
	switch {
	case errors.As(err, &bad):
		return s.skipBad(err, false)
	case errors.Is(err, errShort):
		return errTruncated
	case err == nil:
		s.win.pos = end
	}
	return err
}

// list reads elements up to the closing bracket.
func (s *splitter) list() error {
	if c, ok := s.peek(); ok && c == ']' {
		s.win.pos++
		return nil
	}
	for {
		if _, ok := s.peek(); !ok {
			return s.truncated()
		}
		s.resumed = false
		if err := s.element(true); err != nil {
			return err
		}
		if done, err := s.separator(); done || err != nil {
			return err
		}
	}
}

// separator steps to the next element of a list, over the comma, or over the
// closing bracket and reports that the list is done. Behind a malformed element
// the next one may begin without a comma.
func (s *splitter) separator() (done bool, err error) {
	for {
		c, ok := s.peek()
		switch {
		case !ok:
			return false, s.truncated()
		case c == ',':
			s.win.pos++
			return false, nil
		case c == ']':
			s.win.pos++
			return true, nil
		case c == '{' && s.resumed:
			return false, nil
		}
		if err := s.skipBad(syntax(s.win.pos, "expected ',' or ']'"), true); err != nil {
			return false, err
		}
	}
}

func (s *splitter) truncated() error {
	if s.win.err != nil {
		return s.win.err
	}
	return errTruncated
}

// decode decodes the object at pos, reading on while it is not all there. It
// returns errShort when the text ends inside it.
func (s *splitter) decode() (end int, err error) {
	for {
		s.dec.b = s.win.buf
		end, err = s.dec.decode(s.win.pos, recordTree)
		short := errors.Is(err, errShort)
		if (err == nil || short) && end-s.win.pos > s.maxRecord {
			return end, syntax(s.win.pos, fmt.Sprintf("record of more than %d bytes", s.maxRecord))
		}
		if !short || !s.win.more() {
			break
		}
	}
	if errors.Is(err, errShort) && s.win.err != nil {
		return end, s.win.err
	}
	return end, err
}

// element reads one element. Inside a list, an element cut off by the end of
// the text makes the object truncated; at the top level, where each element
// stands for itself, it is only malformed.
func (s *splitter) element(inList bool) error {
	if inList && s.win.buf[s.win.pos] == ']' {
		s.bad(s.win.offset(), "expected a record after ','")
		return nil
	}
	if s.win.buf[s.win.pos] != '{' {
		return s.skipBad(syntax(s.win.pos, "expected an object"), inList)
	}
	end, err := s.decode()
	var bad *SyntaxError
	switch {
	case errors.Is(err, errShort) && inList:
		return errTruncated
	case errors.Is(err, errShort):
		s.bad(s.win.offset(), "the text ends inside a record")
		s.win.pos = len(s.win.buf)
		return nil
	case errors.As(err, &bad):
		return s.skipBad(err, inList)
	case err != nil:
		return err
	}
	base := s.win.pos
	s.win.pos = end
	return s.decoded(base)
}

// bad reports a malformed element.
func (s *splitter) bad(offset int64, reason string) {
	s.visit.malformed(s.index, offset, reason)
	s.index++
}

// decoded hands the decoded object on: as a record, as what an envelope holds,
// or as something else.
func (s *splitter) decoded(base int) error {
	r := &s.dec.rec
	if token, ok := r.message(); ok && r.marks() < 3 {
		return s.nested(Unquote(nil, token), base)
	}
	if !r.ofTrail() && (r.shape() != ShapeOther || !s.dec.unwrap(base)) {
		s.visit.other(r.shape())
		return nil
	}
	if list, ok := r.list(); ok {
		return s.nested(list, base)
	}
	err := s.visit.record(&s.dec.rec, s.index)
	s.index++
	return err
}

// list returns the text of the list that an envelope holds, when its key is not
// the first one and so did not stream.
func (r *Record) list() ([]byte, bool) {
	if r.marks() >= 3 {
		return nil, false // a record, whatever else it holds
	}
	for _, k := range [...]envelopeKey{keyRecords, keyLogEvents, keyEvents, keyLookupEvents} {
		if t := r.envelope(k); len(t) > 0 && t[0] == '[' {
			return t, true
		}
	}
	return nil, false
}

// message returns the string token in which a log event or a looked-up event
// carries its record.
func (r *Record) message() ([]byte, bool) {
	for _, k := range [...]envelopeKey{keyCloudTrailEvent, keyMessage} {
		if t := r.envelope(k); len(t) > 2 && t[0] == '"' {
			return t, true
		}
	}
	return nil, false
}

func (r *Record) envelope(k envelopeKey) []byte {
	sp := r.env[k]
	return r.Raw[sp.start:sp.end]
}

// nested splits text that stands inside the element at base: a list that an
// envelope holds, or the record that a message carries.
func (s *splitter) nested(text []byte, base int) error {
	offset := s.win.base + int64(base)
	if s.depth >= maxEnvelopes {
		s.bad(offset, "envelopes nested too deeply")
		return nil
	}
	if s.inner == nil {
		s.inner = &splitter{maxRecord: s.maxRecord, depth: s.depth + 1}
	}
	in := s.inner
	in.win, in.visit, in.index = window{buf: text}, s.visit, s.index
	err := in.run()
	s.index = in.index
	switch {
	case errors.Is(err, errNotJSON):
		s.visit.other(ShapeOther)
		return nil
	case errors.Is(err, errTruncated):
		s.bad(offset, "a message ends inside its record")
		return nil
	}
	return err
}

// maxEnvelopes bounds envelopes inside envelopes: SQS around SNS around
// EventBridge around a record is the deepest that AWS builds.
const maxEnvelopes = 4
