package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// request is the call that fails.
type request struct {
	action, resource string
	code             string
	blind            bool // a denial says its target in the message alone
	ref              string
	try              func(at time.Time, who trail.Caller) *trail.Event
}

// The requests there are, by name.
var requests = map[string]func(*story, int) request{
	"s3": read, "secret": secret, "ec2": start, "push": push, "kms": decrypt,
}

// read asks for an object; the third one lies in another bucket.
func read(s *story, n int) request {
	bucket, key := s.name("reports"), "daily/"+string(rune('a'+n))+".parquet"
	if n > 1 {
		bucket = s.name("archive")
	}
	return request{action: "s3:GetObject", resource: "arn:aws:s3:::" + bucket + "/" + key, code: "AccessDenied",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Object(at, who, "GetObject", bucket, key, 4096)
		}}
}

func secret(s *story, n int) request {
	arn := s.c.ARN("secretsmanager", "secret:prod/"+s.name("db")+"-"+string(rune('a'+n))+"-xY12zQ")
	return request{action: "secretsmanager:GetSecretValue", resource: arn, code: "AccessDeniedException", blind: true,
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Read(at, who, "secretsmanager", "GetSecretValue", trail.O("secretId", arn))
		}}
}

func start(s *story, n int) request {
	id := "i-0" + trail.NewRand(uint64(n), s.name("instance")).Hex(16)
	return request{action: "ec2:StartInstances", resource: s.c.ARN("ec2", "instance/"+id), code: "Client.UnauthorizedOperation",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Write(at, who, "ec2", "StartInstances",
				trail.O("instancesSet", trail.O("items", []trail.Object{trail.O("instanceId", id)})), nil)
		}}
}

func push(s *story, n int) request {
	repo, ref := s.c.NewRepo(s.name("payments")), []string{"refs/heads/main", "refs/heads/feature/x", "refs/heads/release"}[n]
	return request{action: "codecommit:GitPush", resource: s.c.ARN("codecommit", repo.Name), code: "AccessDenied", ref: ref,
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Push(at, who.From(who.IP, "git/2.47.1"), repo, ref)
		}}
}

func decrypt(s *story, _ int) request {
	key := trail.NewRand(0, s.name("key")).UUID()
	return request{action: "kms:Decrypt", resource: s.c.ARN("kms", "key/"+key), code: "AccessDenied",
		try: func(at time.Time, who trail.Caller) *trail.Event {
			return s.c.Decrypt(at, who, key, trail.O("purpose", "reports"))
		}}
}

// phrases is how a denial message names a layer's policies.
var phrases = map[string]string{
	"identity": "identity-based policy", "resource": "resource-based policy", "scp": "service control policy",
	"boundary": "permissions boundary", "session": "session policy", "vpc-endpoint": "VPC endpoint policy",
	"trust": "role trust policy", "kms": "resource-based policy", "rcp": "resource control policy",
}

// reason words why a request was denied.
func (s *story) reason() string {
	phrase := phrases[s.label.Layer]
	if !s.label.Explicit {
		return "because no " + phrase + " allows the " + s.req.action + " action"
	}
	article := " a "
	switch s.label.Layer {
	case "identity":
		article = " an "
	case "trust":
		article = " the "
	}
	r := "with an explicit deny in" + article + phrase
	if s.label.Style == "arn" {
		r += ": " + s.policyARN
	}
	return r
}

// fail makes one denied attempt of a request.
func (s *story) fail(at time.Time, who trail.Caller, q request) *trail.Event {
	e := q.try(at, who)
	text := s.message(who, q)
	if q.blind {
		return e.DenyBlind(q.code, text)
	}
	return e.Deny(q.code, text)
}

func (s *story) message(who trail.Caller, q request) string {
	resource := q.resource
	if q.action[:3] == "s3:" {
		resource = `"` + resource + `"`
	}
	switch {
	case s.text != "":
		return s.text
	case s.label.Style == "encoded":
		return "You are not authorized to perform this operation. Encoded authorization failure message: " +
			trail.NewRand(0, s.name("blob"), trail.Stamp(s.tf)).Alnum(220)
	case s.label.Style == "bare" && q.action[:3] == "s3:":
		return "Access Denied"
	case s.label.Style == "bare":
		return trail.Denial(who, q.action, resource, "")
	case q.action[:4] == "ec2:":
		return "You are not authorized to perform this operation. " + trail.Denial(who, q.action, resource, s.reason())
	}
	return trail.Denial(who, q.action, resource, s.reason())
}
