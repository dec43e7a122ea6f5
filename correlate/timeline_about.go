package correlate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// ErrNoEvent is wrapped by the error of a timeline around an event that is not
// in the trail.
var ErrNoEvent = errors.New("no such event")

// neighbourhoodOf is what a timeline around something holds: what the principals
// did, what touched the resources, every change and pipeline.
func (t *Timeline) neighbourhoodOf(f query.Filter, principals, resources []string) {
	if p := known(principals); len(p) > 0 {
		t.parts = append(t.parts, with(f, query.Term{Fields: []index.Field{index.Principal, index.Issuer}, Values: p}))
	}
	if r := known(resources); len(r) > 0 {
		t.parts = append(t.parts, with(f, query.Is(index.Resource, r...)))
	}
	t.parts = append(t.parts, with(f, query.Is(index.Outcome, index.OutcomeNative)), with(f, query.Is(index.EventName, timelineChanges()...)))
}

// known leaves out what names nothing, and what would be a wildcard.
func known(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !strings.Contains(n, "*") && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (t *Timeline) aroundEvent(ctx context.Context) error {
	expr, err := query.Compile(query.EventIDExpr(t.opts.Around))
	if err != nil {
		return fmt.Errorf("event %s: %w", t.opts.Around, ErrNoEvent)
	}
	var e *Event
	for q, err := range t.trail.Events(ctx, query.Filter{Expr: expr}) {
		if err != nil {
			return err
		}
		if e, err = ParseEvent(q); err == nil && !e.Time.IsZero() {
			break
		}
	}
	if e == nil || e.Time.IsZero() {
		return fmt.Errorf("event %s: %w with a time in the trail", t.opts.Around, ErrNoEvent)
	}
	t.Origin = e.Time
	t.about[e.ID], t.about[t.opts.Around] = "asked for", "asked for"
	f := narrowed(t.opts.Filter, e.Time.Add(-t.opts.Window), e.Time.Add(t.opts.Window))
	if t.opts.All {
		t.parts = []query.Filter{f}
		return nil
	}
	r, _ := FailureOf(e)
	resources := []string{r.Resource, r.ResourceParent}
	for _, res := range e.Resources {
		resources = append(resources, res.ARN)
	}
	if c, ok := ParseChange(e); ok {
		resources = append(append(resources, c.Subjects...), c.Resources...)
		// Who a change reaches is not always known: show what was refused.
		t.parts = append(t.parts, with(f, query.Is(index.Outcome, index.OutcomeDenied)))
	}
	t.neighbourhoodOf(f, []string{r.Principal, e.Identity.ARN, e.Identity.IssuerARN, e.Identity.PrincipalID}, resources)
	return nil
}

func (t *Timeline) aroundFinding(f *Finding) {
	from, to := f.Failure.First.EventTime.Time, f.Failure.Last.EventTime.Time
	t.Origin = from
	part := func(eventID, what string, at Time) {
		if eventID != "" && t.about[eventID] == "" {
			t.about[eventID] = what
		}
		if !at.IsZero() && at.Before(from) {
			from = at.Time
		}
		if at.After(to) {
			to = at.Time
		}
	}
	part(f.Failure.First.EventID, "first failure", f.Failure.First.EventTime)
	part(f.Failure.Last.EventID, "last failure", f.Failure.Last.EventTime)
	if s := f.Failure.Recovery; s != nil {
		part(s.EventID, "recovery", s.EventTime)
	}
	for i := range f.Candidates {
		c := &f.Candidates[i]
		what := "candidate"
		if f.blamed() == c {
			what = "cause"
		}
		part(c.Change.EventID, what, c.Change.EventTime)
	}
	for _, v := range f.Vetoed {
		part(v.EventID, "ruled out", Time{})
	}
	if s := f.Failure.LastSuccess; s != nil {
		// It may lie far back; it is on the timeline, but does not stretch it.
		part(s.EventID, "last success", Time{})
		t.parts = append(t.parts, narrowed(query.Filter{Where: []query.Term{principalTerm(f.Failure.Principal)}}, s.EventTime.Time, s.EventTime.Time))
	}
	span := narrowed(query.Filter{}, from.Add(-t.opts.Window), to.Add(t.opts.Window))
	if t.opts.All {
		t.parts = append(t.parts, span)
		return
	}
	t.neighbourhoodOf(span, []string{f.Failure.Principal}, []string{f.Failure.Resource})
}

func principalTerm(arn string) query.Term {
	return query.Term{Fields: []index.Field{index.Principal, index.Issuer}, Values: []string{arn}}
}

// Bounds of following sessions.
const (
	maxFollowed = 2000 // sessions
	followFor   = maxSession
)

// follow finds the sessions that the selected events handed out, and the sessions
// that those handed out, and adds what they did.
func (t *Timeline) follow(ctx context.Context) error {
	calls := query.Is(index.EventName, sortedKeys(sessionCalls)...)
	parts := t.parts
	for depth := 1; depth <= maxHops && len(parts) > 0; depth++ {
		var issuing []query.Filter
		for _, p := range parts {
			issuing = append(issuing, with(p, calls))
		}
		parts = nil
		for q, err := range union(ctx, t.trail, issuing) {
			if err != nil {
				return err
			}
			e, err := ParseEvent(q)
			if err != nil {
				continue
			}
			key := issuedKey(e)
			if _, seen := t.depths[key]; seen || key == "" || len(t.depths) >= maxFollowed {
				continue
			}
			t.depths[key] = depth
			f := query.Filter{Where: []query.Term{query.Is(index.AccessKey, key)}}
			parts = append(parts, narrowed(f, e.Time.Add(-time.Minute), e.Time.Add(followFor)))
		}
		t.parts = append(t.parts, joined(parts)...)
	}
	return nil
}

// joined puts filters that differ only by an access key into one, over the whole
// span of them: a stream for each session would hold a file open for each.
func joined(parts []query.Filter) []query.Filter {
	if len(parts) < 2 {
		return parts
	}
	all := query.Filter{From: parts[0].From, To: parts[0].To}
	var keys []string
	for _, p := range parts {
		if p.From.Before(all.From) {
			all.From = p.From
		}
		all.To = latest(all.To, p.To)
		keys = append(keys, p.Where[0].Values...)
	}
	all.Where = []query.Term{query.Is(index.AccessKey, keys...)}
	return []query.Filter{all}
}
