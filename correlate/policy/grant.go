package policy

import (
	"slices"
	"strings"
)

// Grant is a KMS grant: it lets its grantee use the key as a key policy would
// that names the grantee. It never overrides an explicit deny.
type Grant struct {
	ID         string
	Grantee    string   // ARN of a user, role or session, or a service name
	Operations []string // such as Decrypt, without prefix

	// ContextEquals must equal the encryption context of the request,
	// ContextSubset must be part of it. nil is no constraint.
	ContextEquals map[string]string
	ContextSubset map[string]string
}

// allows reports whether the grant covers the request, and as what its
// grantee was named.
func (e *evaluation) grantAllows(g *Grant) (tri, reach) {
	name, ok := cutFold(e.request.Action, "kms:")
	if !ok || !slices.ContainsFunc(g.Operations, func(op string) bool { return strings.EqualFold(op, name) }) {
		return no, reachDirect
	}
	grantee := readClaim(g.Grantee)
	if grantee.kind == claimNobody {
		grantee = claim{kind: claimService, value: g.Grantee}
	}
	named, how := grantee.names(&e.request.Principal)
	named = both(named, e.holdsContext(g.ContextSubset))
	if g.ContextEquals != nil {
		named = both(named, both(e.holdsContext(g.ContextEquals), e.contextSize(len(g.ContextEquals))))
	}
	return named, how
}

// holdsContext compares pairs of an encryption context. Only symmetric
// operations have one, so a missing pair is a mismatch.
func (e *evaluation) holdsContext(pairs map[string]string) tri {
	result := yes
	for key, value := range pairs {
		found := e.context.find("kms:encryptioncontext:" + strings.ToLower(key))
		switch found.known {
		case KeyUnknown:
			result = both(result, e.doubtKey("kms:EncryptionContext:"+key))
		case KeyAbsent:
			return no
		default:
			result = both(result, when(slices.Contains(found.values, value)))
		}
	}
	return result
}

// contextSize reports whether the encryption context has n pairs.
func (e *evaluation) contextSize(n int) tri {
	found := e.context.find("kms:encryptioncontextkeys")
	switch found.known {
	case KeyUnknown:
		return e.doubtKey("kms:EncryptionContextKeys")
	case KeyAbsent:
		return when(n == 0)
	}
	return when(len(found.values) == n)
}
