package policy

import "slices"

// Layer names a kind of policy in AWS's evaluation.
type Layer string

// The layers, spelled as in findings.
const (
	LayerIdentity    Layer = "identity"
	LayerResource    Layer = "resource"
	LayerSCP         Layer = "scp"
	LayerRCP         Layer = "rcp"
	LayerBoundary    Layer = "boundary"
	LayerSession     Layer = "session"
	LayerVPCEndpoint Layer = "vpc-endpoint"
	LayerTrust       Layer = "trust"
	LayerKMS         Layer = "kms"
	LayerUnknown     Layer = "unknown"
)

// Policy is a document with the name people know it by.
type Policy struct {
	Name string
	ARN  string
	Doc  *Document // nil: the policy exists, its content is not known
}

// Unseen says what is known of the policies of a layer beyond those listed.
type Unseen uint8

const (
	// UnseenNone: the list is complete.
	UnseenNone Unseen = iota
	// UnseenUnknown: there may be others, and they may do anything.
	UnseenUnknown
	// UnseenSilent: there may be others; none of them denies the request.
	UnseenSilent
	// UnseenAllows: the others were observed to allow the request.
	UnseenAllows
	// UnseenDelegates: the others of a resource allow at least the caller's
	// account. Elsewhere it means UnseenAllows.
	UnseenDelegates
	// UnseenDenies: the others were observed to deny the request explicitly.
	UnseenDenies
)

// open reports whether the unseen policies may still hold surprises.
func (u Unseen) open() bool { return u == UnseenUnknown || u == UnseenSilent }

// Stack is a group of policies that add up: one Allow in any of them allows,
// one Deny denies. The zero Stack is a layer that does not exist.
type Stack struct {
	Policies []Policy
	Unseen   Unseen
}

// exists reports whether the layer limits the caller, as far as is known.
func (s *Stack) exists() tri {
	switch {
	case len(s.Policies) > 0 || s.Unseen == UnseenDenies:
		return yes
	case s.Unseen == UnseenNone:
		return no
	}
	return maybe
}

// Node is one step of an organization's path: the root, a unit or the
// account, with what is attached there. A node without policies allows
// nothing.
type Node struct {
	ID string
	Stack
}

// Hierarchy is the path of nodes from the organization's root to an account.
// Every node has to allow. The zero Hierarchy is an account outside any
// organization. Unseen speaks of nodes that are not listed.
type Hierarchy struct {
	Nodes  []Node
	Unseen Unseen
}

// Grants are the grants of the KMS key that the request is about.
type Grants struct {
	List   []Grant
	Unseen Unseen
}

// Set is everything that decides about a request: all policies, and what is
// known to be missing from them. Evaluate never changes it.
type Set struct {
	Identity Stack // of the user and its groups, or of the role
	Boundary Stack // permissions boundary
	Session  Stack // session policies, inline and managed
	Resource Stack // of the resource: bucket policy, key policy, role trust, …
	Grants   Grants

	SCP         Hierarchy // of the caller's account
	RCP         Hierarchy // of the resource's account
	VPCEndpoint Stack     // of the endpoint the request came through

	// ManagementAccount is the account that SCPs and RCPs do not bind.
	ManagementAccount string

	// UnseenGrant is an observation: the unseen policies of Identity and
	// Resource together allow the request, and it is not known which of the
	// two does. It counts only while both layers are open.
	UnseenGrant bool
}

// Clone returns a copy whose lists can be changed without touching the
// original. Documents are shared.
func (s *Set) Clone() *Set {
	c := *s
	for _, stack := range []*Stack{&c.Identity, &c.Boundary, &c.Session, &c.Resource, &c.VPCEndpoint} {
		stack.Policies = slices.Clone(stack.Policies)
	}
	c.Grants.List = slices.Clone(c.Grants.List)
	for _, h := range []*Hierarchy{&c.SCP, &c.RCP} {
		h.Nodes = slices.Clone(h.Nodes)
		for i := range h.Nodes {
			h.Nodes[i].Policies = slices.Clone(h.Nodes[i].Policies)
		}
	}
	return &c
}
