package correlate

import (
	"strings"
	"time"
)

// subject is the request that fails, as changes are held against it.
type subject struct {
	principal string
	account   string // of the principal
	home      string // account the failure was recorded in
	action    string
	service   string
	resources []string // the resources that fail, the scope first
	refs      []string
	denial    DenialText
	code      string
	endpoint  string
	region    string
	at        time.Time // of the first failure

	key      string // the principal without path
	parts    set    // of the resources' names
	concrete bool   // whether the resources are known
}

// grip tells whether a change can reach a request, and through what.
type grip struct {
	is     tri
	points int
	text   string
}

func reaches(points int, text string) grip  { return grip{yes, points, text} }
func mayReach(points int, text string) grip { return grip{maybe, points, text} }
func misses(text string) grip               { return grip{no, 0, text} }

// gripOf tells whether step s can reach the request: through its user, the
// user's groups, the role behind its session, its account, its resource, key
// or endpoint.
func (h *history) gripOf(s *step, r *subject) grip {
	switch {
	case r.principal == "" && len(s.subjects) > 0 && !sitsOnResource(s):
		if !sameAccount(s, r) {
			return misses("it was made in another account")
		}
		return mayReach(pointsUnknownScope, "the failure does not tell whose request was refused")
	case s.kind == KindManagedPolicy:
		return h.gripOfManaged(s, r)
	case s.kind == KindSession:
		// Only the call that made the failing session comes this far.
		return reaches(pointsSubjectExact, "the failing session was made with it")
	case isNetwork(s.kind):
		return misses("network changes make requests time out; they refuse none")
	case s.kind == KindApprovalRule && !strings.HasPrefix(r.code, "PullRequestApprovalRules"):
		return misses("approval rules hold merges back with an error of their own, not with this one")
	case s.layer == LayerSCP || s.layer == LayerRCP || s.kind == KindOrgStructure:
		return h.gripOfOrg(s, r)
	case s.layer == LayerVPCEndpoint:
		return gripOfEndpoint(s, r)
	case s.kind == KindPermissionSet || s.kind == KindAssignment:
		return gripOfSSO(s, r)
	case s.kind == KindTrust:
		return gripOfTrust(s, r)
	case len(s.subjects) > 0 && !sitsOnResource(s):
		return h.gripOfSubjects(s, r)
	case len(s.resources) > 0:
		return gripOfResource(s, r)
	}
	if !sameAccount(s, r) {
		return misses("it was made in another account")
	}
	if s.layer != LayerIdentity && s.layer != LayerBoundary && s.ev.service() != r.service {
		return misses("it concerns " + s.ev.service() + ", not " + r.service)
	}
	return mayReach(pointsUnknownScope, "the record does not tell what it applies to")
}

// sitsOnResource reports changes of a resource's policy that name principals
// as well, such as a permission given on a function.
func sitsOnResource(s *step) bool { return onResource(s) && len(s.resources) > 0 }

// named reports whether the denial message names the policy that s writes,
// attaches or detaches.
func (s *step) named(d *DenialText) bool {
	if d.PolicyARN == "" {
		return false
	}
	return s.policyARN == d.PolicyARN || isOrgPolicy(s.kind) && orgID(s) == bareName(d.PolicyARN)
}

// gripOfSubjects judges a change bound to users, roles or groups.
func (h *history) gripOfSubjects(s *step, r *subject) grip {
	best := misses("it applies to " + listed(s.subjects) + ", not to the caller")
	for _, who := range s.subjects {
		if g := h.gripOfOne(who, s, r); g.is > best.is || best.is == no && g.is == no && len(s.subjects) == 1 {
			best = g
		}
	}
	return best
}

func (h *history) gripOfOne(who string, s *step, r *subject) grip {
	a, ok := splitARN(who)
	switch {
	case !ok || a.service != "iam":
		if who == r.principal {
			return reaches(pointsSubjectExact, "it applies to the caller")
		}
		if isAccountID(who) && who == r.account {
			return reaches(pointsSubjectWide, "it applies to the caller's account")
		}
		return misses("it applies to " + who + ", not to the caller")
	case entityKey(who) == entityKey(r.principal):
		return reaches(pointsSubjectExact, "it applies to the caller itself")
	case a.account != r.account:
		return misses("it applies to " + nameOf(who) + " of account " + a.account + "; the caller belongs to " + r.account)
	case strings.HasPrefix(a.resource, "group/"):
		return h.gripOfGroup(who, s, r)
	}
	return misses("it applies to " + nameOf(who) + ", not to the caller")
}

