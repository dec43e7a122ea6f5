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
	// points takes the name of a delivery that a notification tells of.
	points(name string)
}

// splitter finds the records in the text of one object, whatever envelopes
// they came in. A malformed element costs nothing but itself.
type splitter struct {
	dec       decoder
	win       window
	visit     visitor
	maxRecord int
	counters
	resumed bool      // pos is behind a malformed element
	lines   lineForm  // of the lines of text so far
	quiet   bool      // what has no name is counted by who made this splitter
	depth   int       // of envelopes around this text
	inner   *splitter // for text inside an envelope, made when needed
}

// counters go through all the texts of one object.
type counters struct {
	index    int   // of the next element
	told     int   // calls of the visitor
	skipped  int64 // bytes looked at to get past malformed elements
	packable int64 // bytes that data inside envelopes may still have, decompressed
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
		case s.lines != noLines:
			err = s.line(seen)
		case c == '{' && s.streams():
			err = s.stream()
		case c == '{':
			err = s.element(false)
		case c == '[':
			s.win.pos++
			err = s.list()
		default:
			err = s.line(seen)
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
	if err != nil {
		s.win.buf[s.win.pos] = ',' // the text may be read again
	}
	var bad *SyntaxError
	switch {
	case errors.As(err, &bad):
		return s.skipBad(err, false)
	case errors.Is(err, errShort):
		return errTruncated
	case err != nil:
		return err
	}
	base := s.win.pos
	s.win.pos = end
	return s.search(base, maxWrapped)
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
	return s.whole(func(pos int) (int, error) { return s.dec.decode(pos, recordTree) })
}

// whole calls scan on the value at pos, reading on while it is not all there.
func (s *splitter) whole(scan func(pos int) (end int, err error)) (end int, err error) {
	for {
		s.dec.b = s.win.buf
		end, err = scan(s.win.pos)
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
	isRow := inList && s.win.buf[s.win.pos] == '['
	var end int
	var err error
	switch {
	case isRow:
		end, err = s.row()
	case s.win.buf[s.win.pos] == '{':
		end, err = s.decode()
	default:
		return s.skipBad(syntax(s.win.pos, "expected an object"), inList)
	}
	if err != nil {
		return s.broken(err, inList)
	}
	base := s.win.pos
	s.win.pos = end
	if isRow {
		return s.cells(base)
	}
	return s.decoded(base)
}

// broken deals with an element that could not be decoded.
func (s *splitter) broken(err error, inList bool) error {
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
	}
	return err
}

// row finds the end of the list at pos: a row of a query's result.
func (s *splitter) row() (end int, err error) {
	return s.whole(func(pos int) (int, error) { return s.dec.value(pos, 0) })
}

// cells looks for a record in the list at base.
func (s *splitter) cells(base int) error {
	before := s.told
	if err := s.search(base, maxWrapped); err != nil || s.told > before {
		return err
	}
	s.other(ShapeOther)
	return nil
}

// bad reports a malformed element.
func (s *splitter) bad(offset int64, reason string) {
	s.visit.malformed(s.index, offset, reason)
	s.index++
	s.told++
}
