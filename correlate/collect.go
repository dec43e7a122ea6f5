package correlate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// collector turns the stream of failures into groups.
type collector struct {
	books  []*Playbook
	extra  map[string]bool // error codes that playbooks claim
	syms   *symbols
	paths  *symbols // object names
	once   *once
	likes  likenesses
	pulls  *pullRequests
	keys   *keyUses
	groups map[groupKey]*group
	// buf holds the failures of one second, so that corrections among them
	// can go first.
	buf []sighting
}

// sighting is one event and what it asked for.
type sighting struct {
	q  *query.Event
	at time.Time
	id string
	*asked
}

// asked is what an event is and asked for. Events that differ in nothing that
// matters share one: nobody may change it, and id, time and delivery of its event are
// those of one of them.
type asked struct {
	e       *Event
	r       FailedRequest
	refused bool
	// byColumns is set when columns told all of the event.
	byColumns bool
	filed     *filing // where the collector puts such events, once it knows
}

func newSighting(q *query.Event, a *asked) sighting { return sighting{q, a.e.Time, a.e.ID, a} }

// filing is where failures of one kind belong.
type filing struct {
	g                     *group
	res, refs, place, key int32
	r                     *FailedRequest
}

// sight reads an event that may be a failure.
func (c *collector) sight(q *query.Event) (sighting, bool, error) {
	l := c.likes.take()
	defer c.likes.give(l)
	if a := l.find(q); a != nil {
		return sighting{q, q.Time, q.ID, a}, a.refused, nil
	}
	s, ok, err := parse(q)
	if !ok {
		return s, false, err
	}
	if c.refused(s.e) {
		s.r, s.refused = FailureOf(s.e)
	}
	l.keep(q, s.asked)
	return s, s.refused, nil
}

func newCollector(books []*Playbook) *collector {
	c := &collector{books: books, extra: map[string]bool{}, syms: newSymbols(), paths: newSymbols(), once: newOnce(), groups: map[groupKey]*group{}}
	for _, code := range extraCodes(books) {
		c.extra[code] = true
	}
	return c
}

// read collects every failure that f selects.
func (c *collector) read(ctx context.Context, trail Trail, f query.Filter) error {
	codes := append([]string{index.OutcomeDenied, index.OutcomeNative}, sortedKeys(c.extra)...)
	f.Where = append(slices.Clone(f.Where), query.Term{Fields: []index.Field{index.Outcome, index.ErrorCode}, Values: codes})
	f.Only = refusals
	for s, err := range inOrder(ctx, trail.Events(ctx, f), c.sight) {
		if err != nil {
			return err
		}
		if len(c.buf) > 0 && s.at.Unix() != c.buf[0].at.Unix() {
			c.flush()
		}
		c.buf = append(c.buf, s)
	}
	c.flush()
	for _, g := range c.groups {
		g.facts = dropDiscovery(g.facts)
	}
	return nil
}

func (c *collector) refused(e *Event) bool {
	return e.Native || IsDenial(e) || c.extra[e.ErrorCode]
}

func (c *collector) flush() {
	c.buf = dropTwins(c.buf)
	for _, corrections := range []bool{true, false} {
		for _, s := range c.buf {
			if isCorrection(s.e) == corrections && c.once.see(s.e, s.id) {
				c.add(s)
			}
		}
	}
	c.buf = c.buf[:0]
}

// dropTwins removes the copies, delivered to the account that owns the
// resource, of refusals that the caller's account has in full: one call, two
// records, told by their sharedEventID.
func dropTwins(list []sighting) []sighting {
	var full map[string]bool
	for _, s := range list {
		if s.e.SharedEventID != "" && s.e.Identity.ARN != "" {
			if full == nil {
				full = map[string]bool{}
			}
			full[s.e.SharedEventID+" "+s.e.Name] = true
		}
	}
	if len(full) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(s sighting) bool {
		return s.e.Identity.ARN == "" && full[s.e.SharedEventID+" "+s.e.Name]
	})
}

// addExternal files failures that the trail does not record.
func (c *collector) addExternal(list []ExternalFailure) {
	for i := range list {
		if s, ok := list[i].sighting(); ok {
			c.add(s)
		}
	}
}

