package correlate

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// opinion is what the judge thinks of one step.
type opinion struct {
	s     *step
	lag   time.Duration
	grip  grip
	eff   effects
	mech  tri    // whether it can have caused a denial of this effect
	veto  string // why it cannot be the cause; "" when it can
	adds  bool   // vetoed only because it takes nothing away
	level Level
	// between is set when the request passed before the change.
	between bool
	tally   tally
	// verdict is what the replay says.
	verdict replay.Answer
	book    *ChangeGroup
	group   *EvidenceGroup
}

// weigh holds one step against the request: effects, scope and vetoes.
func (j *judge) weigh(s *step) *opinion {
	o := &opinion{s: s, lag: j.sub.at.Sub(s.at), grip: j.h.gripOf(s, j.sub)}
	if ls := j.ep.lastSuccess; ls != nil {
		o.between = ls.at.Sub(s.at) <= settle
	}
	if o.grip.is == no && len(s.subjects)+len(s.resources) > 0 {
		o.veto = o.grip.text
		return o
	}
	if s.failed {
		o.veto = "the change itself failed"
		return o
	}
	if o.grip.is == no {
		o.veto = o.grip.text
		return o
	}
	if s.inert {
		o.veto = "it took no effect by itself"
		return o
	}
	o.eff = j.effects(s)
	if j.passing(s) {
		o.eff = effects{lose: maybe, blind: true, remote: true, added: o.eff.added, overUnknown: true,
			why: "what it wrote was gone again before the failure; whether it replaced anything is not in the trail"}
	}
	o.mech = j.mechanism(&o.eff)
	o.veto = j.vetoOf(o)
	return o
}

// passing reports a document that was put where nobody knows what was before,
// and taken away before the failure.
func (j *judge) passing(s *step) bool {
	if s.key == "" || isLinkStep(s) || s.before.known || s.next == nil || !s.next.at.Before(j.sub.at) {
		return false
	}
	now := j.h.at(s.key, j.sub.at)
	return now.known && now.absent
}

// mechanism tells whether the effects can make a denial as the message tells.
func (j *judge) mechanism(e *effects) tri {
	switch j.sub.denial.Effect {
	case EffectExplicit:
		return e.deny
	case EffectImplicit:
		return e.lose
	}
	return max(e.deny, e.lose)
}

// vetoOf returns the first reason why a successful change in reach cannot be
// the cause, or "".
func (j *judge) vetoOf(o *opinion) string {
	for _, veto := range []func(*opinion) string{
		j.vetoTime, j.vetoUnchanged, j.vetoMessage, j.vetoDirection, j.vetoUndone, j.vetoSuccess, j.vetoPrior,
	} {
		if why := veto(o); why != "" {
			return why
		}
	}
	return ""
}

func (j *judge) vetoTime(o *opinion) string {
	if o.lag < -skew {
		return "it came " + spell(-o.lag) + " after the first failure"
	}
	return ""
}

func (j *judge) vetoUnchanged(o *opinion) string {
	s := o.s
	if isLinkStep(s) {
		if s.op == OpAdd && s.before.known && !s.before.absent && s.prev != nil {
			return "it was so before; the change changed nothing"
		}
		return ""
	}
	b, bKnown := j.resolve(s.before)
	a, aKnown := j.resolve(s.after)
	if bKnown && aKnown && b != nil && a != nil && policy.Equal(b.whole, a.whole) {
		return "the document did not change"
	}
	return ""
}

// vetoMessage holds the change against what the denial message names.
func (j *judge) vetoMessage(o *opinion) string {
	if strings.HasPrefix(j.sub.code, "PullRequestApprovalRules") && o.s.kind != KindApprovalRule {
		return "approval rules refused the merge; no policy did"
	}
	d := &j.sub.denial
	writesOne := o.s.policyARN != "" || o.s.kind == KindInline || isOrgPolicy(o.s.kind)
	if d.PolicyARN != "" && writesOne && !o.s.named(d) {
		return "the message names another policy, " + d.PolicyARN
	}
	if o.s.layer == LayerKMS && d.Action != "" && prefixOf(strings.ToLower(d.Action)) != "kms" {
		return "the message names " + d.Action + " as what was refused; a key decides no such action"
	}
	return layerVeto(o, d)
}

