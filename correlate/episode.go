package correlate

import (
	"cmp"
	"slices"
	"time"
)

// episode is a run of failures of one request that no success of the same
// request and no quiet week interrupts.
type episode struct {
	*group
	facts []fact
	// lastSuccess and recovery bracket the run; nil when the trail has none.
	lastSuccess, recovery *fact
	// prior is the last failure of the same request before this run, when no
	// success lies between; else nil.
	prior *fact
	// refused is the last refusal of the same request before this run that the
	// message put in another layer, when no success lies between; else nil.
	refused *fact
	set     map[request]bool
	// again is set when the request failed anew after the recovery, soon.
	again *fact
}

func (ep *episode) first() *fact { return &ep.facts[0] }
func (ep *episode) last() *fact  { return &ep.facts[len(ep.facts)-1] }

// before orders attempts: by second, failures in front of successes within it,
// then exact time, id and account.
func before(a, b *fact) int {
	if c := cmp.Compare(a.at.Unix(), b.at.Unix()); c != 0 {
		return c
	}
	if a.ok != b.ok {
		if a.ok {
			return 1
		}
		return -1
	}
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.object, b.object), cmp.Compare(a.index, b.index))
}

// episodes cuts a group into its runs, oldest first.
func (g *group) episodes() []*episode {
	c := g.cut()
	c.close()
	return c.done
}

// cut walks the attempts of a group. A run that no success ends is still open.
func (g *group) cut() *cutter {
	slices.SortFunc(g.facts, func(a, b fact) int { return before(&a, &b) })
	slices.SortFunc(g.oks, func(a, b fact) int { return before(&a, &b) })
	c := cutter{g: g}
	i, j := 0, 0
	for i < len(g.facts) || j < len(g.oks) {
		if j == len(g.oks) || i < len(g.facts) && before(&g.facts[i], &g.oks[j]) < 0 {
			c.failure(i)
			i++
		} else {
			c.success(&g.oks[j])
			j++
		}
	}
	return &c
}

// request is one object of a group's scope, and the refs for a push.
type request struct{ res, refs int32 }

func (f *fact) request() request { return request{f.res, f.refs} }

// cutter walks the attempts of a group in order.
type cutter struct {
	g       *group
	done    []*episode
	cur     *episode
	from    int // index of the current run's first failure
	failing map[request]bool
	// The latest successes so far, by request and on the whole scope.
	exact map[request]*fact
	any   *fact
	// sibling is the first success on another object of the scope since the
	// last failure; mixed is set when there was one between two failures.
	sibling *fact
	mixed   bool
	last    *fact // the last failure
}

func (c *cutter) failure(i int) {
	f := &c.g.facts[i]
	if c.cur != nil && f.at.Sub(c.last.at) > quiet {
		c.close()
	}
	if c.cur == nil {
		c.open(i)
	}
	if c.sibling != nil {
		c.mixed, c.sibling = true, nil
	}
	c.cur.facts = c.g.facts[c.from : i+1]
	c.failing[f.request()] = true
	c.last = f
}

func (c *cutter) open(i int) {
	f := &c.g.facts[i]
	c.from, c.failing = i, map[request]bool{}
	c.sibling, c.mixed = nil, false
	c.cur = &episode{group: c.g}
	c.cur.lastSuccess = c.exact[f.request()]
	if c.cur.lastSuccess == nil && c.any != nil && c.g.standsFor(c.any, f) {
		c.cur.lastSuccess = c.any
	}
	if c.last != nil && (c.cur.lastSuccess == nil || before(c.cur.lastSuccess, c.last) < 0) {
		c.cur.prior = c.last
	}
}

func (c *cutter) success(ok *fact) {
	if c.exact == nil {
		c.exact = map[request]*fact{}
	}
	c.exact[ok.request()], c.any = ok, ok
	switch {
	case c.cur == nil:
	case c.failing[ok.request()]:
		c.cur.recovery = ok
		c.end()
	case c.sibling == nil:
		c.sibling = ok
	}
}

// close ends a run that no success of the same request ended.
func (c *cutter) close() {
	if c.cur == nil {
		return
	}
	if c.sibling != nil && !c.mixed && c.g.standsFor(c.sibling, c.last) {
		c.cur.recovery = c.sibling
	}
	c.end()
}

func (c *cutter) end() {
	c.done = append(c.done, c.cur)
	c.cur = nil
}

// standsFor reports whether a success that is not the very same request still
// says that f would pass: another object of the same bucket, or the same
// repository when the refused push does not tell its refs. Instances, secrets
// and branches do not stand for each other.
func (g *group) standsFor(ok, f *fact) bool {
	return g.scoped || f.refs == 0 && ok.res == f.res
}

// flaps marks the runs that came back within window after they recovered.
func flaps(eps []*episode, window time.Duration) {
	for i := 0; i+1 < len(eps); i++ {
		next := eps[i+1].first()
		if eps[i].recovery != nil && next.at.Sub(eps[i].first().at) <= window {
			eps[i].again = next
		}
	}
}

// flapping is how many runs it takes to call a request flapping.
const flapping = 3

// foldFlaps joins runs that came back soon after they recovered, again and
// again, with no change between that could have done either: one trouble that
// comes and goes.
func (en *engine) foldFlaps(eps []*episode) []*episode {
	chains := map[*episode][]*episode{} // by their first run
	head := map[*group]*episode{}
	last := map[*group]*episode{}
	for _, ep := range eps {
		before := last[ep.group]
		last[ep.group] = ep
		if before == nil || before.again != ep.first() || en.changed(ep, before.last().at) {
			head[ep.group] = ep
		}
		h := head[ep.group]
		chains[h] = append(chains[h], ep)
	}
	folded := map[*episode]bool{}
	for h, runs := range chains {
		if len(runs) < flapping {
			continue
		}
		for _, ep := range runs[1:] {
			// The runs of a group are neighbours in its list.
			h.facts = h.facts[:len(h.facts)+len(ep.facts)]
			h.recovery, h.set = ep.recovery, nil
			folded[ep] = true
		}
	}
	return slices.DeleteFunc(eps, func(ep *episode) bool { return folded[ep] })
}

// changed reports whether a change that may reach an episode's request came
// between an instant and its first failure.
func (en *engine) changed(ep *episode, from time.Time) bool {
	sub := en.subject(ep)
	for _, s := range en.h.between(from, ep.first().at) {
		if s.effective() && decides(s.kind) && !sub.reject(s) && en.h.gripOf(s, sub).is != no {
			return true
		}
	}
	return false
}
