package correlate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/query"
)

// search looks the successes of callers up: first near their failures, then
// everywhere for those of which that does not settle what they tell of the
// failures, the last success before and the first after. That spares most of the
// way, since a call that works mostly works often.
type search struct {
	n       *neighbourhood
	callers []*caller
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
	names    set // of the calls
	from, to time.Time
}

// nearby is how far the first look goes before and behind the failures. Tests set
// it.
var nearby = 2 * time.Hour

func (s *search) run(ctx context.Context) error {
	var wants []want
	for _, c := range s.callers {
		c.bounds.from, c.bounds.to = c.from.Add(-quiet), c.to.Add(quiet)
		c.known.from = latest(c.bounds.from, c.from.Truncate(time.Second).Add(-nearby))
		c.known.to = earliest(c.bounds.to, c.to.Add(nearby))
		wants = append(wants, want{c, c.names, c.known.from, c.known.to})
	}
	for len(wants) > 0 {
		if err := s.look(ctx, wants); err != nil {
			return err
		}
		wants = wants[:0]
		for _, c := range s.callers {
			wants = append(wants, s.rest(c)...)
		}
	}
	for _, c := range s.callers {
		// All older ones, for requests that have none near.
		if names := s.n.missing(c); len(names) > 0 {
			wants = append(wants, want{who: c, names: names, to: c.bounds.from})
		}
	}
	return s.look(ctx, wants)
}

// look reads what is wanted, in one pass.
func (s *search) look(ctx context.Context, wants []want) error {
	if len(wants) == 0 {
		return nil
	}
	byCaller := map[string][]want{}
	var groups []*group
	for _, w := range wants {
		who := w.who.groups[0].key.principal
		if byCaller[who] == nil {
			groups = append(groups, w.who.groups...)
		}
		byCaller[who] = append(byCaller[who], w)
	}
	var sets []query.Set
	for _, lot := range together(wants) {
		sets = append(sets, lot.set())
	}
	wanted := func(principal string, at time.Time) bool {
		return slices.ContainsFunc(byCaller[principal], func(w want) bool { return !at.Before(w.from) && at.Before(w.to) })
	}
	return s.n.lookUp(ctx, sets, groups, s.seen, func(at time.Time, v *query.Values) bool {
		p := requestParsers.Get().(*columnParser)
		defer requestParsers.Put(p)
		who := p.callerOf(v)
		if who == "" {
			return true
		}
		return wanted(who, at) && byCaller[who][0].who.hears(at, func() string { return p.scopeOf(v) })
	}, wanted)
}

// hears tells whether a success of the caller tells something of its failures.
func (w *caller) hears(at time.Time, scope func() string) bool {
	if !at.Before(w.from) && !at.After(w.until) {
		return true
	}
	s := scope()
	return s == "" || w.scopes[s]
}

// lot is wants of callers that failed with the same calls, which are asked for
// together: a storm is not to cost a question for each of them.
type lot struct {
	wants    []want
	from, to time.Time
	length   time.Duration // of the wants
}

// Bounds of a lot: how many wants it has, and how many times as long as they the
// time may be in which their callers' successes are read.
const (
	maxTogether = 64
	maxWaste    = 2
)

// together puts wants into lots.
func together(wants []want) (out []*lot) {
	byCalls := map[string][]want{}
	for _, w := range wants {
		calls := strings.Join(sortedKeys(w.names), " ")
		byCalls[calls] = append(byCalls[calls], w)
	}
	for _, calls := range sortedKeys(byCalls) {
		list := byCalls[calls]
		slices.SortStableFunc(list, func(a, b want) int { return a.from.Compare(b.from) })
		l := &lot{}
		for _, w := range list {
			if !l.join(w) {
				out = append(out, l)
				l = &lot{}
				l.join(w)
			}
		}
		out = append(out, l)
	}
	return out
}

// join adds w, which begins no earlier than the others, unless that makes the lot
// too large.
func (l *lot) join(w want) bool {
	n, to, length := len(l.wants), latest(l.to, w.to), l.length+w.to.Sub(w.from)
	switch {
	case n == 0:
		l.from = w.from
	case n == maxTogether:
		return false
	case w.from.IsZero():
		length = 0 // there is no longer time than all
	case to.Sub(l.from) > maxWaste*length/time.Duration(n+1):
		return false
	}
	l.wants, l.length, l.to = append(l.wants, w), length, to
	return true
}

// set selects the calls of the lot's callers.
func (l *lot) set() query.Set {
	all := newCaller()
	for _, w := range l.wants {
		maps.Copy(all.principals, w.who.principals)
	}
	return query.Set{From: l.from, To: l.to, Where: all.calls(l.wants[0].names)}
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
		list = append(list, want{c, c.names, c.known.from, known.from})
	}
	if (open.behind || !known.to.After(open.until)) && known.to.Before(c.bounds.to) {
		c.known.to = c.bounds.to
		list = append(list, want{c, c.names, known.to, c.known.to})
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
