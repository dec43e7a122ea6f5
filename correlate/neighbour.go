package correlate

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// passKey names the successes of one caller and action.
type passKey struct{ principal, action string }

// pass is one success, on whatever scope.
type pass struct {
	fact
	scope string
}

// neighbourhood is what else was tried around the failures: the successes of
// the same callers with the same calls.
type neighbourhood struct {
	trail  Trail
	c      *collector
	likes  likenesses
	passes map[passKey][]pass
	// byCaller and byTarget find the groups next to one.
	byCaller map[passKey][]*group
	byTarget map[passKey][]*group // action and scope
}

// caller is one principal with its groups.
type caller struct {
	principals set // as they stand in records
	names      set
	from, to   time.Time
	groups     []*group
	// known is the span in which the successes are known, bounds where they are
	// looked for; from ≤ t < to.
	known, bounds struct{ from, to time.Time }
	// scopes are those of the groups; what succeeded on others tells something
	// only up to until.
	scopes set
	until  time.Time
}

func newCaller() *caller { return &caller{principals: set{}, names: set{}, scopes: set{}} }

func newNeighbourhood(trail Trail, c *collector) *neighbourhood {
	n := &neighbourhood{trail: trail, c: c, passes: map[passKey][]pass{}, byCaller: map[passKey][]*group{}, byTarget: map[passKey][]*group{}}
	for _, g := range c.sorted() {
		who := passKey{g.key.principal, g.key.action}
		n.byCaller[who] = append(n.byCaller[who], g)
		what := passKey{g.key.scope, g.key.action}
		n.byTarget[what] = append(n.byTarget[what], g)
	}
	return n
}

// read looks up the successes of every caller that failed: those near its
// failures first, as far as they matter, and all older ones for requests that
// have none there.
func (n *neighbourhood) read(ctx context.Context) error {
	callers := map[string]*caller{}
	for _, g := range n.c.sorted() {
		if g.native != "" || g.key.principal == "" || len(g.facts) == 0 {
			continue
		}
		who := callers[g.key.principal]
		if who == nil {
			who = newCaller()
			callers[g.key.principal] = who
		}
		who.note(g)
	}
	var all []*caller
	for _, name := range sortedKeys(callers) {
		all = append(all, callers[name])
	}
	s := &search{n: n, callers: all, seen: newOnce(), settled: map[*group]*settlement{}}
	if err := s.run(ctx); err != nil {
		return err
	}
	n.share()
	return nil
}

func (w *caller) note(g *group) {
	w.groups = append(w.groups, g)
	w.principals[g.principal] = true
	w.scopes.add(g.key.scope)
	w.scopes.add(g.viaScope)
	for i := range g.facts {
		f := &g.facts[i]
		if w.from.IsZero() || f.at.Before(w.from) {
			w.from = f.at
		}
		if f.at.After(w.to) {
			w.to = f.at
		}
		w.names[f.detail.eventName] = true
	}
	var window time.Duration
	if g.book != nil {
		window = time.Duration(g.book.Spread.Window)
	}
	w.until = latest(w.until, w.to.Add(window))
}

// term selects the caller's records: by its own ARN, by the role behind its
// sessions, and by the sessions' ARNs where the issuer is not recorded.
func (w *caller) term() query.Term {
	var values []string
	for _, p := range sortedKeys(w.principals) {
		values = append(values, p)
		a, ok := splitARN(RoleKey(p))
		if role, is := strings.CutPrefix(a.resource, "role/"); ok && is {
			values = append(values, RoleKey(p), "arn:"+a.partition+":iam::"+a.account+":role/*/"+role,
				"arn:"+a.partition+":sts::"+a.account+":assumed-role/"+role+"/*")
		}
	}
	return query.Term{Fields: []index.Field{index.Principal, index.Issuer}, Values: values}
}

// calls selects the caller's calls.
func (w *caller) calls(names set) []query.Term {
	return []query.Term{query.Is(index.EventName, sortedKeys(names)...), w.term()}
}

