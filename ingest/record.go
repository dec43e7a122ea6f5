package ingest

import (
	"bytes"
	"unicode/utf8"
)

// Record is one decoded record: its text and where in it each column's value
// stands. It is valid until the decoder's next call; what must last longer is
// copied. A Record is not safe for concurrent use.
type Record struct {
	// Raw is the record as delivered, with line breaks between tokens
	// replaced by spaces.
	Raw []byte
	// Order lists the columns that the record has, as they stand in Raw. Of
	// a key that stands twice, the last one counts.
	Order []Column
	// Native tells an EventBridge state change from a CloudTrail record.
	Native bool
	// InvalidUTF8 tells that Raw is not valid UTF-8 as a whole.
	InvalidUTF8 bool
	// Outline, where it is not 0, is the same for records whose text is the
	// same but for the tokens of the same columns, and null for the same ones.
	// It is unique in the process.
	Outline uint32

	tokens [NumColumns]span
	names  []span
	issued []span
	env    [numEnvelopeKeys]span
}

type span struct{ start, end int32 }

// Token returns the text of c's JSON value, nil when the record lacks it.
func (r *Record) Token(c Column) []byte {
	t := r.tokens[c]
	if t.end == 0 {
		return nil
	}
	return r.Raw[t.start:t.end]
}

// Offset returns where c's token starts in Raw.
func (r *Record) Offset(c Column) int { return int(r.tokens[c].start) }

// Text returns c's value as text: a string without quotes and escapes, any
// other value but null as its JSON text. ok is false for null and for a
// missing value. buf is scratch space that the result may use.
func (r *Record) Text(c Column, buf []byte) (text []byte, ok bool) {
	return tokenText(r.Token(c), buf)
}

func tokenText(token, buf []byte) ([]byte, bool) {
	switch {
	case len(token) == 0 || string(token) == "null":
		return nil, false
	case token[0] != '"':
		return token, true
	case bytes.IndexByte(token, '\\') < 0:
		return token[1 : len(token)-1], true
	}
	return Unquote(buf[:0], token), true
}

// Names calls yield with each text that names a resource the call touched: the
// string values under keys such as bucketName, roleArn or keyId. buf is
// scratch space; text is valid during the call.
func (r *Record) Names(buf []byte, yield func(text []byte)) { r.each(r.names, buf, yield) }

// Issued calls yield with each access key id that the call handed out.
func (r *Record) Issued(buf []byte, yield func(text []byte)) { r.each(r.issued, buf, yield) }

func (r *Record) each(spans []span, buf []byte, yield func(text []byte)) {
	for _, sp := range spans {
		if text, ok := tokenText(r.Raw[sp.start:sp.end], buf); ok && len(text) > 0 {
			yield(text)
		}
	}
}

// decoder turns the text of one JSON object into a Record.
type decoder struct {
	scanner
	rec  Record
	base int
	// starts and follows hold for each known key the one that last stood first
	// in its object, and the one that last stood behind it: they mostly do so
	// again, and are then found by one comparison.
	starts, follows [maxNodes]*node
	twice           bool      // a key of the record stands twice
	outlines        *outlines // nil to decode each record by itself
}

// decode decodes the object that begins at i by t. It returns the position
// behind it. After errShort the record must be decoded again from its start.
func (d *decoder) decode(i int, t *tree) (end int, err error) {
	known := false
	if d.outlines != nil {
		d.begin(i)
		end, known = d.outlined(i, t)
	}
	if !known {
		d.begin(i)
		if end, err = d.group(i, 0, t.node); err != nil {
			return end, err
		}
	}
	r := &d.rec
	r.Raw = d.b[i:end:end]
	r.InvalidUTF8 = d.highBits != 0 && !utf8.Valid(r.Raw)
	if !known && d.outlines != nil {
		d.remember(t)
	}
	return end, nil
}

// begin makes the record empty.
func (d *decoder) begin(i int) {
	r := &d.rec
	d.base, d.highBits, d.twice = i, 0, false
	*r = Record{Order: r.Order[:0], names: r.names[:0], issued: r.issued[:0]}
}

// group scans the object at i, whose keys n knows.
func (d *decoder) group(i, depth int, n *node) (int, error) {
	i, done, err := d.open(i, depth, '}')
	next := &d.starts[n.id] // the known key that is expected
	for !done && err == nil {
		var child *node
		if *next != nil && hasToken(d.b, i, (*next).token) {
			child, i = *next, d.space(i+len((*next).token))
		} else {
			start := i
			var end int
			if end, i, err = d.key(start); err != nil {
				break
			}
			if child = n.child(d.b[start:end]); child == nil {
				if i, err = d.unknown(d.b[start:end], i, depth+1); err != nil {
					break
				}
				i, done, err = d.next(i, '}')
				continue
			}
			*next = child
		}
		next = &d.follows[child.id]
		if i, err = d.child(child, i, depth+1); err != nil {
			break
		}
		i, done, err = d.next(i, '}')
	}
	return i, err
}

