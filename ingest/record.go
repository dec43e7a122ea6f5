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
}

// decode decodes the object that begins at i by tree. It returns the position
// behind it. After errShort the record must be decoded again from its start.
func (d *decoder) decode(i int, tree *node) (end int, err error) {
	d.base, d.highBits = i, 0
	r := &d.rec
	*r = Record{Order: r.Order[:0], names: r.names[:0], issued: r.issued[:0]}
	end, err = d.group(i, 0, tree)
	if err != nil {
		return end, err
	}
	r.Raw = d.b[i:end:end]
	r.InvalidUTF8 = d.highBits != 0 && !utf8.Valid(r.Raw)
	return end, nil
}

// group scans the object at i, whose keys n knows.
func (d *decoder) group(i, depth int, n *node) (int, error) {
	return d.members(i, depth, func(keyStart, keyEnd, val, depth int) (int, error) {
		if val >= len(d.b) {
			return val, errShort
		}
		key := d.b[keyStart+1 : keyEnd-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = Unquote(nil, d.b[keyStart:keyEnd])
		}
		child := n.keys[string(key)]
		if child == nil {
			return d.unknown(key, val, depth)
		}
		if len(child.keys) > 0 && d.b[val] == '{' {
			return d.group(val, depth, child)
		}
		end, err := d.known(child, val, depth)
		if err == nil && child.column < NumColumns {
			d.place(child.column, val, end)
		}
		return end, err
	})
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
		if k, ok := envelopeKeys[string(key)]; ok {
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
		return d.members(val, depth, func(keyStart, keyEnd, val, depth int) (int, error) {
			end, err := d.named(val, depth, response)
			if err == nil && d.b[val] == '"' {
				d.name(d.b[keyStart+1:keyEnd-1], d.span(val, end), response)
			}
			return end, err
		})
	case '[':
		return d.elements(val, depth, func(val, depth int) (int, error) {
			end, err := d.named(val, depth, response)
			if err == nil && bytes.HasPrefix(d.b[val:end], []byte(`"arn:`)) {
				d.rec.names = append(d.rec.names, d.span(val, end))
			}
			return end, err
		})
	}
	return d.value(val, depth)
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
	for _, suffix := range [...]string{"name", "id", "arnprefix", "identifier", "url", "names", "ids"} {
		if hasSuffixFold(key, suffix) {
			return true
		}
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
	tree := recordTree
	if native {
		tree = nativeTree
	}
	d.d.b = text
	_, err := d.d.decode(0, tree)
	d.d.rec.Native = native
	return &d.d.rec, err
}
