package correlate

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/replay"
)

// argue fills in the points for and against an opinion that is a candidate.
func (j *judge) argue(o *opinion, ladder []time.Duration, latest bool, sp *Spread) {
	t := &o.tally
	j.argueTime(o, ladder, latest)
	if o.grip.is != no {
		t.add(evScope, o.grip.points, sentence(o.grip.text))
	}
	if o.group != nil {
		t.add(evScope, 0, sentence(o.group.Text))
		return
	}
	j.argueContent(o)
	j.argueMessage(o)
	j.argueOnset(o)
	if r := j.reverted(o); r != nil {
		t.add(evRecovery, pointsReverted, fmt.Sprintf("%s took it back, and the request passed %s later.", r.ev.Name, spell(j.ep.recovery.at.Sub(r.at))))
	}
	if o.mech != no && len(sp.Succeeding) > 0 && (o.eff.deny == yes || o.eff.lose == yes || o.grip.is == yes) {
		t.add(evPeers, pointsPeers, fmt.Sprintf("Others still pass in the same hour: %s.", listed(sp.Succeeding)))
	}
}

func (j *judge) argueTime(o *opinion, ladder []time.Duration, latest bool) {
	t := &o.tally
	lag := max(o.lag, 0)
	i := rung(ladder, lag)
	switch {
	case o.lag < 0:
		t.add(evTime, pointsForRung(i), fmt.Sprintf("The change is recorded %s after the first failure, within the %s that clocks of whole seconds may differ.", spell(-o.lag), spell(skew)))
	case i < len(ladder):
		t.add(evTime, pointsForRung(i), fmt.Sprintf("The change came %s before the first failure, within %s.", spell(lag), Window(ladder[i])))
	default:
		t.add(evTime, 0, fmt.Sprintf("The change came %s before the first failure.", spell(lag)))
	}
	if latest {
		t.add(evTime, pointsLatest, "It is the latest change that could matter.")
	}
	if o.book == nil {
		return
	}
	if lag <= time.Duration(o.book.Window) {
		t.add(evTime, pointsWindow, fmt.Sprintf("It lies inside the %s in which the playbook expects changes of its kind (%s).", o.book.Window, o.book.Name))
	} else {
		t.add(evTime, pointsEscalated, fmt.Sprintf("It lies outside the %s in which the playbook expects changes of its kind (%s); it was found by searching further back.", o.book.Window, o.book.Name))
	}
}

// argueContent says what the statements tell.
func (j *judge) argueContent(o *opinion) {
	t, e := &o.tally, &o.eff
	switch {
	case e.deny == yes && j.sub.denial.Effect != EffectImplicit:
		t.add(evDirection, 0, "A Deny that matches the request is in the changed policy.")
	case e.lose == yes && j.sub.denial.Effect != EffectExplicit:
		t.add(evDirection, 0, "An Allow that covered the request was taken away.")
	case e.deny == maybe && e.clause != nil && !e.clause.allow:
		t.add(evDirection, 0, "A Deny in the changed policy may match; that hangs on conditions that the record does not show.")
	case e.lose == maybe && e.clause != nil && e.clause.allow:
		t.add(evDirection, 0, "An Allow that may have covered the request was taken away.")
	}
	if e.clause != nil {
		if p, text := actionPoints(e.clause, j.sub.action); p > 0 {
			t.add(evScope, p, sentence(text))
		}
		if namesResource(e.clause, j.sub.resources) {
			t.add(evScope, pointsResource, "The statement names the resource of the request.")
		}
	}
	if e.guard {
		t.add(evDirection, pointsGuard, "It only denies, and nothing of it matches the request.")
	}
	if e.blind {
		t.add(evDirection, pointsUnknownDoc, sentence(e.why))
	} else if e.why != "" && o.mech == maybe {
		t.against(evDirection, sentence(e.why))
	}
}

// argueMessage holds the change against the denial message.
func (j *judge) argueMessage(o *opinion) {
	t, d := &o.tally, &j.sub.denial
	if o.s.named(d) {
		t.add(evMessage, pointsMessageARN, "The denial message names the very policy that changed.")
	}
	switch {
	case d.Layer == LayerUnknown || d.Layer == "":
		t.against(evLayer, "The message does not tell which kind of policy decided.")
	case d.Layer == o.s.layer:
		t.add(evLayer, pointsMessageLayer, fmt.Sprintf("The message names the %s layer, where this change is.", d.Layer))
	default:
		t.against(evLayer, fmt.Sprintf("The message names the %s layer; this change is in the %s layer, which can stand in for it.", d.Layer, o.s.layer))
	}
	switch {
	case d.Effect == EffectExplicit && o.eff.deny == yes:
		t.add(evMessage, pointsMessageEffect, "The denial is explicit, and the change adds a Deny.")
	case d.Effect == EffectImplicit && o.eff.lose == yes:
		t.add(evMessage, pointsMessageEffect, "The denial is for want of an Allow, and the change takes one away.")
	}
}

// argueOnset says what passed before.
func (j *judge) argueOnset(o *opinion) {
	t, ls := &o.tally, j.ep.lastSuccess
	if ls == nil {
		t.against(evOnset, "The trail shows no success of this request before the first failure.")
		return
	}
	gap := j.sub.at.Sub(ls.at)
	what := "The same request"
	if !j.ep.exactSuccess() {
		what = "A like request on the same resource"
	}
	if gap <= 24*time.Hour {
		t.add(evOnset, pointsOnset, fmt.Sprintf("%s still passed %s before the first failure.", what, spell(gap)))
	}
	if o.between {
		t.add(evOnset, pointsBetween, fmt.Sprintf("%s passed at %s, before the change, and failed after it.", what, Time{ls.at}))
	}
}

// sentence makes a sentence of a clause.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// conclude adds what makes the level.
func (j *judge) conclude(o *opinion) {
	t := &o.tally
	if o.verdict.Verdict == replay.Also {
		t.against(evReplay, sentence(o.verdict.Why))
	}
	switch {
	case o.verdict.Verdict == replay.Proven:
		t.add(evReplay, pointsReplay, sentence(o.verdict.Why))
		for _, id := range o.verdict.Others {
			t.add(evReplay, 0, sentence("also sufficient by itself: the change "+id))
		}
	case o.level == Proven:
		how := "the policy did not hold it before"
		if !o.eff.fresh {
			how = "the same request passed before the change"
		}
		t.add(evReplay, pointsReplay, fmt.Sprintf("The change added a Deny that matches this request and reaches the caller; an explicit deny decides by itself, and %s.", how))
	case o.level == Observed && o.between:
		t.add(evOnset, 0, "No other change that could matter lies between the last success and the first failure.")
	}
}

// conclusion of a grant that was not effective yet.
func (j *judge) argueGrant(o *opinion, ladder []time.Duration) {
	t := &o.tally
	i := rung(ladder, max(o.lag, 0))
	t.add(evPropagation, pointsPropagation, fmt.Sprintf("It grants the request; the first refusal came %s later and the request passed %s after it, without another change. Granted, not yet effective.",
		spell(max(o.lag, 0)), spell(j.ep.recovery.at.Sub(o.s.at))))
	t.add(evTime, pointsForRung(i), fmt.Sprintf("The change came %s before the first failure.", spell(max(o.lag, 0))))
	t.add(evScope, o.grip.points, sentence(o.grip.text))
	if o.eff.clause != nil {
		if p, text := actionPoints(o.eff.clause, j.sub.action); p > 0 {
			t.add(evScope, p, sentence(text))
		}
	}
}
