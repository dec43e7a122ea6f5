package index

import (
	"bytes"
	"math"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// texts is a column of byte strings, some of them absent, in one arena. Rows
// are appended and cut off at the end, never changed.
type texts struct {
	data []byte
	ends []uint32
	null []uint64 // a bit per row
}

func (t *texts) len() int { return len(t.ends) }

func (t *texts) appendNull() {
	row := len(t.ends)
	t.ends = append(t.ends, uint32(len(t.data)))
	if row/64 >= len(t.null) {
		t.null = append(t.null, 0)
	}
	t.null[row/64] |= 1 << (row % 64)
}

func (t *texts) append(v []byte) {
	t.data = append(t.data, v...)
	t.end()
}

// appendValid appends v, repaired when it may not be UTF-8: Parquet's text
// columns hold nothing else.
func (t *texts) appendValid(v []byte, invalid bool) {
	if invalid {
		v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
	}
	t.append(v)
}

// end ends a row whose bytes were appended to data.
func (t *texts) end() {
	row := len(t.ends)
	t.ends = append(t.ends, uint32(len(t.data)))
	if row/64 >= len(t.null) {
		t.null = append(t.null, 0)
	}
}

// at returns the value of a row; ok is false when it is absent.
func (t *texts) at(row int) (v []byte, ok bool) {
	if t.null[row/64]&(1<<(row%64)) != 0 {
		return nil, false
	}
	return t.bytes(row), true
}

func (t *texts) bytes(row int) []byte {
	start := uint32(0)
	if row > 0 {
		start = t.ends[row-1]
	}
	return t.data[start:t.ends[row]:t.ends[row]]
}

// cut keeps the first n rows.
func (t *texts) cut(n int) {
	size := uint32(0)
	if n > 0 {
		size = t.ends[n-1]
	}
	t.data, t.ends = t.data[:size], t.ends[:n]
	t.null = t.null[:(n+63)/64]
	if n%64 != 0 {
		t.null[n/64] &= 1<<(n%64) - 1
	}
}

// noTime is the time of an event without a usable one; it sorts first.
const noTime = math.MinInt64

// rows is a batch of events in columns, as they were delivered.
type rows struct {
	cols      [ingest.NumColumns]texts
	templates texts
	micros    []int64 // eventTime, Unix microseconds, or noTime
	native    []bool
	object    []int32 // index into objects
	position  []int32
	size      []int32 // of the record
	objects   []string
	current   int32 // of objects, the one that rows are appended from
	raw       int64 // bytes of the records
	buf, buf2 []byte
	lists     lists
}

// lists holds, per row, the resource names and the issued keys.
type lists struct {
	names, issued       texts
	nameEnds, issueEnds []uint32 // per row: how many entries up to and with it
}

func (r *rows) len() int { return len(r.micros) }

// beginObject adds a delivery: the rows appended from now on come from it.
func (r *rows) beginObject(name string) {
	r.objects = append(r.objects, name)
	r.current = int32(len(r.objects) - 1)
}

// append adds one record.
func (r *rows) append(rec *ingest.Record, position int) {
	for c := range ingest.NumColumns {
		r.appendColumn(c, rec)
	}
	r.micros = append(r.micros, r.time(rec))
	r.templates.data = appendTemplate(r.templates.data, rec, &r.buf)
	r.templates.end()
	r.native = append(r.native, rec.Native)
	r.object = append(r.object, r.current)
	r.position = append(r.position, int32(position))
	r.lists.append(rec, r.buf2)
	r.size = append(r.size, int32(len(rec.Raw)))
	r.raw += int64(len(rec.Raw))
}

func (r *rows) appendColumn(c ingest.Column, rec *ingest.Record) {
	col := &r.cols[c]
	switch ingest.Columns[c].Kind {
	case ingest.JSON:
		if token := rec.Token(c); token != nil && string(token) != "null" {
			col.appendValid(token, rec.InvalidUTF8)
			return
		}
	case ingest.Bool:
		if text, ok := rec.Text(c, r.buf); ok {
			if b, ok := boolText(text); ok {
				col.append(b)
				return
			}
		}
	default:
		if text, ok := rec.Text(c, r.buf); ok {
			col.appendValid(text, rec.InvalidUTF8)
			return
		}
	}
	col.appendNull()
}

func (r *rows) time(rec *ingest.Record) int64 {
	if text, ok := rec.Text(ingest.EventTime, r.buf); ok {
		if t, _, ok := ingest.ParseTime(text); ok {
			return t.UnixMicro()
		}
	}
	return noTime
}

func (l *lists) append(rec *ingest.Record, buf []byte) {
	rec.Names(buf, func(text []byte) { l.names.append(text) })
	rec.Issued(buf, func(text []byte) { l.issued.append(text) })
	l.nameEnds = append(l.nameEnds, uint32(l.names.len()))
	l.issueEnds = append(l.issueEnds, uint32(l.issued.len()))
}

// cut keeps the first n rows.
func (r *rows) cut(n int) {
	for c := range r.cols {
		r.cols[c].cut(n)
	}
	r.templates.cut(n)
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
func (r *rows) text(c ingest.Column, row int) []byte {
	v, _ := r.cols[c].at(row)
	return v
}

// render appends the record of a row as it was delivered.
func (r *rows) render(dst []byte, row int) []byte {
	return render(dst, r.templates.bytes(row), rowOf{r, row})
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

// boolText reads a boolean, also one written as a string.
func boolText(text []byte) ([]byte, bool) {
	for _, word := range [...]string{"true", "false"} {
		if len(text) == len(word) && bytes.EqualFold(text, []byte(word)) {
			return []byte(word), true
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
