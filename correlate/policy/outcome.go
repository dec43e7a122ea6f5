package policy

import "strings"

// source is the policy and statement behind a partial result.
type source struct {
	node   string
	policy *Policy
	stmt   *statement
	grant  *Grant
}

// doubt is one thing that was not known, and where it mattered.
type doubt struct {
	source
	about cause
}

// cause says what was unknown. It is made without allocation; its text is put
// together only when somebody reads it.
type cause struct {
	kind causeKind
	what string
}

type causeKind uint8

const (
	causeNone causeKind = iota
	causeKey
	causeFlaw
	causeContent
	causeUnseen
	causePrincipal
	causeResource
	causeAction
	causeEffort
)

// keptDoubts bounds how many doubts of one layer an answer lists.
const keptDoubts = 4

// outcome is what one layer says about a request.
type outcome struct {
	allow [reaches]tri // allow[r]: allowed by naming the caller at least so closely
	deny  tri

	allowedBy, deniedBy source
	silent              string // the first node of a path that does not allow
	doubts              [keptDoubts]doubt
	count               int
}

// allowed reports whether the layer allows at all.
func (o *outcome) allowed() tri { return o.allow[reachAccount] }

func (o *outcome) addAllow(t tri, how reach, by source) {
	if t == yes && o.allow[how] != yes {
		o.allowedBy = by
	}
	for r := reachAccount; r <= how; r++ {
		o.allow[r] = either(o.allow[r], t)
	}
}

func (o *outcome) addDeny(t tri, by source) {
	if t == yes && o.deny != yes {
		o.deniedBy = by
	}
	o.deny = either(o.deny, t)
}

func (o *outcome) addDoubt(by source, about cause) {
	if o.count < keptDoubts {
		o.doubts[o.count] = doubt{by, about}
		o.count++
	}
}

// addUnclear counts in a policy that may do anything.
func (o *outcome) addUnclear(by source, about cause) {
	o.addAllow(maybe, reachDirect, by)
	o.addDeny(maybe, by)
	o.addDoubt(by, about)
}

// addUnseen counts in what is known of policies that are not listed.
func (o *outcome) addUnseen(u Unseen, node string) {
	by := source{node: node}
	switch u {
	case UnseenUnknown:
		o.addAllow(maybe, reachDirect, by)
		o.addDeny(maybe, by)
	case UnseenSilent:
		o.addAllow(maybe, reachDirect, by)
	case UnseenAllows:
		o.addAllow(yes, reachDirect, by)
	case UnseenDelegates:
		o.addAllow(yes, reachAccount, by)
		o.addAllow(maybe, reachDirect, by)
	case UnseenDenies:
		o.addDeny(yes, by)
	}
	if u.open() || u == UnseenDelegates {
		o.addDoubt(by, cause{kind: causeUnseen})
	}
}

// join adds a further node of a path, which has to allow as well.
func (o *outcome) join(next *outcome, node string) {
	if next.allowed() == no && o.allowed() != no {
		o.silent = node
	}
	for r := range o.allow {
		o.allow[r] = both(o.allow[r], next.allow[r])
	}
	o.allowedBy = next.allowedBy
	o.addDeny(next.deny, next.deniedBy)
	for i := range next.count {
		o.addDoubt(next.doubts[i].source, next.doubts[i].about)
	}
}

// evaluation is one run of Evaluate.
type evaluation struct {
	request *Request
	context *Context
	action  string // in lower case
	service string // its prefix
	budget  int
	bounded tri   // whether the caller has a permissions boundary
	last    cause // why the latest comparison was undecided
}

func newEvaluation(set *Set, request *Request) evaluation {
	action := strings.ToLower(request.Action)
	service, _, _ := strings.Cut(action, ":")
	return evaluation{
		request: request,
		context: &request.Context,
		action:  action,
		service: service,
		budget:  globCost,
		bounded: set.Boundary.exists(),
	}
}

func (e *evaluation) doubt(kind causeKind, what string) tri {
	e.last = cause{kind, what}
	return maybe
}

func (e *evaluation) doubtKey(key string) tri   { return e.doubt(causeKey, key) }
func (e *evaluation) doubtFlaw(flaw string) tri { return e.doubt(causeFlaw, flaw) }

// spend notes why a match was undecided: only running out of budget does it.
func (e *evaluation) spend(t tri) tri {
	if t == maybe {
		return e.doubt(causeEffort, "")
	}
	return t
}

// rules says how a layer reads its statements.
type rules uint8

const (
	// ignorePrincipal: the policy is attached to the caller.
	ignorePrincipal rules = iota
	// optionalPrincipal: a statement without Principal speaks to everyone.
	optionalPrincipal
	// needPrincipal: a statement without Principal speaks to no one.
	needPrincipal
)

// stack evaluates the policies of a layer into o, which is empty.
func (e *evaluation) stack(s *Stack, node string, r rules, o *outcome) {
	for i := range s.Policies {
		e.policy(&s.Policies[i], node, r, o)
	}
	o.addUnseen(s.Unseen, node)
}

func (e *evaluation) policy(p *Policy, node string, r rules, o *outcome) {
	by := source{node: node, policy: p}
	switch {
	case p.Doc == nil:
		o.addUnclear(by, cause{kind: causeContent})
		return
	case p.Doc.flaw != "":
		o.addUnclear(by, cause{causeFlaw, p.Doc.flaw})
		return
	}
	statements := p.Doc.about(e.service, e.action)
	for at := statements.next(); at >= 0; at = statements.next() {
		s := &p.Doc.statements[at]
		t, how := e.matches(s, r)
		if t == no {
			continue
		}
		by.stmt = s
		if t == maybe {
			o.addDoubt(by, e.last)
		}
		if s.effect != effectDeny {
			o.addAllow(t, how, by)
		}
		if s.effect != effectAllow {
			o.addDeny(t, by)
		}
	}
}

// hierarchy evaluates the nodes of an organization's path into o.
func (e *evaluation) hierarchy(h *Hierarchy, r rules, o *outcome) {
	o.allowAll()
	for i := range h.Nodes {
		n := &h.Nodes[i]
		var next outcome
		e.stack(&n.Stack, n.ID, r, &next)
		o.join(&next, n.ID)
	}
	if h.Unseen != UnseenNone {
		var rest outcome
		rest.addUnseen(h.Unseen, "")
		o.join(&rest, "")
	}
}

// allowAll makes o the outcome of a layer that does not limit the caller.
func (o *outcome) allowAll() {
	o.allow = [reaches]tri{yes, yes, yes}
}

// grants adds the grants of a KMS key to what its policy says.
func (e *evaluation) grants(g *Grants, o *outcome) {
	for i := range g.List {
		by := source{grant: &g.List[i]}
		t, how := e.grantAllows(&g.List[i])
		if t == maybe {
			o.addDoubt(by, e.last)
		}
		o.addAllow(t, how, by)
	}
	if g.Unseen != UnseenNone && g.Unseen != UnseenDenies {
		o.addUnseen(max(g.Unseen, UnseenSilent), "") // a grant never denies
	}
}
