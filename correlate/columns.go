package correlate

import (
	"strings"
	"sync"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// columnParser makes Events of column values. What comes again (templates,
// callers, parameters, messages) is looked at once. It belongs to one goroutine;
// parts of what it returns are shared between events and must not be changed.
type columnParser struct {
	outlines  map[string]*outline // nil for templates that tell too little
	trees     [len(eventTrees)]memo[any]
	resources memo[[]Resource]
	said      memo[*DenialText]
	decoder   *decoder
	key       []byte
}

// maxOutlines bounds the templates that are kept.
const maxOutlines = 1024

var columnParsers = sync.Pool{New: func() any { return newColumnParser() }}

func newColumnParser() *columnParser {
	return &columnParser{outlines: map[string]*outline{}, decoder: newDecoder()}
}

// fromColumns makes the Event that ParseEvent makes of the record, as far as
// columns were asked for; nil when only the record itself tells what it is. Its
// Record has only the members that correlation looks up there.
func fromColumns(q *query.Event) *Event {
	p := columnParsers.Get().(*columnParser)
	defer columnParsers.Put(p)
	o := p.outline(q.Values.Template)
	if o == nil {
		return nil
	}
	e, err := p.event(q, o)
	if err != nil {
		return nil
	}
	return e
}

func (p *columnParser) outline(template string) *outline {
	o, ok := p.outlines[template]
	if !ok {
		if len(p.outlines) >= maxOutlines {
			clear(p.outlines)
		}
		o = newOutline(template)
		p.outlines[template] = o
	}
	return o
}

func (p *columnParser) event(q *query.Event, o *outline) (*Event, error) {
	v := q.Values
	e := &Event{Object: q.Object, Index: q.Index, Time: q.Time, Record: make(map[string]any, len(recordTexts)+len(eventTrees))}
	for i := range eventTexts {
		*eventTexts[i].of(e) = o.texts[i].of(v)
	}
	e.ReadOnly = strings.EqualFold(o.readOnly.of(v), "true")
	c, err := p.caller(o, v)
	if err != nil {
		return nil, err
	}
	e.Identity = c.identity
	if c.tree != nil {
		e.Record["userIdentity"] = c.tree
	}
	e.ID = first(e.ID, o.id, q.ID)
	e.Account = first(e.Account, e.Identity.AccountID, q.Account)
	if err := p.fillTrees(e, o, v); err != nil {
		return nil, err
	}
	for i, name := range recordTexts {
		if t, ok := p.plain(o.kept[i], v); ok {
			e.Record[name] = t
		}
	}
	if e.ErrorCode != "" || e.ErrorMessage != "" {
		e.said = p.denial(e.ErrorCode, e.ErrorMessage)
	}
	return e, nil
}

// fillTrees reads the members that are JSON.
func (p *columnParser) fillTrees(e *Event, o *outline, v *query.Values) error {
	for i, name := range eventTrees {
		tree, text, err := p.tree(i, o.trees[i], v)
		if err != nil {
			return err
		}
		if tree == nil {
			continue
		}
		e.Record[name] = tree
		object, _ := single(tree).(map[string]any)
		switch i {
		case treeParams:
			e.Params = object
		case treeResponse:
			e.Response = object
		case treeAdditional:
			e.Additional = object
		case treeService:
			e.Service = object
		case treeResources:
			e.Resources, err = p.resources.of(text, func(string) ([]Resource, error) { return parseResources(listOf(tree)), nil })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// tree returns a member that is JSON; text is what it was read from when that
// is a column.
func (p *columnParser) tree(member int, tree any, v *query.Values) (_ any, text string, err error) {
	h, ok := tree.(hole)
	if !ok {
		return tree, "", nil
	}
	if text = v.Text(ingest.Column(h)); text == "" {
		return nil, "", nil
	}
	tree, err = p.trees[member].of(text, p.decode)
	return tree, text, err
}

func (p *columnParser) decode(text string) (any, error) {
	return p.decoder.whole([]byte(text), 1)
}

// identified is a userIdentity.
type identified struct {
	identity Identity
	tree     any
}

// caller reads userIdentity.
func (p *columnParser) caller(o *outline, v *query.Values) (identified, error) {
	p.key = p.key[:0]
	for _, c := range o.callerColumns {
		p.key = append(append(p.key, v.Text(c)...), 0)
	}
	if c, ok := o.callers[string(p.key)]; ok && o.callersOf == v.Of() {
		return c, nil
	}
	tree, _, err := p.fill(o.caller, v)
	if err != nil {
		return identified{}, err
	}
	user, _ := single(tree).(map[string]any)
	c := identified{parseIdentity(user), tree}
	if o.callers == nil || len(o.callers) >= maxKept || o.callersOf != v.Of() {
		o.callers, o.callersOf = map[string]identified{}, v.Of()
	}
	o.callers[string(p.key)] = c
	return c, nil
}

// fill puts the values of columns into the holes of a tree. ok is false for a
// hole whose column was not asked for.
func (p *columnParser) fill(tree any, v *query.Values) (_ any, ok bool, err error) {
	switch tree := tree.(type) {
	case hole:
		c := ingest.Column(tree)
		if ingest.Columns[c].Kind == ingest.JSON && v.Of().Has(c) {
			value, err := p.decode(v.Text(c))
			return value, true, err
		}
		t, ok := p.plain(tree, v)
		return t, ok, nil
	case []any:
		var out []any
		for _, el := range tree {
			value, _, err := p.fill(el, v)
			if err != nil {
				return nil, false, err
			}
			out = append(out, value)
		}
		return out, true, nil
	case map[string]any:
		out := make(map[string]any, len(tree))
		for k, el := range tree {
			value, ok, err := p.fill(el, v)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out[k] = value
			}
		}
		return out, true, nil
	}
	return tree, tree != nil, nil
}

// plain returns a member that is a string or a boolean when it is a hole.
func (p *columnParser) plain(member any, v *query.Values) (any, bool) {
	h, ok := member.(hole)
	if !ok {
		return member, member != nil
	}
	c := ingest.Column(h)
	switch {
	case !v.Of().Has(c):
		return nil, false
	case ingest.Columns[c].Kind == ingest.Bool:
		return v.Text(c) == "true", true
	}
	return v.Text(c), true
}

// denial reads what an error says.
func (p *columnParser) denial(code, message string) *DenialText {
	p.key = append(append(append(p.key[:0], code...), 0), message...)
	d, _ := p.said.of(string(p.key), func(string) (*DenialText, error) {
		said := ParseDenial(code, message)
		return &said, nil
	})
	return d
}
