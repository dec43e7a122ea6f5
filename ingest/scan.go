package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// maxDepth bounds the nesting of a JSON value: far above any record, far below
// what a stack can hold.
const maxDepth = 1000

// errShort says that the text ends inside a value. In a window on a longer
// text it asks for more; at the end of the text it is the damage.
var errShort = errors.New("text ends inside a JSON value")

// SyntaxError is a violation of JSON's grammar at a byte offset of the object.
type SyntaxError struct {
	Offset int64
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// scanner walks strict JSON (RFC 8259) in b. Positions are indexes into b.
// Line breaks between tokens are replaced by spaces as it goes, which is what
// lets a record stand on one line and stay the same JSON.
type scanner struct {
	b []byte
	// highBits gathers the top bits of all string bytes seen: zero means
	// that the text was ASCII.
	highBits uint64
}

func syntax(pos int, reason string) error {
	return &SyntaxError{Offset: int64(pos), Reason: reason}
}

// space returns the first position at or after i that is no whitespace.
func (s *scanner) space(i int) int {
	for i < len(s.b) {
		switch s.b[i] {
		case ' ', '\t':
		case '\n', '\r':
			s.b[i] = ' '
		default:
			return i
		}
		i++
	}
	return i
}

// str scans a string whose opening quote stands at i. It returns the position
// behind the closing quote and whether the string holds an escape.
func (s *scanner) str(i int) (end int, escaped bool, err error) {
	b := s.b
	i++
	for {
		i = s.plain(i)
		if i >= len(b) {
			return i, escaped, errShort
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, escaped, nil
		case c == '\\':
			if i, err = s.escape(i); err != nil {
				return i, true, err
			}
			escaped = true
		case c < 0x20:
			return i, escaped, syntax(i, "control character in a string")
		default:
			s.highBits |= uint64(c) & 0x80
			i++
		}
	}
}

// plain skips string bytes eight at a time while none of them is a quote, a
// backslash or a control character.
func (s *scanner) plain(i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	b := s.b
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		q := w ^ (ones * '"')
		e := w ^ (ones * '\\')
		stop := ((q - ones) &^ q) | ((e - ones) &^ e) | ((w - ones*0x20) &^ w)
		if stop &= highs; stop != 0 {
			n := bits.TrailingZeros64(stop) / 8
			s.highBits |= w & highs & (1<<(8*n) - 1)
			return i + n
		}
		s.highBits |= w & highs
		i += 8
	}
	return i
}

func (s *scanner) escape(i int) (int, error) {
	if i+1 >= len(s.b) {
		return len(s.b), errShort
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(s.b) {
				return k, errShort
			}
			if !isHex(s.b[k]) {
				return k, syntax(k, "bad \\u escape")
			}
		}
		return i + 6, nil
	}
	return i, syntax(i, "unknown escape in a string")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// value scans any value that begins at i, at the given depth.
func (s *scanner) value(i, depth int) (int, error) {
	if i >= len(s.b) {
		return i, errShort
	}
	switch c := s.b[i]; {
	case c == '"':
		end, _, err := s.str(i)
		return end, err
	case c == '{':
		return s.object(i, depth)
	case c == '[':
		return s.list(i, depth)
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	}
	return s.literal(i)
}

// object scans an object that begins at i.
func (s *scanner) object(i, depth int) (int, error) {
	i, done, err := s.open(i, depth, '}')
	for !done && err == nil {
		if _, i, err = s.key(i); err != nil {
			break
		}
		if i, err = s.value(i, depth+1); err != nil {
			break
		}
		i, done, err = s.next(i, '}')
	}
	return i, err
}

// list scans an array that begins at i.
func (s *scanner) list(i, depth int) (int, error) {
	i, done, err := s.open(i, depth, ']')
	for !done && err == nil {
		if i, err = s.value(i, depth+1); err != nil {
			break
		}
		i, done, err = s.next(i, ']')
	}
	return i, err
}

// each calls value for each value of the object or array that begins at i; value
// returns where it ends.
func (s *scanner) each(i int, value func(val int) (end int, err error)) error {
	closing, keyed := byte(']'), false
	if s.b[i] == '{' {
		closing, keyed = '}', true
	}
	i, done, err := s.open(i, 0, closing)
	for !done && err == nil {
		if keyed {
			if _, i, err = s.key(i); err != nil {
				break
			}
		}
		if i, err = value(i); err != nil {
			break
		}
		i, done, err = s.next(i, closing)
	}
	return err
}

// open steps over the opening bracket at i, and over the closing one when it
// follows at once.
func (s *scanner) open(i, depth int, closing byte) (next int, done bool, err error) {
	if depth >= maxDepth {
		return i, false, syntax(i, "nested too deeply")
	}
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == closing {
		return i + 1, true, nil
	}
	return i, false, nil
}

// key scans a key that begins at i and the colon. It returns the position
// behind the key's closing quote and that of the value; after an error, in
// place of the latter, that of the error.
func (s *scanner) key(i int) (end, val int, err error) {
	if i >= len(s.b) {
		return i, i, errShort
	}
	if s.b[i] != '"' {
		return i, i, syntax(i, "expected a key")
	}
	if end, _, err = s.str(i); err != nil {
		return end, end, err
	}
	if i = s.space(end); i >= len(s.b) {
		return end, i, errShort
	}
	if s.b[i] != ':' {
		return end, i, syntax(i, "expected ':' after a key")
	}
	return end, s.space(i + 1), nil
}

// next steps over the comma or the closing bracket behind a value.
func (s *scanner) next(i int, closing byte) (end int, done bool, err error) {
	if i = s.space(i); i >= len(s.b) {
		return i, false, errShort
	}
	switch s.b[i] {
	case closing:
		return i + 1, true, nil
	case ',':
		return s.space(i + 1), false, nil
	}
	return i, false, syntax(i, "expected ',' or '"+string(closing)+"'")
}

func (s *scanner) literal(i int) (int, error) {
	for _, word := range [...]string{"true", "false", "null"} {
		n := min(len(word), len(s.b)-i)
		if string(s.b[i:i+n]) != word[:n] {
			continue
		}
		if n < len(word) {
			return i + n, errShort
		}
		return i + n, nil
	}
	return i, syntax(i, "expected a value")
}

// number scans -?int[.frac][exp]. A number that ends with the text is taken as
// short, because more digits could follow; only a document that is a bare
// number pays for that, and no delivery is one.
func (s *scanner) number(i int) (int, error) {
	start := i
	if s.b[i] == '-' {
		i++
	}
	lead := i
	if i = s.digits(i); i == lead && i < len(s.b) {
		return start, syntax(start, "bad number")
	}
	if i > lead+1 && s.b[lead] == '0' {
		return start, syntax(start, "number with a leading zero")
	}
	for _, part := range [...]string{".", "eE"} {
		if i < len(s.b) && (s.b[i] == part[0] || s.b[i] == part[len(part)-1]) {
			i++
			if part == "eE" && i < len(s.b) && (s.b[i] == '+' || s.b[i] == '-') {
				i++
			}
			from := i
			if i = s.digits(i); i == from && i < len(s.b) {
				return start, syntax(start, "bad number")
			}
		}
	}
	if i >= len(s.b) {
		return i, errShort
	}
	return i, nil
}

func (s *scanner) digits(i int) int {
	for i < len(s.b) && '0' <= s.b[i] && s.b[i] <= '9' {
		i++
	}
	return i
}
