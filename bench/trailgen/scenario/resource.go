package scenario

import (
	"strings"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// bucketPolicy: a bucket turns the role, or all but some, away.
func bucketPolicy(s *story) {
	s.cast("role")
	s.want(read(s, 0))
	s.base(s.kind, s.who, s.req)
	bucket, _, _ := strings.Cut(strings.TrimPrefix(s.req.resource, "arn:aws:s3:::"), "/")
	objects := "arn:aws:s3:::" + bucket + "/*"
	tls := trail.For(trail.When(trail.Deny("TLSOnly", "s3:*", objects), trail.O("Bool", trail.O("aws:SecureTransport", "false"))), "*")
	deny := trail.For(trail.Deny("KeepOut", "s3:GetObject", objects), trail.O("AWS", s.label.Principal))
	if s.r.Chance(0.5) {
		deny = trail.When(trail.For(trail.Deny("OnlyThese", "s3:*", objects), "*"),
			trail.O("ArnNotEquals", trail.O("aws:PrincipalArn", []string{s.admin.ARN, "arn:aws:iam::" + home + ":role/backup"})))
		victim := s.name("sidecar")
		s.base("role", victim, s.req)
		s.victims, s.label.Spread = []string{victim}, "resource"
	}
	s.layer("resource", true)
	s.before.more = append(s.before.more, func(at time.Time) { s.c.BucketPolicy(at, s.admin, bucket, trail.Policy(tls)) })
	s.change = func(at time.Time) *trail.Event {
		return s.c.BucketPolicy(at, s.admin, bucket, trail.Policy(tls, deny))
	}
	s.undo = func(at time.Time) { s.c.BucketPolicy(at, s.admin, bucket, trail.Policy(tls)) }
}

// keyAdmin is the statement every key keeps: administration, but no use and no
// delegation to identity policies.
func (s *story) keyAdmin() trail.Object {
	return trail.For(trail.Allow("Admin", []string{"kms:Put*", "kms:Get*", "kms:Describe*", "kms:CreateGrant", "kms:RevokeGrant"}, "*"),
		trail.O("AWS", s.admin.ARN))
}

// keyPolicy: a key's policy no longer names the role.
func keyPolicy(s *story) {
	s.cast("role")
	s.want(decrypt(s, 0))
	key := tail(s.req.resource)
	use := trail.For(trail.Allow("Use", "kms:Decrypt", "*"), trail.O("AWS", s.label.Principal))
	s.layer("resource", false)
	full := trail.Policy(s.keyAdmin(), use)
	s.before.more = append(s.before.more, func(at time.Time) { s.c.KeyPolicy(at, s.admin, key, full) })
	s.change = func(at time.Time) *trail.Event {
		return s.c.KeyPolicy(at, s.admin, key, trail.Policy(s.keyAdmin()))
	}
	s.undo = func(at time.Time) { s.c.KeyPolicy(at, s.admin, key, full) }
}

// grantRevoke: the grant that lets the role decrypt is revoked.
func grantRevoke(s *story) {
	s.cast("role")
	s.want(decrypt(s, 0))
	key, grant := tail(s.req.resource), trail.NewRand(0, s.name("grant")).Hex(64)
	s.layer("resource", false)
	give := func(at time.Time) {
		e := s.c.Key(at, s.admin, "CreateGrant", key, trail.O("granteePrincipal", s.label.Principal, "operations", []string{"Decrypt"}))
		e.Response = trail.O("grantId", grant, "keyId", s.req.resource)
	}
	s.before.more = append(s.before.more,
		func(at time.Time) { s.c.KeyPolicy(at, s.admin, key, trail.Policy(s.keyAdmin())) }, give)
	s.change = func(at time.Time) *trail.Event {
		return s.c.Key(at, s.admin, "RevokeGrant", key, trail.O("grantId", grant))
	}
	s.undo = give
}

// trustEdit: a role no longer trusts the caller.
func trustEdit(s *story) {
	s.cast("")
	role := s.c.NewRole("/", s.name("deployer"))
	s.want(request{action: "sts:AssumeRole", resource: role.ARN(), code: "AccessDenied", blind: true,
		try: func(at time.Time, who trail.Caller) *trail.Event {
			e, _ := s.c.AssumeRole(at, who, role, "deploy")
			return e
		}})
	trust := func(arn string) trail.Object {
		return trail.Policy(trail.O("Effect", "Allow", "Principal", trail.O("AWS", arn), "Action", "sts:AssumeRole"))
	}
	s.base(s.kind, s.who, s.req)
	h := s.before.holder("role", role.Name)
	h.role, h.trust = role, trust(s.label.Principal)
	s.layer("trust", false)
	s.change = func(at time.Time) *trail.Event {
		return s.c.UpdateTrust(at, s.admin, role.Name, trust("arn:aws:iam::"+home+":role/release"))
	}
	s.undo = func(at time.Time) { s.c.UpdateTrust(at, s.admin, role.Name, trust(s.label.Principal)) }
}

// sessionPolicy: a session begins with a policy that leaves the action out.
func sessionPolicy(s *story) {
	s.cast("role")
	s.ask("s3", "secret", "ec2")
	s.base("role", s.who, s.req)
	role := s.c.NewRole("/", s.who)
	old := s.self
	var narrow trail.Caller
	s.self = func(at time.Time) trail.Caller {
		if at.Before(s.tf) {
			return old(at)
		}
		return narrow.From("10.0.7.21", "aws-cli/2.28.21")
	}
	s.layer("session", false)
	doc := trail.Policy(trail.Allow("LogsOnly", "logs:*", "*"))
	s.change = func(at time.Time) *trail.Event {
		e, session := s.c.AssumeRoleWith(at, s.admin, role, "narrow", trail.O("policy", trail.Text(doc)))
		narrow = session
		return e
	}
}

// endpointPolicy: a VPC endpoint's policy no longer allows the action.
func endpointPolicy(s *story) {
	s.cast("role")
	s.ask("s3", "secret")
	s.base("role", s.who, s.req)
	id := "vpce-0" + trail.NewRand(0, s.name("endpoint")).Hex(16)
	old := s.self
	s.self = func(at time.Time) trail.Caller {
		c := old(at)
		c.Endpoint = id
		return c
	}
	s.layer("vpc-endpoint", false)
	set := func(at time.Time, statement trail.Object) *trail.Event {
		return s.c.Write(at, s.admin, "ec2", "ModifyVpcEndpoint", trail.O("ModifyVpcEndpointRequest",
			trail.O("VpcEndpointId", id, "PolicyDocument", trail.Text(trail.Policy(statement)))),
			trail.O("ModifyVpcEndpointResponse", trail.O("return", true)))
	}
	all := trail.For(trail.Allow("All", "*", "*"), "*")
	s.before.more = append(s.before.more, func(at time.Time) { set(at, all) })
	s.change = func(at time.Time) *trail.Event {
		return set(at, trail.For(trail.Allow("Some", []string{"sqs:*", "logs:*"}, "*"), "*"))
	}
	s.undo = func(at time.Time) { set(at, all) }
}

// approvalRule: a pull request gets a rule that its merge does not satisfy.
func approvalRule(s *story) {
	s.cast("user")
	repo := s.c.NewRepo(s.name("payments"))
	pull := func(at time.Time) string { return map[bool]string{true: "41", false: "42"}[at.Before(s.tc)] }
	s.text = "The pull request cannot be merged because one or more approval rules applied to the pull request have conditions that have not been met."
	s.want(request{action: "codecommit:MergePullRequestByFastForward", resource: s.c.ARN("codecommit", repo.Name),
		code: "PullRequestApprovalRulesNotSatisfiedException",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Commit(at, who, repo, "MergePullRequestByFastForward",
				trail.O("pullRequestId", pull(at), "repositoryName", repo.Name, "sourceCommitId", s.c.R.Hex(40)))
		}})
	s.base("user", s.who, s.req)
	s.label.Layer, s.label.Style = "gate", "type"
	s.before.more = append(s.before.more, func(at time.Time) {
		e := s.c.Commit(at, s.self(at), repo, "CreatePullRequest", trail.O("title", "Retry payments", "targets", []trail.Object{
			trail.O("repositoryName", repo.Name, "sourceReference", "feature/x", "destinationReference", "main")}))
		e.Response = trail.O("pullRequest", trail.O("pullRequestId", "42", "pullRequestStatus", "OPEN"))
	})
	content := trail.O("Version", "2018-11-08", "Statements", []trail.Object{trail.O("Type", "Approvers",
		"NumberOfApprovalsNeeded", 2, "ApprovalPoolMembers", []string{"arn:aws:sts::" + home + ":assumed-role/Approvers/*"})})
	s.change = func(at time.Time) *trail.Event {
		return s.c.Write(at, s.admin, "codecommit", "CreatePullRequestApprovalRule", trail.O("pullRequestId", "42",
			"approvalRuleName", "two-approvers", "approvalRuleContent", trail.Text(content)), nil)
	}
}
