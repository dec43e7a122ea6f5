package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// decoy is a change near the failure that did not cause it. It says no when it
// does not fit the story.
type decoy struct {
	name string
	make func(s *story, at time.Time, i int) bool
}

var decoys = []decoy{
	{"other-principal", otherPrincipal}, {"other-action", otherAction}, {"other-branch", otherBranch},
	{"allow-only", allowOnly}, {"identical-rewrite", identicalRewrite}, {"failed-change", failedChange},
	{"put-then-undo", putThenUndo}, {"after-failure", afterFailure}, {"other-account", otherAccount},
	{"false-condition", falseCondition}, {"unrelated-role", unrelatedRole},
	{"same-policy-elsewhere", samePolicyElsewhere},
}

// distract places up to fifty between the change and the first failure, some
// after it.
func (s *story) distract() {
	n := []int{0, s.r.Between(1, 5), s.r.Between(1, 5), s.r.Between(6, 20), s.r.Between(21, 50)}[s.r.IntN(5)]
	for i := range n {
		d := trail.Pick(s.r, decoys)
		if d.make(s, s.nearer(), i) {
			s.label.Decoys[d.name]++
		}
	}
}

// nearer is a moment between the change and the first failure, mostly close to
// the failure.
func (s *story) nearer() time.Time {
	room := s.tf.Sub(s.tc).Seconds() - 4
	if room < 3 {
		return s.tf.Add(-2 * time.Second)
	}
	return s.tf.Add(-time.Duration(2+s.r.LogUniform(1, room)) * time.Second)
}

// put writes an inline policy for the principal.
func (s *story) put(at time.Time, policy string, statement trail.Object) *trail.Event {
	return s.c.PutInline(at, s.admin, s.kind, s.target(), policy, trail.Policy(statement))
}

// target is the principal, or a stand-in for one that only its own service may
// change.
func (s *story) target() string {
	if strings.HasPrefix(s.who, "AWSReservedSSO_") {
		return s.name("worker")
	}
	return s.who
}

func (s *story) deny() trail.Object { return trail.Deny("Stop", s.req.action, "*") }

func otherPrincipal(s *story, at time.Time, i int) bool {
	s.c.PutInline(at, s.admin, s.kind, fmt.Sprintf("%s-other", s.who), fmt.Sprintf("Stop%d", i), trail.Policy(s.deny()))
	return true
}

func otherAction(s *story, at time.Time, i int) bool {
	s.put(at, fmt.Sprintf("NoGlue%d", i), trail.Deny("NoGlue", []string{"glue:DeleteJob", "glue:StartJobRun"}, "*"))
	return true
}

// otherBranch denies the same push to a branch that is not asked for. Without
// a branch in the request there is nothing to tell apart.
func otherBranch(s *story, at time.Time, i int) bool {
	if s.req.ref == "" {
		return false
	}
	s.put(at, fmt.Sprintf("Release%d", i), protect(true, fmt.Sprintf("refs/heads/release-%d", i)))
	return true
}

// allowOnly grants more. Where the cause is a grant that went, it must not
// give it back.
func allowOnly(s *story, at time.Time, i int) bool {
	action := "cloudwatch:GetMetricData"
	if s.label.Explicit && s.change != nil {
		action = s.req.action
	}
	s.put(at, fmt.Sprintf("More%d", i), trail.Allow("More", action, "*"))
	return true
}

// identicalRewrite puts a policy that is in force already; its first put is
// early in the trail.
func identicalRewrite(s *story, at time.Time, i int) bool {
	name, doc := fmt.Sprintf("Kept%d", i), trail.Deny("NoBatch", "batch:SubmitJob", "*")
	s.put(s.start.Add(time.Duration(400+i)*time.Second), name, doc)
	s.put(at, name, doc)
	return true
}

// failedChange would have done it, but was refused or malformed.
func failedChange(s *story, at time.Time, i int) bool {
	e := s.put(at, fmt.Sprintf("Try%d", i), s.deny())
	if s.r.Chance(0.5) {
		e.Deny("MalformedPolicyDocumentException", "The policy failed legacy parsing")
		return true
	}
	e.Caller = s.c.NewUser("intern").From("198.51.100.66", "aws-cli/2.28.21")
	e.DenyBlind("AccessDenied", trail.Denial(e.Caller, "iam:"+e.Name, s.kind+" "+s.target(),
		"because no identity-based policy allows the iam:"+e.Name+" action"))
	return true
}

// putThenUndo denies for a moment in which nobody asks.
func putThenUndo(s *story, at time.Time, i int) bool {
	at = at.Add(-time.Duration(s.r.Between(3, 40)) * time.Second)
	undone := at.Add(time.Duration(s.r.Between(1, 3)) * time.Second)
	if !at.After(s.tc) || !undone.Before(s.tf.Add(-time.Second)) {
		return false
	}
	name := fmt.Sprintf("Moment%d", i)
	s.put(at, name, s.deny())
	s.c.DeleteInline(undone, s.admin, s.kind, s.target(), name)
	return true
}

// afterFailure denies too, but too late to be the cause; it must not stand in
// the way of what succeeds afterwards.
func afterFailure(s *story, _ time.Time, i int) bool {
	if s.label.Recovered || s.change == nil || len(s.spared) > 0 {
		return false
	}
	s.put(s.tf.Add(time.Duration(s.r.Between(5, 3000))*time.Second), fmt.Sprintf("Late%d", i), s.deny())
	return true
}

// otherAccount does it to a principal of the same name elsewhere.
func otherAccount(s *story, at time.Time, i int) bool {
	if strings.Contains(s.label.Principal, "::"+alien+":") {
		return false // there it would be the principal itself
	}
	who := s.other.NewUser("riley").From("203.0.113.99", "aws-cli/2.28.21")
	s.other.PutInline(at, who, s.kind, s.who, fmt.Sprintf("Stop%d", i), trail.Policy(s.deny()))
	return true
}

// falseCondition denies the very action under a condition that this request
// does not meet.
func falseCondition(s *story, at time.Time, i int) bool {
	s.put(at, fmt.Sprintf("Elsewhere%d", i), trail.When(s.deny(),
		trail.O("StringEquals", trail.O("aws:RequestedRegion", "ap-south-1"))))
	return true
}

func unrelatedRole(s *story, at time.Time, i int) bool {
	s.c.Attach(at, s.admin, "role", fmt.Sprintf("batch-%d", i), "arn:aws:iam::aws:policy/ReadOnlyAccess")
	return true
}

// samePolicyElsewhere gives the very policy that denies, which the message may
// name, to somebody else.
func samePolicyElsewhere(s *story, at time.Time, i int) bool {
	switch {
	case s.guardID != "":
		s.orgCall(at, "AttachPolicy", trail.O("policyId", s.guardID, "targetId", alien))
	case s.policyARN != "" && s.label.Explicit:
		s.c.Attach(at, s.admin, "role", fmt.Sprintf("batch-%d", i), s.policyARN)
	default:
		return false
	}
	return true
}
