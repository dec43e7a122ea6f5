package query

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// Path names a value of a record: members joined by dots, with [n] for an
// element of a list and [*] for all of them, as in
// userIdentity.sessionContext.sessionIssuer.arn or resources[*].ARN. Two names
// stand for what no one member holds: "principal" for whoever called
// (userIdentity's arn, else invokedBy, principalId, userName, accountId) and
// "object" for the delivery and the position in it.
type Path struct {
	text  string
	steps []pathStep
}

// pathStep is a member, or when member is empty an element; every stands for
// all elements.
type pathStep struct {
	member string
	index  int
	every  bool
}

// limits of a path, and of a list of them.
const (
	maxPathSteps = 32
	maxPaths     = 64
)

// ParsePaths reads paths separated by commas. Errors are one line.
func ParsePaths(list string) ([]Path, error) {
	var paths []Path
	for text := range strings.SplitSeq(list, ",") {
		p, err := parsePath(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		for _, other := range paths {
			if other.text == p.text {
				return nil, fmt.Errorf("field %s: is named twice", p.text)
			}
		}
		paths = append(paths, p)
	}
	if len(paths) > maxPaths {
		return nil, fmt.Errorf("%d fields; the limit is %d", len(paths), maxPaths)
	}
	return paths, nil
}

func parsePath(text string) (Path, error) {
	p := Path{text: text}
	for i, part := range strings.Split(text, ".") {
		name, brackets, indexed := strings.Cut(part, "[")
		if name == "" {
			return p, fmt.Errorf("field %q: write names joined by dots, such as userIdentity.arn", text)
		}
		if i == 0 {
			if meant := misspelled(name); meant != "" {
				return p, fmt.Errorf("unknown field %s, did you mean %s?", name, meant)
			}
		}
		p.steps = append(p.steps, pathStep{member: name})
		if !indexed {
			continue
		}
		for _, at := range strings.Split(brackets, "[") {
			step, err := parseIndex(at)
			if err != nil {
				return p, fmt.Errorf("field %q: %w", text, err)
			}
			p.steps = append(p.steps, step)
		}
	}
	if len(p.steps) > maxPathSteps {
		return p, fmt.Errorf("field %q: has %d steps, the limit is %d", text, len(p.steps), maxPathSteps)
	}
	return p, nil
}

func parseIndex(at string) (pathStep, error) {
	digits, ok := strings.CutSuffix(at, "]")
	if ok && digits == "*" {
		return pathStep{every: true}, nil
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil {
		return pathStep{}, fmt.Errorf("write [0] for the first element of a list, [*] for all")
	}
	return pathStep{index: int(n)}, nil
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// Value returns the JSON text of what the path names, exactly as it stands in
// the record; nil when there is nothing. What [*] names is a list, of which
// missing values are left out. The text may be part of e.Raw.
func (p Path) Value(e *Event) []byte {
	switch p.text {
	case "object":
		return ingest.AppendQuoted(nil, []byte(e.Source()))
	case "principal":
		return principalOf(e.Raw)
	}
	return follow(bytes.TrimSpace(e.Raw), p.steps)
}

// whoCalled are the members of userIdentity that may name the caller.
var whoCalled = []string{"arn", "invokedBy", "principalId", "userName", "accountId"}

func principalOf(raw []byte) []byte {
	identity := follow(bytes.TrimSpace(raw), []pathStep{{member: "userIdentity"}})
	for _, name := range whoCalled {
		if v := follow(identity, []pathStep{{member: name}}); len(v) > len(`""`) && v[0] == '"' {
			return v
		}
	}
	return nil
}

// follow returns the value at steps below a JSON value, which is valid.
func follow(v []byte, steps []pathStep) []byte {
	for i, s := range steps {
		switch {
		case s.member != "":
			v = memberOf(v, s.member)
		case s.every:
			return everyOf(v, steps[i+1:])
		default:
			v = elementOf(v, s.index)
		}
		if v == nil {
			return nil
		}
	}
	if string(v) == "null" {
		return nil
	}
	return v
}

func everyOf(v []byte, steps []pathStep) []byte {
	if len(v) == 0 || v[0] != '[' {
		return nil
	}
	list := []byte{'['}
	w := walkJSON{b: v, i: 1}
	for w.next(']') {
		if found := follow(w.value(), steps); found != nil {
			if len(list) > 1 {
				list = append(list, ',')
			}
			list = append(list, found...)
		}
	}
	return append(list, ']')
}

// memberOf returns a member of an object; of a name that stands twice the last
// one counts, as in DecodeRecord.
func memberOf(v []byte, name string) (found []byte) {
	if len(v) == 0 || v[0] != '{' {
		return nil
	}
	w := walkJSON{b: v, i: 1}
	for w.next('}') {
		key := w.value()
		w.next(0)
		value := w.value()
		if isKey(key, name) {
			found = value
		}
	}
	return found
}

func isKey(token []byte, name string) bool {
	if bytes.IndexByte(token, '\\') < 0 {
		return string(token[1:len(token)-1]) == name
	}
	return string(ingest.Unquote(nil, token)) == name
}

func elementOf(v []byte, n int) []byte {
	if len(v) == 0 || v[0] != '[' {
		return nil
	}
	w := walkJSON{b: v, i: 1}
	for w.next(']') {
		value := w.value()
		if n--; n < 0 {
			return value
		}
	}
	return nil
}

// walkJSON steps through JSON that is known to be valid.
type walkJSON struct {
	b []byte
	i int
}

// next steps over spaces, commas and colons; false at the closing bracket and at
// the end.
func (w *walkJSON) next(closing byte) bool {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ' ', '\t', '\n', '\r', ',', ':':
			w.i++
		default:
			return w.b[w.i] != closing
		}
	}
	return false
}

// value returns the value at i and steps behind it.
func (w *walkJSON) value() []byte {
	start, depth := w.i, 0
	for ; w.i < len(w.b); w.i++ {
		switch w.b[w.i] {
		case '"':
			w.skipString()
			if depth == 0 {
				w.i++
				return w.b[start:w.i]
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				w.i++
				return w.b[start:w.i]
			}
			if depth < 0 { // behind a number or a word
				return w.b[start:w.i]
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return w.b[start:w.i]
			}
		}
	}
	return w.b[start:]
}

// skipString steps to the closing quote.
func (w *walkJSON) skipString() {
	for w.i++; w.i < len(w.b) && w.b[w.i] != '"'; w.i++ {
		if w.b[w.i] == '\\' {
			w.i++
		}
	}
}
