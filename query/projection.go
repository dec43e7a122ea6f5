package query

import (
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// Projection is a choice of columns.
type Projection struct {
	columns []ingest.Column
	place   [ingest.NumColumns]int8 // in columns, counted from 1
}

// NewProjection chooses columns, and what orders events in any case.
func NewProjection(columns ...ingest.Column) *Projection {
	return NewPart(append([]ingest.Column{ingest.EventID, ingest.RecipientAccountID}, columns...)...)
}

// NewPart chooses columns of what is read; it is for Values.Part.
func NewPart(columns ...ingest.Column) *Projection {
	p := &Projection{}
	for _, c := range columns {
		if !p.Has(c) {
			p.columns = append(p.columns, c)
			p.place[c] = int8(len(p.columns))
		}
	}
	return p
}

// Has tells whether a column is among those chosen.
func (p *Projection) Has(c ingest.Column) bool { return p.place[c] != 0 }

// of returns the place of a column that was chosen.
func (p *Projection) of(c ingest.Column) int { return int(p.place[c]) - 1 }

// Values are what an index tells of an event without rebuilding its record:
// the columns that a filter asked for, and what else the record says.
type Values struct {
	// Template is the record with holes where columns tell its values; see
	// index.Hole. Most events share it with others.
	Template string
	of       *Projection
	texts    []string // by of.columns
	// unread has a bit set for each of texts that source still has to read, which
	// it does until the event is handed out.
	unread uint64
	source *columnReader
	base   *Values // that this is a part of
}

func (v *Values) read(i int) {
	v.unread &^= 1 << i
	r := v.source
	text, err := r.rows.Value(v.of.columns[i], r.row)
	if err != nil {
		r.err = err
		return
	}
	v.texts[i] = r.texts[i].of(text)
}

// Text returns what the column of a hole of the template holds, "" when it was
// not asked for.
func (v *Values) Text(c ingest.Column) string {
	i := int(v.of.place[c]) - 1
	switch {
	case i < 0:
		return ""
	case v.base != nil:
		return v.base.Text(c)
	case v.unread>>i&1 != 0:
		v.read(i)
	}
	return v.texts[i]
}

// Part returns those of the values that p has as well.
func (v *Values) Part(p *Projection) *Values { return &Values{Template: v.Template, of: p, base: v} }

// Like tells whether v and o are of one template and choice of columns and hold the
// same in all of those but some.
func (v *Values) Like(o *Values, but *Projection) bool {
	if v.Template != o.Template || v.of != o.of {
		return false
	}
	for i, c := range v.of.columns {
		if v.texts[i] != o.texts[i] && !but.Has(c) {
			return false
		}
	}
	return true
}

// Hash is equal for values that are alike.
func (v *Values) Hash(seed maphash.Seed, but *Projection) uint64 {
	h := maphash.String(seed, v.Template)
	for i, c := range v.of.columns {
		if !but.Has(c) {
			h = bits.RotateLeft64(h, 5)*0x9E3779B97F4A7C15 ^ maphash.String(seed, v.texts[i])
		}
	}
	return h
}

// Of returns the columns that were asked for.
func (v *Values) Of() *Projection { return v.of }

// place is where an event stands in an index.
type place struct {
	seg *index.Segment
	row int
}

// Record returns the record byte for byte as it was delivered, and reads it
// when it is not in Raw. It is safe for concurrent use.
func (e *Event) Record() ([]byte, error) {
	if e.Raw != nil || e.at.seg == nil {
		return e.Raw, nil
	}
	r, err := e.at.seg.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.AppendRaw(nil, e.at.row)
}

// columnReader reads the values of a projection from one segment.
type columnReader struct {
	of        *Projection
	templates map[string]*layout
	last      *layout
	objects   interner
	texts     []interner // by of.columns

	// The row of the event that is being read.
	rows *index.Rows
	row  int
	err  error
}

// layout is what there is to read of the events of a template.
type layout struct {
	template string
	unread   uint64 // a bit for each of of.columns
}

// maxLayouts bounds the layouts that are kept.
const maxLayouts = 4096

func (r *columnReader) layout(template []byte) *layout {
	if r.last != nil && string(template) == r.last.template {
		return r.last
	}
	l := r.templates[string(template)]
	if l == nil {
		l = &layout{template: string(template), unread: 1<<r.of.of(ingest.EventID) | 1<<r.of.of(ingest.RecipientAccountID)}
		for c := range index.Holes(template) {
			if r.of.Has(c) {
				l.unread |= 1 << r.of.of(c)
			}
		}
		if len(r.templates) >= maxLayouts {
			clear(r.templates)
		}
		r.templates[l.template] = l
	}
	r.last = l
	return l
}

func newColumnReader(p *Projection) *columnReader {
	r := &columnReader{of: p, templates: map[string]*layout{}, texts: make([]interner, len(p.columns))}
	r.objects.always = true
	for i, c := range p.columns {
		r.texts[i].off = c == ingest.EventID || c == ingest.RequestID || c == ingest.EventTime
	}
	return r
}

// event reads a row; ok is false when it is one of which columns tell too little,
// and the event is nil when keep, unless that is nil, leaves it out.
func (r *columnReader) event(rows *index.Rows, row int, keep func(time.Time, *Values) bool) (e *Event, ok bool, err error) {
	if native, err := rows.Native(row); native || err != nil {
		return nil, false, err
	}
	t, err := rows.Time(row)
	if err != nil || t.IsZero() {
		return nil, false, err
	}
	template, err := rows.Template(row)
	if err != nil {
		return nil, false, err
	}
	l := r.layout(template)
	made := &struct {
		event  Event
		values Values
	}{event: Event{Time: t}, values: Values{Template: l.template, of: r.of, texts: make([]string, len(r.of.columns)), unread: l.unread, source: r}}
	v := &made.values
	r.rows, r.row, r.err = rows, row, nil
	if keep != nil && !keep(t, v) || r.err != nil {
		return nil, true, r.err
	}
	for v.unread != 0 {
		v.read(bits.TrailingZeros64(v.unread))
	}
	if v.source = nil; r.err != nil {
		return nil, false, r.err
	}
	object, position, err := rows.Delivery(row)
	made.event.Object, made.event.Index = r.objects.of(object), position
	made.event.ID, made.event.Account = v.Text(ingest.EventID), v.Text(ingest.RecipientAccountID)
	made.event.Values = v
	return &made.event, true, err
}

// size is what an event holds in memory, about.
func (e *Event) size() int {
	n := len(e.Raw)
	if e.Values != nil {
		for _, t := range e.Values.texts {
			n += len(t)
		}
	}
	return n
}
