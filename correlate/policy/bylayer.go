package policy

// Says is what one layer by itself answers.
type Says string

// The answers of a layer.
const (
	SaysDenies   Says = "denies"    // a statement denies the request
	SaysAllows   Says = "allows"    // a statement allows it and none denies it
	SaysSilent   Says = "silent"    // no statement speaks of it, so the layer does not allow
	SaysUnknown  Says = "unknown"   // what is not known decides
	SaysNotAsked Says = "not-asked" // the layer does not exist for this request
)

// LayerAnswer is what one layer by itself says of a request, with the
// statements behind it or with what was not known.
type LayerAnswer struct {
	Layer   Layer
	Says    Says
	Reasons []Reason
}

// byLayerOrder is the order in which people ask the layers.
var byLayerOrder = [...]place{atIdentity, atResource, atBoundary, atSession, atSCP, atRCP, atEndpoint}

// ByLayer asks each layer of a set by itself. How the answers combine is
// Evaluate's to say. It returns nil for an action that needs no permission.
func ByLayer(set *Set, request *Request) []LayerAnswer {
	if always(request.Action) {
		return nil
	}
	var l layers
	l.evaluate(set, request)
	list := make([]LayerAnswer, 0, len(byLayerOrder))
	for _, at := range byLayerOrder {
		list = append(list, l.by(at))
	}
	return list
}

func (l *layers) by(at place) LayerAnswer {
	o := &l.out[at]
	a := LayerAnswer{Layer: l.name(at)}
	switch {
	case !l.asked(at):
		a.Says = SaysNotAsked
	case o.deny == yes:
		a.Says, a.Reasons = SaysDenies, []Reason{l.reason(Denies, at, o.deniedBy)}
	case o.deny == no && o.allowed() == yes:
		a.Says, a.Reasons = SaysAllows, []Reason{l.reason(Allows, at, o.allowedBy)}
	case o.deny == no && o.allowed() == no:
		a.Says, a.Reasons = SaysSilent, []Reason{l.reason(Silent, at, source{node: o.silent})}
	default:
		a.Says = SaysUnknown
		for _, d := range o.doubts[:o.count] {
			r := l.reason(Unclear, at, d.source)
			r.Unknown = d.about.String()
			a.Reasons = append(a.Reasons, r)
		}
	}
	return a
}

// asked reports whether a layer has a say in the request at all.
func (l *layers) asked(at place) bool {
	own := l.request.Principal.Kind.hasIdentity()
	switch at {
	case atIdentity:
		return own || l.request.Principal.Kind == Root
	case atBoundary:
		return own && l.set.Boundary.exists() != no
	case atSession:
		return own && l.set.Session.exists() != no
	case atEndpoint:
		return l.set.VPCEndpoint.exists() != no
	case atSCP:
		return l.set.SCP.given()
	case atRCP:
		return l.set.RCP.given()
	}
	return true
}

// given reports whether anything is in the hierarchy.
func (h *Hierarchy) given() bool { return len(h.Nodes) > 0 || h.Unseen != UnseenNone }