// hasToken tells whether token stands at b[i:].
func hasToken(b []byte, i int, token string) bool {
	return len(b)-i >= len(token) && string(b[i:i+len(token)]) == token
}

// child scans the value of a known key.
func (d *decoder) child(n *node, val, depth int) (int, error) {
	if val >= len(d.b) {
		return val, errShort
	}
	if len(n.keys) > 0 && d.b[val] == '{' {
		return d.group(val, depth, n)
	}
	end, err := d.known(n, val, depth)
	if err == nil && n.column < NumColumns {
		d.place(n.column, val, end)
	}
	return end, err
}

func (d *decoder) known(n *node, val, depth int) (int, error) {
	if n.names {
		return d.named(val, depth, n.column == ResponseElements)
	}
	return d.value(val, depth)
}

// unknown scans the value of a key without a column. Keys of envelopes are
// remembered at the top level.
func (d *decoder) unknown(key []byte, val, depth int) (int, error) {
	end, err := d.value(val, depth)
	if err == nil && depth == 1 {
		if k, ok := envelopeKeys[string(keyText(key))]; ok {
			d.rec.env[k] = d.span(val, end)
		}
	}
	return end, err
}

func (d *decoder) span(start, end int) span {
	return span{int32(start - d.base), int32(end - d.base)}
}

func (d *decoder) place(c Column, start, end int) {
	r := &d.rec
	if r.tokens[c].end != 0 {
		d.twice = true
		for k, o := range r.Order {
			if o == c {
				r.Order = append(r.Order[:k], r.Order[k+1:]...)
				break
			}
		}
	}
	r.tokens[c] = d.span(start, end)
	r.Order = append(r.Order, c)
}

// named scans a value below which strings name resources. In a response only
// ARNs and handed-out keys count: the rest of it is of no use for a search and
// has no end.
func (d *decoder) named(val, depth int, response bool) (int, error) {
	if val >= len(d.b) {
		return val, errShort
	}
	switch d.b[val] {
	case '{':
		return d.namedObject(val, depth, response)
	case '[':
		return d.namedList(val, depth, response)
	}
	return d.value(val, depth)
}

func (d *decoder) namedObject(i, depth int, response bool) (int, error) {
	i, done, err := d.open(i, depth, '}')
	for !done && err == nil {
		start := i
		end, val, err := d.key(start)
		if err != nil {
			return val, err
		}
		if i, err = d.named(val, depth+1, response); err != nil {
			return i, err
		}
		if d.b[val] == '"' {
			d.name(d.b[start+1:end-1], d.span(val, i), response)
		}
		if i, done, err = d.next(i, '}'); err != nil {
			return i, err
		}
	}
	return i, err
}

func (d *decoder) namedList(i, depth int, response bool) (int, error) {
	i, done, err := d.open(i, depth, ']')
	for !done && err == nil {
		val := i
		if i, err = d.named(val, depth+1, response); err != nil {
			break
		}
		if hasToken(d.b[:i], val, `"arn:`) {
			d.rec.names = append(d.rec.names, d.span(val, i))
		}
		i, done, err = d.next(i, ']')
	}
	return i, err
}

func (d *decoder) name(key []byte, value span, response bool) {
	switch {
	case response && string(key) == "accessKeyId":
		d.rec.issued = append(d.rec.issued, value)
	case hasSuffixFold(key, "arn"), !response && isResourceKey(key):
		d.rec.names = append(d.rec.names, value)
	}
}

// isResourceKey tells keys whose values name something: bucketName, keyId,
// ARNPrefix, policyArn, topicUrl, name. It errs to the generous side.
func isResourceKey(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	switch key[len(key)-1] | 0x20 {
	case 'e':
		return hasSuffixFold(key, "name")
	case 'd':
		return hasSuffixFold(key, "id")
	case 'x':
		return hasSuffixFold(key, "arnprefix")
	case 'r':
		return hasSuffixFold(key, "identifier")
	case 'l':
		return hasSuffixFold(key, "url")
	case 's':
		return hasSuffixFold(key, "names") || hasSuffixFold(key, "ids")
	}
	return false
}

// hasSuffixFold compares ASCII without regard to case; suffix is lower case.
func hasSuffixFold(s []byte, suffix string) bool {
	if len(s) < len(suffix) {
		return false
	}
	s = s[len(s)-len(suffix):]
	for i := range suffix {
		if s[i]|0x20 != suffix[i] {
			return false
		}
	}
	return true
}

// Decoder decodes records that stand alone, such as those that an index gives
// back. It is not safe for concurrent use.
type Decoder struct{ d decoder }

// Decode decodes one record. native tells that it is an EventBridge state
// change. The record is valid until the next call and refers to text.
func (d *Decoder) Decode(text []byte, native bool) (*Record, error) {
	t := recordTree
	if native {
		t = nativeTree
	}
	d.d.b = text
	_, err := d.d.decode(0, t)
	d.d.rec.Native = native
	return &d.d.rec, err
}
