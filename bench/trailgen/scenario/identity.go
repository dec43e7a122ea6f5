package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// layer says which policies deny and how.
func (s *story) layer(name string, explicit bool) { s.label.Layer, s.label.Explicit = name, explicit }

// peer adds a principal that keeps what this one loses.
func (s *story) peer() {
	if s.req.ref != "" {
		return
	}
	s.label.Spread = "principal"
	name := s.name("peer")
	s.peers = append(s.peers, name)
	s.base(s.kind, name, s.req)
}

// branches adds a sibling branch that fails too, for denials of a whole
// repository.
func (s *story) branches() {
	if s.req.ref != "" {
		s.siblings, s.label.Spread = append(s.siblings, push(s, 1)), "repository"
	}
}

// inlineDeny: an inline policy adds a deny.
func inlineDeny(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	s.base(s.kind, s.who, s.req)
	s.layer("identity", true)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event {
		return s.c.PutInline(at, s.admin, s.kind, s.who, "Freeze", trail.Policy(trail.Deny("Freeze", s.req.action, "*")))
	}
	s.undo = func(at time.Time) { s.c.DeleteInline(at, s.admin, s.kind, s.who, "Freeze") }
}

// statementRemoved: an inline policy is rewritten without the allow.
func statementRemoved(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	s.base(s.kind, s.who, s.req)
	s.layer("identity", false)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event {
		return s.c.PutInline(at, s.admin, s.kind, s.who, "Base", trail.Policy(trail.Allow("Logs", "logs:PutLogEvents", "*")))
	}
	s.undo = func(at time.Time) {
		s.c.PutInline(at, s.admin, s.kind, s.who, "Base", trail.Policy(s.grant(s.req)))
	}
}

// attached gives the principal its permission by a managed policy.
func (s *story) attached(name string) {
	s.before.managed = append(s.before.managed, document{name, trail.Policy(s.grant(s.req))})
	h := s.before.holder(s.kind, s.who)
	h.attached = append(h.attached, name)
	s.policyARN = s.c.PolicyARN(name)
}

// policyVersion: a new default version denies, or no longer allows.
func policyVersion(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	name := s.name("WorkAccess")
	s.attached(name)
	explicit := s.label.Style == "arn" || s.r.Chance(0.4)
	s.layer("identity", explicit)
	s.peer()
	s.branches()
	doc := trail.Policy(trail.Allow("Logs", "logs:PutLogEvents", "*"))
	if explicit {
		doc = trail.Policy(s.grant(s.req), trail.Deny("NotNow", s.req.action, "*"))
	}
	s.change = func(at time.Time) *trail.Event { return s.c.CreatePolicyVersion(at, s.admin, name, 2, doc) }
	s.undo = func(at time.Time) { s.c.CreatePolicyVersion(at, s.admin, name, 3, trail.Policy(s.grant(s.req))) }
}

// detach: the managed policy that allows is detached.
func detach(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	name := s.name("WorkAccess")
	s.attached(name)
	s.layer("identity", false)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event {
		return s.c.Detach(at, s.admin, s.kind, s.who, s.c.PolicyARN(name))
	}
	s.undo = func(at time.Time) { s.c.Attach(at, s.admin, s.kind, s.who, s.c.PolicyARN(name)) }
}

// groupRemoval: the user leaves the group that allows.
func groupRemoval(s *story) {
	s.cast("user")
	s.ask("s3", "secret", "ec2", "push")
	group := s.name("Builders")
	s.base("group", group, s.req)
	h := s.before.holder("user", s.who)
	h.groups = append(h.groups, group)
	s.layer("identity", false)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event { return s.c.RemoveFromGroup(at, s.admin, group, s.who) }
	s.undo = func(at time.Time) { s.c.AddToGroup(at, s.admin, group, s.who) }
}

// boundary: a permissions boundary is put that leaves the action out or denies
// it.
func boundary(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2")
	s.base(s.kind, s.who, s.req)
	name := s.name("Fence")
	explicit := s.label.Style == "arn" || s.r.Chance(0.4)
	s.layer("boundary", explicit)
	doc := trail.Policy(trail.Allow("Some", []string{"logs:*", "cloudwatch:*"}, "*"))
	if explicit {
		doc = trail.Policy(trail.Allow("All", "*", "*"), trail.Deny("Fence", s.req.action, "*"))
	}
	s.before.managed = append(s.before.managed, document{name, doc})
	s.policyARN = s.c.PolicyARN(name)
	s.peer()
	s.change = func(at time.Time) *trail.Event {
		return s.c.SetBoundary(at, s.admin, s.kind, s.who, s.policyARN)
	}
	s.undo = func(at time.Time) {
		s.c.IAM(at, s.admin, "Delete"+map[string]string{"user": "User", "role": "Role"}[s.kind]+"PermissionsBoundary",
			trail.O(s.kind+"Name", s.who))
	}
}

