package query

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/trailblame/trailblame/ingest"
)

// maxRecordDepth bounds the nesting of a record, as ingest does.
const maxRecordDepth = 1000

// DecodeRecord decodes one record, which must be a JSON object and nothing else,
// into what Match works on. Keys are case-sensitive, and of a key that stands
// twice the last one counts. A number is an int64 when it is whole and fits, else
// a float64. Bytes that are not UTF-8 become U+FFFD. An error is a violation of
// JSON's grammar or nesting deeper than 1,000.
func DecodeRecord(raw []byte) (map[string]any, error) {
	v, err := decodeJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("decode record: %w", err)
	}
	record, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("decode record: is not a JSON object")
	}
	return record, nil
}

// decodeJSON decodes one JSON value.
func decodeJSON(text []byte) (any, error) {
	d := jsonDecoder{b: text}
	v, err := d.value(0)
	if err == nil {
		if d.space(); d.i < len(d.b) {
			err = d.syntax("text behind the value")
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// jsonDecoder reads strict JSON (RFC 8259) at b[i].
type jsonDecoder struct {
	b []byte
	i int
}

func (d *jsonDecoder) syntax(reason string) error {
	return &ingest.SyntaxError{Offset: int64(d.i), Reason: reason}
}

func (d *jsonDecoder) space() {
	for d.i < len(d.b) && (d.b[d.i] == ' ' || d.b[d.i] == '\t' || d.b[d.i] == '\n' || d.b[d.i] == '\r') {
		d.i++
	}
}

// peek returns the next byte that is no space, 0 at the end.
func (d *jsonDecoder) peek() byte {
	d.space()
	if d.i < len(d.b) {
		return d.b[d.i]
	}
	return 0
}

func (d *jsonDecoder) value(depth int) (any, error) {
	switch c := d.peek(); {
	case c == '"':
		return d.text()
	case c == '{' && depth < maxRecordDepth:
		return d.object(depth + 1)
	case c == '[' && depth < maxRecordDepth:
		return d.array(depth + 1)
	case c == '{' || c == '[':
		return nil, d.syntax("nested too deeply")
	case c == '-' || '0' <= c && c <= '9':
		return d.number()
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	case d.word("null"):
		return nil, nil
	}
	return nil, d.syntax("expected a value")
}

func (d *jsonDecoder) word(w string) bool {
	if !strings.HasPrefix(string(d.b[d.i:min(len(d.b), d.i+len(w))]), w) {
		return false
	}
	d.i += len(w)
	return true
}

func (d *jsonDecoder) object(depth int) (any, error) {
	d.i++
	m := make(map[string]any)
	for first := true; ; first = false {
		if done, err := d.next('}', first); done || err != nil {
			return m, err
		}
		if d.peek() != '"' {
			return nil, d.syntax("expected a key")
		}
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if d.peek() != ':' {
			return nil, d.syntax("expected ':' after a key")
		}
		d.i++
		if m[key], err = d.value(depth); err != nil {
			return nil, err
		}
	}
}

func (d *jsonDecoder) array(depth int) (any, error) {
	d.i++
	list := []any{}
	for first := true; ; first = false {
		if done, err := d.next(']', first); done || err != nil {
			return list, err
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// next steps to the next member, over the comma in front of it, or over the
// closing bracket.
func (d *jsonDecoder) next(closing byte, first bool) (done bool, err error) {
	switch c := d.peek(); {
	case c == closing:
		d.i++
		return true, nil
	case first:
		return false, nil
	case c != ',':
		return false, d.syntax("expected ',' or '" + string(rune(closing)) + "'")
	}
	d.i++
	if d.peek() == closing {
		return false, d.syntax("expected a value after ','")
	}
	return false, nil
}

// text reads the string at i.
func (d *jsonDecoder) text() (string, error) {
	start, plain := d.i, true
	for d.i++; d.i < len(d.b); d.i++ {
		switch c := d.b[d.i]; {
		case c == '"':
			d.i++
			return unquote(d.b[start:d.i], plain), nil
		case c == '\\':
			plain = false
			if err := d.escape(); err != nil {
				return "", err
			}
		case c < 0x20:
			return "", d.syntax("control character in a string")
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return "", d.syntax("a string is not closed")
}

func unquote(token []byte, plain bool) string {
	if plain {
		return string(token[1 : len(token)-1])
	}
	text := ingest.Unquote(nil, token)
	if !utf8.Valid(text) {
		return string(bytes.Runes(text)) // U+FFFD for each bad byte
	}
	return string(text)
}

// escape checks the escape at i and steps to its last byte.
func (d *jsonDecoder) escape() error {
	rest := d.b[d.i+1:]
	switch {
	case len(rest) == 0:
		return d.syntax("a string is not closed")
	case strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0:
		d.i++
		return nil
	case rest[0] != 'u' || len(rest) < 5:
		return d.syntax("unknown escape in a string")
	}
	for _, c := range rest[1:5] {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return d.syntax(`bad \u escape`)
		}
	}
	d.i += 5
	return nil
}

// number reads -?int[.frac][exp].
func (d *jsonDecoder) number() (any, error) {
	start := d.i
	if d.b[d.i] == '-' {
		d.i++
	}
	lead := d.i
	ok := d.digits() && (d.b[lead] != '0' || d.i == lead+1)
	if ok && d.i < len(d.b) && d.b[d.i] == '.' {
		d.i++
		ok = d.digits()
	}
	if ok && d.i < len(d.b) && d.b[d.i]|0x20 == 'e' {
		d.i++
		if d.i < len(d.b) && (d.b[d.i] == '+' || d.b[d.i] == '-') {
			d.i++
		}
		ok = d.digits()
	}
	if !ok {
		d.i = start
		return nil, d.syntax("bad number")
	}
	return number(string(d.b[start:d.i])), nil
}

// digits steps over digits and tells whether there are any.
func (d *jsonDecoder) digits() bool {
	from := d.i
	for d.i < len(d.b) && '0' <= d.b[d.i] && d.b[d.i] <= '9' {
		d.i++
	}
	return d.i > from
}
