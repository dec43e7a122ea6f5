package ingest

import (
	"bytes"
	"errors"
	"fmt"
)

// skipBad reports the element at pos as malformed and steps over it: to the
// end of its brackets, or to what looks like the start of the next record,
// whichever comes first. When neither is found the rest of the object is lost,
// and the object counts as truncated rather than as read.
func (s *splitter) skipBad(err error, inList bool) error {
	start := s.win.offset()
	at, reason := start, err.Error()
	var bad *SyntaxError
	if errors.As(err, &bad) {
		at = s.win.base + bad.Offset
		reason = bad.Reason
	}
	s.bad(start, fmt.Sprintf("%s at byte %d", reason, at))
	for s.skipped < maxSkipWork {
		rest := s.win.buf[s.win.pos:]
		n, ok, work := badEnd(rest, s.win.eof(), inList)
		s.skipped += int64(work)
		if ok {
			s.win.pos += n
			s.resumed = true
			return nil
		}
		if len(rest) > s.maxRecord || !s.win.more() {
			break
		}
	}
	if s.win.err != nil {
		return s.win.err
	}
	s.win.pos = len(s.win.buf)
	if inList || !s.win.eof() {
		return fmt.Errorf("%w: nothing after byte %d could be read", errTruncated, start)
	}
	return nil
}

// maxSkipWork bounds the bytes looked at again on account of malformed elements
// in one object: text made to need more is given up as truncated.
const maxSkipWork = 512 << 20

// badEnd returns how much of b, which begins with a malformed element, that
// element takes. ok is false when b does not tell. work is how many bytes were
// looked at.
func badEnd(b []byte, eof, inList bool) (n int, ok bool, work int) {
	end := balanced(b)
	if end > 0 && separated(b[end:], eof, inList) && nextRecord(b[:end]) < 0 {
		return end, true, 2 * end
	}
	if next := nextRecord(b); next > 0 {
		return next, true, len(b) // the brackets may have been followed to the end
	}
	if !inList {
		if line := bytes.IndexByte(b, '\n'); line >= 0 {
			return line + 1, true, len(b)
		}
		return len(b), eof, len(b)
	}
	return 0, false, 2 * len(b)
}

// separated tells whether b, behind the end of an element, goes on as a list or
// a sequence of elements would.
func separated(b []byte, eof, inList bool) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	switch {
	case len(b) == 0:
		return eof && !inList
	case inList:
		return b[0] == ',' || b[0] == ']'
	}
	return b[0] == '{' || b[0] == '['
}

// nextRecord returns where after b's first byte an object begins whose first
// key is one that records begin with, or -1.
func nextRecord(b []byte) int {
	for from := 1; from < len(b); {
		i := bytes.IndexByte(b[from:], '{')
		if i < 0 {
			return -1
		}
		from += i
		key := bytes.TrimLeft(b[from+1:], " \t\r\n")
		for _, first := range [...]string{`"eventVersion"`, `"aws"`, `"Records"`} {
			if bytes.HasPrefix(key, []byte(first)) {
				return from
			}
		}
		from++
	}
	return -1
}

// balanced returns the position behind the bracket that closes b's first one,
// heeding strings but no other grammar; for anything else than a bracket, the
// position of the next comma, bracket or line break. 0 means not found.
func balanced(b []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth < 0 {
				// Stray closing brackets, as of a wrapper opened elsewhere.
				for i < len(b) && (b[i] == '}' || b[i] == ' ') {
					i++
				}
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == '\n'):
			return i
		}
	}
	return 0
}
