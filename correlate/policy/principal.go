package policy

import "strings"

// PrincipalKind is the sort of caller that makes a request.
type PrincipalKind uint8

// The kinds of caller. UnknownPrincipal is a caller of whom at most the
// account is known.
const (
	UnknownPrincipal PrincipalKind = iota
	Root
	User
	Role           // a role taken as such, without a session
	RoleSession    // an assumed role
	FederatedUser  // a session from GetFederationToken
	FederatedLogin // a SAML or OIDC identity that has no AWS credentials yet
	Service        // an AWS service acting for itself
	CanonicalUser  // an S3 canonical user id
	Anonymous
)

// Principal is the caller of a request.
type Principal struct {
	Kind    PrincipalKind
	ARN     string // of users, roles, sessions and root
	Name    string // service name, identity provider or canonical user id
	Account string // "" if unknown
	Issuer  string // ARN of the role or user behind a session, "" if unknown
	ID      string // unique id such as AIDA… or AROA…, "" if unknown
}

// ParsePrincipal reads a caller from an ARN, an account, a service name such as
// lambda.amazonaws.com, the name of an identity provider such as
// accounts.google.com, an S3 canonical user id, or "*" for an anonymous caller.
func ParsePrincipal(s string) Principal {
	switch {
	case s == "*":
		return Principal{Kind: Anonymous}
	case strings.HasPrefix(s, "arn:"):
		return principalOf(s)
	case isAccount(s):
		return Principal{Account: s}
	case strings.Contains(s, ".amazonaws.com"):
		return Principal{Kind: Service, Name: s}
	case strings.Contains(s, "."):
		return Principal{Kind: FederatedLogin, Name: s}
	case s != "":
		return Principal{Kind: CanonicalUser, Name: s}
	}
	return Principal{}
}

func principalOf(arn string) Principal {
	a := splitARN(arn)
	p := Principal{ARN: arn, Account: a.account}
	kind, _, _ := strings.Cut(a.resource, "/")
	switch a.service + ":" + kind {
	case "iam:root":
		p.Kind = Root
	case "iam:user":
		p.Kind = User
	case "iam:role":
		p.Kind = Role
	case "sts:assumed-role":
		p.Kind = RoleSession
	case "sts:federated-user":
		p.Kind = FederatedUser
	case "iam:saml-provider", "iam:oidc-provider":
		p.Kind, p.Name = FederatedLogin, arn
	}
	return p
}

// hasIdentity reports whether identity-based policies speak for the caller.
func (k PrincipalKind) hasIdentity() bool {
	switch k {
	case UnknownPrincipal, User, Role, RoleSession, FederatedUser:
		return true
	}
	return false
}

type arnFields struct{ partition, service, region, account, resource string }

func splitARN(arn string) (a arnFields) {
	rest, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return a
	}
	a.partition, rest, _ = strings.Cut(rest, ":")
	a.service, rest, _ = strings.Cut(rest, ":")
	a.region, rest, _ = strings.Cut(rest, ":")
	a.account, a.resource, _ = strings.Cut(rest, ":")
	return a
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isCanonicalID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// isUniqueID recognises the ids that IAM leaves in a policy when the user or
// role it named is deleted.
func isUniqueID(s string) bool {
	return len(s) >= 16 && !strings.Contains(s, ":") &&
		(strings.HasPrefix(s, "AIDA") || strings.HasPrefix(s, "AROA"))
}

// roleIdentity is what a role and its sessions have in common. Session ARNs
// do not show the role's path, so a role is known by account and name.
type roleIdentity struct{ partition, account, name string }

// roleBehind returns the role of a role or session ARN.
func roleBehind(arn string) (r roleIdentity, ok bool) {
	a := splitARN(arn)
	r.partition, r.account = a.partition, a.account
	if rest, found := strings.CutPrefix(a.resource, "role/"); found && a.service == "iam" {
		r.name = rest[strings.LastIndexByte(rest, '/')+1:]
		return r, true
	}
	if rest, found := strings.CutPrefix(a.resource, "assumed-role/"); found && a.service == "sts" {
		r.name, _, _ = strings.Cut(rest, "/")
		return r, true
	}
	return r, false
}

func (r roleIdentity) same(other roleIdentity) bool {
	return r.account == other.account && r.partition == other.partition && strings.EqualFold(r.name, other.name)
}

// serviceLinked reports whether the caller is a service-linked role, which no
// service or resource control policy touches.
func (p *Principal) serviceLinked() bool {
	if strings.Contains(p.ARN, ":role/aws-service-role/") || strings.Contains(p.Issuer, ":role/aws-service-role/") {
		return true
	}
	role, ok := roleBehind(p.ARN)
	return ok && p.Kind == RoleSession && strings.HasPrefix(role.name, "AWSServiceRoleFor")
}
