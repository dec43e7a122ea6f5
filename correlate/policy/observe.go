package policy

// Observed returns a copy of the set, narrowed by the observation that the
// request was allowed while the set was in force. Nothing unseen denied it
// then; and where the listed policies do not allow it, the unseen ones did.
// The copy is how a replay carries a past success into another state: change
// the listed policies and evaluate again.
//
// If either the unseen identity policies or the unseen resource policies may
// have granted the request, both are only known not to deny it, and
// UnseenGrant is set.
func (s *Set) Observed(request *Request) *Set {
	c := s.Clone()
	var l layers
	l.evaluate(s, request)
	l.narrowGrant(c)
	for at, h := range map[place]*Hierarchy{atSCP: &c.SCP, atRCP: &c.RCP} {
		l.narrowPath(at, h)
	}
	narrow(&c.VPCEndpoint.Unseen, l.out[atEndpoint].allowedBySeen(), true)
	return c
}

// narrowPath narrows every node of a path: all of them allowed.
func (l *layers) narrowPath(at place, h *Hierarchy) {
	e := newEvaluation(l.set, l.request)
	how := ignorePrincipal
	if at == atRCP {
		how = optionalPrincipal
	}
	for i := range h.Nodes {
		var o outcome
		e.stack(&h.Nodes[i].Stack, "", how, &o)
		narrow(&h.Nodes[i].Unseen, o.allowedBySeen(), true)
	}
	narrow(&h.Unseen, no, true)
}

// narrowGrant narrows the layers that grant, and those that limit a grant.
func (l *layers) narrowGrant(c *Set) {
	identity, resource := l.out[atIdentity].allowedBySeen(), l.out[atResource].allowedBySeen()
	sameAccount := l.request.sameAccount()
	needIdentity, needResource := true, true
	if sameAccount != no {
		known := sameAccount == yes
		needIdentity = known && !c.Resource.Unseen.open() && l.out[atResource].allow[reachRole] == no
		needResource = known && !c.Identity.Unseen.open() && identity == no
	}
	if !l.request.Principal.Kind.hasIdentity() {
		needIdentity, needResource = false, true
	}
	delegated := sameAccount == yes && l.request.mustConsent() == yes && identity == yes && resource == no
	narrow(&c.Identity.Unseen, identity, needIdentity)
	narrow(&c.Resource.Unseen, resource, needResource)
	if delegated && c.Resource.Unseen.open() {
		c.Resource.Unseen = UnseenDelegates
	}
	limited := needIdentity || l.limited(c)
	narrow(&c.Boundary.Unseen, l.out[atBoundary].allowedBySeen(), limited)
	narrow(&c.Session.Unseen, l.out[atSession].allowedBySeen(), limited)
	c.UnseenGrant = c.Identity.Unseen.open() && c.Resource.Unseen.open() && l.granted() == maybe
}

// limited reports whether a grant within the account can only have come past
// boundary and session policies: not where the resource, or what of it is
// unseen, names the user or session itself.
func (l *layers) limited(c *Set) bool {
	return l.request.Principal.Kind.hasIdentity() && l.request.sameAccount() == yes &&
		!c.Resource.Unseen.open() && !c.Grants.Unseen.open() && l.out[atResource].allow[reachDirect] == no
}

// narrow applies a success to unseen policies: they did not deny, and if the
// layer had to allow and what is listed does not, they did.
func narrow(u *Unseen, seen tri, needed bool) {
	if !u.open() {
		return
	}
	*u = UnseenSilent
	if needed && seen == no {
		*u = UnseenAllows
	}
}

// allowedBySeen reports whether listed policies allow, leaving unseen ones
// aside.
func (o *outcome) allowedBySeen() tri {
	if o.allowed() == maybe && o.onlyUnseen() {
		return no
	}
	return o.allowed()
}

func (o *outcome) onlyUnseen() bool {
	for _, d := range o.doubts[:o.count] {
		if d.about.kind != causeUnseen {
			return false
		}
	}
	return true
}
