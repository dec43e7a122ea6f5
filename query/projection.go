package query

import (
	"slices"

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
	p := &Projection{}
	for _, c := range append([]ingest.Column{ingest.EventID, ingest.RecipientAccountID}, columns...) {
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
}

// Text returns what the column of a hole of the template holds, "" when it was
// not asked for.
func (v *Values) Text(c ingest.Column) string {
	if i := v.of.place[c]; i != 0 {
		return v.texts[i-1]
	}
	return ""
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
}

// layout is what there is to read of the events of a template.
type layout struct {
	template string
	places   []int // in of.columns
}

// maxLayouts bounds the layouts that are kept.
const maxLayouts = 4096

func (r *columnReader) layout(template []byte) *layout {
	if r.last != nil && string(template) == r.last.template {
		return r.last
	}
	l := r.templates[string(template)]
	if l == nil {
		l = &layout{template: string(template), places: []int{r.of.of(ingest.EventID), r.of.of(ingest.RecipientAccountID)}}
		for c := range index.Holes(template) {
			if r.of.Has(c) && !slices.Contains(l.places, r.of.of(c)) {
				l.places = append(l.places, r.of.of(c))
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

// event reads a row; nil when it is one of which columns tell too little.
func (r *columnReader) event(rows *index.Rows, row int) (*Event, error) {
	if native, err := rows.Native(row); native || err != nil {
		return nil, err
	}
	t, err := rows.Time(row)
	if err != nil || t.IsZero() {
		return nil, err
	}
	template, err := rows.Template(row)
	if err != nil {
		return nil, err
	}
	l := r.layout(template)
	made := &struct {
		event  Event
		values Values
	}{event: Event{Time: t}, values: Values{Template: l.template, of: r.of, texts: make([]string, len(r.of.columns))}}
	for _, i := range l.places {
		text, err := rows.Value(r.of.columns[i], row)
		if err != nil {
			return nil, err
		}
		made.values.texts[i] = r.texts[i].of(text)
	}
	object, position, err := rows.Delivery(row)
	made.event.Object, made.event.Index = r.objects.of(object), position
	made.event.ID, made.event.Account = made.values.Text(ingest.EventID), made.values.Text(ingest.RecipientAccountID)
	made.event.Values = &made.values
	return &made.event, err
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
