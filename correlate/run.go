package correlate

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/replay"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// Options direct a correlation. The zero Options correlate every failure with
// the embedded playbooks over the usual ladder.
type Options struct {
	// Filter selects failures. Changes are read back over the whole ladder,
	// and successes around the failures, whatever it says.
	Filter query.Filter
	// Playbooks claim the failures; nil means the embedded ones. Failures
	// that none of them claims are left out.
	Playbooks []*Playbook
	// Windows is the ladder, nil for Ladder(). Playbooks may add rungs.
	Windows []time.Duration
	// Limit ends the run after so many findings; 0 is no limit.
	Limit int
	// MaxCandidates and MaxVetoed bound the lists of one finding; 0 stands
	// for 10 and 20. The best candidates and the nearest vetoes are kept.
	MaxCandidates, MaxVetoed int
	// Baseline tells the policies before the trail begins, or is nil.
	Baseline *replay.Baseline
	// Failures are failures from outside the trail, besides those in it.
	// Filter does not select among them.
	Failures []ExternalFailure
	// Change keeps only the findings that blame the change of this eventID:
	// as their first candidate, or as one sufficient by itself.
	Change string
	// Attempts makes the findings hold every try of their request.
	Attempts bool
	// Coverage tells what the trail holds of an account, a region and a
	// service, such as s3, in a span; nil when nobody knows.
	Coverage func(account, region, service string, from, to time.Time) Coverage
}

// engine is one run.
type engine struct {
	opts   Options
	trail  Trail
	ladder []time.Duration
	c      *collector
	n      *neighbourhood
	h      *history
	docs   documents
	chains *chains
}