// lookUp reads the successes among the calls that one of sets selects, of those
// groups' callers, that are wanted of a principal at a time. What keep refuses is
// not even read.
func (n *neighbourhood) lookUp(ctx context.Context, sets []query.Set, groups []*group, seen *once, keep func(time.Time, *query.Values) bool, wants func(principal string, at time.Time) bool) error {
	f := query.Filter{Only: successes, Where: []query.Term{query.Is(index.Outcome, index.OutcomeSuccess)}, Any: sets, Keep: keep}
	wanted, part := map[passKey]bool{}, map[passKey][]*group{}
	for _, g := range groups {
		wanted[passKey{g.key.principal, g.key.action}] = true
		if g.via.action != "" {
			part[g.via] = append(part[g.via], g)
		}
	}
	for s, err := range inOrder(ctx, n.trail.Events(ctx, f), n.attempt) {
		if err != nil {
			return err
		}
		q, e := s.q, s.e
		key := passKey{entityKey(s.r.Principal), strings.ToLower(s.r.Action)}
		if !wants(key.principal, s.at) || !seen.see(e, s.id) || !wanted[key] && part[key] == nil {
			continue
		}
		r := s.r
		n.c.pulls.join(&r, e)
		p := pass{scope: first(r.ResourceParent, r.Resource), fact: fact{
			at: s.at, id: s.id, object: n.c.object(q.Object), index: q.Index, ok: true,
			res: n.c.syms.of(r.Resource), refs: n.c.syms.of(joinRefs(r.Refs)), discovery: r.Discovery,
			place: n.c.syms.of(placeOf(e)), key: n.c.syms.of(e.Identity.AccessKeyID),
		}}
		if wanted[key] {
			n.passes[key] = append(n.passes[key], p)
		}
		n.passParts(part[key], p)
	}
	return nil
}

// passParts files the success of a call for those of its parts that were
// refused at other times.
func (n *neighbourhood) passParts(parts []*group, p pass) {
	done := map[groupKey]bool{}
	for _, g := range parts {
		key := groupKey{principal: g.key.principal, action: g.key.action, scope: g.key.scope}
		if g.viaScope != p.scope || done[key] {
			continue
		}
		done[key] = true
		part := p
		part.scope = g.key.scope
		if g.viaScope != g.key.scope {
			part.res = n.c.syms.of(g.key.scope) // the key stands for what it encrypts
		}
		who := passKey{g.key.principal, g.key.action}
		n.passes[who] = append(n.passes[who], part)
	}
}

// missing lists the event names of a caller's groups that had no success near.
func (n *neighbourhood) missing(w *caller) set {
	names := set{}
	for _, g := range w.groups {
		passes := n.passes[passKey{g.key.principal, g.key.action}]
		if !slices.ContainsFunc(passes, func(p pass) bool { return p.scope == g.key.scope && p.at.Before(g.facts[0].at) }) {
			for i := range g.facts {
				names[g.facts[i].detail.eventName] = true
			}
		}
	}
	return names
}

// on returns the successes so far on a group's scope.
func (n *neighbourhood) on(g *group) (oks []fact) {
	for _, p := range n.passes[passKey{g.key.principal, g.key.action}] {
		if p.scope == g.key.scope {
			oks = append(oks, p.fact)
		}
	}
	return oks
}

// share hands every group the successes on its scope.
func (n *neighbourhood) share() {
	for _, list := range n.passes {
		slices.SortFunc(list, func(a, b pass) int { return before(&a.fact, &b.fact) })
	}
	for _, g := range n.c.sorted() {
		slices.SortFunc(g.facts, func(a, b fact) int { return before(&a, &b) })
		g.oks = n.on(g)
	}
}

// around tells what else was tried in the window from the episode's onset.
func (n *neighbourhood) around(ctx context.Context, ep *episode, window time.Duration) (*around, error) {
	a := newAround()
	from := ep.first().at
	to := from.Add(window)
	if rec := ep.recovery; rec != nil && !rec.at.After(to) {
		to = rec.at.Add(-1) // what passes after the recovery tells nothing
	}
	text := n.c.syms.text
	// One object of a bucket stands for the bucket.
	unit := func(scoped bool, scope string, res int32) string {
		if scoped {
			return scope
		}
		return text[res]
	}
	who := passKey{ep.key.principal, ep.key.action}
	for _, g := range n.byCaller[who] {
		for _, f := range span(g.facts, factAt, from, to) {
			a.resFail.add(unit(g.scoped, g.key.scope, f.res))
			if g.key.scope == ep.key.scope {
				addRefs(a.refsFail, text[f.refs])
			}
		}
	}
	for _, p := range span(n.passes[who], passAt, from, to) {
		if p.discovery {
			continue
		}
		a.resPass.add(unit(ep.scoped, p.scope, p.res))
		if p.scope == ep.key.scope {
			addRefs(a.refsPass, text[p.refs])
		}
	}
	for _, g := range n.byTarget[passKey{ep.key.scope, ep.key.action}] {
		if len(span(g.facts, factAt, from, to)) > 0 {
			a.whoFail.add(g.principal)
		}
	}
	return a, n.peers(ctx, ep, from, to, a)
}

