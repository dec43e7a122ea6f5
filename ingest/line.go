package ingest

import (
	"bytes"
	"cmp"
	"fmt"
	"time"
)

// lineForm is what the lines of a text that is no JSON are.
type lineForm uint8

const (
	noLines     lineForm = iota
	accessLines          // of an S3 server access log
	exportLines          // of an export task of CloudWatch Logs: a time and a message
	foreignLine          // of an export, behind a message that was no JSON and may have several lines
)

// line takes what begins neither an object nor a list, and what follows in the
// same text. Only texts that are not JSON come here, so that others pay nothing
// for it.
func (s *splitter) line(seen bool) error {
	form := s.lineForm()
	switch {
	case form != noLines:
		s.lines = form
	case !seen:
		return errNotJSON
	case s.lines == noLines:
		return s.skipBad(syntax(s.win.pos, "expected a JSON object"), false)
	}
	start := s.win.offset()
	text, ok := s.takeLine()
	switch {
	case !ok:
		s.bad(start, fmt.Sprintf("line of more than %d bytes", s.maxRecord))
	case form == accessLines:
		return s.accessLine(text, start)
	case form == exportLines:
		return s.exportLine(text)
	case text[0] == '{' && s.lines != foreignLine:
		return cmp.Or(s.nested(text, s.win.pos-len(text), false), s.win.err)
	case s.lines != foreignLine:
		s.bad(start, "not a line like those before it")
	}
	return s.win.err
}

// lineForm tells what the line at pos is from how it begins.
func (s *splitter) lineForm() lineForm {
	const look = 1024 // far above what stands in front of the time of a log line
	for len(s.win.buf)-s.win.pos < look && s.win.more() {
	}
	head := s.win.buf[s.win.pos:]
	head, _, _ = bytes.Cut(head[:min(look, len(head))], []byte("\n"))
	if _, ok := exportMessage(head); ok {
		return exportLines
	}
	if _, _, ok := accessHead(head); ok {
		return accessLines
	}
	return noLines
}

// takeLine steps over the line at pos and returns it without its line break;
// ok is false when it is longer than a record may be.
func (s *splitter) takeLine() (text []byte, ok bool) {
	from := 0
	for {
		rest := s.win.buf[s.win.pos:]
		if n := bytes.IndexByte(rest[from:], '\n'); n >= 0 {
			s.win.pos += from + n + 1
			return rest[:from+n], from+n <= s.maxRecord
		}
		from = len(rest)
		if from > s.maxRecord {
			return nil, s.dropLine()
		}
		if !s.win.more() {
			rest = s.win.buf[s.win.pos:]
			s.win.pos = len(s.win.buf)
			return rest, true
		}
	}
}

// dropLine steps over the rest of a line that is too long, keeping none of it.
func (s *splitter) dropLine() bool {
	for {
		rest := s.win.buf[s.win.pos:]
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			s.win.pos += n + 1
			return false
		}
		s.win.pos = len(s.win.buf)
		if !s.win.more() {
			return false
		}
	}
}

// exportLine takes a line of an export task: the message may be a record, and
// any other line of a log besides.
func (s *splitter) exportLine(text []byte) error {
	at, _ := exportMessage(text)
	message := bytes.TrimLeft(text[at:], " \t")
	// `aws logs tail` writes the stream between time and message.
	if i := bytes.IndexByte(message, ' '); i > 0 && message[0] != '{' && bytes.HasPrefix(message[i+1:], []byte("{")) {
		message = message[i+1:]
	}
	before := s.told
	if len(message) > 0 && message[0] == '{' {
		if err := s.nested(message, s.win.pos-len(text), true); err != nil {
			return err
		}
	} else {
		s.lines = foreignLine
	}
	if s.told == before {
		s.other(ShapeOther)
	}
	return s.win.err
}

// exportMessage returns where the message begins in a line that starts with a
// time, RFC 3339 or milliseconds since 1970.
func exportMessage(line []byte) (at int, ok bool) {
	at = bytes.IndexAny(line[:min(len(line), 40)], " \t")
	if at < 0 {
		return 0, false
	}
	if stamp := line[:at]; len(stamp) == 13 && isDigits(stamp) {
		return at + 1, true
	} else if len(stamp) < len(eventTimeLayout) || stamp[4] != '-' || stamp[10] != 'T' {
		return 0, false
	}
	_, err := time.Parse(time.RFC3339Nano, string(line[:at]))
	return at + 1, err == nil
}

func isDigits(b []byte) bool {
	_, ok := decimal(b)
	return ok && len(b) > 0
}
