package index

import (
	"bytes"
	"math"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// noTime is the time of an event without a usable one; it sorts first.
const noTime = math.MinInt64

// rows is a batch of events in columns, as they were delivered.
type rows struct {
	cols      [ingest.NumColumns]column // EventTime's is empty: see micros
	templates column                    // see template.go
	outlines  []uint32                  // by outline of records: number of the template, 0 when not known
	holes     []ingest.Column           // of the record that is appended
	micros    []int64                   // eventTime, Unix microseconds, or noTime
	native    []bool
	object    []int32 // index into objects
	position  []int32
	size      []int32 // of the record
	objects   []string
	current   int32 // of objects, the one that rows are appended from
	raw       int64 // bytes of the records
	buf, buf2 []byte
	lists     lists
	names     column // see objectColumn
}

// lists holds, per row, the resource names and the issued keys.
type lists struct {
	names, issued       list
	nameEnds, issueEnds []uint32 // per row: how many entries up to and with it
}

// list is a list of texts of which many are equal.
type list struct {
	interned
	entries []uint32 // numbers
}

func (l *list) add(v []byte) { l.entries = append(l.entries, l.number(v)) }

// bytes returns an entry.
func (l *list) bytes(entry int) []byte { return l.value(l.entries[entry]) }

func (l *list) cut(n int) {
	l.entries = l.entries[:n]
	if n == 0 {
		l.interned.reset()
	}
}

func (r *rows) len() int { return len(r.micros) }

// beginObject adds a delivery: the rows appended from now on come from it.
func (r *rows) beginObject(name string) {
	r.objects = append(r.objects, name)
	r.current = int32(len(r.objects) - 1)
}

// append adds one record.
func (r *rows) append(rec *ingest.Record, position int) {
	row := len(r.micros)
	r.micros = append(r.micros, noTime)
	r.fill(row, rec)
	r.native = append(r.native, rec.Native)
	r.object = append(r.object, r.current)
	r.position = append(r.position, int32(position))
	r.lists.append(rec, r.buf)
	r.size = append(r.size, int32(len(rec.Raw)))
	r.raw += int64(len(rec.Raw))
}

func (l *lists) append(rec *ingest.Record, buf []byte) {
	rec.Names(buf, l.names.add)
	rec.Issued(buf, l.issued.add)
	l.nameEnds = append(l.nameEnds, uint32(len(l.names.entries)))
	l.issueEnds = append(l.issueEnds, uint32(len(l.issued.entries)))
}

// cut keeps the first n rows.
func (r *rows) cut(n int) {
	for c := range r.cols {
		r.cols[c].cut(n)
	}
	r.templates.cut(n)
	if n == 0 {
		clear(r.outlines) // the templates have lost their numbers
	}
	r.micros, r.native = r.micros[:n], r.native[:n]
	for _, size := range r.size[n:] {
		r.raw -= int64(size)
	}
	r.object, r.position, r.size = r.object[:n], r.position[:n], r.size[:n]
	r.lists.cut(n)
}

func (l *lists) cut(n int) {
	var names, issued uint32
	if n > 0 {
		names, issued = l.nameEnds[n-1], l.issueEnds[n-1]
	}
	l.names.cut(int(names))
	l.issued.cut(int(issued))
	l.nameEnds, l.issueEnds = l.nameEnds[:n], l.issueEnds[:n]
}

// reset empties r, keeping its memory.
func (r *rows) reset() {
	r.cut(0)
	r.objects = r.objects[:0]
}

// text returns a column's value, empty when absent.
func (r *rows) text(c ingest.Column, row int) []byte { return r.cols[c].text(row) }

// render appends the record of a row as it was delivered.
func (r *rows) render(dst []byte, row int) []byte {
	return render(dst, r.templates.text(row), rowOf{r, row})
}

// rowOf is one row of a batch.
type rowOf struct {
	rows *rows
	row  int
}

func (v rowOf) appendValue(dst []byte, c ingest.Column) []byte {
	if c == ingest.EventTime {
		dst = append(dst, '"')
		dst = ingest.AppendEventTime(dst, time.UnixMicro(v.rows.micros[v.row]).UTC())
		return append(dst, '"')
	}
	return appendToken(dst, c, v.rows.text(c, v.row))
}

var boolWords = [...][]byte{[]byte("true"), []byte("false")}

// boolText reads a boolean, also one written as a string.
func boolText(text []byte) ([]byte, bool) {
	for _, word := range boolWords {
		if len(text) == len(word) && bytes.EqualFold(text, word) {
			return word, true
		}
	}
	return nil, false
}

// dateOf names the partition of a row.
func dateOf(micros int64) string {
	if micros == noTime {
		return unknownDate
	}
	return time.UnixMicro(micros).UTC().Format(time.DateOnly)
}
