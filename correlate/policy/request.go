package policy

import "strings"

// Request is one question to the policies: may this caller do this to that?
// What is left empty is unknown, never absent.
type Request struct {
	Principal Principal
	Action    string // prefix:Name, in any case
	Resource  string // an ARN, or "*" for actions that have no resource

	// ResourceAccount owns the resource. If it is empty, the account in the
	// ARN counts; S3 buckets have none there.
	ResourceAccount string

	Context Context
}

// With returns a copy of the request for another action or resource, such as
// those a denial message names. An empty argument keeps what is there. The
// account of a replaced resource is read from its ARN, and kept if the ARN
// does not show it.
func (r *Request) With(action, resource string) *Request {
	c := *r
	c.Context = r.Context.Clone()
	if action != "" {
		c.Action = action
	}
	if resource != "" && resource != r.Resource {
		c.Resource = resource
		if account := splitARN(resource).account; account != "" {
			c.ResourceAccount = account
		}
		if known, _ := c.Context.Lookup("aws:ResourceAccount"); known == KeyPresent {
			c.Context.Set("aws:ResourceAccount", c.owner())
		}
	}
	return &c
}

// owner returns the account of the resource, or "" if it is not known.
func (r *Request) owner() string {
	account := r.ResourceAccount
	if account == "" {
		account = splitARN(r.Resource).account
	}
	if account == "aws" || account == "" && r.Resource == "*" {
		// AWS's own policies, and actions without a resource, stay within
		// the caller's account.
		return r.Principal.Account
	}
	return account
}

// sameAccount reports whether caller and resource are of one account.
func (r *Request) sameAccount() tri {
	owner := r.owner()
	if owner == "" || r.Principal.Account == "" {
		return maybe
	}
	return when(owner == r.Principal.Account)
}

// resourceLayer is the kind of resource-based policy that speaks for the
// resource of this request.
func (r *Request) resourceLayer() Layer {
	a := splitARN(r.Resource)
	_, onKMS := cutFold(r.Action, "kms:")
	switch {
	case a.service == "kms" && strings.HasPrefix(a.resource, "key/"), r.Resource == "" && onKMS:
		return LayerKMS
	case isAssume(r.Action):
		return LayerTrust
	}
	return LayerResource
}

// mustConsent reports whether the resource's own policy has to allow, even
// within one account: KMS keys and roles to be assumed ("Key policies in AWS
// KMS", "IAM roles"). A KMS action without a known resource may be about a
// key or not, an unknown action on a role may be to assume it.
func (r *Request) mustConsent() tri {
	a := splitARN(r.Resource)
	switch {
	case r.Resource == "" && (r.Action == "" || r.resourceLayer() == LayerKMS):
		return maybe
	case r.Action == "" && a.service == "iam":
		return maybe
	}
	return when(r.resourceLayer() != LayerResource)
}

// isAssume reports whether a role's trust policy governs the action.
func isAssume(action string) bool {
	name, ok := cutFold(action, "sts:")
	if !ok {
		return false
	}
	for _, known := range [...]string{
		"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity",
		"TagSession", "SetSourceIdentity", "SetContext",
	} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// always reports whether the action needs no permission and cannot be denied
// ("GetCallerIdentity" in the STS reference).
func always(action string) bool { return strings.EqualFold(action, "sts:GetCallerIdentity") }

// mayBeAlways reports whether the action is not known and may be such a one.
func (r *Request) mayBeAlways() bool {
	return r.Action == "" && (r.Resource == "" || r.Resource == "*")
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
