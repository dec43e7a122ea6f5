package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// keepOut is a statement of a resource's policy that turns the principal away.
func (s *story) keepOut() trail.Object {
	return trail.For(trail.Deny("KeepOut", s.req.action, "*"), trail.O("AWS", s.label.Principal))
}

// resourceDeny is a change of a resource's policy: before it allows an
// administrator, after it turns the principal away as well.
func (s *story) resourceDeny(put func(at time.Time, doc trail.Object) *trail.Event) {
	s.base(s.kind, s.who, s.req)
	s.layer("resource", true)
	s.peer()
	open := trail.For(trail.Allow("Owner", s.req.action, "*"), trail.O("AWS", s.admin.ARN))
	s.before.more = append(s.before.more, func(at time.Time) { put(at, trail.Policy(open)) })
	s.change = func(at time.Time) *trail.Event { return put(at, trail.Policy(open, s.keepOut())) }
	s.undo = func(at time.Time) { put(at, trail.Policy(open)) }
}

// secretPolicy: a secret's resource policy turns the principal away.
func secretPolicy(s *story) {
	s.cast("")
	s.want(secret(s, 0))
	s.resourceDeny(func(at time.Time, doc trail.Object) *trail.Event {
		e := s.c.Write(at, s.admin, "secretsmanager", "PutResourcePolicy",
			trail.O("secretId", s.req.resource, "resourcePolicy", trail.Text(doc), "blockPublicPolicy", true), nil)
		e.Response = trail.O("arn", s.req.resource)
		return e
	})
}

// queuePolicy: a queue's policy turns the role away.
func queuePolicy(s *story) {
	s.cast("role")
	name := s.name("orders")
	url := "https://sqs.us-east-1.amazonaws.com/" + home + "/" + name
	s.want(request{action: "sqs:SendMessage", resource: s.c.ARN("sqs", name), code: "AccessDenied",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			e := s.c.Write(at, who, "sqs", "SendMessage", trail.O("queueUrl", url, "messageBody", "HIDDEN_DUE_TO_SECURITY_REASONS"), nil)
			e.Data, e.Resources = true, []trail.Object{trail.O("accountId", home, "type", "AWS::SQS::Queue", "ARN", s.req.resource)}
			return e
		}})
	s.resourceDeny(func(at time.Time, doc trail.Object) *trail.Event {
		return s.c.Write(at, s.admin, "sqs", "SetQueueAttributes", trail.O("queueUrl", url, "attributes", trail.O("Policy", trail.Text(doc))), nil)
	})
}

// imagePolicy: a registry's repository turns the role away.
func imagePolicy(s *story) {
	s.cast("role")
	name := s.name("api")
	s.want(request{action: "ecr:BatchGetImage", resource: s.c.ARN("ecr", "repository/"+name), code: "AccessDeniedException", blind: true,
		try: func(at time.Time, who trail.Caller) *trail.Event {
			e := s.c.Read(at, who, "ecr", "BatchGetImage", trail.O("registryId", home, "repositoryName", name,
				"imageIds", []trail.Object{trail.O("imageTag", "latest")}))
			e.Resources = []trail.Object{trail.O("accountId", home, "ARN", s.req.resource)}
			return e
		}})
	s.resourceDeny(func(at time.Time, doc trail.Object) *trail.Event {
		e := s.c.Write(at, s.admin, "ecr", "SetRepositoryPolicy", trail.O("repositoryName", name, "policyText", trail.Text(doc), "force", false), nil)
		e.Resources = []trail.Object{trail.O("accountId", home, "ARN", s.req.resource)}
		return e
	})
}

