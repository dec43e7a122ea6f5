package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// defaultVersion: an older version of a managed policy becomes its default.
func defaultVersion(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	name := s.name("WorkAccess")
	s.attached(name)
	explicit := s.label.Style == "arn"
	s.layer("identity", explicit)
	s.peer()
	s.branches()
	old := trail.Policy(trail.Allow("Logs", "logs:PutLogEvents", "*"))
	if explicit {
		old = trail.Policy(s.grant(s.req), trail.Deny("NotYet", s.req.action, "*"))
	}
	// The baseline tells the version in force and the one before it.
	s.before.older = map[string]trail.Object{name: old}
	roll := func(at time.Time, version string) *trail.Event {
		return s.c.IAM(at, s.admin, "SetDefaultPolicyVersion", trail.O("policyArn", s.policyARN, "versionId", version))
	}
	s.change = func(at time.Time) *trail.Event { return roll(at, "v1") }
	s.undo = func(at time.Time) { roll(at, "v2") }
}

// attachDeny: a managed policy that denies is attached.
func attachDeny(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	s.base(s.kind, s.who, s.req)
	s.layer("identity", true)
	s.peer()
	s.branches()
	s.denyPolicy()
	s.change = func(at time.Time) *trail.Event { return s.c.Attach(at, s.admin, s.kind, s.who, s.policyARN) }
	s.undo = func(at time.Time) { s.c.Detach(at, s.admin, s.kind, s.who, s.policyARN) }
}

// denyPolicy makes a managed policy that denies the request.
func (s *story) denyPolicy() {
	name := s.name("Quiet")
	s.before.managed = append(s.before.managed, document{name: name, doc: trail.Policy(trail.Deny("Quiet", s.req.action, "*"))})
	s.policyARN = s.c.PolicyARN(name)
}

// groupAttachDeny: a managed policy that denies is attached to the user's
// group.
func groupAttachDeny(s *story) {
	s.cast("user")
	s.ask("s3", "secret", "ec2", "push")
	group := s.name("Builders")
	s.base("group", group, s.req)
	s.join(group, s.who)
	s.layer("identity", true)
	if s.req.ref == "" {
		victim := s.name("mate")
		s.join(group, victim)
		s.victims, s.label.Spread = []string{victim}, "resource"
	}
	s.branches()
	s.denyPolicy()
	s.change = func(at time.Time) *trail.Event { return s.c.Attach(at, s.admin, "group", group, s.policyARN) }
	s.undo = func(at time.Time) { s.c.Detach(at, s.admin, "group", group, s.policyARN) }
}

func (s *story) join(group, user string) {
	u := s.before.holder("user", user)
	u.groups = append(u.groups, group)
}

// joinGroup: the user joins a group whose policy denies.
func joinGroup(s *story) {
	s.cast("user")
	s.ask("s3", "secret", "ec2", "push")
	s.base("user", s.who, s.req)
	group := s.name("Suspended")
	g := s.before.holder("group", group)
	g.inline = append(g.inline, document{name: "Stop", doc: trail.Policy(trail.Deny("Stop", s.req.action, "*"))})
	s.layer("identity", true)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event { return s.c.AddToGroup(at, s.admin, group, s.who) }
	s.undo = func(at time.Time) { s.c.RemoveFromGroup(at, s.admin, group, s.who) }
}

// deleteInline: the inline policy that allows is deleted.
func deleteInline(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2", "push")
	s.base(s.kind, s.who, s.req)
	s.layer("identity", false)
	s.peer()
	s.branches()
	s.change = func(at time.Time) *trail.Event { return s.c.DeleteInline(at, s.admin, s.kind, s.who, "Base") }
	s.undo = func(at time.Time) {
		s.c.PutInline(at, s.admin, s.kind, s.who, "Base", trail.Policy(s.grant(s.req)))
	}
}
