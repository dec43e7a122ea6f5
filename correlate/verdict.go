package correlate

import (
	"cmp"
	"slices"
	"time"

	"github.com/trailblame/trailblame/correlate/replay"
)

// verdicts ranks all that was considered for one episode.
type verdicts struct {
	j      *judge
	ladder []time.Duration
	// open prepares the replay of the episode; it is asked for only when there
	// is something to decide.
	open       func() (*replay.Case, error)
	gaps       []Gap // of the trail, up to the first failure
	all        []*opinion
	ranked     []*opinion
	vetoed     []*opinion
	far        []*step // cannot reach the request, in order of time
	context    *opinion
	considered int
	diagnosis  Diagnosis
}

func newVerdicts(j *judge, ladder []time.Duration) *verdicts {
	return &verdicts{j: j, ladder: ladder}
}

// consider weighs one step.
func (v *verdicts) consider(s *step) {
	book := v.j.ep.book
	before := s.at.Before(v.j.sub.at.Add(skew + 1))
	if !s.failed && s.kind != "" && v.j.sub.reject(s) {
		if g := book.evidenceFor(s); g == nil || decides(s.kind) {
			v.far = append(v.far, s)
			if before {
				v.considered++
			}
		}
		return
	}
	if g := book.evidenceFor(s); g != nil && (s.evidence || !decides(s.kind)) {
		v.considerEvidence(s, g)
		return
	}
	if s.evidence || s.kind == "" || s.failed && v.j.isFailure(s) {
		return
	}
	if before {
		v.considered++
	}
	o := v.j.weigh(s)
	o.book = book.groupForStep(s)
	v.all = append(v.all, o)
}

// isFailure reports whether the step is one of the failures themselves: a
// refused change is not a change.
func (j *judge) isFailure(s *step) bool {
	return s.ev.Name == j.ep.first().detail.eventName && entityKey(s.ev.Principal()) == j.ep.key.principal
}

// considerEvidence weighs an event that a playbook names as evidence.
func (v *verdicts) considerEvidence(s *step, g *EvidenceGroup) {
	lag := v.j.sub.at.Sub(s.at)
	if lag < 0 || lag > time.Duration(g.Window) || s.failed {
		return
	}
	o := &opinion{s: s, lag: lag, grip: v.j.joined(s, g), group: g}
	if o.grip.is == no {
		return
	}
	if g.Context {
		v.context = o // steps come in order of time: the latest stays
		return
	}
	v.considered++
	v.all = append(v.all, o)
}

// joined tells whether an evidence event shares with the failure what its
// group asks for.
func (j *judge) joined(s *step, g *EvidenceGroup) grip {
	switch g.Join {
	case "account":
		if sameAccount(s, j.sub) {
			return reaches(0, "it happened in the same account")
		}
		return misses("it happened in another account")
	case "principal":
		if len(s.subjects) == 0 && entityKey(s.ev.Principal()) == entityKey(j.sub.principal) {
			return reaches(pointsSubjectExact, "the caller did it itself")
		}
		return j.h.gripOfSubjects(s, j.sub)
	}
	return gripOfResource(s, j.sub)
}

// settle grades, ranks and diagnoses.
func (v *verdicts) settle(sp *Spread) error {
	var open []*opinion
	for _, o := range v.all {
		if o.veto != "" {
			v.vetoed = append(v.vetoed, o)
		} else {
			open = append(open, o)
		}
	}
	v.gradeAll(open)
	if err := v.replayAll(open); err != nil {
		return err
	}
	open = v.dropRefuted(open)
	latest := latestOf(open)
	for _, o := range open {
		v.j.argue(o, v.ladder, o == latest, sp)
		v.j.conclude(o)
		v.doubt(o)
		if c := v.context; c != nil {
			o.tally.add(evOnset, 0, sentence(c.group.Text+" "+spell(c.lag)+" before the first failure"))
		}
	}
	v.ranked = open
	v.diagnose()
	slices.SortStableFunc(v.ranked, compareOpinions)
	return nil
}

// doubt takes a level from a claim when the trail lacks events of the time in
// which another change could have come between: since the last success, or
// since the change where none is known.
func (v *verdicts) doubt(o *opinion) {
	if o.group != nil || levelRank(o.level) > levelRank(Observed) {
		return
	}
	from := o.s.at
	if ls := v.j.ep.lastSuccess; ls != nil && ls.at.Before(from) {
		from = ls.at
	}
	for _, g := range v.gaps {
		if !g.From.Before(v.j.sub.at) || !g.To.After(from) {
			continue
		}
		o.level = lowered[o.level]
		o.tally.against(evOnset, "The trail lacks events of account "+g.Account+" from "+g.From.String()+" to "+g.To.String()+"; a change in that time would not be seen.")
		return
	}
}

// lowered is the level below one that claims more than consistent.
var lowered = map[Level]Level{Proven: Observed, Observed: Consistent}

// gradeAll gives levels by the evidence at hand.
func (v *verdicts) gradeAll(open []*opinion) {
	rivals := 0
	for _, o := range open {
		if o.between && decides(o.s.kind) && o.group == nil && !o.faint() {
			rivals++
		}
	}
	for _, o := range open {
		o.level = v.j.grade(o, rivals == 1)
	}
}

// faint reports a change of which nothing but an unseen earlier document could
// concern the request, and which is about something else or may not reach it.
func (o *opinion) faint() bool {
	return o.eff.blind && (o.eff.remote || o.grip.is != yes)
}

