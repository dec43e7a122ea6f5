package policy

// Evaluate answers whether the policies of a set allow a request. It follows
// "Policy evaluation logic" of the IAM guide: an explicit deny anywhere
// decides; otherwise every layer that limits the caller has to allow, and
// within one account either the identity or the resource has to grant, across
// accounts both. Neither argument is changed; both may be shared between
// goroutines.
func Evaluate(set *Set, request *Request) Answer {
	if always(request.Action) {
		return Answer{Value: Allow, Layer: LayerIdentity, Reasons: []Reason{{Kind: Always, Statement: -1}}}
	}
	var l layers
	l.evaluate(set, request)
	return l.answer()
}

// place numbers the layers in the order in which AWS asks them.
type place int

const (
	atRCP place = iota
	atSCP
	atEndpoint
	atResource
	atIdentity
	atBoundary
	atSession
	places
)

// layers is what every layer says about one request.
type layers struct {
	set     *Set
	request *Request
	out     [places]outcome
}

func (l *layers) evaluate(set *Set, request *Request) {
	l.set, l.request = set, request
	e := newEvaluation(set, request)
	l.caller(&e)
	l.organization(&e)
	l.limit(&e, atEndpoint, &set.VPCEndpoint, optionalPrincipal)
	resource := &l.out[atResource]
	e.stack(&set.Resource, "", needPrincipal, resource)
	if request.resourceLayer() == LayerKMS {
		e.grants(&set.Grants, resource)
	}
}

// limit evaluates a layer that holds the caller back only if it exists.
func (l *layers) limit(e *evaluation, at place, s *Stack, r rules) {
	if s.exists() == no {
		l.out[at].allowAll()
		return
	}
	e.stack(s, "", r, &l.out[at])
}

// caller evaluates what is attached to the caller. The root user has every
// permission of its account and carries no policies; services and anonymous
// callers have nothing of their own.
func (l *layers) caller(e *evaluation) {
	kind := l.request.Principal.Kind
	if !kind.hasIdentity() {
		e.bounded = no
		if kind == Root {
			l.out[atIdentity].allowAll()
		}
		l.out[atBoundary].allowAll()
		l.out[atSession].allowAll()
		return
	}
	e.stack(&l.set.Identity, "", ignorePrincipal, &l.out[atIdentity])
	l.limit(e, atBoundary, &l.set.Boundary, ignorePrincipal)
	l.limit(e, atSession, &l.set.Session, ignorePrincipal)
}

// organization evaluates SCPs and RCPs where they apply: never to
// service-linked roles or the management account; SCPs only to callers that
// belong to an account.
func (l *layers) organization(e *evaluation) {
	caller := &l.request.Principal
	exempt := caller.serviceLinked()
	bound := func(account string) bool {
		return !exempt && (account == "" || account != l.set.ManagementAccount)
	}
	if (caller.Kind.hasIdentity() || caller.Kind == Root) && bound(caller.Account) {
		e.hierarchy(&l.set.SCP, ignorePrincipal, &l.out[atSCP])
	} else {
		l.out[atSCP].allowAll()
	}
	if bound(l.request.owner()) {
		e.hierarchy(&l.set.RCP, optionalPrincipal, &l.out[atRCP])
	} else {
		l.out[atRCP].allowAll()
	}
}

// denied reports whether any layer denies explicitly.
func (l *layers) denied() tri {
	result := no
	for i := range l.out {
		result = either(result, l.out[i].deny)
	}
	return result
}

// permitted reports whether the request is granted and no layer holds it back.
func (l *layers) permitted() tri {
	result := l.granted()
	for _, at := range [...]place{atRCP, atSCP, atEndpoint} {
		result = both(result, l.out[at].allowed())
	}
	return result
}

// granted reports whether identity and resource together grant the request.
func (l *layers) granted() tri {
	kind := l.request.Principal.Kind
	if kind == Root && isAssume(l.request.Action) {
		return no // "AssumeRole" in the STS reference: not for root users
	}
	if !kind.hasIdentity() && kind != Root {
		return l.out[atResource].allowed()
	}
	result := l.grantedWithin(l.request.mustConsent())
	switch l.request.sameAccount() {
	case no:
		result = l.grantedAcross()
	case maybe:
		result = agreed(result, l.grantedAcross())
	}
	if result == maybe && l.grantObserved() {
		return yes
	}
	return result
}

// agreed is the result if either of two rules may apply.
func agreed(a, b tri) tri {
	if a == b {
		return a
	}
	return maybe
}

// limits is what boundary and session policies leave of a permission.
func (l *layers) limits() tri {
	return both(l.out[atBoundary].allowed(), l.out[atSession].allowed())
}

// grantedWithin is the rule within one account. A resource policy that names
// a user or session itself is not held back by boundary or session policies,
// one that names the role is, one that names the account only delegates.
func (l *layers) grantedWithin(consent tri) tri {
	resource := &l.out[atResource]
	own := both(l.out[atIdentity].allowed(), l.limits())
	switch consent {
	case yes:
		own = both(own, resource.allowed())
	case maybe:
		own = agreed(own, both(own, resource.allowed()))
	}
	byRole := both(resource.allow[reachRole], l.limits())
	return either(own, either(byRole, resource.allow[reachDirect]))
}

// grantedAcross is the rule between accounts: both sides have to grant.
func (l *layers) grantedAcross() tri {
	return both(l.out[atResource].allowed(), both(l.out[atIdentity].allowed(), l.limits()))
}

// grantObserved applies Set.UnseenGrant.
func (l *layers) grantObserved() bool {
	s := l.set
	return s.UnseenGrant && s.Identity.Unseen.open() && s.Resource.Unseen.open() &&
		(l.out[atBoundary].allowed() == yes || s.Boundary.Unseen.open()) &&
		(l.out[atSession].allowed() == yes || s.Session.Unseen.open())
}

// name returns the public name of a layer.
func (l *layers) name(at place) Layer {
	switch at {
	case atRCP:
		return LayerRCP
	case atSCP:
		return LayerSCP
	case atEndpoint:
		return LayerVPCEndpoint
	case atIdentity:
		return LayerIdentity
	case atBoundary:
		return LayerBoundary
	case atSession:
		return LayerSession
	}
	return l.request.resourceLayer()
}

// answer puts the verdict of all layers together.
func (l *layers) answer() Answer {
	denied, permitted := l.denied(), l.permitted()
	switch {
	case l.request.mayBeAlways() && (denied != no || permitted != yes):
		return Answer{Value: Unknown, Layer: LayerUnknown, Reasons: append(l.doubts(), Reason{
			Kind: Unclear, Layer: LayerIdentity, Policy: "of the caller", Statement: -1, Unknown: "the action is not known",
		})}
	case denied == yes:
		return deny(Explicit, append(l.denials(), l.silences(permitted)...))
	case permitted == no && denied == no:
		return deny(Implicit, l.silences(permitted))
	case permitted == no:
		return deny(EffectUnknown, append(l.silences(permitted), l.doubts()...))
	case permitted == yes && denied == no:
		reasons := l.permissions()
		return Answer{Value: Allow, Layer: reasons[0].Layer, Reasons: reasons}
	}
	return Answer{Value: Unknown, Layer: LayerUnknown, Reasons: l.doubts()}
}