// gripOfGroup judges a change of a group by what the trail tells of the
// caller's membership.
func (h *history) gripOfGroup(group string, s *step, r *subject) grip {
	if !strings.Contains(r.principal, ":user/") {
		return misses("it applies to the group " + bareName(group) + "; the caller is no user and cannot be in it")
	}
	switch h.member(r.principal, group, r.at) {
	case yes:
		return reaches(pointsSubjectGroup, "the caller is a member of the group "+bareName(group)+" it applies to")
	case no:
		return misses("it applies to the group " + bareName(group) + ", of which the caller was no member")
	}
	return mayReach(pointsUnknownScope, "it applies to the group "+bareName(group)+"; the trail does not tell whether the caller is a member")
}

// gripOfManaged judges a change of a managed policy by whom it is attached to.
func (h *history) gripOfManaged(s *step, r *subject) grip {
	if s.named(&r.denial) {
		return reaches(pointsSubjectExact, "the denial message names this policy")
	}
	if a := arnAccount(s.policyARN); a != "" && a != "aws" && a != r.account {
		return misses("the policy belongs to account " + a + "; the caller belongs to " + r.account)
	}
	switch h.attached(r.principal, s.policyARN, r.at) {
	case yes:
		return reaches(pointsSubjectExact, "the policy is attached to the caller")
	case no:
		if g := h.viaGroups(s, r); g.is != no {
			return g
		}
		return misses("the policy had been detached from the caller")
	}
	if isCreation(s) {
		return h.viaGroups(s, r)
	}
	if g := h.viaGroups(s, r); g.is == yes {
		return g
	}
	return mayReach(pointsUnknownScope, "the trail does not tell whether the policy is attached to the caller")
}

// viaGroups looks for a group of the caller that the policy is attached to. A
// policy fresh from CreatePolicy is attached to nobody the trail does not name.
func (h *history) viaGroups(s *step, r *subject) grip {
	best := misses("the policy is attached to nobody the caller belongs to")
	for who := range h.bindings[s.policyARN] {
		if !strings.Contains(who, ":group/") || h.attached(who, s.policyARN, r.at) != yes {
			continue
		}
		switch h.member(r.principal, who, r.at) {
		case yes:
			return reaches(pointsSubjectGroup, "the policy is attached to the caller's group "+bareName(who))
		case maybe:
			if strings.Contains(r.principal, ":user/") {
				best = mayReach(pointsUnknownScope, "the policy is attached to a group that the caller may belong to")
			}
		}
	}
	return best
}

// gripOfOrg judges a change of an organization policy or of the tree itself.
func (h *history) gripOfOrg(s *step, r *subject) grip {
	known := false
	for _, target := range append(append([]string(nil), s.subjects...), s.resources...) {
		a := accountTarget(target)
		if p, ok := splitARN(a); ok {
			a = p.resource[strings.LastIndexByte(p.resource, '/')+1:]
		}
		if isAccountID(a) {
			if a == r.account || a == r.home {
				return reaches(pointsSubjectWide, "it applies to the account "+a)
			}
			known = true
		}
	}
	if known {
		return misses("it applies to another account")
	}
	if s.named(&r.denial) {
		return reaches(pointsSubjectWide, "the denial message names this policy")
	}
	return mayReach(pointsUnknownScope, "the trail does not tell whether the account is below what it applies to")
}

func gripOfEndpoint(s *step, r *subject) grip {
	for _, id := range s.resources {
		if r.endpoint != "" && strings.HasSuffix(id, r.endpoint) {
			return reaches(pointsSubjectExact, "the request came through this VPC endpoint")
		}
	}
	if r.endpoint != "" {
		return misses("the request came through another VPC endpoint, " + r.endpoint)
	}
	if r.denial.Layer == LayerVPCEndpoint && sameAccount(s, r) {
		return mayReach(pointsUnknownScope, "the record does not tell which VPC endpoint the request came through")
	}
	return misses("the request did not come through a VPC endpoint")
}

