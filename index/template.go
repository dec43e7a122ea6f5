package index

import (
	"bytes"

	"github.com/trailblame/trailblame/ingest"
)

// A record is kept as its columns and a template: the record's text with a
// hole for each value that its column gives back exactly. What no column holds,
// or holds in another spelling, simply stays in the template, so that every
// record is rebuilt byte for byte. Records of one kind share their template,
// which therefore costs next to nothing.
//
// A hole is two bytes: holeMark, which cannot stand in JSON text, and the
// column's number plus holeBase.
const (
	holeMark = 0x01
	holeBase = 0x20
)

// fill gives the row, the last one, rec's values and its template. A record with
// bytes that are not UTF-8 has no holes, because Parquet's text columns could not
// hold them.
//
// That the record comes back byte for byte is decided here: a token becomes a
// hole only when it is spelled in the one way in which its column's value is
// printed, and the batch holds that value, since interning compares it. Where all
// tokens but null ones are holes, the template is that of any other such record
// with the same outline.
func (r *rows) fill(row int, rec *ingest.Record) {
	r.holes = r.holes[:0]
	all := rec.Outline != 0 && !rec.InvalidUTF8
	for _, c := range rec.Order {
		token := rec.Token(c)
		if string(token) == "null" {
			continue
		}
		if r.set(c, row, token, rec.InvalidUTF8) && !rec.InvalidUTF8 {
			r.holes = append(r.holes, c)
		} else {
			all = false
		}
	}
	if !all {
		r.templates.set(row, r.template(rec))
		return
	}
	for int(rec.Outline) >= len(r.outlines) {
		r.outlines = append(r.outlines, 0)
	}
	known := &r.outlines[rec.Outline]
	if *known == 0 {
		*known = r.templates.number(r.template(rec))
	}
	r.templates.put(row, *known)
}

// template returns rec's text with the holes of r.holes. It is valid until the
// next call.
func (r *rows) template(rec *ingest.Record) []byte {
	dst, at := r.buf2[:0], 0
	for _, c := range r.holes {
		start := rec.Offset(c)
		dst = append(dst, rec.Raw[at:start]...)
		dst = append(dst, holeMark, holeBase+byte(c))
		at = start + len(rec.Token(c))
	}
	dst = append(dst, rec.Raw[at:]...)
	r.buf2 = dst
	return dst
}

// set gives a column's value, which is not null, to the row and tells whether the
// column gives the token back byte for byte.
func (r *rows) set(c ingest.Column, row int, token []byte, invalid bool) (exact bool) {
	text := token
	switch ingest.Columns[c].Kind {
	case ingest.JSON:
		exact = true
	case ingest.Time:
		return r.setTime(row, token)
	case ingest.Bool:
		word, ok := boolText(r.unquoted(token))
		if !ok {
			return false
		}
		text, exact = word, len(word) == len(token) && word[0] == token[0]
	case ingest.Text:
		if text = r.unquoted(token); token[0] == '"' {
			exact = len(text) == len(token)-2 || r.canonical(text, token)
		}
	}
	if invalid {
		// Parquet's text columns hold nothing but UTF-8.
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	r.cols[c].set(row, text)
	return exact
}

// unquoted returns a token's text: a string without quotes and escapes, any
// other value as it stands. It is valid until the next call.
func (r *rows) unquoted(token []byte) []byte {
	switch {
	case token[0] != '"':
		return token
	case bytes.IndexByte(token, '\\') < 0:
		return token[1 : len(token)-1]
	}
	r.buf = ingest.Unquote(r.buf[:0], token)
	return r.buf
}

// canonical tells whether token is text, which stands in r.buf, as
// ingest.AppendQuoted spells it.
func (r *rows) canonical(text, token []byte) bool {
	r.buf = ingest.AppendQuoted(r.buf, text)
	return bytes.Equal(r.buf[len(text):], token)
}

func (r *rows) setTime(row int, token []byte) (exact bool) {
	t, canonical, ok := ingest.ParseTime(r.unquoted(token))
	if !ok {
		return false
	}
	r.micros[row] = t.UnixMicro()
	return canonical && token[0] == '"'
}

// values gives the columns of one row to render.
type values interface {
	// appendValue appends the JSON token of column c.
	appendValue(dst []byte, c ingest.Column) []byte
}

// render appends the record that template and row make.
func render(dst, template []byte, row values) []byte {
	for {
		hole := bytes.IndexByte(template, holeMark)
		if hole < 0 || hole+1 >= len(template) {
			return append(dst, template...)
		}
		dst = append(dst, template[:hole]...)
		dst = row.appendValue(dst, ingest.Column(template[hole+1]-holeBase))
		template = template[hole+2:]
	}
}

// appendToken appends a value of column c as the token it came from.
func appendToken(dst []byte, c ingest.Column, value []byte) []byte {
	if ingest.Columns[c].Kind == ingest.Text {
		return ingest.AppendQuoted(dst, value)
	}
	return append(dst, value...)
}
