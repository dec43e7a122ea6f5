package correlate

import (
	"encoding/json"
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/trailblame/trailblame/index"
)

// decoder reads JSON into the values that encoding/json makes of it when it
// keeps numbers as they are written. It exists because a storm of failures is a
// storm of small records: keys are not allocated anew for each, and an object
// that comes again, such as the identity of who calls, is not read again.
//
// What it returns is shared between records and must not be changed.
type decoder struct {
	b    []byte
	keys map[string]string
	// repeats are the objects under recurring keys, by their text.
	repeats map[string]map[string]any
	// template makes the text one that may have holes.
	template bool
}

// Bounds on what a decoder remembers.
const (
	maxKeys    = 4096
	maxKeyLen  = 64
	maxRepeats = 1024
	maxRepeat  = 4096 // bytes of one object
)

// recurring are the members of a record whose objects come again and again.
var recurring = map[string]bool{"userIdentity": true, "tlsDetails": true}

// recordSize is how many members most records have at most.
const recordSize = 28

// maxNesting is where encoding/json gives up, too.
const maxNesting = 10000

var decoders = sync.Pool{New: func() any { return newDecoder() }}

func newDecoder() *decoder {
	return &decoder{keys: map[string]string{}, repeats: map[string]map[string]any{}}
}

var (
	errTrailing = errors.New("data after the JSON value")
	errSyntax   = errors.New("not JSON")
)

// decodeJSON reads exactly one JSON value, keeping numbers as they are written.
// Parts of the value may be shared with other values: it must not be changed.
func decodeJSON(b []byte) (any, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	return d.whole(b, 0)
}

