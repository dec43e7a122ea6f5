package correlate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// finding works out one episode.
func (en *engine) finding(ctx context.Context, ep *episode, o *onset) (*Finding, error) {
	book := ep.book
	f := &Finding{Schema: Schema, Playbook: book.ID, Failure: en.failure(ep, o.around), Vetoed: []Vetoed{}, Candidates: []Candidate{}, NextSteps: []string{}}
	f.ID = findingID(f, ep)
	f.Coverage = en.coverage(ep)
	if err := en.explain(ctx, ep, o, f); err != nil {
		return nil, err
	}
	f.NextSteps = nextSteps(book, f)
	if en.opts.Attempts {
		f.Attempts = ep.attempts(en.c.syms.text)
	}
	return f, nil
}

// findingID hashes what makes the finding itself.
func findingID(f *Finding, ep *episode) string {
	h := sha256.New()
	for _, s := range []string{f.Playbook, ep.key.principal, ep.key.action, ep.key.scope, string(ep.key.layer), ep.first().id} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// failure describes the episode.
func (en *engine) failure(ep *episode, ar *around) Failure {
	text := en.c.syms.text
	one, d := ep.first(), ep.first().detail
	refs, resources := set{}, set{}
	for i := range ep.facts {
		addRefs(refs, text[ep.facts[i].refs])
		if len(resources) < 1<<20 {
			resources[text[ep.facts[i].res]] = true
		}
	}
	f := Failure{
		Action: ep.action, Resource: text[one.res], Refs: names(refs), Principal: ep.principal,
		Account: d.account, Region: d.region, ErrorCode: d.code, ErrorMessage: d.message,
		Denial: Denial{Effect: string(d.denial.Effect), Layer: string(d.denial.Layer)},
		Count:  len(ep.facts), First: cite(one), Last: cite(ep.last()),
		LastSuccess: citeIf(ep.lastSuccess), Recovery: citeIf(ep.recovery),
		Frequency: ep.frequency(time.Duration(ep.book.Frequency.Window)),
		Spread:    ar.spread(ep, time.Duration(ep.book.Spread.Window)),
	}
	if len(resources) > 1 {
		f.Resource, f.Resources = ep.key.scope, len(resources)
	}
	if arn := d.denial.PolicyARN; arn != "" {
		f.Denial.PolicyARN = &arn
	}
	return f
}

func cite(f *fact) Citation {
	return Citation{EventID: f.id, EventTime: Time{f.at}, Object: fmt.Sprintf("%s#%d", f.object, f.index)}
}

func citeIf(f *fact) *Citation {
	if f == nil {
		return nil
	}
	c := cite(f)
	return &c
}

// coverage tells what the trail holds of the time in which the cause was looked
// for.
func (en *engine) coverage(ep *episode) Coverage {
	c := Coverage{Gaps: []Gap{}, DataEvents: "unknown"}
	d := ep.first().detail
	if en.opts.Coverage != nil {
		ladder := ep.book.ladder(en.ladder)
		service, _, _ := strings.Cut(strings.ToLower(ep.action), ":")
		c = en.opts.Coverage(d.account, d.region, service, ep.first().at.Add(-ladder[len(ladder)-1]), ep.last().at)
	}
	if d.data {
		c.DataEvents = "present"
	}
	return c
}

// subject writes the episode's request as changes are held against it.
func (en *engine) subject(ep *episode) *subject {
	text := en.c.syms.text
	one, d := ep.first(), ep.first().detail
	service, _, _ := strings.Cut(strings.ToLower(ep.action), ":")
	sub := &subject{
		principal: ep.principal, account: arnAccount(ep.principal), home: d.account,
		action: ep.action, service: service, refs: splitRefs(text[one.refs]),
		denial: d.denial, code: d.code, endpoint: d.endpoint, region: d.region, at: one.at,
	}
	if sub.account == "" {
		sub.account = d.account
	}
	list := set{}
	for i := range ep.facts {
		list.add(text[ep.facts[i].res])
	}
	delete(list, text[one.res])
	delete(list, ep.key.scope)
	for _, r := range append([]string{text[one.res], ep.key.scope}, names(list)...) {
		if r != "" && !contains(sub.resources, r) {
			sub.resources = append(sub.resources, r)
		}
	}
	sub.key, sub.parts = entityKey(sub.principal), nameParts(sub.resources)
	sub.concrete = len(sub.resources) > 1 || len(sub.resources) == 1 && sub.resources[0] != "*"
	return sub
}

// probe writes the first failure as requests for the policies, one for each
// ref of a push: a push is refused when one of its refs is. The action and
// resource are those of the message where it names them.
func (en *engine) probe(ep *episode, sub *subject, record []byte) *probeAll {
	p := &probeAll{keys: map[string]tri{}}
	requests, err := policy.RequestsFromJSON(record)
	if err != nil {
		requests = []policy.Request{{Principal: policy.ParsePrincipal(ep.principal)}}
	}
	for i := range requests {
		p.requests = append(p.requests, requests[i].With(sub.action, en.c.syms.text[ep.first().res]))
	}
	if isMerge(ep.first().detail.eventName) && len(sub.refs) > 0 {
		p.requests = withRefs(p.requests, sub.refs)
	}
	return p
}

// explain looks for the cause and fills in candidates, vetoes and diagnosis.
func (en *engine) explain(ctx context.Context, ep *episode, o *onset, f *Finding) error {
	sub := en.subject(ep)
	j := &judge{h: en.h, docs: en.docs, sub: sub, ep: ep, probe: en.probe(ep, sub, o.record)}
	ep.refused = en.n.refusedBefore(ep)
	ladder := ep.book.ladder(en.ladder)
	steps := en.h.between(sub.at.Add(-ladder[len(ladder)-1]), latest(sub.at.Add(skew), laterEnd(ep)))
	v := newVerdicts(j, ladder)
	v.gaps = f.Coverage.Gaps
	v.open = func() (*replay.Case, error) { return en.openCase(ctx, j) }
	for _, s := range steps {
		v.consider(s)
	}
	if s, err := en.sessionStep(ctx, ep); err != nil {
		return err
	} else if s != nil {
		v.consider(s)
	}
	if err := v.settle(&f.Failure.Spread); err != nil {
		return err
	}
	f.Diagnosis = v.diagnosis
	f.Search = v.search(ladder)
	f.Vetoed = v.vetoedList(en.opts.MaxVetoed)
	for i, o := range v.ranked[:min(len(v.ranked), en.opts.MaxCandidates)] {
		c, err := en.candidate(ctx, i+1, o, ladder)
		if err != nil {
			return err
		}
		f.Candidates = append(f.Candidates, c)
	}
	return nil
}

// laterEnd bounds how long after the first failure changes are still looked
// at, to say of them that they came too late.
func laterEnd(ep *episode) time.Time {
	end := ep.last().at
	if ep.recovery != nil {
		end = latest(end, ep.recovery.at)
	}
	if limit := ep.first().at.Add(24 * time.Hour); end.After(limit) {
		return limit
	}
	return end
}

// candidate writes one opinion down.
func (en *engine) candidate(ctx context.Context, rank int, o *opinion, ladder []time.Duration) (Candidate, error) {
	actor, chain, err := en.chains.trace(ctx, o.s.ev)
	if err != nil {
		return Candidate{}, err
	}
	pro, con := o.tally.lists()
	c := Candidate{
		Rank: rank, Level: o.level, Score: o.tally.score, LagSeconds: int64(o.lag / time.Second),
		Change: ChangeRef{
			EventID: o.s.ev.ID, EventTime: Time{o.s.at}, EventSource: o.s.ev.EventSource, EventName: o.s.ev.Name,
			Actor: actor, ActorChain: chain, Target: o.s.target, Object: o.s.ev.Source(),
		},
		Diff: o.diff(), Evidence: pro, Against: con, AlsoSufficient: o.verdict.Others,
	}
	if i := rung(ladder, max(o.lag, 0)); i < len(ladder) {
		c.Window = Window(ladder[i]).String()
	}
	return c, nil
}

// diff is the candidate's change of statements, as far as it is known.
func (o *opinion) diff() []StatementDiff {
	switch {
	case !o.eff.overUnknown:
		return statementDiff(o.eff.added, o.eff.removed)
	case o.level == Proven:
		return presentDiff(o.eff.added, o.eff.clause)
	}
	return presentDiff(o.eff.added, nil)
}

func windowNames(ladder []time.Duration) []string {
	var out []string
	for _, w := range ladder {
		out = append(out, Window(w).String())
	}
	return slices.Clip(out)
}
