package correlate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// ExplanationSchema names the shape of an Explanation in its JSON form. Within
// one schema number changes are additive only.
const ExplanationSchema = "trailblame.explanation/1"

// Explanation is everything about one event, which is a denial as a rule.
type Explanation struct {
	Schema     string      `json:"schema"`
	Asked      string      `json:"asked"`      // the question as it was put
	By         string      `json:"by"`         // eventID, requestID or text
	Understood *Understood `json:"understood"` // of a text; null for an id
	// Matches are the events that may be meant, the latest of them, in order
	// of time; MatchCount counts them all. The last one is explained.
	Matches    []Match  `json:"matches"`
	MatchCount int      `json:"matchCount"`
	Event      *Asking  `json:"event"`    // null when nothing matches
	Layers     []Layers `json:"layers"`   // what each layer answers; empty when the request cannot be replayed
	Timeline   []Moment `json:"timeline"` // what matters around it, in order of time
	Finding    *Finding `json:"finding"`  // of its episode; null when it is no denial
	Note       string   `json:"note,omitempty"`
}

// Asking is the event and its request as it is evaluated.
type Asking struct {
	EventID     string `json:"eventID"`
	EventTime   Time   `json:"eventTime"`
	Object      string `json:"object"`
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	// Outcome is denied, allowed, or failed for an error that is no refusal.
	Outcome      string   `json:"outcome"`
	ErrorCode    string   `json:"errorCode"`
	ErrorMessage string   `json:"errorMessage"`
	RequestID    string   `json:"requestID"`
	Principal    string   `json:"principal"`
	Caller       string   `json:"caller"` // as the record names it, sessions included
	AccessKey    string   `json:"accessKeyId"`
	Action       string   `json:"action"`
	Actions      []string `json:"actions"` // that the call may need
	Resource     string   `json:"resource"`
	Refs         []string `json:"refs,omitempty"`
	Account      string   `json:"account"`
	Region       string   `json:"region"`
	Denial       Denial   `json:"denial"`
	// Keys are the condition keys that the record shows, or proves absent.
	Keys []ConditionKey `json:"keys"`
}

// ConditionKey is what is known of one condition key; those not listed are not
// known.
type ConditionKey struct {
	Key    string   `json:"key"`
	Values []string `json:"values"` // null: known to be absent
}

// Layers is what one layer answers in two states: before the change that is
// blamed, or else at the last success, and at the first denial of the episode.
type Layers struct {
	Layer  string `json:"layer"`
	Before *Says  `json:"before"` // null when there is no earlier state to ask about
	At     Says   `json:"atDenial"`
}

// Says is one answer: allows, denies, silent (no statement speaks of the
// request), unknown, or not-asked where the layer does not exist.
type Says struct {
	Answer string `json:"answer"`
	Why    string `json:"why"`
}

// Moment is one line of the timeline.
type Moment struct {
	EventTime Time   `json:"eventTime"`
	EventID   string `json:"eventID"`
	Object    string `json:"object,omitempty"`
	// Kind is success, change, ruled-out, failure, this or recovery.
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Bounds on what an explanation lists.
const (
	explainedCandidates = 20
	explainedVetoes     = 50
)

// Explain finds the event that a question means, an eventID, a requestID or a
// pasted error text, and tells everything about it. opts.Filter selects among
// the events that the question may mean. A question that nothing matches is no
// error: the Explanation says so.
func Explain(ctx context.Context, trail Trail, question string, opts Options) (*Explanation, error) {
	fi := finder{ctx: ctx, trail: trail, filter: opts.Filter}
	u, by, err := fi.locate(question)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Schema: ExplanationSchema, Asked: question, By: by, Understood: u, Matches: append([]Match{}, fi.found...),
		MatchCount: fi.count, Layers: []Layers{}, Timeline: []Moment{}}
	if fi.last == nil {
		x.Note = "no event in the trail matches"
		if u != nil && !u.says() {
			x.Note = "the text names no caller, action or resource to look for"
		}
		return x, nil
	}
	e, err := ParseEvent(fi.last)
	if err != nil {
		return nil, err
	}
	x.Event = asking(e)
	if x.Event.Outcome != "denied" {
		x.Note = notDenied(e, x.Event.Outcome)
		return x, nil
	}
	return x, x.find(ctx, trail, e, opts)
}