// functionPermission: the permission by which another account's role invokes a
// function is removed.
func functionPermission(s *story) {
	s.cast("role")
	name := s.name("price")
	partner := s.other.NewRole("/", s.name("caller"))
	s.who, s.label.Principal = partner.Name, partner.ARN()
	s.self = func(at time.Time) trail.Caller { return session(partner, at) }
	function := s.c.ARN("lambda", "function:"+name)
	s.want(request{action: "lambda:InvokeFunction", resource: function, code: "AccessDeniedException",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			e := s.c.Write(at, who, "lambda", "Invoke", trail.O("functionName", function, "invocationType", "RequestResponse"), nil)
			e.Data, e.Resources = true, []trail.Object{trail.O("accountId", home, "type", "AWS::Lambda::Function", "ARN", function)}
			return e
		}})
	s.layer("resource", false)
	give := func(at time.Time) {
		statement := trail.O("Sid", "partner", "Effect", "Allow", "Principal", trail.O("AWS", s.label.Principal),
			"Action", "lambda:InvokeFunction", "Resource", function)
		e := s.c.Write(at, s.admin, "lambda", "AddPermission20150331v2", trail.O("functionName", name, "statementId", "partner",
			"action", "lambda:InvokeFunction", "principal", s.label.Principal), nil)
		e.Response = trail.O("statement", trail.Text(statement))
	}
	s.before.more = append(s.before.more, give)
	s.change = func(at time.Time) *trail.Event {
		return s.c.Write(at, s.admin, "lambda", "RemovePermission20150331v2", trail.O("functionName", name, "statementId", "partner"), nil)
	}
	s.undo = give
}

// approvalTemplate: a rule template is associated with the repository, and the
// next pull request does not satisfy it.
func approvalTemplate(s *story) {
	approvalRule(s)
	name, template := s.req.resource[len(s.c.ARN("codecommit", "")):], s.name("two-approvers")
	content := trail.O("Version", "2018-11-08", "Statements", []trail.Object{trail.O("Type", "Approvers",
		"NumberOfApprovalsNeeded", 2, "ApprovalPoolMembers", []string{"*"})})
	s.before.more = append(s.before.more, func(at time.Time) {
		s.c.Write(at, s.admin, "codecommit", "CreateApprovalRuleTemplate", trail.O("approvalRuleTemplateName", template,
			"approvalRuleTemplateContent", trail.Text(content)), nil)
	})
	s.change = func(at time.Time) *trail.Event {
		return s.c.Write(at, s.admin, "codecommit", "AssociateApprovalRuleTemplateWithRepository",
			trail.O("approvalRuleTemplateName", template, "repositoryName", name), nil)
	}
}

// keyBehindObject: reading an object fails for want of its key, which the
// message names as what the ciphertext is associated with.
func keyBehindObject(s *story) {
	s.cast("role")
	s.want(read(s, 0))
	s.base(s.kind, s.who, s.req)
	key := trail.NewRand(0, s.name("key")).UUID()
	whole := s.req.try
	s.req.try = func(at time.Time, who trail.Caller) *trail.Event {
		e := whole(at, who)
		if at.Before(s.tc) {
			d := s.c.Decrypt(at, who.Via("s3.amazonaws.com"), key, trail.O("aws:s3:arn", "arn:aws:s3:::"+s.name("reports")))
			d.SharedID = ""
		}
		return e
	}
	use := trail.For(trail.Allow("Use", "kms:Decrypt", "*"), trail.O("AWS", s.label.Principal))
	full := trail.Policy(s.keyAdmin(), use)
	s.layer("kms", false)
	s.label.Action, s.label.Resource = "kms:Decrypt", s.c.ARN("kms", "key/"+key)
	s.text = "User: " + s.self(s.tf).ARN + " is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no resource-based policy allows the kms:Decrypt action"
	s.before.more = append(s.before.more, func(at time.Time) { s.c.KeyPolicy(at, s.admin, key, full) })
	s.change = func(at time.Time) *trail.Event { return s.c.KeyPolicy(at, s.admin, key, trail.Policy(s.keyAdmin())) }
	s.undo = func(at time.Time) { s.c.KeyPolicy(at, s.admin, key, full) }
}
