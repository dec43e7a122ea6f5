package replay

import (
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// settle is how long IAM may take to make a change effective everywhere.
const settle = time.Minute

// pins is what a success of the request showed of the holes of its time.
type pins struct {
	view *view
	set  *policy.Set
	// limits is set when the success was of a like request only: then it
	// speaks for what limits the caller, not for what grants.
	limits bool
}

// open returns the policies of a view as a set in which every hole may do
// anything. Holes that were silent at a later denial of the very same
// request were silent before.
func (v *view) open(q *silence) *policy.Set {
	return v.set(func(name string, l *layer) policy.Unseen {
		if len(l.holes) == 0 || q.covers(name) && l.within(q.view.named(name)) {
			return policy.UnseenNone
		}
		return policy.UnseenUnknown
	})
}

// set writes the view as a set; unseen says what the holes of a layer do.
func (v *view) set(unseen func(name string, l *layer) policy.Unseen) *policy.Set {
	stack := func(name string, l *layer) policy.Stack {
		return policy.Stack{Policies: l.policies, Unseen: unseen(name, l)}
	}
	s := &policy.Set{
		Identity: stack("identity", &v.identity), Boundary: stack("boundary", &v.boundary),
		Session: stack("session", &v.session), Resource: stack("resource", &v.resource),
		VPCEndpoint: stack("endpoint", &v.endpoint),
		Grants:      policy.Grants{List: v.grantList, Unseen: unseen("grants", &v.grants)},
	}
	tree := func(name string, l *layer, account string) policy.Hierarchy {
		st := stack(name, l)
		h := policy.Hierarchy{Unseen: st.Unseen}
		if len(l.policies) > 0 || st.Unseen != policy.UnseenNone {
			h.Nodes = []policy.Node{{ID: account, Stack: st}}
		}
		return h
	}
	s.SCP, s.RCP = tree("scp", &v.scp, v.s.Account), tree("rcp", &v.rcp, v.s.Home)
	return s
}

// observe makes pins of a success, or nil when the replay does not agree that
// the request passed: changes of the last minute may not have been effective.
func (h *History) observe(s *Subject, r *policy.Request, at time.Time, limits bool, q *silence) *pins {
	c := cut{at: at}
	if limits {
		q = nil
	}
	for range 2 {
		v := h.look(s, c, at)
		set := v.open(q)
		if policy.Evaluate(set, r).Value != policy.Deny {
			return &pins{view: v, set: set.Observed(r), limits: limits}
		}
		c.skip = map[string]bool{}
		for _, id := range v.changesIn(at.Add(-settle), at) {
			c.skip[id] = true
		}
	}
	return nil
}

// silence is what a denial for want of an Allow showed of the holes of its
// time: those of the layers it names allowed nothing.
type silence struct {
	view               *view // of the denial
	identity, resource bool
	boundary           bool
}

// narrowed writes a view as a set with its holes narrowed.
func (v *view) narrowed(p *pins, q *silence) *policy.Set {
	s := v.set(func(name string, l *layer) policy.Unseen {
		u := p.unseen(name, l)
		if q.covers(name) {
			u = q.unseen(name, l, u)
		}
		return u
	})
	if p != nil && !p.limits && p.set.UnseenGrant && q == nil {
		s.UnseenGrant = v.identity.same(&p.view.identity) && v.resource.same(&p.view.resource)
	}
	return s
}

func (l *layer) same(other *layer) bool {
	return len(l.holes) == len(other.holes) && l.within(other)
}

// unseen says what the holes of a layer do, as far as the success tells.
func (p *pins) unseen(name string, l *layer) policy.Unseen {
	if len(l.holes) == 0 {
		return policy.UnseenNone
	}
	if p == nil || p.limits && (name == "identity" || name == "resource" || name == "grants") {
		return policy.UnseenUnknown
	}
	then := p.view.named(name)
	if !l.within(then) {
		return policy.UnseenUnknown
	}
	u := seenThen(name, p.set)
	if len(l.holes) < len(then.holes) && (u == policy.UnseenAllows || u == policy.UnseenDelegates) {
		return policy.UnseenSilent // what allowed may be the hole that is gone
	}
	return u
}

// named returns a layer by its name.
func (v *view) named(name string) *layer {
	switch name {
	case "identity":
		return &v.identity
	case "boundary":
		return &v.boundary
	case "session":
		return &v.session
	case "resource":
		return &v.resource
	case "grants":
		return &v.grants
	case "scp":
		return &v.scp
	case "rcp":
		return &v.rcp
	}
	return &v.endpoint
}

func seenThen(name string, s *policy.Set) policy.Unseen {
	switch name {
	case "identity":
		return s.Identity.Unseen
	case "boundary":
		return s.Boundary.Unseen
	case "session":
		return s.Session.Unseen
	case "resource":
		return s.Resource.Unseen
	case "grants":
		return s.Grants.Unseen
	case "scp":
		return s.SCP.Unseen
	case "rcp":
		return s.RCP.Unseen
	}
	return s.VPCEndpoint.Unseen
}

func (q *silence) covers(name string) bool {
	if q == nil {
		return false
	}
	switch name {
	case "identity":
		return q.identity
	case "resource", "grants":
		return q.resource
	case "boundary":
		return q.boundary
	}
	return false
}

// unseen says what the holes of a layer do that was silent at the denial. Of
// holes that only this state has, a success can tell that they denied nothing.
func (q *silence) unseen(name string, l *layer, pinned policy.Unseen) policy.Unseen {
	switch beyond := l.beyond(q.view.named(name)); {
	case len(beyond) == 0:
		return policy.UnseenNone
	case pinned == policy.UnseenUnknown:
		return policy.UnseenUnknown
	}
	return policy.UnseenSilent
}