// weaker returns the weaker of two levels.
func weaker(a, b Level) Level {
	if levelRank(a) > levelRank(b) {
		return a
	}
	return b
}

// latestOf returns the latest change that could matter.
func latestOf(open []*opinion) *opinion {
	var best *opinion
	for _, o := range open {
		if o.group == nil && levelRank(o.level) <= levelRank(Consistent) && (best == nil || !o.s.at.Before(best.s.at)) {
			best = o
		}
	}
	return best
}

// compareOpinions ranks: level, score, later change, eventID.
func compareOpinions(a, b *opinion) int {
	return cmp.Or(
		cmp.Compare(levelRank(a.level), levelRank(b.level)),
		cmp.Compare(b.tally.score, a.tally.score),
		b.s.at.Compare(a.s.at),
		cmp.Compare(a.s.ev.ID, b.s.ev.ID),
	)
}

// diagnose says what kind of answer the candidates give.
func (v *verdicts) diagnose() {
	best := Temporal
	for _, o := range v.ranked {
		if levelRank(o.level) < levelRank(best) {
			best = o.level
		}
	}
	ep := v.j.ep
	if levelRank(best) > levelRank(Observed) {
		if o := v.j.propagated(v.all); o != nil {
			v.promote(o)
			return
		}
	}
	switch {
	case levelRank(best) <= levelRank(Consistent):
		v.diagnosis = DiagnosisChange
	case ep.lastSuccess == nil && ep.recovery == nil && len(ep.oks) == 0 && ep.native == "":
		v.diagnosis = DiagnosisNeverAllowed
		v.relate()
	default:
		v.diagnosis = DiagnosisUnexplained
	}
}

// promote makes the grant that was not effective yet the first candidate.
func (v *verdicts) promote(o *opinion) {
	v.diagnosis = DiagnosisPropagation
	v.vetoed = slices.DeleteFunc(v.vetoed, func(x *opinion) bool { return x == o })
	v.ranked = slices.DeleteFunc(v.ranked, func(x *opinion) bool { return x == o })
	o.level, o.veto, o.tally = Observed, "", tally{}
	v.j.argueGrant(o, v.ladder)
	v.ranked = append(v.ranked, o)
}

// relate turns changes that only define what the caller may do from vetoed
// into related: they show what was granted instead.
func (v *verdicts) relate() {
	keep := v.vetoed[:0]
	for _, o := range v.vetoed {
		if !o.adds || o.grip.is != yes || o.lag < -skew {
			keep = append(keep, o)
			continue
		}
		o.level = Related
		v.j.argueTime(o, v.ladder, false)
		o.tally.add(evScope, o.grip.points, sentence(o.grip.text))
		o.tally.against(evDirection, sentence(o.veto))
		o.veto = ""
		v.ranked = append(v.ranked, o)
	}
	v.vetoed = keep
}

// search tells how far the hunt went.
func (v *verdicts) search(ladder []time.Duration) Search {
	s := Search{ChangesConsidered: v.considered}
	found := len(ladder) - 1
	if len(v.ranked) > 0 {
		o := v.ranked[0]
		if i := rung(ladder, max(o.lag, 0)); i < len(ladder) {
			name := Window(ladder[i]).String()
			s.FoundIn = &name
			if v.diagnosis == DiagnosisChange || v.diagnosis == DiagnosisPropagation {
				found = i // else the search went on to the end
			}
		}
		s.Escalated = o.book != nil && max(o.lag, 0) > time.Duration(o.book.Window) || o.group != nil && v.j.ep.book.Escalation.Window > 0
	} else if esc := v.j.ep.book.Escalation.Window; esc > 0 {
		s.Escalated = true
	}
	s.Windows = windowNames(ladder[:found+1])
	return s
}

// vetoedList writes the vetoes, nearest to the failure first: what reaches the
// request but cannot have done it before what does not reach it.
func (v *verdicts) vetoedList(most int) []Vetoed {
	v.nearMisses(most)
	slices.SortStableFunc(v.vetoed, func(a, b *opinion) int {
		return cmp.Or(cmp.Compare(miss(a), miss(b)), cmp.Compare(a.lag.Abs(), b.lag.Abs()), cmp.Compare(a.s.ev.ID, b.s.ev.ID))
	})
	out := []Vetoed{}
	for _, o := range v.vetoed[:min(len(v.vetoed), most)] {
		out = append(out, Vetoed{Citation{EventID: o.s.ev.ID, EventTime: Time{o.s.at}, Object: o.s.ev.Source()}, o.s.ev.Name, o.veto})
	}
	return out
}

// nearMisses takes up the nearest of the changes that were rejected unread.
func (v *verdicts) nearMisses(most int) {
	at := v.j.sub.at
	slices.SortFunc(v.far, func(a, b *step) int {
		return cmp.Or(cmp.Compare(at.Sub(a.at).Abs(), at.Sub(b.at).Abs()), cmp.Compare(a.ev.ID, b.ev.ID))
	})
	for _, s := range v.far[:min(len(v.far), most)] {
		g := v.j.h.gripOf(s, v.j.sub)
		v.vetoed = append(v.vetoed, &opinion{s: s, lag: at.Sub(s.at), grip: g, veto: g.text})
	}
}

func miss(o *opinion) int {
	if o.grip.is == no {
		return 1
	}
	return 0
}
