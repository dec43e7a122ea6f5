package correlate

import (
	"context"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// replayAll lets the replay of the policy history speak on the candidates that
// the evidence takes seriously.
func (v *verdicts) replayAll(open []*opinion) error {
	if v.open == nil || v.clouded(open) {
		return nil
	}
	var list []*opinion
	for _, o := range open {
		if o.group == nil && o.lag >= 0 && replayed(o.s.kind) && o.grip.is != no {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil
	}
	c, err := v.open()
	if err != nil || c == nil {
		return err
	}
	for _, o := range list {
		o.verdict = c.Judge(o.s.ev.ID)
		v.j.accept(o)
	}
	return nil
}

// accept applies the replay's verdict to the level that the evidence gave.
func (j *judge) accept(o *opinion) {
	switch o.verdict.Verdict {
	case replay.Proven:
		o.level = Proven
	case replay.Also:
		o.level = weaker(o.level, Consistent)
	case replay.Refuted:
		if j.certain(o) || o.s.named(&j.sub.denial) {
			// It explains the message, though not that access is gone.
			o.level, o.verdict.Verdict = weaker(o.level, Consistent), replay.Also
			return
		}
		o.veto = o.verdict.Why
	case replay.Unknown:
		if o.verdict.Earlier && o.level == Proven {
			// Another change may have taken the access away before.
			o.level = Observed
		}
	}
}

// dropRefuted moves what the replay refuted to the vetoed.
func (v *verdicts) dropRefuted(open []*opinion) []*opinion {
	keep := open[:0]
	for _, o := range open {
		if o.veto != "" {
			v.vetoed = append(v.vetoed, o)
			continue
		}
		keep = append(keep, o)
	}
	return keep
}

// clouded reports whether a change that the replay cannot follow may have made
// the difference since the last success.
func (v *verdicts) clouded(open []*opinion) bool {
	for _, o := range open {
		if o.group == nil && decides(o.s.kind) && !replayed(o.s.kind) && !v.carriedOut(o) && o.mech != no && (o.between || v.j.ep.lastSuccess == nil) {
			return true
		}
	}
	return false
}

// provisioning bounds how long Identity Center takes to write into an account
// what a permission set says.
const provisioning = 15 * time.Minute

// carriedOut reports whether a change of a permission set is in the trail by
// what it did: Identity Center's own writes to the caller's role.
func (v *verdicts) carriedOut(o *opinion) bool {
	if o.s.kind != KindPermissionSet && o.s.kind != KindAssignment {
		return false
	}
	for _, w := range v.all {
		if w.s.ev.Identity.InvokedBy == "sso.amazonaws.com" && w.grip.is == yes && w.s.effective() &&
			!w.s.at.Before(o.s.at) && w.s.at.Sub(o.s.at) <= provisioning {
			return true
		}
	}
	return false
}

// replayed lists the kinds of change of which the replay knows what they do.
// Those that it cannot read make a state unknown there.
func replayed(k Kind) bool {
	switch k {
	case KindInline, KindManaged, KindManagedPolicy, KindGroupMembership, KindBoundary, KindTrust, KindPrincipal,
		KindSCP, KindRCP, KindOrgStructure, KindResourcePolicy, KindKeyPolicy, KindGrant, KindVPCEndpoint, KindSession:
		return true
	}
	return false
}

// placeOf is where a call came from, as far as conditions may ask for it.
func placeOf(e *Event) string {
	return strings.Join([]string{e.SourceIP, e.VpcEndpointID, e.Identity.InvokedBy, e.Identity.SourceIdentity,
		Str(e.Record, "userIdentity", "sessionContext", "attributes", "mfaAuthenticated")}, "\x00")
}

// openCase opens the question of an episode; nil when it cannot be answered.
func (en *engine) openCase(ctx context.Context, j *judge) (*replay.Case, error) {
	q, err := en.question(ctx, j)
	if err != nil || q == nil {
		return nil, err
	}
	return en.h.replay.Open(q), nil
}

// question makes the question for the replay out of an episode; nil when the
// request is not known well enough.
func (en *engine) question(ctx context.Context, j *judge) (*replay.Question, error) {
	q := &replay.Question{At: j.sub.at, Effect: policy.Effect(j.sub.denial.Effect), Layer: policy.Layer(j.sub.denial.Layer)}
	for _, r := range j.probe.requests {
		q.Requests = append(q.Requests, knownResource(r, &j.sub.denial))
	}
	ok := len(q.Requests) > 0 && q.Requests[0].Action != ""
	if ok {
		q.Subject, ok = subjectOf(q.Requests[0], j.sub)
	}
	if !ok {
		return nil, nil
	}
	one, ls := j.ep.first(), j.ep.lastSuccess
	session, err := en.session(ctx, q.Requests[0], en.c.syms.text[one.key], one.at)
	if err != nil {
		return nil, err
	}
	q.Subject.Session = session
	if ls != nil {
		q.Success = &replay.Success{At: ls.at, Exact: ls.request() == one.request() && ls.place == one.place}
		q.Success.Session, err = en.session(ctx, q.Requests[0], en.c.syms.text[ls.key], ls.at)
	}
	return q, err
}

// knownResource makes the resource unknown where "*" only stands for one that
// the record does not show.
func knownResource(r *policy.Request, d *DenialText) *policy.Request {
	if r.Resource != "*" || d.Resource == "*" {
		return r
	}
	c := *r
	c.Resource = ""
	return &c
}

// subjectOf names the owners of what can decide a request; false for callers
// whose policies cannot be told.
func subjectOf(r *policy.Request, sub *subject) (replay.Subject, bool) {
	s := replay.Subject{Account: r.Principal.Account, Endpoint: sub.endpoint, Home: first(r.ResourceAccount, arnAccount(r.Resource))}
	switch r.Principal.Kind {
	case policy.User, policy.Role, policy.RoleSession:
		s.Caller = entityKey(sub.principal)
		if a, ok := splitARN(s.Caller); !ok || a.service != "iam" {
			return s, false
		}
	case policy.FederatedUser, policy.UnknownPrincipal:
		return s, false
	}
	if id := bareName(sub.denial.PolicyARN); strings.HasPrefix(id, "p-") {
		s.OrgPolicy = id
	}
	service, _, _ := strings.Cut(strings.ToLower(r.Action), ":")
	switch {
	case r.Resource == "*", withoutPolicies[service]:
		s.NoResource = true
	case service == "kms" && !strings.Contains(r.Resource, ":key/"):
	default:
		s.Resource = resourceOwner(r.Resource)
	}
	return s, true
}

// withoutPolicies are services whose resources carry no policies.
var withoutPolicies = map[string]bool{
	"codecommit": true, "codepipeline": true, "codedeploy": true, "iam": true, "ec2": true, "rds": true,
	"cloudformation": true, "autoscaling": true, "elasticloadbalancing": true, "cloudwatch": true, "route53": true,
}

// session tells the policies of the session behind a request. Lasting
// credentials and those of a user's own session have none; what a role session
// was made with stands in the call that made it.
func (en *engine) session(ctx context.Context, r *policy.Request, key string, used time.Time) (replay.Session, error) {
	s := replay.Session{ID: key}
	if r.Principal.Kind != policy.RoleSession {
		s.Known = true
		return s, nil
	}
	if !strings.HasPrefix(key, "ASIA") {
		return s, nil
	}
	e, err := en.chains.issuer(ctx, key, used)
	if err != nil || e == nil {
		return s, err
	}
	made := en.chains.sessions[key]
	if made == nil {
		s.Known = true
		return s, nil
	}
	if doc := en.docs.of(made.doc); doc != nil && len(made.sessionARNs) == 0 {
		s.Known, s.Policies = true, []policy.Policy{{Name: "of the session", Doc: doc.whole}}
		s.Made, s.At = made.ev.ID, made.at.Truncate(time.Second)
	}
	return s, nil
}
