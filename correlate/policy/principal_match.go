package policy

import "strings"

// reach is how closely a Principal element names the caller. It decides which
// other layers still limit the caller: an account only delegates to its own
// policies, a role is still limited by boundary and session policies, a user
// or session named itself is limited by neither.
type reach uint8

const (
	reachAccount reach = iota
	reachRole
	reachDirect
	reaches
)

type claimKind uint8

const (
	claimAnyone claimKind = iota
	claimAccount
	claimARN
	claimRole
	claimID
	claimService
	claimFederated
	claimCanonical
	claimNobody // cannot name any caller
)

// claim is one entry of a Principal or NotPrincipal element.
type claim struct {
	kind  claimKind
	value string
	role  roleIdentity
}

// compilePrincipals reads a Principal element: "*", a bare ARN or account, or
// an object of lists by type. flaw tells what could not be understood.
func compilePrincipals(n *node) (claims []claim, flaw string) {
	if n.kind != nodeObject {
		return compileClaims("aws", n)
	}
	for _, f := range n.fields {
		list, bad := compileClaims(strings.ToLower(f.name), f.value)
		claims = append(claims, list...)
		if bad != "" {
			flaw = bad
		}
	}
	return claims, flaw
}

func compileClaims(kind string, n *node) (claims []claim, flaw string) {
	texts, complete := n.texts()
	if !complete {
		flaw = "principal that is not text"
	}
	for _, text := range texts {
		switch kind {
		case "aws":
			claims = append(claims, readClaim(text))
		case "service":
			claims = append(claims, claim{kind: claimService, value: strings.ToLower(text)})
		case "federated":
			claims = append(claims, claim{kind: claimFederated, value: text})
		case "canonicaluser":
			claims = append(claims, claim{kind: claimCanonical, value: text})
		default:
			flaw = "principal of unknown type " + kind
		}
	}
	return claims, flaw
}

func readClaim(text string) claim {
	switch {
	case text == "*":
		return claim{kind: claimAnyone}
	case isAccount(text):
		return claim{kind: claimAccount, value: text}
	case isUniqueID(text):
		return claim{kind: claimID, value: text}
	case isCanonicalID(text):
		return claim{kind: claimCanonical, value: text}
	case strings.HasPrefix(text, "arn:"):
		return readARNClaim(text)
	}
	return claim{kind: claimNobody, value: text}
}

// readARNClaim reads an ARN. No part of it may be a wildcard, so a star in it
// is an ordinary character ("AWS JSON policy elements: Principal").
func readARNClaim(text string) claim {
	a := splitARN(text)
	if a.service == "iam" && a.resource == "root" {
		return claim{kind: claimAccount, value: a.account}
	}
	if role, ok := roleBehind(text); ok && a.service == "iam" {
		return claim{kind: claimRole, value: text, role: role}
	}
	return claim{kind: claimARN, value: text}
}

// names reports whether the claim names the caller, and how closely.
func (c *claim) names(p *Principal) (tri, reach) {
	if c.kind == claimAnyone {
		return yes, reachDirect
	}
	if p.Kind == UnknownPrincipal {
		return c.namesUnknown(p), reachDirect
	}
	switch c.kind {
	case claimAccount:
		return c.namesAccount(p)
	case claimARN:
		return when(p.ARN == c.value), reachDirect
	case claimRole, claimID:
		return c.namesEntity(p)
	case claimService:
		return when(p.Kind == Service && (c.value == "*" || strings.EqualFold(p.Name, c.value))), reachDirect
	case claimFederated:
		// Cognito is a provider by the name of a service.
		login := p.Kind == FederatedLogin || p.Kind == Service
		return when(login && sameProvider(c.value, p.Name)), reachDirect
	case claimCanonical:
		return c.namesCanonical(p), reachDirect
	}
	return no, reachDirect
}

// namesUnknown judges a caller of whom no more than the account and the
// unique id are known.
func (c *claim) namesUnknown(p *Principal) tri {
	account := ""
	switch c.kind {
	case claimNobody:
		return no
	case claimService, claimFederated:
		if p.Account != "" {
			return no // services and logins belong to no account
		}
	case claimAccount:
		account = c.value
	case claimARN, claimRole:
		account = splitARN(c.value).account
	case claimID:
		if p.ID != "" {
			return when(p.ID == c.value || strings.HasPrefix(p.ID, c.value+":"))
		}
	}
	if p.Account != "" && account != "" && p.Account != account {
		return no
	}
	if c.kind == claimAccount && p.Account == account {
		return yes
	}
	return maybe
}

func (c *claim) namesAccount(p *Principal) (tri, reach) {
	if p.Kind == Root {
		return when(p.Account == c.value), reachDirect
	}
	return when(p.Kind.hasIdentity() && p.Account == c.value), reachAccount
}

// namesEntity matches a role, or the unique id of a user or role.
func (c *claim) namesEntity(p *Principal) (tri, reach) {
	if c.kind == claimID {
		if p.ID == "" {
			return maybe, reachRole
		}
		id, _, session := strings.Cut(p.ID, ":")
		if session || p.Kind == Role {
			return when(id == c.value), reachRole
		}
		return when(id == c.value), reachDirect
	}
	if p.Kind != Role && p.Kind != RoleSession {
		return no, reachRole
	}
	role, _ := roleBehind(p.ARN)
	return when(c.role.same(role)), reachRole
}

// namesCanonical matches an S3 canonical user id. For a caller known by ARN
// the id of the account is not known, and neither is the answer.
func (c *claim) namesCanonical(p *Principal) tri {
	switch p.Kind {
	case CanonicalUser:
		return when(p.Name == c.value)
	case Anonymous, Service, FederatedLogin:
		return no
	}
	return maybe
}

// sameProvider compares identity providers. A provider is written as a name,
// or as the ARN that ends in that name.
func sameProvider(claimed, actual string) bool {
	if claimed == actual {
		return actual != ""
	}
	return actual != "" && (strings.HasSuffix(claimed, "oidc-provider/"+actual) ||
		strings.HasSuffix(actual, "oidc-provider/"+claimed))
}

// namesIssuer reports whether the claim names the IAM user behind a federated
// user's session. Such a session has the user's permissions and keeps its
// limits. A session whose user is not given is taken to carry its name.
func (c *claim) namesIssuer(p *Principal) bool {
	if p.Kind != FederatedUser || c.kind != claimARN {
		return false
	}
	if p.Issuer != "" {
		return p.Issuer == c.value
	}
	user, name := splitARN(c.value), splitARN(p.ARN)
	return user.service == "iam" && user.account == name.account &&
		strings.TrimPrefix(user.resource, "user/") == strings.TrimPrefix(name.resource, "federated-user/")
}

// namesCaller evaluates a whole Principal element: the closest reach that is
// certain, or else the closest that is possible.
func namesCaller(claims []claim, p *Principal) (result tri, how reach) {
	for i := range claims {
		t, r := claims[i].names(p)
		if t == no && claims[i].namesIssuer(p) {
			t, r = yes, reachRole
		}
		if t > result || t == result && r > how {
			result, how = t, r
		}
	}
	return result, how
}