// notDenied says what an event is that is no denial.
func notDenied(e *Event, outcome string) string {
	if c, ok := ParseChange(e); ok && !c.Failed {
		return "the event is no denial but a change; correlate --change " + shellQuote(e.ID) + " tells what it broke"
	}
	if outcome == "allowed" {
		return "the event is no denial: the call succeeded"
	}
	return "the event is no denial: the call failed for another reason"
}

// asking writes the request of an event down.
func asking(e *Event) *Asking {
	r, failed := FailureOf(e)
	a := &Asking{
		EventID: e.ID, EventTime: Time{e.Time}, Object: e.Source(), EventSource: e.EventSource, EventName: e.Name,
		Outcome: "allowed", ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage, RequestID: e.RequestID,
		Principal: r.Principal, Caller: e.Identity.ARN, AccessKey: e.Identity.AccessKeyID,
		Action: r.Action, Actions: append([]string{}, r.Actions...), Resource: r.Resource, Refs: r.Refs, Account: e.Account, Region: e.Region,
		Denial: Denial{Effect: string(r.Denial.Effect), Layer: string(r.Denial.Layer)}, Keys: []ConditionKey{},
	}
	switch {
	case e.Native && failed, IsDenial(e), ClassOf(e) == ClassGate:
		a.Outcome = "denied"
	case failed:
		a.Outcome = "failed"
	}
	if arn := r.Denial.PolicyARN; arn != "" {
		a.Denial.PolicyARN = &arn
	}
	if reqs, err := policy.RequestsFromRecord(e.Record); err == nil && len(reqs) > 0 {
		c := &reqs[0].Context
		for _, key := range c.Keys() {
			switch known, values := c.Lookup(key); known {
			case policy.KeyPresent:
				a.Keys = append(a.Keys, ConditionKey{key, values})
			case policy.KeyAbsent:
				a.Keys = append(a.Keys, ConditionKey{key, nil})
			}
		}
	}
	return a
}

// find correlates the episode that e is part of.
func (x *Explanation) find(ctx context.Context, trail Trail, e *Event, opts Options) error {
	opts.Filter = neighbours(e, x.Event)
	opts.MaxCandidates, opts.MaxVetoed = explainedCandidates, explainedVetoes
	en, eps, err := prepare(ctx, trail, opts)
	if err != nil {
		return err
	}
	ep := episodeOf(eps, e)
	if ep == nil {
		x.Note = "the denial belongs to no episode that a playbook claims"
		return nil
	}
	var o onset
	if en.read(ctx, ep, &o); o.err != nil {
		return o.err
	}
	if x.Finding, err = en.finding(ctx, ep, &o); err != nil {
		return err
	}
	x.tell(e)
	return x.ask(ctx, en, ep, o.record)
}

// neighbours selects the failures that the finding of an event rests on: those
// of its caller, and those of others on its resource. A state change may hang
// together with any.
func neighbours(e *Event, a *Asking) query.Filter {
	scope := first(parentOf(a.Resource), a.Resource)
	if e.Native || !strings.HasPrefix(a.Principal, "arn:") || !strings.HasPrefix(scope, "arn:") {
		return query.Filter{}
	}
	values := append(principalValues(a.Principal), scope, strings.TrimSuffix(scope, "/*")+"/*", bareName(scope))
	if arn, ok := splitARN(scope); ok {
		values = append(values, arn.resource)
	}
	return query.Filter{Where: []query.Term{{Fields: []index.Field{index.Principal, index.Issuer, index.Resource}, Values: values}}}
}