// protect is a deny on branches, as the guide writes it; guarded says whether
// it spares calls that name no branch.
func protect(guarded bool, refs ...string) trail.Object {
	condition := trail.O("StringEqualsIfExists", trail.O("codecommit:References", refs))
	if guarded {
		condition = condition.With("Null", trail.O("codecommit:References", "false"))
	}
	return trail.When(trail.Deny("Protect", []string{"codecommit:GitPush", "codecommit:DeleteBranch", "codecommit:PutFile"}, "*"), condition)
}

// referencesEdit: the list of protected branches of a group grows; nothing but
// a condition changes.
func referencesEdit(s *story) {
	s.cast("user")
	s.want(push(s, 0))
	group := s.name("Juniors")
	allow := trail.Allow("Work", "codecommit:*", s.req.resource)
	old := trail.Policy(allow, protect(true, "refs/heads/release"))
	s.groupPolicy(group, old, trail.Policy(allow, protect(true, "refs/heads/release", s.req.ref)))
	s.spared, s.label.Spread = []request{push(s, 1)}, "branch"
}

// nullGuard: the same policy loses its guard, so that even the discovery of
// refs is denied.
func nullGuard(s *story) {
	s.cast("user")
	q := push(s, 0)
	whole := q.try
	q.ref = ""
	q.try = func(at time.Time, who trail.Caller) *trail.Event {
		if at.Before(s.tf) {
			return whole(at, who)
		}
		whole(at.Add(time.Second), who) // the discovery comes a second before
		return s.discoveryOnly()
	}
	s.want(q)
	group := s.name("Juniors")
	allow := trail.Allow("Work", "codecommit:*", s.req.resource)
	s.groupPolicy(group, trail.Policy(allow, protect(true, "refs/heads/release")), trail.Policy(allow, protect(false, "refs/heads/release")))
	// A repair would have to name the whole push again; the story ends before.
	s.undo = nil
}

// discoveryOnly drops the transfer of the last push and returns the discovery
// of refs before it.
func (s *story) discoveryOnly() *trail.Event {
	list := s.c.Events
	s.c.Events = list[:len(list)-1]
	return list[len(list)-2]
}

// groupPolicy is a change of a group's inline policy.
func (s *story) groupPolicy(group string, old, edited trail.Object) {
	h := s.before.holder("group", group)
	h.inline = append(h.inline, document{"Rules", old})
	u := s.before.holder("user", s.who)
	u.groups = append(u.groups, group)
	s.layer("identity", true)
	s.change = func(at time.Time) *trail.Event {
		return s.c.PutInline(at, s.admin, "group", group, "Rules", edited)
	}
	s.undo = func(at time.Time) { s.c.PutInline(at, s.admin, "group", group, "Rules", old) }
}

// sourceIP: the addresses a deny spares are narrowed.
func sourceIP(s *story) {
	s.cast("user")
	s.ask("s3", "secret", "ec2")
	deny := func(ranges ...string) trail.Object {
		return trail.When(trail.Deny("Office", "*", "*"), trail.O("NotIpAddress", trail.O("aws:SourceIp", ranges)))
	}
	h := s.base("user", s.who, s.req)
	old := trail.Policy(deny("203.0.113.0/24", "198.51.100.0/24"))
	h.inline = append(h.inline, document{"Office", old})
	s.layer("identity", true)
	s.peer()
	s.change = func(at time.Time) *trail.Event {
		return s.c.PutInline(at, s.admin, "user", s.who, "Office", trail.Policy(deny("203.0.113.0/24")))
	}
	s.undo = func(at time.Time) { s.c.PutInline(at, s.admin, "user", s.who, "Office", old) }
}

// propagating: a grant is not effective yet when the principal first asks.
func propagating(s *story) {
	s.cast("")
	s.want(requests[trail.Pick(s.r, []string{"s3", "secret"})](s, 0))
	s.layer("identity", false)
	s.fresh, s.brief = true, true
	h := s.before.holder(s.kind, s.who)
	h.inline = append(h.inline, document{"Logs", trail.Policy(trail.Allow("Logs", "logs:PutLogEvents", "*"))})
	s.change = func(at time.Time) *trail.Event {
		return s.c.PutInline(at, s.admin, s.kind, s.who, "Work", trail.Policy(s.grant(s.req)))
	}
}
