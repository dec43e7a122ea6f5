package correlate

import (
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// hole is a place in the value of a template that a column fills.
type hole ingest.Column

// outline is what a template tells of all events that share it: constants, and
// which columns hold the rest. What it makes of an event is what ParseEvent
// makes of the record.
type outline struct {
	texts       [len(eventTexts)]source
	trees       [len(eventTrees)]any // values, or a hole
	id          string               // under eventId, which has no column
	readOnly    source
	arn, issuer source // of the caller, where they are texts
	// caller is userIdentity, with holes for callerColumns.
	caller        any
	callerColumns []ingest.Column
	// callers are the callers seen, by the texts of callerColumns, of which
	// callersOf were asked for.
	callers   map[string]identified
	callersOf *query.Projection
	kept      [len(recordTexts)]any // values, or a hole
}

// source tells where a text stands: in a column, or in the template.
type source struct {
	column ingest.Column // ingest.NumColumns for none
	text   string
}

func (s *source) of(v *query.Values) string {
	if s.column < ingest.NumColumns {
		return v.Text(s.column)
	}
	return s.text
}

// eventTexts are the texts of an Event that are read from a member of the record
// as it is.
var eventTexts = [...]struct {
	name string
	of   func(*Event) *string
}{
	{"eventID", func(e *Event) *string { return &e.ID }},
	{"eventName", func(e *Event) *string { return &e.Name }},
	{"eventSource", func(e *Event) *string { return &e.EventSource }},
	{"eventType", func(e *Event) *string { return &e.EventType }},
	{"errorCode", func(e *Event) *string { return &e.ErrorCode }},
	{"errorMessage", func(e *Event) *string { return &e.ErrorMessage }},
	{"awsRegion", func(e *Event) *string { return &e.Region }},
	{"requestID", func(e *Event) *string { return &e.RequestID }},
	{"sharedEventID", func(e *Event) *string { return &e.SharedEventID }},
	{"sourceIPAddress", func(e *Event) *string { return &e.SourceIP }},
	{"userAgent", func(e *Event) *string { return &e.UserAgent }},
	{"vpcEndpointId", func(e *Event) *string { return &e.VpcEndpointID }},
	{"recipientAccountId", func(e *Event) *string { return &e.Account }},
}

// eventTrees are the members of a record that are read as JSON.
var eventTrees = [...]string{
	treeParams: "requestParameters", treeResponse: "responseElements", treeAdditional: "additionalEventData",
	treeService: "serviceEventDetails", treeResources: "resources", treeAddendum: "addendum",
}

const (
	treeParams = iota
	treeResponse
	treeAdditional
	treeService
	treeResources
	treeAddendum
)

// recordTexts are the members of Event.Record, besides userIdentity and the
// trees, that something looks for in it.
var recordTexts = [...]string{"eventName", "eventSource", "awsRegion", "recipientAccountId", "eventCategory"}

// newOutline reads a template; nil when only the record itself tells what the
// event is.
func newOutline(template string) *outline {
	d := newDecoder()
	d.template = true
	v, err := d.whole([]byte(template), 0)
	rec, ok := v.(map[string]any)
	if err != nil || !ok || rec["detail-type"] != nil || rec["detailType"] != nil {
		return nil
	}
	o := &outline{id: Str(rec, "eventId"), caller: rec["userIdentity"]}
	for i := range eventTexts {
		if o.texts[i], ok = sourceOf(rec[eventTexts[i].name]); !ok {
			return nil
		}
	}
	if o.readOnly, ok = sourceOf(rec["readOnly"]); !ok {
		return nil
	}
	for i, name := range eventTrees {
		o.trees[i] = rec[name]
	}
	for i, name := range recordTexts {
		o.kept[i] = rec[name]
	}
	o.callerColumns = holes(o.caller, nil)
	user, _ := single(o.caller).(map[string]any)
	o.arn, _ = sourceOf(walk(user, []string{"arn"}))
	o.issuer, _ = sourceOf(walk(user, []string{"sessionContext", "sessionIssuer", "arn"}))
	return o
}

// sourceOf tells where the text of a member stands; ok is false when it is no
// text.
func sourceOf(v any) (s source, ok bool) {
	if h, is := single(v).(hole); is {
		return source{column: ingest.Column(h)}, ingest.Columns[h].Kind != ingest.JSON
	}
	return source{ingest.NumColumns, text(v)}, true
}

// holes appends the columns of the holes in v, in a fixed order.
func holes(v any, to []ingest.Column) []ingest.Column {
	switch v := v.(type) {
	case hole:
		return append(to, ingest.Column(v))
	case []any:
		for _, el := range v {
			to = holes(el, to)
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			to = holes(v[k], to)
		}
	}
	return to
}
