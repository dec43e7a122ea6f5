package scenario

import (
	"strings"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// guard is a service control policy of the scenario.
type guard struct {
	id, arn string
	create  func(at time.Time)
}

// scp prepares a service control policy that denies the request's action.
func (s *story) scp() guard {
	return s.scpOf("SERVICE_CONTROL_POLICY", trail.Deny("Guard", s.req.action, "*"))
}

// scpOf prepares an organization policy of one statement.
func (s *story) scpOf(kind string, statement trail.Object) guard {
	r := trail.NewRand(0, s.name("scp"))
	g := guard{id: "p-" + lower(r, 8)}
	g.arn = "arn:aws:organizations::" + master + ":policy/o-a1b2c3d4e5/" + strings.ToLower(kind) + "/" + g.id
	doc := trail.Policy(statement)
	g.create = func(at time.Time) {
		e := s.orgCall(at, "CreatePolicy", trail.O("name", s.name("Guard"), "type", kind,
			"description", "", "content", trail.Text(doc)))
		e.Response = trail.O("policy", trail.O("policySummary", trail.O("id", g.id, "arn", g.arn, "name", s.name("Guard"),
			"type", kind, "awsManaged", false), "content", trail.Text(doc)))
	}
	s.before.more = append(s.before.more, g.create)
	s.policyARN, s.guardID = g.arn, g.id
	return g
}

func lower(r *trail.Rand, n int) string { return r.Text("abcdefghijklmnopqrstuvwxyz0123456789", n) }

// orgCall records in the management account.
func (s *story) orgCall(at time.Time, name string, request trail.Object) *trail.Event {
	return s.org.Write(at, s.boss, "organizations", name, request, nil)
}

// wholeAccount adds another principal and another resource that fail too.
func (s *story) wholeAccount(kind string) {
	victim := s.name("sidecar")
	sibling := requests[kind](s, 2)
	s.base(s.kind, victim, s.req)
	h := s.before.holder(s.kind, s.who)
	h.inline = append(h.inline, document{"More", trail.Policy(s.grant(sibling))})
	s.victims, s.siblings, s.label.Spread = []string{victim}, []request{sibling}, "account"
}

// orgRequest chooses a request with siblings.
func (s *story) orgRequest() {
	s.cast("")
	kind := trail.Pick(s.r, []string{"s3", "secret", "ec2"})
	if s.label.Style == "encoded" {
		kind = "ec2"
	}
	s.want(requests[kind](s, 0))
	s.base(s.kind, s.who, s.req)
	s.wholeAccount(kind)
	s.layer("scp", true)
}

// scpAttach: a service control policy is attached to the account.
func scpAttach(s *story) {
	s.orgRequest()
	g := s.scp()
	where := trail.O("policyId", g.id, "targetId", home)
	s.change = func(at time.Time) *trail.Event { return s.orgCall(at, "AttachPolicy", where) }
	s.undo = func(at time.Time) { s.orgCall(at, "DetachPolicy", where) }
}

// moveAccount: the account moves below an organizational unit whose policy
// denies.
func moveAccount(s *story) {
	s.orgRequest()
	g := s.scp()
	from, to := "ou-ab12-11111111", "ou-ab12-22222222"
	s.before.more = append(s.before.more, func(at time.Time) {
		s.orgCall(at, "AttachPolicy", trail.O("policyId", g.id, "targetId", to))
	})
	move := func(at time.Time, from, to string) *trail.Event {
		return s.orgCall(at, "MoveAccount", trail.O("accountId", home, "sourceParentId", from, "destinationParentId", to))
	}
	s.change = func(at time.Time) *trail.Event { return move(at, from, to) }
	s.undo = func(at time.Time) { move(at, to, from) }
}

// permissionSet: a permission set is edited and provisioned; the account's
// reserved role then loses the action.
func permissionSet(s *story) {
	s.cast("role")
	role := s.c.NewRole("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Dev_"+trail.NewRand(0, s.name("sso")).Hex(16))
	s.who, s.label.Principal = role.Name, role.ARN()
	s.self = func(at time.Time) trail.Caller {
		c := session(role, at)
		key := c.Key
		c = trail.Session(role, "jo@example.com", key, c.Created).From("198.51.100.17", "aws-cli/2.28.21")
		return c
	}
	s.ask("s3", "secret", "ec2")
	s.before.holder("role", role.Name).role = role
	h := s.base("role", role.Name, s.req)
	h.inline[0].name = "AwsSSOInlinePolicy"
	s.layer("identity", false)
	set := "arn:aws:sso:::permissionSet/ssoins-7223aa11bb22cc33/ps-" + trail.NewRand(0, s.name("ps")).Hex(16)
	service := trail.Session(s.c.NewRole("/aws-service-role/sso.amazonaws.com/", "AWSServiceRoleForSSO"), "AWS-SSO",
		trail.NewRand(0, s.name("key")).Key("ASIA"), s.tc.Add(-time.Minute)).Via("sso.amazonaws.com")
	write := func(at time.Time, doc trail.Object) *trail.Event {
		instance := "arn:aws:sso:::instance/ssoins-7223aa11bb22cc33"
		edit := s.org.Write(at.Add(-4*time.Second), s.boss, "sso", "PutInlinePolicyToPermissionSet",
			trail.O("instanceArn", instance, "permissionSetArn", set, "inlinePolicy", trail.Text(doc)), nil)
		ship := s.org.Write(at.Add(-2*time.Second), s.boss, "sso", "ProvisionPermissionSet",
			trail.O("instanceArn", instance, "permissionSetArn", set, "targetType", "AWS_ACCOUNT", "targetId", home), nil)
		if s.label.Also == nil {
			s.label.Also = []string{edit.ID, ship.ID}
		}
		return s.c.PutInline(at, service, "role", role.Name, "AwsSSOInlinePolicy", doc)
	}
	s.change = func(at time.Time) *trail.Event {
		return write(at, trail.Policy(trail.Allow("Logs", "logs:*", "*")))
	}
	s.undo = func(at time.Time) { write(at, trail.Policy(s.grant(s.req))) }
}

// scpEdit: the content of a service control policy that the account has is
// edited to deny.
func scpEdit(s *story) {
	s.orgRequest()
	g := s.scpOf("SERVICE_CONTROL_POLICY", trail.Allow("All", "*", "*"))
	s.before.more = append(s.before.more, func(at time.Time) {
		s.orgCall(at, "AttachPolicy", trail.O("policyId", g.id, "targetId", home))
	})
	edit := func(at time.Time, statements ...trail.Object) *trail.Event {
		doc := trail.Policy(statements...)
		e := s.orgCall(at, "UpdatePolicy", trail.O("policyId", g.id, "content", trail.Text(doc)))
		e.Response = trail.O("policy", trail.O("policySummary", trail.O("id", g.id, "arn", g.arn, "name", s.name("Guard"),
			"type", "SERVICE_CONTROL_POLICY", "awsManaged", false), "content", trail.Text(doc)))
		return e
	}
	all := trail.Allow("All", "*", "*")
	s.change = func(at time.Time) *trail.Event { return edit(at, all, trail.Deny("Guard", s.req.action, "*")) }
	s.undo = func(at time.Time) { edit(at, all) }
}

// rcpAttach: a resource control policy is attached to the account that owns the
// bucket or secret.
func rcpAttach(s *story) {
	s.cast("")
	kind := trail.Pick(s.r, []string{"s3", "secret"})
	s.want(requests[kind](s, 0))
	s.base(s.kind, s.who, s.req)
	s.wholeAccount(kind)
	s.layer("rcp", true)
	g := s.scpOf("RESOURCE_CONTROL_POLICY", trail.For(trail.Deny("Guard", s.req.action, "*"), "*"))
	where := trail.O("policyId", g.id, "targetId", home)
	s.change = func(at time.Time) *trail.Event { return s.orgCall(at, "AttachPolicy", where) }
	s.undo = func(at time.Time) { s.orgCall(at, "DetachPolicy", where) }
}