// layerVeto compares the kind of policy that the message names.
func layerVeto(o *opinion, d *DenialText) string {
	if compatible(o.s.layer, d) || d.Layer == LayerRCP && o.s.kind == KindSCP && !o.s.typed {
		return "" // an organization policy known by its id alone may be of either type
	}
	return fmt.Sprintf("the message names a decision in the %s layer; this change is in the %s layer", d.Layer, o.s.layer)
}

// compatible reports whether a change in a layer can be behind a denial that
// the message puts in another. Within one account identity and resource
// policies stand in for each other, so a missing Allow of one may be blamed on
// the other.
func compatible(have Layer, d *DenialText) bool {
	if d.Layer == LayerUnknown || d.Layer == "" || have == LayerUnknown || have == "" || have == d.Layer {
		return true
	}
	onResource := func(l Layer) bool { return l == LayerResource || l == LayerKMS || l == LayerTrust }
	if onResource(have) && onResource(d.Layer) {
		return true
	}
	if d.Effect == EffectImplicit {
		return d.Layer == LayerIdentity && onResource(have) || onResource(d.Layer) && have == LayerIdentity
	}
	return false
}

// vetoUndone rejects a change whose work was gone again before the failure.
func (j *judge) vetoUndone(o *opinion) string {
	s := o.s
	if s.key == "" || s.next == nil || !s.next.at.Before(j.sub.at) {
		return ""
	}
	last := s.next
	for last.next != nil && last.next.at.Before(j.sub.at) {
		last = last.next
	}
	if j.inForce(o, last.after) {
		return ""
	}
	return fmt.Sprintf("%s undid it %s before the first failure", last.ev.Name, spell(j.sub.at.Sub(last.at)))
}

// inForce reports whether what the step did still holds in a later state, or
// may hold.
func (j *judge) inForce(o *opinion, now state) bool { return j.strength(o, now) != no }

// strength tells whether what the step did can refuse the request when a later
// state has taken the place of its own: the difference from what was before
// the step is judged anew.
func (j *judge) strength(o *opinion, now state) tri {
	switch {
	case !now.known:
		return o.mech
	case isLinkStep(o.s):
		if now.absent == (o.s.op == OpRemove) {
			return o.mech
		}
		return no
	case o.s.before.absent && now.absent:
		return no
	}
	e := j.documentChange(o.s.before, now, onResource(o.s))
	return min(o.mech, j.mechanism(&e))
}

// vetoDirection rejects a change that cannot have taken the permission away.
func (j *judge) vetoDirection(o *opinion) string {
	if o.mech != no {
		return ""
	}
	e := &o.eff
	o.adds = e.lose == no && e.deny == no
	switch {
	case o.adds && e.grant == no && len(e.removed) == 0 && onlyAllows(e.added):
		return "it only adds permissions, and none for " + j.sub.action
	case o.adds && e.grant == yes:
		return "it only adds permissions, the refused one among them; that denies nothing"
	case o.adds && len(e.removed) == 0 && (len(e.added) == 0 || onlyAllows(e.added)):
		return "it only adds permissions; that denies nothing"
	case o.adds:
		return "the statements it changed do not cover " + j.sub.action + " on this resource"
	case j.sub.denial.Effect == EffectExplicit:
		return "the denial is explicit, and this change adds no Deny that covers the request"
	}
	return "the denial is for want of an Allow, and this change takes none away that covered the request"
}

// onlyAllows reports whether all of some statements allow.
func onlyAllows(list []clause) bool {
	for i := range list {
		if !list[i].allow {
			return false
		}
	}
	return len(list) > 0
}

func (j *judge) vetoSuccess(o *opinion) string {
	ls := j.ep.lastSuccess
	if ls == nil || ls.at.Sub(o.s.at) <= settle {
		return ""
	}
	return fmt.Sprintf("the same request passed %s after it, before the first failure", spell(ls.at.Sub(o.s.at)))
}