// whole reads text, which stands depth levels deep in what it is a part of.
func (d *decoder) whole(text []byte, depth int) (any, error) {
	d.b = text
	v, i, err := d.value(d.space(0), depth)
	if err == nil && d.space(i) < len(text) {
		err = errTrailing
	}
	d.b = nil
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (d *decoder) space(i int) int {
	for i < len(d.b) && (d.b[i] == ' ' || d.b[i] == '\n' || d.b[i] == '\t' || d.b[i] == '\r') {
		i++
	}
	return i
}

// value reads the value at i and returns the position behind it.
func (d *decoder) value(i, depth int) (v any, end int, err error) {
	if i >= len(d.b) {
		return nil, i, errSyntax
	}
	switch c := d.b[i]; {
	case c == '"':
		s, end, err := d.str(i)
		return s, end, err
	case c == '{':
		m, end, err := d.object(i, depth+1)
		return m, end, err
	case c == '[':
		return d.array(i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		end, err := d.number(i)
		if err != nil {
			return nil, end, err
		}
		return json.Number(d.b[i:end]), end, nil
	case d.template:
		if column, size, ok := index.Hole(d.b[i:]); ok {
			return hole(column), i + size, nil
		}
	}
	return d.literal(i)
}

func (d *decoder) literal(i int) (any, int, error) {
	rest := d.b[i:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "null":
		return nil, i + 4, nil
	case len(rest) >= 4 && string(rest[:4]) == "true":
		return true, i + 4, nil
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return false, i + 5, nil
	}
	return nil, i, errSyntax
}

// object reads the object at i. Of a key that stands twice, the last counts.
func (d *decoder) object(i, depth int) (map[string]any, int, error) {
	if depth > maxNesting {
		return nil, i, errSyntax
	}
	var m map[string]any
	if depth == 1 {
		m = make(map[string]any, recordSize)
	} else {
		m = map[string]any{}
	}
	if i = d.space(i + 1); i < len(d.b) && d.b[i] == '}' {
		return m, i + 1, nil
	}
	for {
		key, val, err := d.key(i)
		if err != nil {
			return nil, val, err
		}
		if m[key], i, err = d.member(key, val, depth); err != nil {
			return nil, i, err
		}
		var done bool
		if i, done, err = d.next(i, '}'); done || err != nil {
			return m, i, err
		}
	}
}

// key reads the key at i and returns the position of its value.
func (d *decoder) key(i int) (string, int, error) {
	if i >= len(d.b) || d.b[i] != '"' {
		return "", i, errSyntax
	}
	end, plain := d.closing(i)
	var key string
	if plain && end-i-2 <= maxKeyLen {
		key = d.intern(d.b[i+1 : end-1])
	} else {
		var err error
		if key, end, err = d.str(i); err != nil {
			return "", end, err
		}
	}
	if end = d.space(end); end >= len(d.b) || d.b[end] != ':' {
		return "", end, errSyntax
	}
	return key, d.space(end + 1), nil
}

func (d *decoder) intern(b []byte) string {
	if s, ok := d.keys[string(b)]; ok {
		return s
	}
	if len(d.keys) >= maxKeys {
		clear(d.keys)
	}
	s := string(b)
	d.keys[s] = s
	return s
}

// member reads the value of a key; a recurring object only when it is new.
func (d *decoder) member(key string, i, depth int) (any, int, error) {
	if depth != 1 || !recurring[key] || i >= len(d.b) || d.b[i] != '{' {
		return d.value(i, depth)
	}
	end := d.balanced(i)
	if m, ok := d.repeats[string(d.b[i:end])]; ok {
		return m, end, nil
	}
	m, end, err := d.object(i, depth+1)
	if err == nil && end-i <= maxRepeat {
		if len(d.repeats) >= maxRepeats {
			clear(d.repeats)
		}
		d.repeats[string(d.b[i:end])] = m
	}
	return m, end, err
}

// balanced returns where the brackets opened at i are closed, or the end of the
// text. It does not look whether all is JSON in between: what is looked up by
// the text found was read in full when it was kept.
func (d *decoder) balanced(i int) int {
	for open := 0; i < len(d.b); i++ {
		switch d.b[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i + 1
			}
		case '"':
			end, _ := d.closing(i)
			i = end - 1
		}
	}
	return len(d.b)
}

func (d *decoder) array(i, depth int) (any, int, error) {
	if depth > maxNesting {
		return nil, i, errSyntax
	}
	list := []any{}
	if i = d.space(i + 1); i < len(d.b) && d.b[i] == ']' {
		return list, i + 1, nil
	}
	for {
		v, end, err := d.value(i, depth)
		if err != nil {
			return nil, end, err
		}
		list = append(list, v)
		var done bool
		if i, done, err = d.next(end, ']'); done || err != nil {
			return list, i, err
		}
	}
}

// next steps over the comma or the closing bracket behind a value.
func (d *decoder) next(i int, closing byte) (end int, done bool, err error) {
	switch i = d.space(i); {
	case i >= len(d.b):
	case d.b[i] == closing:
		return i + 1, true, nil
	case d.b[i] == ',':
		return d.space(i + 1), false, nil
	}
	return i, false, errSyntax
}

// closing returns the position behind the string whose opening quote stands at
// i, or the end of the text, and whether the string is plain: closed, all
// ASCII, without escapes or control characters.
func (d *decoder) closing(i int) (end int, plain bool) {
	plain = true
	for i++; i < len(d.b); i++ {
		switch c := d.b[i]; {
		case c == '"':
			return i + 1, plain
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		}
	}
	return len(d.b), false
}

// str reads the string at i. encoding/json reads those that are not plain.
func (d *decoder) str(i int) (string, int, error) {
	end, plain := d.closing(i)
	if plain {
		return string(d.b[i+1 : end-1]), end, nil
	}
	var s string
	err := json.Unmarshal(d.b[i:end], &s)
	return s, end, err
}

// number returns the end of the number at i: -?int[.frac][exp].
func (d *decoder) number(i int) (int, error) {
	if d.b[i] == '-' {
		i++
	}
	whole := d.digits(i)
	if whole == i || d.b[i] == '0' && whole > i+1 {
		return i, errSyntax
	}
	i = whole
	if i < len(d.b) && d.b[i] == '.' {
		if i = d.digits(i + 1); d.b[i-1] == '.' {
			return i, errSyntax
		}
	}
	if i < len(d.b) && d.b[i]|0x20 == 'e' {
		if i++; i < len(d.b) && (d.b[i] == '+' || d.b[i] == '-') {
			i++
		}
		from := i
		if i = d.digits(from); i == from {
			return i, errSyntax
		}
	}
	return i, nil
}

func (d *decoder) digits(i int) int {
	for i < len(d.b) && '0' <= d.b[i] && d.b[i] <= '9' {
		i++
	}
	return i
}
