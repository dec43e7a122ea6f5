package large

import (
	"fmt"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// act is an incident on stage: who makes the request and how.
type act struct {
	c     *trail.Cloud
	n     int
	kind  *kind
	admin trail.Caller
	who   trail.Caller // a user; sessions come from role
	role  *trail.Role

	action, resource string
	attempt          func(at time.Time) *trail.Event
	reason           string // how the denial ends
	before, after    func(at time.Time) *trail.Event
}

// kind is a way to break something.
type kind struct {
	name    string
	cast    func(a *act)
	attempt int // records an attempt makes
	setup   int // records the permissions before make
}

// records is how many records a phase makes.
func (k *kind) records(ph phase) int {
	switch ph {
	case settingUp:
		return k.setup
	case working, failing:
		return k.attempt
	}
	return 1
}

// play makes the records of a phase and returns the last.
func (a *act) play(ph phase, at time.Time) *trail.Event {
	switch ph {
	case settingUp, repairing:
		return a.before(at)
	case breaking:
		return a.after(at)
	case failing:
		e := a.attempt(at)
		if e.Service == "sts" || e.Service == "secretsmanager" {
			e.Request = nil
		}
		return e.Deny(denialCode(e.Service), trail.Denial(a.caller(at), a.action, a.quoted(), a.reason))
	}
	return a.attempt(at)
}

func denialCode(service string) string {
	if service == "kms" || service == "secretsmanager" {
		return "AccessDeniedException"
	}
	return "AccessDenied"
}

// quoted is the resource as the service words it.
func (a *act) quoted() string {
	if a.action[:3] == "s3:" {
		return `"` + a.resource + `"`
	}
	return a.resource
}

// caller is the user, or the role's session of the hour.
func (a *act) caller(at time.Time) trail.Caller {
	if a.role == nil {
		return a.who
	}
	created := at.Truncate(time.Hour)
	r := trail.NewRand(uint64(created.Unix()), a.role.ARN())
	return trail.Session(*a.role, "i-0"+trail.NewRand(0, a.role.ARN()).Hex(16), r.Key("ASIA"), created).
		From(fmt.Sprintf("10.9.%d.%d", a.n/250%250, 1+a.n%250), agents[a.n%4])
}

// principal is what a label calls the caller.
func (a *act) principal() string {
	if a.role != nil {
		return a.role.ARN()
	}
	return a.who.ARN
}

func (a *act) user(name string) {
	a.who = a.c.NewUser(fmt.Sprintf("%s-%d", name, a.n)).From(fmt.Sprintf("198.51.100.%d", 1+a.n%250), agents[4])
}

func (a *act) service(name string) {
	role := a.c.NewRole("/", fmt.Sprintf("%s-%d", name, a.n))
	a.role = &role
}

// The kinds of planted causes.
var causes = []*kind{
	{name: "group-deny", cast: groupDeny, attempt: 2, setup: 1},
	{name: "bucket-policy-deny", cast: bucketDeny, attempt: 1, setup: 1},
	{name: "policy-version", cast: policyVersion, attempt: 1, setup: 1},
	{name: "user-inline-deny", cast: userDeny, attempt: 1, setup: 1},
	{name: "key-policy", cast: keyPolicy, attempt: 1, setup: 1},
	{name: "detach", cast: detach, attempt: 1, setup: 1},
}

// neverAllowed is a storm: a poller without permission.
var neverAllowed = &kind{name: "never-allowed", cast: poller, attempt: 1}

// groupDeny: a group may no longer push to the main branch of a repository.
func groupDeny(a *act) {
	a.user("dev")
	repo, group := a.c.NewRepo(fmt.Sprintf("payments-%d", a.n)), fmt.Sprintf("Juniors-%d", a.n)
	a.action, a.resource = "codecommit:GitPush", a.c.ARN("codecommit", repo.Name)
	a.reason = "with an explicit deny in an identity-based policy"
	a.attempt = func(at time.Time) *trail.Event { return a.c.Push(at, a.who, repo, "refs/heads/main") }
	allow := trail.Allow("Work", "codecommit:*", a.resource)
	deny := trail.When(trail.Deny("ProtectMain", []string{"codecommit:GitPush", "codecommit:DeleteBranch"}, "*"),
		trail.O("StringEqualsIfExists", trail.O("codecommit:References", []string{"refs/heads/main"}),
			"Null", trail.O("codecommit:References", "false")))
	a.before = func(at time.Time) *trail.Event {
		return a.c.PutInline(at, a.admin, "group", group, "Repository", trail.Policy(allow))
	}
	a.after = func(at time.Time) *trail.Event {
		return a.c.PutInline(at, a.admin, "group", group, "Repository", trail.Policy(allow, deny))
	}
}

// userDeny: a user may no longer write to a bucket.
func userDeny(a *act) {
	a.user("loader")
	a.object("PutObject", "nightly")
	a.reason = "with an explicit deny in an identity-based policy"
	a.before = func(at time.Time) *trail.Event {
		return a.c.DeleteInline(at, a.admin, "user", a.who.UserName, "Freeze")
	}
	a.after = func(at time.Time) *trail.Event {
		return a.c.PutInline(at, a.admin, "user", a.who.UserName, "Freeze",
			trail.Policy(trail.Deny("Freeze", "s3:PutObject", a.resource)))
	}
}

// bucketDeny: a bucket turns a role away.
func bucketDeny(a *act) {
	a.service("reader")
	bucket := a.object("GetObject", "exports")
	a.reason = "with an explicit deny in a resource-based policy"
	keep := trail.For(trail.When(trail.Deny("TLSOnly", "s3:*", "arn:aws:s3:::"+bucket+"/*"),
		trail.O("Bool", trail.O("aws:SecureTransport", "false"))), "*")
	out := trail.For(trail.Deny("KeepOut", "s3:GetObject", "arn:aws:s3:::"+bucket+"/*"), trail.O("AWS", a.role.ARN()))
	a.before = func(at time.Time) *trail.Event { return a.c.BucketPolicy(at, a.admin, bucket, trail.Policy(keep)) }
	a.after = func(at time.Time) *trail.Event { return a.c.BucketPolicy(at, a.admin, bucket, trail.Policy(keep, out)) }
}

// object makes the attempt one on an object and returns the bucket.
func (a *act) object(name, prefix string) string {
	bucket := fmt.Sprintf("%s-%s-%d", prefix, a.c.Account, a.n)
	key := prefix + "/current.parquet"
	a.action, a.resource = "s3:"+name, "arn:aws:s3:::"+bucket+"/"+key
	a.attempt = func(at time.Time) *trail.Event { return a.c.Object(at, a.caller(at), name, bucket, key, 4096+a.n) }
	return bucket
}

// secret makes the attempt one to read a secret.
func (a *act) secret() {
	name := fmt.Sprintf("prod/db-%d", a.n)
	a.action, a.resource = "secretsmanager:GetSecretValue", a.c.ARN("secretsmanager", "secret:"+name+"-aB3dE9")
	a.reason = "because no identity-based policy allows the secretsmanager:GetSecretValue action"
	a.attempt = func(at time.Time) *trail.Event {
		return a.c.Read(at, a.caller(at), "secretsmanager", "GetSecretValue", trail.O("secretId", name))
	}
}

// policyVersion: a new default version of a managed policy forgets an action.
func policyVersion(a *act) {
	a.service("worker")
	a.secret()
	name := fmt.Sprintf("WorkerAccess-%d", a.n)
	logs := trail.Allow("Logs", "logs:PutLogEvents", "*")
	read := trail.Allow("Secrets", "secretsmanager:GetSecretValue", a.resource)
	a.before = func(at time.Time) *trail.Event {
		return a.c.CreatePolicyVersion(at, a.admin, name, 2, trail.Policy(logs, read))
	}
	a.after = func(at time.Time) *trail.Event {
		return a.c.CreatePolicyVersion(at, a.admin, name, 3, trail.Policy(logs))
	}
}

// detach: the policy that grants a role its secret goes.
func detach(a *act) {
	a.service("batch")
	a.secret()
	arn := a.c.PolicyARN(fmt.Sprintf("BatchSecrets-%d", a.n))
	a.before = func(at time.Time) *trail.Event { return a.c.Attach(at, a.admin, "role", a.role.Name, arn) }
	a.after = func(at time.Time) *trail.Event { return a.c.Detach(at, a.admin, "role", a.role.Name, arn) }
}

// keyPolicy: a key's policy no longer names a role.
func keyPolicy(a *act) {
	a.service("signer")
	key := trail.NewRand(uint64(a.n), "key", a.c.Account).UUID()
	a.action, a.resource = "kms:Decrypt", a.c.ARN("kms", "key/"+key)
	a.reason = "because no resource-based policy allows the kms:Decrypt action"
	a.attempt = func(at time.Time) *trail.Event {
		return a.c.Decrypt(at, a.caller(at), key, trail.O("purpose", "signing"))
	}
	admin := trail.For(trail.Allow("Admin", []string{"kms:Put*", "kms:Get*"}, "*"), trail.O("AWS", a.admin.ARN))
	use := trail.For(trail.Allow("Use", "kms:Decrypt", "*"), trail.O("AWS", a.role.ARN()))
	a.before = func(at time.Time) *trail.Event { return a.c.KeyPolicy(at, a.admin, key, trail.Policy(admin, use)) }
	a.after = func(at time.Time) *trail.Event { return a.c.KeyPolicy(at, a.admin, key, trail.Policy(admin)) }
}

// poller asks again and again for what it was never given.
func poller(a *act) {
	a.service("probe")
	a.object("GetObject", "restricted")
	a.reason = "because no identity-based policy allows the s3:GetObject action"
}
