package correlate

import (
	"context"
	"slices"
	"time"

	"github.com/trailblame/trailblame/query"
)

// search looks the successes of callers up: first near their failures, then
// everywhere for those of which that does not settle what they tell of the
// failures, the last success before and the first after. Where other events are
// many, that spares most of the way, since a call that works mostly works often.
type search struct {
	n       *neighbourhood
	callers []*caller
	lots    [][]*caller // that failed with the same calls
	seen    *once
	settled map[*group]*settlement
}

// settlement is what the successes known so far leave open of a group.
type settlement struct {
	oks            int  // how many they are
	before, behind bool // whether older and later ones may tell more
	until          time.Time
}

// want is a span of time, from ≤ t < to, in which a caller's successes are not
// known yet.
type want struct {
	who      *caller
	from, to time.Time
}

// nearby is how far the first look goes before and behind the failures.
const nearby = 2 * time.Hour

// add adds callers that failed with the same calls.
func (s *search) add(lot *caller) {
	for _, c := range lot.parts {
		c.bounds.from, c.bounds.to = lot.from.Add(-quiet), lot.to.Add(quiet)
		c.known.from = latest(c.bounds.from, c.from.Truncate(time.Second).Add(-nearby))
		c.known.to = earliest(c.bounds.to, c.to.Add(nearby))
	}
	s.callers = append(s.callers, lot.parts...)
	s.lots = append(s.lots, lot.parts)
}

func (s *search) run(ctx context.Context) error {
	var wants []want
	for _, c := range s.callers {
		wants = append(wants, want{c, c.known.from, c.known.to})
	}
	if spread(wants) {
		for i := range wants {
			w := &wants[i]
			w.from, w.to = w.who.bounds.from, w.who.bounds.to
			w.who.known = w.who.bounds
		}
	}
	for len(wants) > 0 {
		for _, list := range overlapping(wants) {
			if err := s.look(ctx, list); err != nil {
				return err
			}
		}
		wants = wants[:0]
		for _, c := range s.callers {
			wants = append(wants, s.rest(c)...)
		}
	}
	return nil
}

// spread tells whether the failures are so spread over time that looking near
// them takes a good part of what looking everywhere does.
func spread(wants []want) bool {
	var near time.Duration
	bounds := wants[0].who.bounds
	for _, list := range overlapping(wants) {
		end := list[0].to
		for _, w := range list {
			end = latest(end, w.to)
			bounds.from, bounds.to = earliest(bounds.from, w.who.bounds.from), latest(bounds.to, w.who.bounds.to)
		}
		near += end.Sub(list[0].from) + nearby // what a look reads begins and ends before and behind its span
	}
	return near > bounds.to.Sub(bounds.from)/8
}

// overlapping puts wants together whose spans overlap, so that callers who failed
// at one time cost one look.
func overlapping(wants []want) [][]want {
	slices.SortStableFunc(wants, func(a, b want) int { return a.from.Compare(b.from) })
	var out [][]want
	var end time.Time
	for i, w := range wants {
		if i == 0 || !w.from.Before(end) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], w)
		end = latest(end, w.to)
	}
	return out
}

// look reads what is wanted.
func (s *search) look(ctx context.Context, list []want) error {
	byCaller := map[string][]want{}
	f := query.Filter{From: list[0].from, To: list[0].to}
	for _, w := range list {
		who := w.who.groups[0].key.principal
		byCaller[who] = append(byCaller[who], w)
		f.To = latest(f.To, w.to)
	}
	var groups []*group
	for _, lot := range s.lots {
		some := newCaller()
		for _, c := range lot {
			if byCaller[c.groups[0].key.principal] != nil {
				some.join(c)
			}
		}
		if len(some.parts) > 0 {
			f.Any = append(f.Any, some.calls(some.names))
			groups = append(groups, some.groups...)
		}
	}
	return s.n.lookUp(ctx, f, groups, s.seen, func(principal string, at time.Time) bool {
		return slices.ContainsFunc(byCaller[principal], func(w want) bool { return !at.Before(w.from) && at.Before(w.to) })
	})
}

// rest tells where further successes of a caller may matter, and takes it for
// known.
func (s *search) rest(c *caller) (list []want) {
	var open settlement
	for _, g := range c.groups {
		o := s.settle(g)
		open.before = open.before || o.before
		open.behind = open.behind || o.behind
		open.until = latest(open.until, o.until)
	}
	known := c.known
	if open.before && known.from.After(c.bounds.from) {
		c.known.from = c.bounds.from
		list = append(list, want{c, c.known.from, known.from})
	}
	if (open.behind || !known.to.After(open.until)) && known.to.Before(c.bounds.to) {
		c.known.to = c.bounds.to
		list = append(list, want{c, known.to, c.known.to})
	}
	return list
}

// settle works out what the known successes leave open of a group.
func (s *search) settle(g *group) *settlement {
	oks := s.n.on(g)
	if o := s.settled[g]; o != nil && o.oks == len(oks) {
		return o
	}
	o := g.settlement(oks)
	s.settled[g] = o
	return o
}

// settlement cuts the group's failures by some of the successes around them, to
// see whether others may matter. Successes before all failures tell only the last
// success of the runs that begin with that request; those behind all failures
// only how the last run ended. What else was tried is asked for as long as the
// playbook's windows last, or until the recovery.
func (g *group) settlement(oks []fact) *settlement {
	o := &settlement{oks: len(oks)}
	trial := *g
	trial.facts, trial.oks = slices.Clone(g.facts), oks
	var window, flapped time.Duration
	if g.book != nil {
		flapped = time.Duration(g.book.Frequency.Window)
		window = max(flapped, time.Duration(g.book.Spread.Window))
	}
	c := trial.cut()
	o.behind = c.cur != nil
	c.close()
	flaps(c.done, flapped)
	for _, ep := range c.done {
		if ls := ep.lastSuccess; ls == nil || ls.request() != ep.first().request() {
			o.before = true
		}
		if ep.recovery == nil || ep.again != nil {
			o.until = latest(o.until, ep.first().at.Add(window))
		}
	}
	return o
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