func (j *judge) vetoPrior(o *opinion) string {
	if p := j.ep.prior; p != nil && o.s.at.After(p.at) {
		return "the same request was refused before it already, at " + Time{p.at}.String()
	}
	return ""
}

// certain reports whether the change proves the denial by itself: it brought
// in a Deny that matches the request, reaches the caller for certain, and was
// not there before.
func (j *judge) certain(o *opinion) bool {
	e := &o.eff
	if e.deny != yes || o.grip.is != yes || o.lag < 0 || j.sub.denial.Effect == EffectImplicit || o.s.kind == KindApprovalRule {
		return false
	}
	if r := j.ep.refused; r != nil && o.s.at.After(r.at) {
		return false // access was gone already
	}
	if !j.stands(o) {
		return false
	}
	return e.fresh || o.between && j.ep.exactSuccess()
}

// stands reports whether the Deny that a step brought in is still in force at
// the failure.
func (j *judge) stands(o *opinion) bool {
	s := o.s
	key := s.key
	switch {
	case s.kind == KindManaged || s.kind == KindBoundary:
		key = policyKey(s.policyARN)
	case isOrgPolicy(s.kind):
		key = orgKey(s)
	case s.kind == KindGroupMembership || key == "" || s.next == nil || !s.next.at.Before(j.sub.at):
		return true
	}
	doc, known := j.resolve(j.h.at(key, j.sub.at))
	if !known {
		return false
	}
	if doc == nil {
		return s.statement != ""
	}
	deny, _ := j.probe.any(doc.clauses, false, onResource(s))
	return deny == yes
}

// exactSuccess reports whether the last success was of the very same request.
func (ep *episode) exactSuccess() bool {
	return ep.lastSuccess != nil && ep.requests()[ep.lastSuccess.request()]
}

// grade gives the level of a change that no veto rejects. alone tells that no
// other unvetoed change of a compatible layer lies between the last success
// and the failure.
func (j *judge) grade(o *opinion, alone bool) Level {
	if o.s.evidence || !decides(o.s.kind) {
		if o.grip.is == yes {
			return Related
		}
		return Temporal
	}
	named := o.s.named(&j.sub.denial)
	sure := o.grip.is == yes
	switch {
	case j.certain(o):
		return Proven
	case named:
		return Observed
	case sure && o.between && alone && !o.eff.blind && o.lag >= -skew:
		return Observed
	case !o.eff.blind && (sure || o.between || o.mech == yes):
		return Consistent
	case sure && o.between && alone && !o.eff.remote:
		return Consistent
	case sure:
		return Related
	}
	return Temporal
}

// propagated finds a grant that was not effective yet: the request is refused
// within a minute of it and passes soon after, without another grant between.
func (j *judge) propagated(all []*opinion) *opinion {
	rec := j.ep.recovery
	if rec == nil || j.ep.last().at.Sub(j.ep.first().at) > heal {
		return nil
	}
	var found *opinion
	for _, o := range all {
		s := o.s
		if !s.effective() || o.veto != "" && !o.adds || o.grip.is != yes || o.eff.grant == no || s.at.After(rec.at) {
			continue
		}
		if s.at.After(j.sub.at.Add(skew)) {
			return nil // a later grant explains the recovery
		}
		if o.lag > settle || rec.at.Sub(s.at) > settle+heal || j.ep.lastSuccess != nil && j.ep.lastSuccess.at.After(s.at) {
			continue
		}
		if found == nil || o.eff.grant > found.eff.grant || o.eff.grant == found.eff.grant && s.at.After(found.s.at) {
			found = o
		}
	}
	return found
}

// reverted finds the step that took a change back after the first failure and
// before the recovery, or nil.
func (j *judge) reverted(o *opinion) *step {
	rec := j.ep.recovery
	if rec == nil || o.s.key == "" {
		return nil
	}
	for n := o.s.next; n != nil && !n.at.After(rec.at); n = n.next {
		if !n.at.Before(j.sub.at) && n.after.known && j.strength(o, n.after) < o.mech {
			return n
		}
	}
	return nil
}
