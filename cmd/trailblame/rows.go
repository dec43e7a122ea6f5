package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// rowWriter writes rows of JSON values in any format, one at a time. It keeps
// the first error, so that a caller checks once, at the end. In text it looks at
// the first rows before it prints them, for the widths of the columns.
type rowWriter struct {
	dest  *destination
	w     *bufio.Writer
	names []string
	count int // rows so far
	buf   []byte
	held  [][]span // rows of text whose columns are not laid out yet
	width []int    // of the columns of text
	err   error
}

// heldRows is how many rows decide the widths of text columns; maxColumn is the
// widest that a column gets. Longer cells move what stands behind them.
const (
	heldRows  = 200
	maxColumn = 44
)

// newRowWriter returns a writer of rows with the named columns.
func newRowWriter(d *destination, names []string) *rowWriter {
	r := &rowWriter{dest: d, w: bufio.NewWriterSize(d, bufferSize), names: names}
	switch d.form {
	case formatCSV:
		r.csv(names)
	case formatMarkdown:
		rule := strings.Repeat("| --- ", len(names)) + "|\n"
		r.write([]byte(markdownRow(names) + rule))
	}
	return r
}

func markdownRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// object writes JSON as it is: a line of NDJSON or an element of an array. Into a
// pipe or a file it stays byte for byte, on a terminal it is made safe.
func (r *rowWriter) object(json []byte) {
	r.buf = r.buf[:0]
	if r.dest.form == formatJSON {
		r.buf = append(r.buf, opening(r.count)...)
	}
	if r.dest.terminal {
		r.buf = appendSafeJSON(r.buf, json)
	} else {
		r.buf = append(r.buf, json...)
	}
	if r.dest.form != formatJSON {
		r.buf = append(r.buf, '\n')
	}
	r.count++
	r.write(r.buf)
}

// opening is what stands in front of element n of an array.
func opening(n int) string {
	if n == 0 {
		return "[\n"
	}
	return ",\n"
}

// row writes a row of JSON values, nil for those that are missing.
func (r *rowWriter) row(values [][]byte) {
	switch r.dest.form {
	case formatCSV, formatMarkdown:
		cells := make([]string, len(values))
		for i, v := range values {
			if cells[i] = plainText(v); r.dest.form == formatMarkdown {
				cells[i] = markdownCell(cells[i])
			} else {
				cells[i] = csvCell(cells[i])
			}
		}
		r.cells(cells)
	case formatText:
		if r.count == 0 {
			r.header()
		}
		spans := make([]span, len(values))
		for i, v := range values {
			spans[i] = plain(plainText(v))
		}
		r.text(spans)
	default:
		r.object(objectOf(r.names, values))
	}
}

// cells writes a row of CSV or Markdown whose cells are safe already.
func (r *rowWriter) cells(cells []string) {
	r.count++
	if r.dest.form == formatCSV {
		r.csv(cells)
		return
	}
	r.write([]byte(markdownRow(cells)))
}

func (r *rowWriter) csv(cells []string) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err := w.Write(cells)
	w.Flush()
	if r.err == nil {
		r.err = errors.Join(err, w.Error())
	}
	r.write(b.Bytes())
}

// text writes a row of columns for people.
func (r *rowWriter) text(cells []span) {
	r.count++
	for i := range cells {
		cells[i].text = safe(cells[i].text)
	}
	if r.width == nil {
		if r.held = append(r.held, cells); len(r.held) >= heldRows {
			r.layOut()
		}
		return
	}
	r.line(cells)
}

// header names the columns of text.
func (r *rowWriter) header() {
	spans := make([]span, len(r.names))
	for i, name := range r.names {
		spans[i] = span{sgrCyan, name}
	}
	r.text(spans)
}

// layOut decides the widths and prints the rows that waited.
func (r *rowWriter) layOut() {
	r.width = make([]int, len(r.names))
	for _, row := range r.held {
		for i, c := range row {
			r.width[i] = max(r.width[i], min(cells(c.text), maxColumn))
		}
	}
	for _, row := range r.held {
		r.line(row)
	}
	r.held = nil
}

// line prints a row in columns. A cell that does not fit behind the others goes
// to the next line; only what is longer than a line is cut.
func (r *rowWriter) line(row []span) {
	var out strings.Builder
	width := r.dest.style.width
	at, column := 0, 0
	put := func(pad int, sgr, text string) {
		out.WriteString(strings.Repeat(" ", pad) + r.dest.style.paint(sgr, text))
		at += pad + cells(text)
	}
	for i, c := range row {
		pad := max(column-at, 0)
		if at > 0 {
			pad = max(pad, 2)
		}
		if r.width[i] > 0 && column >= 0 {
			column += r.width[i] + 2
		}
		switch n := cells(c.text); {
		case n == 0:
		case at+pad+n <= width:
			put(pad, c.sgr, c.text)
		default:
			column = -1 // no columns on further lines
			for _, part := range cut(c.text, width-rowHang, 0) {
				if at > 0 {
					out.WriteByte('\n')
				}
				at = 0
				put(rowHang, c.sgr, strings.TrimPrefix(part, " "))
			}
		}
	}
	out.WriteByte('\n')
	r.write([]byte(out.String()))
}

// rowHang is where a row goes on that has more than one line.
const rowHang = 4

func (r *rowWriter) write(b []byte) {
	if r.err == nil {
		_, r.err = r.w.Write(b)
	}
	if r.err == nil && r.dest.terminal {
		r.err = r.w.Flush()
	}
}

// close writes what the format needs at its end. What was written stays when the
// rows end with an error.
func (r *rowWriter) close() error {
	if len(r.held) > 0 {
		r.layOut()
	}
	if r.dest.form == formatJSON {
		end := "\n]\n"
		if r.count == 0 {
			end = "[]\n"
		}
		r.write([]byte(end))
	}
	if r.err == nil {
		r.err = r.w.Flush()
	}
	if r.err != nil {
		return fmt.Errorf("write results: %w", r.err)
	}
	return nil
}

// objectOf makes one JSON object of values that are there.
func objectOf(names []string, values [][]byte) []byte {
	out := []byte{'{'}
	for i, v := range values {
		if v == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(ingest.AppendQuoted(out, []byte(names[i])), ':')
		out = append(out, v...)
	}
	return append(out, '}')
}

// plainText is the text of a JSON string, and any other JSON as it stands.
func plainText(json []byte) string {
	if len(json) > 1 && json[0] == '"' {
		return string(ingest.Unquote(nil, json))
	}
	return string(json)
}