// refusedBefore finds the last refusal of an episode's request that another
// group holds, because its message names another layer.
func (n *neighbourhood) refusedBefore(ep *episode) *fact {
	one := ep.first()
	var last *fact
	for _, g := range n.byCaller[passKey{ep.key.principal, ep.key.action}] {
		if g == ep.group || g.key.scope != ep.key.scope {
			continue
		}
		for i := range g.facts {
			f := &g.facts[i]
			if f.at.Before(one.at) && f.request() == one.request() && (last == nil || before(last, f) < 0) {
				last = f
			}
		}
	}
	if ls := ep.lastSuccess; last != nil && ls != nil && before(last, ls) < 0 {
		return nil
	}
	return last
}

func factAt(f *fact) time.Time { return f.at }
func passAt(p *pass) time.Time { return p.at }

// span cuts the part with from ≤ time ≤ to out of a list in order of time.
func span[T any](list []T, at func(*T) time.Time, from, to time.Time) []T {
	lo := sort.Search(len(list), func(i int) bool { return !at(&list[i]).Before(from) })
	hi := sort.Search(len(list), func(i int) bool { return at(&list[i]).After(to) })
	return list[lo:max(lo, hi)]
}

func addRefs(s set, refs string) {
	for _, r := range splitRefs(refs) {
		s.add(r)
	}
}

// maxPeers bounds how many successes of others are read for one episode.
const maxPeers = 500

// peers finds others who did the same to the same resource.
func (n *neighbourhood) peers(ctx context.Context, ep *episode, from, to time.Time, a *around) error {
	scope := ep.key.scope
	if ep.native != "" || !strings.HasPrefix(scope, "arn:") {
		return nil
	}
	f := query.Filter{From: from, To: to.Add(time.Second), Only: successes, Where: []query.Term{
		query.Is(index.EventName, ep.first().detail.eventName),
		query.Is(index.Resource, spellings(scope)...),
		query.Is(index.Outcome, index.OutcomeSuccess),
	}}
	left := maxPeers
	for q, err := range n.trail.Events(ctx, f) {
		if err != nil {
			return err
		}
		if left--; left < 0 {
			break
		}
		s, ok, err := attempt(q)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if r := s.r; !r.Discovery && first(r.ResourceParent, r.Resource) == scope && n.sameRefs(ep, r.Refs) {
			a.whoPass.add(s.e.Principal())
		}
	}
	return nil
}

// spellings lists how records may name a resource: not all calls list it by
// its ARN, many only repeat what the request called it.
func spellings(arn string) []string {
	a, _ := splitARN(arn)
	out := []string{arn, arn + "/*", bareName(arn)}
	switch a.service {
	case "secretsmanager":
		if name := afterKind(a.resource); len(name) > 7 && name[len(name)-7] == '-' {
			out = append(out, name, name[:len(name)-7]) // the name comes before six random letters
		}
	case "sqs":
		out = append(out, "https://*/"+a.account+"/"+a.resource)
	case "lambda", "ssm", "sns":
		out = append(out, afterKind(a.resource))
	}
	return out
}

// sameRefs reports whether a push touches a ref that the episode fails on.
func (n *neighbourhood) sameRefs(ep *episode, refs []string) bool {
	failing := splitRefs(n.c.syms.text[ep.first().refs])
	if len(failing) == 0 {
		return true
	}
	return slices.ContainsFunc(refs, func(r string) bool { return contains(failing, r) })
}

// attempt reads what a call asked for, refused or not, so that successes and
// failures of one request compare equal.
func attempt(q *query.Event) (sighting, bool, error) {
	s, ok, err := parse(q)
	if ok {
		s.r, _ = FailureOf(s.e)
	}
	return s, ok, err
}

// attempt is attempt for calls of which many may be alike.
func (n *neighbourhood) attempt(q *query.Event) (sighting, bool, error) {
	l := n.likes.take()
	defer n.likes.give(l)
	if a := l.find(q); a != nil {
		return sighting{q, q.Time, q.ID, a}, true, nil
	}
	s, ok, err := attempt(q)
	if ok {
		l.keep(q, s.asked)
	}
	return s, ok, err
}
