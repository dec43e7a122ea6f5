package correlate

import (
	"strings"
)

// newStep reduces an event to what the history keeps, or nil when it is
// neither a change nor anything a playbook asked for.
func newStep(e *Event) *step {
	c, ok := ParseChange(e)
	if !ok {
		return bareStep(e)
	}
	s := &step{
		ev: slim(e), at: e.Time, kind: c.Kind, layer: c.Layer, op: c.Op, failed: c.Failed, inert: c.Inert,
		subjects: c.Subjects, policyARN: c.PolicyARN, policy: c.PolicyName, resources: c.Resources,
		sessionARNs: c.SessionARN, typed: c.Typed, doc: c.Document, statement: c.Statement, version: c.Version, target: c.Target, hidden: c.DocumentUnknown,
	}
	if s.kind == KindKeyState {
		s.op = OpAdd
		if usable(e.Name) {
			s.op = OpRemove
		}
	}
	s.madeWith(e)
	s.key = stepKey(c, s)
	return s
}

// usable tells the calls that make a key usable again; as a state, what they
// remove is the obstacle.
func usable(name string) bool {
	return strings.HasPrefix(name, "Enable") || strings.HasPrefix(name, "Cancel") || strings.HasPrefix(name, "Import")
}

// bareStep is a step of an event that changes no permission: the making of a
// group or resource, or what a playbook names as evidence.
func bareStep(e *Event) *step {
	if e.Native {
		return nil
	}
	s := &step{ev: slim(e), at: e.Time, evidence: true, failed: e.ErrorCode != "" || e.ErrorMessage != ""}
	for _, r := range e.Resources {
		if r.ARN != "" {
			s.resources = append(s.resources, r.ARN)
		}
	}
	for _, name := range []string{"bucketName", "repositoryName", "name", "pipelineName", "keyId", "functionName"} {
		if v := Str(e.Params, name); v != "" {
			s.resources = append(s.resources, v)
		}
	}
	if user := Str(e.Params, "userName"); user != "" {
		s.subjects = []string{e.iamARN("user", user)}
	}
	if e.Name == "CreateGroup" {
		s.kind, s.op, s.evidence = KindPrincipal, OpPut, false
		s.subjects = []string{e.iamARN("group", Str(e.Params, "groupName"))}
	}
	s.target = first(append(append([]string(nil), s.subjects...), s.resources...)...)
	return s
}

// stepKey names what a change writes, so that what replaces or undoes it has
// the same key.
func stepKey(c *Change, s *step) string {
	switch {
	case c.Kind == KindManaged && len(c.Subjects) > 0:
		return attachKey(c.Subjects[0], c.PolicyARN)
	case c.Kind == KindGroupMembership:
		if len(c.Subjects) == 0 || len(c.Resources) == 0 {
			return ""
		}
		return memberKey(c.Subjects[0], c.Resources[0])
	case c.Kind == KindManagedPolicy:
		return policyKey(c.PolicyARN)
	case isOrgPolicy(c.Kind) && len(c.Subjects) > 0:
		return "scp\x00" + c.Subjects[0] + "\x00" + orgID(s)
	case isOrgPolicy(c.Kind):
		return orgKey(s)
	case c.Kind == KindKeyState && len(c.Resources) > 0:
		return "keystate\x00" + c.Resources[0]
	}
	return c.PolicyKey()
}

func isOrgPolicy(k Kind) bool { return k == KindSCP || k == KindRCP }

// orgID is the id of an organization policy: p-….
func orgID(s *step) string {
	if strings.HasPrefix(s.policy, "p-") {
		return s.policy
	}
	return bareName(s.policyARN)
}

// orgKey is the key of an organization policy's document.
func orgKey(s *step) string { return "orgdoc\x00" + orgID(s) }

// policyKey is the key of a managed policy's document.
func policyKey(arn string) string { return "policy\x00" + arn }

// memberKey and attachKey are the keys of links. They do not depend on paths.
func memberKey(user, group string) string {
	return "member\x00" + entityKey(user) + "\x00" + entityKey(group)
}

func attachKey(principal, policyARN string) string {
	return "attach\x00" + entityKey(principal) + "\x00" + policyARN
}

func splitMemberKey(key string) (user, group string, ok bool) {
	rest, ok := strings.CutPrefix(key, "member\x00")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "\x00")
}

// entityKey returns the ARN of a user, group or role without its path, so that
// ARNs taken from names and from records compare equal: within an account the
// name alone is unique. Sessions become their role.
func entityKey(arn string) string {
	arn = RoleKey(arn)
	a, ok := splitARN(arn)
	if !ok || a.service != "iam" {
		return arn
	}
	kind, rest, found := strings.Cut(a.resource, "/")
	if !found || kind != "user" && kind != "group" {
		return arn
	}
	return "arn:" + a.partition + ":iam::" + a.account + ":" + kind + "/" + rest[strings.LastIndexByte(rest, '/')+1:]
}

// isLink reports kinds whose state is only there or not there.
func isLink(k Kind) bool {
	return k == KindManaged || k == KindGroupMembership || k == KindKeyState
}

// isLinkStep is isLink for one step: an organization policy is attached by one
// call and written by another.
func isLinkStep(s *step) bool {
	return isLink(s.kind) || isOrgPolicy(s.kind) && len(s.subjects) > 0
}

func isNetwork(k Kind) bool {
	return k == KindSecurityGroup || k == KindNetworkACL || k == KindRoute
}

// hasDocument reports kinds whose changes carry a policy document, so that
// replacing or removing it can be judged by statements.
func hasDocument(k Kind) bool {
	switch k {
	case KindInline, KindManagedPolicy, KindTrust, KindResourcePolicy, KindKeyPolicy, KindVPCEndpoint, KindSCP, KindRCP:
		return true
	}
	return false
}

// decides reports kinds of change that can refuse a request by themselves.
func decides(k Kind) bool {
	switch k {
	case "", KindCredential, KindTrigger, KindBucketSetting, KindRetention, KindLifecycle, KindOrgPolicy,
		KindDelegation, KindResourceBinding, KindKeyBinding, KindRoleBinding, KindSecurityGroup, KindNetworkACL, KindRoute:
		return false
	}
	return true
}

// evidenceFor returns the evidence group that names the step's event, or nil.
func (p *Playbook) evidenceFor(s *step) *EvidenceGroup {
	for i := range p.Evidence {
		g := &p.Evidence[i]
		if contains(g.EventNames, s.ev.Name) && (len(g.EventSources) == 0 || contains(g.EventSources, s.ev.EventSource)) {
			return g
		}
	}
	return nil
}

// groupForStep returns the change group that names the step first, or nil.
func (p *Playbook) groupForStep(s *step) *ChangeGroup {
	for i := range p.Changes {
		g := &p.Changes[i]
		if anyFold(g.EventNames, s.ev.Name) || anyFold(g.Kinds, string(s.kind)) || anyFold(g.Layers, string(s.layer)) {
			return g
		}
	}
	return nil
}
