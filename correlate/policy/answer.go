package policy

import (
	"fmt"
	"strings"
)

// Value is the answer to a request.
type Value uint8

// The three values. The zero Value is Unknown.
const (
	Unknown Value = iota
	Deny
	Allow
)

// String returns "allow", "deny" or "unknown".
func (v Value) String() string {
	switch v {
	case Deny:
		return "deny"
	case Allow:
		return "allow"
	}
	return "unknown"
}

// Effect tells the two kinds of Deny apart, spelled as in findings.
type Effect string

// The effects of a Deny. EffectUnknown is a request that nothing allows and
// that something unknown may deny explicitly as well.
const (
	NoEffect      Effect = ""
	Explicit      Effect = "explicit"
	Implicit      Effect = "implicit"
	EffectUnknown Effect = "unknown"
)

// Answer is the result of Evaluate, with everything that led to it.
type Answer struct {
	Value   Value
	Effect  Effect // of a Deny
	Layer   Layer  // that granted or denied; of several, the first AWS asks
	Reasons []Reason
}

// Kind says what a Reason reports.
type Kind uint8

// The kinds of reason.
const (
	Allows  Kind = iota // a statement allows the request
	Denies              // a statement denies it
	Silent              // a layer that has to allow does not
	Unclear             // something was not known
	Always              // the action needs no permission
)

// Reason is one step of the way to an Answer.
type Reason struct {
	Kind      Kind
	Layer     Layer
	Node      string // of an SCP or RCP path
	Policy    string // its name, or else its ARN, or the id of a grant
	PolicyARN string
	Statement int    // index in its document, -1 if no statement is meant
	Sid       string // of that statement
	Unknown   string // of Unclear: what was not known
}

// String says the reason in one sentence without a full stop.
func (r Reason) String() string {
	switch r.Kind {
	case Always:
		return "this action needs no permission"
	case Silent:
		return r.silence()
	case Unclear:
		return r.where() + ": " + r.Unknown
	case Denies:
		return r.where() + " denies it"
	}
	return r.where() + " allows it"
}

func (r Reason) silence() string {
	if r.Unknown != "" {
		return r.Unknown
	}
	text := fmt.Sprintf("no %s policy allows it", r.Layer)
	if r.Node != "" {
		text += " at " + r.Node
	}
	return text
}

func (r Reason) where() string {
	var b strings.Builder
	b.WriteString(string(r.Layer))
	if r.Node != "" {
		fmt.Fprintf(&b, " node %s,", r.Node)
	}
	if r.Policy == "" {
		b.WriteString(" policies that are not listed")
		return b.String()
	}
	fmt.Fprintf(&b, " policy %s", r.Policy)
	if r.Statement >= 0 {
		fmt.Fprintf(&b, ", statement %d", r.Statement)
	}
	if r.Sid != "" {
		fmt.Fprintf(&b, " (%s)", r.Sid)
	}
	return b.String()
}

// String sums the answer up: the value, and the reasons behind it.
func (a Answer) String() string {
	var b strings.Builder
	if a.Effect != NoEffect && a.Effect != EffectUnknown {
		b.WriteString(string(a.Effect) + " ")
	}
	b.WriteString(a.Value.String())
	for i, r := range a.Reasons {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(r.String())
	}
	return b.String()
}

func deny(e Effect, reasons []Reason) Answer {
	return Answer{Value: Deny, Effect: e, Layer: reasons[0].Layer, Reasons: reasons}
}

// reason describes a source.
func (l *layers) reason(kind Kind, at place, by source) Reason {
	r := Reason{Kind: kind, Layer: l.name(at), Node: by.node, Statement: -1}
	if by.policy != nil {
		r.Policy, r.PolicyARN = by.policy.Name, by.policy.ARN
		if r.Policy == "" {
			r.Policy = r.PolicyARN
		}
		if r.Policy == "" {
			r.Policy = "without name"
		}
	}
	if by.stmt != nil {
		r.Statement, r.Sid = by.stmt.index, by.stmt.sid
	}
	if by.grant != nil {
		r.Policy = "grant " + by.grant.ID
	}
	return r
}

func (l *layers) denials() []Reason {
	var list []Reason
	for at := range l.out {
		if l.out[at].deny == yes {
			list = append(list, l.reason(Denies, place(at), l.out[at].deniedBy))
		}
	}
	return list
}

// permissions lists the statements that grant an allowed request.
func (l *layers) permissions() []Reason {
	list := make([]Reason, 0, 2)
	for _, at := range [...]place{atIdentity, atResource} {
		if o := &l.out[at]; o.allowed() == yes {
			list = append(list, l.reason(Allows, at, o.allowedBy))
		}
	}
	if l.request.Principal.Kind == Root {
		list[0].Policy = "of the root user"
	}
	if len(list) == 0 { // only Set.UnseenGrant can do that
		list = append(list, l.reason(Allows, atIdentity, source{}))
	}
	return list
}

// silences lists the layers that hold a request back by not allowing it.
func (l *layers) silences(permitted tri) []Reason {
	if permitted != no {
		return nil
	}
	var list []Reason
	for _, at := range [...]place{atRCP, atSCP, atEndpoint} {
		list = l.silence(list, at)
	}
	if l.granted() != no {
		return list
	}
	kind := l.request.Principal.Kind
	if kind == Root && isAssume(l.request.Action) {
		return append(list, Reason{Kind: Silent, Layer: LayerIdentity, Statement: -1, Unknown: "a root user cannot assume a role"})
	}
	if !kind.hasIdentity() || l.request.sameAccount() == no || l.request.mustConsent() == yes {
		list = l.silence(list, atResource)
	}
	for _, at := range [...]place{atIdentity, atBoundary, atSession} {
		if kind.hasIdentity() {
			list = l.silence(list, at)
		}
	}
	if len(list) == 0 {
		list = append(list, l.reason(Silent, atResource, source{}))
	}
	return list
}

func (l *layers) silence(list []Reason, at place) []Reason {
	if o := &l.out[at]; o.allowed() == no {
		list = append(list, l.reason(Silent, at, source{node: o.silent}))
	}
	return list
}

// doubts lists what was not known.
func (l *layers) doubts() []Reason {
	var list []Reason
	if l.request.sameAccount() == maybe && l.request.Principal.Kind.hasIdentity() {
		list = append(list, Reason{
			Kind: Unclear, Layer: l.name(atResource), Policy: "of either account", Statement: -1,
			Unknown: "whether caller and resource belong to one account is not known",
		})
	}
	for at := range l.out {
		o := &l.out[at]
		for _, d := range o.doubts[:o.count] {
			r := l.reason(Unclear, place(at), d.source)
			r.Unknown = d.about.String()
			list = append(list, r)
		}
	}
	return list
}

// String says what was unknown.
func (c cause) String() string {
	switch c.kind {
	case causeKey:
		return "the value of " + c.what + " is not known"
	case causeFlaw:
		return "not understood: " + c.what
	case causeContent:
		return "its content is not known"
	case causeUnseen:
		return "others may exist"
	case causePrincipal:
		return "whether it names the caller is not known"
	case causeResource:
		return "the resource is not known"
	case causeAction:
		return "the action is not known"
	case causeEffort:
		return "the comparison takes too many steps"
	}
	return "something is not known"
}