// add files one failure in its group.
func (c *collector) add(s sighting) {
	to := s.filed
	if to == nil {
		to = c.file(&s)
	}
	f := fact{
		at: s.at, id: s.id, object: c.object(s.q.Object), index: s.q.Index,
		res: to.res, refs: to.refs, discovery: to.r.Discovery, place: to.place, key: to.key,
	}
	f.detail = to.g.detailOf(f.res, s.q, s.e, to.r)
	if g := to.g; len(g.facts) == cap(g.facts) {
		g.facts = slices.Grow(g.facts, len(g.facts)+1) // a storm's facts are many
	}
	to.g.facts = append(to.g.facts, f)
}

// file finds the group of a failure, or opens it.
func (c *collector) file(s *sighting) *filing {
	e, r := s.e, s.r
	c.pulls.join(&r, e)
	again := c.keys.join(&r, s.at)
	key := groupKey{
		principal: entityKey(r.Principal),
		action:    strings.ToLower(r.Action),
		scope:     r.scope(),
		layer:     r.Denial.Layer,
	}
	if e.Native && r.Principal == "" {
		// An execution that fails says so for the action, the stage and the
		// whole; that is one failure.
		key.action = e.EventSource
	}
	g := c.groups[key]
	if g == nil {
		g = c.open(key, e, r)
		c.groups[key] = g
	}
	to := &filing{
		g: g, r: &r, res: c.syms.of(r.Resource), refs: c.syms.of(joinRefs(r.Refs)),
		place: c.syms.of(placeOf(e)), key: c.syms.of(e.Identity.AccessKeyID),
	}
	if !again {
		s.filed = to
	}
	return to
}

func (c *collector) object(name string) string {
	return c.paths.text[c.paths.of(name)]
}

func (c *collector) open(key groupKey, e *Event, r FailedRequest) *group {
	g := &group{
		key: key, principal: r.Principal, action: r.Action, native: e.nativeName(), via: r.via, viaScope: r.viaScope,
		scoped:  r.ResourceParent != "" && strings.HasPrefix(r.ResourceParent, "arn:") && strings.Contains(r.ResourceParent, ":s3:::"),
		details: map[detailKey]*detail{},
	}
	g.book = claim(c.books, &claimant{
		action: r.Action, eventName: e.Name, eventSource: e.EventSource, errorCode: e.ErrorCode,
		layer: r.Denial.Layer, callers: callerHints(e), native: g.native,
	})
	return g
}

func (e *Event) nativeName() string {
	if e.Native {
		return e.Name
	}
	return ""
}

// detailOf returns what is kept of the failure's record beyond the fact.
func (g *group) detailOf(res int32, q *query.Event, e *Event, r *FailedRequest) *detail {
	key := detailKey{e.ErrorCode, r.Denial.PolicyARN, r.Denial.Effect, res}
	if d := g.details[key]; d != nil && (d.message == e.ErrorMessage && d.accessKey == e.Identity.AccessKeyID || len(g.facts) > maxDetails) {
		return d
	}
	d := &detail{
		code: e.ErrorCode, message: e.ErrorMessage, region: e.Region, account: first(r.Account, e.Account),
		eventName: e.Name, eventSource: e.EventSource, denial: r.Denial,
		accessKey: e.Identity.AccessKeyID, endpoint: e.VpcEndpointID, sourceIP: e.SourceIP,
		event: q, data: Str(e.Record, "eventCategory") == "Data",
	}
	g.details[key] = d
	return d
}

// dropDiscovery removes the ref discoveries that a refused push of the same
// minute follows or precedes: one push, two records.
func dropDiscovery(facts []fact) []fact {
	if !slices.ContainsFunc(facts, func(f fact) bool { return f.discovery }) {
		return facts
	}
	var pushes []time.Time
	for i := range facts {
		if !facts[i].discovery {
			pushes = append(pushes, facts[i].at)
		}
	}
	return slices.DeleteFunc(facts, func(f fact) bool {
		if !f.discovery {
			return false
		}
		i, _ := slices.BinarySearchFunc(pushes, f.at.Add(-time.Minute), time.Time.Compare)
		return i < len(pushes) && pushes[i].Sub(f.at) <= time.Minute
	})
}

// sorted returns the groups in a fixed order.
func (c *collector) sorted() []*group {
	list := make([]*group, 0, len(c.groups))
	for _, g := range c.groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.key.principal, b.key.principal), cmp.Compare(a.key.action, b.key.action),
			cmp.Compare(a.key.scope, b.key.scope), cmp.Compare(a.key.layer, b.key.layer))
	})
	return list
}