// episodeOf finds the episode that an event is a failure of, by the event
// itself, else by its id: of several deliveries one stands for all.
func episodeOf(eps []*episode, e *Event) *episode {
	for _, same := range []func(f *fact) bool{
		func(f *fact) bool { return cite(f).Object == e.Source() && f.id == e.ID },
		func(f *fact) bool { return f.id != "" && f.id == e.ID },
	} {
		for _, ep := range eps {
			if slices.ContainsFunc(ep.facts, func(f fact) bool { return same(&f) }) {
				return ep
			}
		}
	}
	return nil
}

// tell lists what matters in order of time.
func (x *Explanation) tell(e *Event) {
	f := x.Finding
	add := func(at Time, id, object, kind, text string) {
		x.Timeline = append(x.Timeline, Moment{EventTime: at, EventID: id, Object: object, Kind: kind, Text: text})
	}
	if s := f.Failure.LastSuccess; s != nil {
		add(s.EventTime, s.EventID, s.Object, "success", "the request passed for the last time")
	}
	for i := range f.Candidates {
		c := &f.Candidates[i]
		text := c.Change.EventName
		if c.Change.Target != "" {
			text += " on " + c.Change.Target
		}
		add(c.Change.EventTime, c.Change.EventID, c.Change.Object, "change", text+" by "+c.Change.Actor+" ("+string(c.Level)+")")
	}
	for _, v := range f.Vetoed {
		add(v.EventTime, v.EventID, v.Object, "ruled-out", v.EventName+": "+v.Reason)
	}
	one, last := f.Failure.First, f.Failure.Last
	if one.EventID != e.ID {
		add(one.EventTime, one.EventID, one.Object, "failure", "the request is refused for the first time")
	}
	add(Time{e.Time}, e.ID, e.Source(), "this", "the event asked about")
	if last.EventID != e.ID && last.EventID != one.EventID {
		add(last.EventTime, last.EventID, last.Object, "failure", "the request is refused for the last time")
	}
	if r := f.Failure.Recovery; r != nil {
		add(r.EventTime, r.EventID, r.Object, "recovery", "the request passes again")
	}
	slices.SortStableFunc(x.Timeline, func(a, b Moment) int { return a.EventTime.Compare(b.EventTime.Time) })
}

// ask holds the first denial of the episode against each layer, at that moment
// and before.
func (x *Explanation) ask(ctx context.Context, en *engine, ep *episode, record []byte) error {
	sub := en.subject(ep)
	j := &judge{h: en.h, docs: en.docs, sub: sub, ep: ep, probe: en.probe(ep, sub, record)}
	q, err := en.question(ctx, j)
	if err != nil || q == nil {
		return err
	}
	c := en.h.replay.Open(q)
	now := en.h.replay.Layers(q, c, q.At)
	var then []policy.LayerAnswer
	switch b := x.Finding.blamed(); {
	case b != nil:
		then = en.h.replay.Layers(q, c, b.Change.EventTime.Time.Truncate(time.Second), b.Change.EventID)
	case ep.lastSuccess != nil:
		then = en.h.replay.Layers(q, c, ep.lastSuccess.at)
	}
	x.Layers = table(then, now)
	return nil
}

// table joins the answers of two states.
func table(then, now []policy.LayerAnswer) []Layers {
	list := []Layers{}
	for i := range now {
		row := Layers{Layer: string(now[i].Layer), At: saying(&now[i])}
		if i < len(then) {
			before := saying(&then[i])
			row.Before = &before
		}
		list = append(list, row)
	}
	return list
}

func saying(a *policy.LayerAnswer) Says {
	var why []string
	for i := range a.Reasons {
		why = append(why, spellReason(&a.Reasons[i]))
	}
	return Says{Answer: string(a.Says), Why: strings.Join(slices.Compact(why), "; ")}
}

// spellReason says a reason in a clause; where nothing in the trail is behind
// it, it says so.
func spellReason(r *policy.Reason) string {
	switch {
	case r.Kind == policy.Allows && r.Policy == "":
		return "policies that the trail does not show allow it, since the same request passed"
	case r.Kind == policy.Unclear && r.Policy == "":
		return "policies that the trail does not show may decide"
	}
	return r.String()
}