// gripOfSSO judges permission sets, which reach roles that Identity Center
// keeps in the accounts.
func gripOfSSO(s *step, r *subject) grip {
	if !strings.Contains(r.principal, "AWSReservedSSO_") {
		return misses("it applies to an Identity Center permission set; the caller is no such role")
	}
	return mayReach(pointsUnknownScope, "the caller is an Identity Center role; the record does not tell whether of this permission set")
}

// gripOfTrust judges a role's trust policy: it decides who may become the
// role, not what the role may do.
func gripOfTrust(s *step, r *subject) grip {
	if !strings.HasPrefix(strings.ToLower(r.action), "sts:") {
		return misses("a trust policy decides who may assume a role, not " + r.action)
	}
	for _, role := range append(append([]string(nil), s.resources...), s.subjects...) {
		for _, want := range r.resources {
			if entityKey(role) == entityKey(want) {
				return reaches(pointsSubjectExact, "it is the trust policy of the role to be assumed")
			}
		}
	}
	return misses("it is the trust policy of another role, " + listed(append(append([]string(nil), s.resources...), s.subjects...)))
}

// gripOfResource judges a policy or setting that sits on a resource.
func gripOfResource(s *step, r *subject) grip {
	for _, have := range s.resources {
		for _, want := range r.resources {
			if covers(have, s.ev.service(), want, r.service) {
				return reaches(pointsSubjectExact, "it sits on the resource of the request")
			}
		}
	}
	if r.service == s.ev.service() {
		if len(r.resources) == 0 || len(r.resources) == 1 && r.resources[0] == "*" {
			if sameAccount(s, r) {
				return mayReach(pointsUnknownScope, "the record does not tell which resource was asked for")
			}
		}
		return misses("it sits on " + listed(s.resources) + ", not on the resource of the request")
	}
	if s.ev.service() == "kms" && usesKeys(r.service) && sameAccount(s, r) {
		return mayReach(pointsUnknownScope, "the trail does not tell whether the resource is encrypted with this key")
	}
	return misses("it sits on " + listed(s.resources) + ", not on the resource of the request")
}

// usesKeys lists services whose requests also need a KMS key.
func usesKeys(service string) bool {
	switch service {
	case "s3", "codecommit", "secretsmanager", "ssm", "sqs", "sns", "dynamodb", "ecr", "lambda", "ec2", "kinesis", "logs":
		return true
	}
	return false
}

// covers reports whether the resource of a change, an ARN or a bare name, is
// the wanted resource or holds it.
func covers(have, haveService, want, wantService string) bool {
	if have == "" || want == "" || want == "*" {
		return false
	}
	w, wantARN := splitARN(want)
	h, haveARN := splitARN(have)
	switch {
	case have == want:
		return true
	case haveARN && wantARN:
		if h.service != w.service || h.account != "" && w.account != "" && h.account != w.account ||
			h.region != "" && w.region != "" && h.region != w.region {
			return false
		}
		return within(w.resource, h.resource)
	case haveARN && !wantARN:
		return h.service == wantService && within(want, bareName(have))
	case wantARN:
		return w.service == haveService && (within(w.resource, have) || bareName(want) == have || within(afterKind(w.resource), have))
	}
	return haveService == wantService && within(want, have)
}

// within reports whether the resource a is b or lies below it.
func within(a, b string) bool {
	return a == b || strings.HasPrefix(a, b) && (a[len(b)] == '/' || a[len(b)] == ':')
}

// afterKind drops the kind in front of a resource's name: key/…, function:….
func afterKind(s string) string {
	if i := strings.IndexAny(s, "/:"); i >= 0 {
		return s[i+1:]
	}
	return s
}

func sameAccount(s *step, r *subject) bool {
	return s.ev.Account == "" || s.ev.Account == r.account || s.ev.Account == r.home
}

// nameOf writes an IAM entity for people: user ann, role build.
func nameOf(arn string) string {
	a, ok := splitARN(arn)
	if !ok {
		return arn
	}
	kind, _, found := strings.Cut(a.resource, "/")
	if !found {
		return arn
	}
	return "the " + kind + " " + bareName(arn)
}

// bareName is what follows the last slash of an ARN's resource.
func bareName(arn string) string {
	if a, ok := splitARN(arn); ok {
		arn = a.resource
	}
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// listed writes a few names for people.
func listed(list []string) string {
	const most = 3
	if len(list) > most {
		return strings.Join(list[:most], ", ") + " and others"
	}
	return strings.Join(list, ", ")
}