// Run correlates the failures of a trail with the changes before them. It
// yields findings in the order of their first failure, then id. The sequence
// ends after an error, which the trail or the context caused; what was yielded
// before stands.
func Run(ctx context.Context, trail Trail, opts Options) iter.Seq2[*Finding, error] {
	return func(yield func(*Finding, error) bool) {
		en, eps, err := prepare(ctx, trail, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		next, stop := en.onsets(ctx, eps)
		defer stop()
		left := opts.Limit
		for batch := range sameFirst(eps) {
			found, err := en.findings(ctx, batch, next)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, f := range found {
				if opts.Change != "" && !f.blames(opts.Change) {
					continue
				}
				if !yield(f, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// prepare reads what the findings are made of.
func prepare(ctx context.Context, trail Trail, opts Options) (*engine, []*episode, error) {
	if opts.Playbooks == nil {
		books, err := Playbooks()
		if err != nil {
			return nil, nil, err
		}
		opts.Playbooks = books
	}
	opts.MaxCandidates = cmp.Or(opts.MaxCandidates, 10)
	opts.MaxVetoed = cmp.Or(opts.MaxVetoed, 20)
	en := &engine{opts: opts, trail: trail, ladder: sortLadder(opts.Windows), c: newCollector(opts.Playbooks), docs: documents{}, chains: newChains(trail)}
	if len(en.ladder) == 0 {
		en.ladder = Ladder()
	}
	en.c.pulls = &pullRequests{ctx: ctx, trail: trail}
	en.c.keys = &keyUses{ctx: ctx, trail: trail, uses: map[string][]keyUse{}}
	if err := en.c.read(ctx, trail, opts.Filter); err != nil {
		return nil, nil, err
	}
	en.c.addExternal(opts.Failures)
	en.n = newNeighbourhood(trail, en.c)
	if err := en.n.read(ctx); err != nil {
		return nil, nil, err
	}
	if err := cmp.Or(en.c.pulls.err, en.c.keys.err); err != nil {
		return nil, nil, err
	}
	eps := en.episodes()
	if len(eps) == 0 {
		return en, nil, nil
	}
	if err := en.readChanges(ctx, eps); err != nil {
		return nil, nil, err
	}
	return en, en.foldFlaps(eps), nil
}

// episodes cuts every claimed group, oldest failure first.
func (en *engine) episodes() []*episode {
	var eps []*episode
	for _, g := range en.c.sorted() {
		if g.book == nil || len(g.facts) == 0 {
			continue
		}
		list := g.episodes()
		flaps(list, time.Duration(g.book.Frequency.Window))
		eps = append(eps, list...)
	}
	slices.SortStableFunc(eps, func(a, b *episode) int { return a.first().at.Compare(b.first().at) })
	return eps
}

// sameFirst cuts episodes into runs whose first failures have equal times.
func sameFirst(eps []*episode) iter.Seq[[]*episode] {
	return func(yield func([]*episode) bool) {
		for i := 0; i < len(eps); {
			j := i + 1
			for j < len(eps) && eps[j].first().at.Equal(eps[i].first().at) {
				j++
			}
			if !yield(eps[i:j]) {
				return
			}
			i = j
		}
	}
}

// findings works out the episodes of one instant and orders them by id.
func (en *engine) findings(ctx context.Context, eps []*episode, next func() (*onset, error)) ([]*Finding, error) {
	var out []*Finding
	for _, ep := range eps {
		o, err := next()
		if err != nil {
			return nil, err
		}
		f, err := en.finding(ctx, ep, o)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b *Finding) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// notes are calls that are no policy changes but show when something began.
var notes = []string{"CreateGroup", "CreateBucket", "CreateRepository"}

// sessionCalls set session policies on what they hand out. They are as many
// as requests, so they are found by the key of a failing session instead.
var sessionCalls = map[string]bool{
	"AssumeRole": true, "AssumeRoleWithSAML": true, "AssumeRoleWithWebIdentity": true,
	"GetFederationToken": true, "GetSessionToken": true,
}

// readChanges reads every change of the trail up to the last recovery: what
// was set long before the failures is what the later changes are held against.
func (en *engine) readChanges(ctx context.Context, eps []*episode) error {
	names := set{}
	for _, n := range append(ChangeEventNames(), notes...) {
		if !sessionCalls[n] {
			names[n] = true
		}
	}
	var until time.Time
	for _, ep := range eps {
		for _, g := range ep.book.Evidence {
			for _, n := range g.EventNames {
				names[n] = true
			}
		}
		until = latest(until, ep.last().at)
		if ep.recovery != nil {
			until = latest(until, ep.recovery.at)
		}
	}
	f := query.Filter{To: until.Add(skew + time.Second), Only: changes, Where: []query.Term{query.Is(index.EventName, sortedKeys(names)...)}}
	r := stepReader{seen: newOnce()}
	for s, err := range inOrder(ctx, en.trail.Events(ctx, f), parse) {
		if err != nil {
			return err
		}
		r.add(s.e)
	}
	r.flush()
	en.h = newHistory(r.steps, en.opts.Baseline)
	return nil
}

// stepReader makes steps of events, each event once and corrections first.
type stepReader struct {
	seen   *once
	second []*Event // the events of one second
	steps  []*step
}

func (r *stepReader) add(e *Event) {
	if len(r.second) > 0 && r.second[0].Time.Unix() != e.Time.Unix() {
		r.flush()
	}
	r.second = append(r.second, e)
}

func (r *stepReader) flush() {
	for _, e := range correctionsFirst(r.second) {
		if r.seen.first(e) {
			if s := newStep(e); s != nil {
				r.steps = append(r.steps, s)
			}
		}
	}
	r.second = r.second[:0]
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sessionStep returns the session policy that the failing session was made
// with as a step, or nil.
func (en *engine) sessionStep(ctx context.Context, ep *episode) (*step, error) {
	d := ep.first().detail
	if !strings.HasPrefix(d.accessKey, "ASIA") || d.denial.Layer != LayerSession && d.denial.Layer != LayerUnknown {
		return nil, nil
	}
	e, err := en.chains.issuer(ctx, d.accessKey, ep.first().at)
	if err != nil || e == nil {
		return nil, err
	}
	return en.chains.sessions[d.accessKey], nil
}
