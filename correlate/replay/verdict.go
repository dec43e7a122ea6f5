package replay

import (
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Verdict is what the replay says of one change and one refused request.
type Verdict string

// The verdicts. Unknown leaves the matter to other evidence.
const (
	Unknown Verdict = ""
	Proven  Verdict = "proven"  // denied with the change, allowed without it
	Also    Verdict = "also"    // denies too, or takes part, but another change made the difference
	Refuted Verdict = "refuted" // the change makes no difference
)

// Success is a success of the same request before the denial.
type Success struct {
	At time.Time
	// Exact is set when it was the very request, from the same place.
	Exact   bool
	Session Session
}

// Question is one refused request.
type Question struct {
	Subject  Subject
	Requests []*policy.Request // one refused is enough
	At       time.Time
	Success  *Success
	// Effect and Layer are what the denial says, policy.EffectUnknown and
	// policy.LayerUnknown when it does not.
	Effect policy.Effect
	Layer  policy.Layer
}

// Answer is the verdict on one change. Why is a clause for people. Others are
// the eventIDs of changes that would have denied the request too.
type Answer struct {
	Verdict Verdict
	Why     string
	Others  []string
	// Earlier is set with Unknown when another change came between the last
	// success and this one, so that this one need not be the first to deny.
	Earlier bool
}

// Case is a question made ready: what the success and the denial showed, and
// the state at the denial.
type Case struct {
	h       *History
	q       *Question
	now     *view
	pins    []*pins // by request
	said    *silence
	denied  policy.Answer
	changes []string // in view since the success, in order
}

// Open prepares a question. It returns nil when the state at the denial is not
// known well enough to deny the request, or contradicts the denial.
func (h *History) Open(q *Question) *Case {
	c := &Case{h: h, q: q}
	c.now = h.look(&q.Subject, cut{at: q.At}, c.since())
	from := q.At.Add(-farthest)
	if q.Success != nil {
		from = q.Success.At.Add(-settle)
	}
	if c.changes = c.now.changesIn(from, q.At); len(c.changes) > maxChanges {
		return nil
	}
	for _, said := range []*silence{nil, c.silence()} {
		c.said = said
		if !c.observe() {
			return nil
		}
		if c.refuses() && c.agrees() {
			return c
		}
		if c.silence() == nil {
			break
		}
	}
	return nil
}

// observe makes the pins; false when the replay and the success disagree.
func (c *Case) observe() bool {
	c.pins = make([]*pins, len(c.q.Requests))
	s := c.q.Success
	if s == nil {
		return true
	}
	then := c.q.Subject
	then.Session = s.Session
	for i, r := range c.q.Requests {
		c.pins[i] = c.h.observe(&then, r, s.At, !s.Exact, c.said)
	}
	return !slices.Contains(c.pins, nil)
}

// farthest bounds how far back changes are told apart when no success is known,
// maxChanges how many.
const (
	farthest   = 60 * 24 * time.Hour
	maxChanges = 200
)

// since is the instant from which on every change must be accounted for.
func (c *Case) since() time.Time {
	if c.q.Success != nil {
		return c.q.Success.At
	}
	return time.Time{}
}

// refuses reports whether the state at the denial denies the request.
func (c *Case) refuses() bool {
	for i, r := range c.q.Requests {
		a := policy.Evaluate(c.now.narrowed(c.pins[i], c.said), r)
		if a.Value == policy.Deny {
			c.denied = a
			return true
		}
	}
	return false
}

// silence reads the denial message; nil when it names no silent layer.
func (c *Case) silence() *silence {
	if c.q.Effect != policy.Implicit || len(c.q.Requests) == 0 {
		return nil
	}
	s := &silence{view: c.now}
	r := c.q.Requests[0]
	owner := r.ResourceAccount
	if owner == "" {
		owner = accountOf(r.Resource)
	}
	// Within an account one of the two is enough, so neither allowed; keys
	// and roles have to consent on their own.
	alone := r.Principal.Account == "" || owner != r.Principal.Account || strings.Contains(r.Resource, ":kms:") || strings.HasPrefix(strings.ToLower(r.Action), "sts:")
	switch c.q.Layer {
	case policy.LayerIdentity:
		s.identity, s.resource = true, !alone
	case policy.LayerResource, policy.LayerKMS, policy.LayerTrust:
		s.resource, s.identity = true, !alone
	case policy.LayerBoundary:
		s.boundary = true
	default:
		return nil
	}
	return s
}

// agrees holds the computed denial against what the message says of it.
func (c *Case) agrees() bool {
	a := &c.denied
	if c.q.Effect == policy.Explicit && a.Effect != policy.Explicit || c.q.Effect == policy.Implicit && a.Effect == policy.Explicit {
		return false
	}
	if c.q.Layer == policy.LayerUnknown || c.q.Layer == "" || a.Effect != policy.Explicit {
		return true
	}
	for _, r := range a.Reasons {
		if r.Kind == policy.Denies && group(r.Layer) == group(c.q.Layer) {
			return true
		}
	}
	return false
}

func group(l policy.Layer) policy.Layer {
	if l == policy.LayerKMS || l == policy.LayerTrust {
		return policy.LayerResource
	}
	return l
}

// Judge answers whether one change made the difference.
func (c *Case) Judge(id string) Answer {
	if c.now.used[id] == nil {
		return Answer{}
	}
	without := c.without(id)
	at := slices.Index(c.changes, id)
	if at < 0 {
		return Answer{}
	}
	before, after := c.without(c.changes[at:]...), c.without(c.changes[at+1:]...)
	flips := before.Value == policy.Allow && after.Value == policy.Deny
	switch {
	case without.Value == policy.Allow && after.Value != policy.Allow:
		return Answer{Verdict: Proven, Why: c.proof(&without)}
	case without.Value == policy.Allow && after.Value == policy.Allow:
		return Answer{Verdict: Also, Why: "it was needed for the denial, but the request was still allowed right after it; a later change made the difference"}
	case without.Value == policy.Deny && flips && c.stays(at):
		return Answer{Verdict: Proven, Why: c.proof(&before) + "; later changes would each have denied it as well", Others: c.sufficient(at)}
	case without.Value == policy.Deny && before.Value == policy.Deny:
		if c.suffices(id) {
			return Answer{Verdict: Also, Why: "it would deny the request by itself, but the request was denied already when it came"}
		}
		return Answer{Verdict: Refuted, Why: "replayed without it, the request is denied all the same: " + because(&without)}
	}
	return Answer{Earlier: c.q.Success != nil && before.Value != policy.Allow && (at > 0 || c.shaded(id))}
}

// shaded reports whether a write that may reach the caller in a way that the
// trail does not show came before a change and may deny the request.
func (c *Case) shaded(id string) bool {
	for _, f := range c.now.loose {
		if f.seq < c.now.used[id].seq && c.mayDeny(f) {
			return true
		}
	}
	return false
}

// mayDeny reports whether a write, were it to reach the caller, may deny.
func (c *Case) mayDeny(f *Fact) bool {
	doc := c.h.document(f.Value.Doc)
	if doc == nil {
		return f.Value.Presence != Absent
	}
	set := &policy.Set{Identity: policy.Stack{Policies: []policy.Policy{{Doc: doc}}}}
	for _, r := range c.q.Requests {
		if a := policy.Evaluate(set, r); a.Value != policy.Allow && a.Effect != policy.Implicit {
			return true
		}
	}
	return false
}

// without evaluates the state at the denial as if changes had not happened.
// With several requests all have to pass.
func (c *Case) without(ids ...string) policy.Answer {
	skip := make(map[string]bool, len(ids))
	for _, id := range ids {
		skip[id] = true
	}
	v := c.h.look(&c.q.Subject, cut{c.q.At, skip}, c.since())
	var last policy.Answer
	for i, r := range c.q.Requests {
		last = policy.Evaluate(v.narrowed(c.pins[i], c.said), r)
		if last.Value != policy.Allow {
			break
		}
	}
	return last
}

// stays reports whether the request is denied in every state after the change
// at a position.
func (c *Case) stays(at int) bool {
	for i := at + 1; i <= len(c.changes); i++ {
		if a := c.without(c.changes[i:]...); a.Value != policy.Deny {
			return false
		}
	}
	return true
}

// suffices reports whether a change denies the request without the others
// since the success.
func (c *Case) suffices(id string) bool {
	var others []string
	for _, o := range c.changes {
		if o != id {
			others = append(others, o)
		}
	}
	none, alone := c.without(c.changes...), c.without(others...)
	return none.Value == policy.Allow && alone.Value == policy.Deny
}

// sufficient lists the later changes that deny the request by themselves.
func (c *Case) sufficient(at int) []string {
	var out []string
	for _, id := range c.changes[at+1:] {
		if c.suffices(id) {
			out = append(out, id)
		}
	}
	return out
}

// proof says what the two states differ in.
func (c *Case) proof(without *policy.Answer) string {
	return "replayed with the policies of that moment the request is denied (" + because(&c.denied) +
		"), and without this change it is allowed (" + because(without) + ")"
}

// because is the first reason of an answer.
func because(a *policy.Answer) string {
	if len(a.Reasons) == 0 {
		return "no reason known"
	}
	return a.Reasons[0].String()
}
