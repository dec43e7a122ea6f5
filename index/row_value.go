package index

import (
	"bytes"
	"iter"
	"strconv"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// Value returns what column c holds of a row: the text of a string without
// quotes and escapes, the text of a JSON value, true or false, or an eventTime
// as CloudTrail writes it. It is nil when the column holds nothing. It is valid
// until the reader's next call.
//
// A column may hold less than the record tells; the row's template says where
// it is the whole truth.
func (r *Rows) Value(c ingest.Column, row int) ([]byte, error) {
	cursor, at := r.at(layout.of[c], row)
	if cursor == nil {
		return nil, r.err
	}
	switch ingest.Columns[c].Kind {
	case ingest.Time:
		r.scratch = ingest.AppendEventTime(r.scratch[:0], time.UnixMicro(cursor.longs[at]).UTC())
		return r.scratch, nil
	case ingest.Bool:
		r.scratch = strconv.AppendBool(r.scratch[:0], cursor.bit(at))
		return r.scratch, nil
	}
	return r.textAt(cursor, at), r.err
}

// Template returns the record of a row with a hole in place of each value that
// its column gives back byte for byte; see Hole. It is valid until a row
// elsewhere is read.
func (r *Rows) Template(row int) ([]byte, error) {
	return r.text(layout.template, row), r.err
}

// Delivery returns the delivery that the segment knows a row from, and the
// row's position in it. object is valid until a row elsewhere is read.
func (r *Rows) Delivery(row int) (object []byte, position int, err error) {
	return r.text(layout.object, row), r.position(row), r.err
}

// Hole tells whether text, a part of a template, begins with a hole: the column
// whose value stands there, a JSON string unless the column is of kind Bool or
// JSON, and the bytes that the hole takes.
func Hole(text []byte) (c ingest.Column, size int, ok bool) {
	if len(text) < 2 || text[0] != holeMark {
		return 0, 0, false
	}
	c = ingest.Column(text[1] - holeBase)
	return c, 2, c < ingest.NumColumns
}

// Holes yields the columns that a template has holes for.
func Holes(template []byte) iter.Seq[ingest.Column] {
	return func(yield func(ingest.Column) bool) {
		for {
			at := bytes.IndexByte(template, holeMark)
			if at < 0 {
				return
			}
			template = template[at:]
			c, size, ok := Hole(template)
			if !ok || !yield(c) {
				return
			}
			template = template[size:]
		}
	}
}
