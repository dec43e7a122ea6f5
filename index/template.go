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

// appendTemplate appends r's template to dst. A record with bytes that are not
// UTF-8 has no holes, because Parquet's text columns could not hold them.
func appendTemplate(dst []byte, r *ingest.Record, buf *[]byte) []byte {
	if r.InvalidUTF8 {
		return append(dst, r.Raw...)
	}
	at := 0
	for _, c := range r.Order {
		token := r.Token(c)
		if !rebuildable(c, token, buf) {
			continue
		}
		start := r.Offset(c)
		dst = append(dst, r.Raw[at:start]...)
		dst = append(dst, holeMark, holeBase+byte(c))
		at = start + len(token)
	}
	return append(dst, r.Raw[at:]...)
}

// rebuildable tells whether c's column gives the token back byte for byte.
func rebuildable(c ingest.Column, token []byte, buf *[]byte) bool {
	switch ingest.Columns[c].Kind {
	case ingest.JSON:
		return string(token) != "null"
	case ingest.Bool:
		return string(token) == "true" || string(token) == "false"
	case ingest.Time:
		if token[0] != '"' {
			return false
		}
		_, canonical, _ := ingest.ParseTime(token[1 : len(token)-1])
		return canonical
	}
	return token[0] == '"' && canonicalString(token, buf)
}

// canonicalString tells whether token is spelled as ingest.AppendQuoted would.
func canonicalString(token []byte, buf *[]byte) bool {
	if bytes.IndexByte(token, '\\') < 0 {
		return true
	}
	text := ingest.Unquote((*buf)[:0], token)
	again := ingest.AppendQuoted(text, text)
	*buf = again
	return bytes.Equal(again[len(text):], token)
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
