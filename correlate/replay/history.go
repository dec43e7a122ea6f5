package replay

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// History is the policy state of a trail over time. Facts are added in their
// order; after that it is only read, by one goroutine at a time.
type History struct {
	times  []time.Time // of the facts
	slots  map[Slot]*track
	owned  map[owned]map[string]bool // names of the slots of one owner and kind
	made   map[string]time.Time
	loose  map[string][]*Fact // by account: writes that may reach whom the trail does not name
	bound  map[string]bool    // managed policies ever attached to a group
	base   *Baseline
	doubt  map[string]bool // owners of whom the baseline tells another time
	parsed map[string]*policy.Document
}

type owned struct {
	kind  Kind
	owner string
}

// track is the writes of one slot, in order.
type track struct{ facts []*Fact }

// New returns an empty history over a baseline, which may be nil.
func New(base *Baseline) *History {
	h := &History{slots: map[Slot]*track{}, owned: map[owned]map[string]bool{}, made: map[string]time.Time{},
		loose: map[string][]*Fact{}, bound: map[string]bool{}, base: base, doubt: map[string]bool{}, parsed: map[string]*policy.Document{}}
	if base != nil {
		for s := range base.values {
			h.name(s)
		}
	}
	return h
}

// Made records that an owner came into being, with nothing but what later
// facts give it.
func (h *History) Made(owner string, at time.Time) {
	if _, again := h.made[owner]; !again {
		h.made[owner] = at
	}
}

// Add appends a fact. Facts come in the order in which they took effect.
func (h *History) Add(f Fact) {
	f.seq = len(h.times)
	h.times = append(h.times, f.At)
	t := h.slots[f.Slot]
	if t == nil {
		t = &track{}
		h.slots[f.Slot] = t
		h.name(f.Slot)
		h.doubtBaseline(&f)
	}
	if f.Slot.Kind == Resource && f.Slot.Name == "" {
		h.clearStatements(f)
	}
	t.facts = append(t.facts, &f)
	if f.Slot.Kind == Attached && strings.Contains(f.Slot.Owner, ":group/") {
		h.bound[f.Slot.Name] = true
	}
	if account := looseIn(f.Slot); account != "" {
		h.loose[account] = append(h.loose[account], &f)
	}
}

// countBy counts the facts at or before an instant.
func (h *History) countBy(at time.Time) int {
	return sort.Search(len(h.times), func(i int) bool { return h.times[i].After(at) })
}

// clearStatements empties the slots of single statements that a whole document
// takes the place of.
func (h *History) clearStatements(f Fact) {
	for name := range h.owned[owned{Resource, f.Slot.Owner}] {
		if name != "" {
			g := f
			g.Slot.Name, g.Value = name, Value{Presence: Absent}
			h.slots[g.Slot].facts = append(h.slots[g.Slot].facts, &g)
		}
	}
}

func (h *History) name(s Slot) {
	o := owned{s.Kind, s.Owner}
	if h.owned[o] == nil {
		h.owned[o] = map[string]bool{}
	}
	h.owned[o][s.Name] = true
}

// names lists the slots of an owner, sorted.
func (h *History) names(kind Kind, owner string) []string {
	var out []string
	for n := range h.owned[owned{kind, owner}] {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// looseIn returns the account in which a write may reach callers that the
// trail does not connect with it: through groups and managed policies.
func looseIn(s Slot) string {
	account := accountOf(s.Owner)
	switch {
	case s.Kind == Managed, strings.Contains(s.Owner, ":group/") && (s.Kind == Inline || s.Kind == Attached):
		return account
	case s.Kind == OrgAttached, s.Kind == OrgPolicy:
		return anyAccount
	}
	return ""
}

// anyAccount keeps the loose facts of the organization.
const anyAccount = "*"

// accountOf returns the account of an ARN, or "".
func accountOf(arn string) string {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 {
		return ""
	}
	return p[4]
}

// doubtBaseline compares the first write of a slot with the baseline. What is
// taken away must have been there, and what is put would be there already in a
// baseline that was taken later: then nothing it tells of this owner is used.
func (h *History) doubtBaseline(f *Fact) {
	if h.existed(f.Slot.Owner, f.At) {
		// Nobody put what is taken away: the trail has a hole.
		h.doubt[f.Slot.Owner] = takenFirst([]*Fact{f}) || h.doubt[f.Slot.Owner]
		return
	}
	if !h.base.covers(f.Slot.Kind, f.Slot.Owner) {
		return
	}
	v := h.base.values[f.Slot]
	taken := f.Value.Presence == Absent && v.Presence != Present
	there := f.Value.Presence == Present && v.Presence == Present && (f.Value.Doc == "" || sameText(h, f.Value.Doc, v.Doc)) && f.Value.ARN == v.ARN
	if taken && f.Slot.Kind != Boundary && f.Slot.Kind != Resource || there {
		h.doubt[f.Slot.Owner] = true
	}
}

func sameText(h *History, a, b string) bool {
	da, db := h.document(a), h.document(b)
	return da != nil && db != nil && policy.Equal(da, db)
}

// document parses a text once; nil when it cannot be read.
func (h *History) document(text string) *policy.Document {
	if text == "" {
		return nil
	}
	d, ok := h.parsed[text]
	if !ok {
		d, _ = policy.Parse([]byte(text))
		h.parsed[text] = d
	}
	return d
}

// complete reports whether all slots of an owner are known at an instant: it
// was made in the trail before, or the baseline lists it.
func (h *History) complete(kind Kind, owner string, at time.Time) bool {
	if h.doubt[owner] {
		return false
	}
	return h.existed(owner, at) || h.base.covers(kind, owner)
}

// initial is the value of a slot before its first write.
func (h *History) initial(s Slot, t *track, at time.Time) Value {
	if s.Kind == Place && t != nil && t.facts[0].Before != "" {
		return Value{Presence: Present, ARN: t.facts[0].Before}
	}
	if t != nil && takenFirst(t.facts) {
		return Value{Presence: Present} // AWS refuses to take away what is not there
	}
	if h.existed(s.Owner, at) || (s.Kind == Member || s.Kind == Attached) && h.existed(s.Name, at) {
		return Value{Presence: Absent}
	}
	if h.base != nil && h.base.covers(s.Kind, s.Owner) && !h.doubt[s.Owner] {
		if v, ok := h.base.values[s]; ok {
			return v
		}
		return Value{Presence: Absent}
	}
	return Value{}
}

// takenFirst reports whether the first thing that the trail tells of a slot is
// that what it held was taken away.
func takenFirst(facts []*Fact) bool {
	if len(facts) == 0 || facts[0].Value.Presence != Absent {
		return false
	}
	switch facts[0].Slot.Kind {
	case Inline, Attached, Member, GrantOf:
		return true
	}
	return false
}

// existed reports whether an owner was made in the trail by an instant.
func (h *History) existed(owner string, at time.Time) bool {
	made, ok := h.made[owner]
	return ok && !made.After(at)
}

// cut is an instant, with changes left out.
type cut struct {
	at   time.Time
	skip map[string]bool
}

// value returns what a slot holds at a cut, and the number of the write that
// says so, -1 for none.
func (h *History) value(s Slot, c *cut) (Value, int) {
	t := h.slots[s]
	if t == nil {
		return h.initial(s, nil, c.at), -1
	}
	made, isMade := h.made[s.Owner]
	for i := h.upTo(t.facts, c.at) - 1; i >= 0; i-- {
		f := t.facts[i]
		if isMade && f.At.Before(made) && !made.After(c.at) {
			break
		}
		if !c.skip[f.ID] {
			return f.Value, f.seq
		}
	}
	return h.initial(s, t, c.at), -1
}

// upTo counts the facts at or before an instant.
func (h *History) upTo(facts []*Fact, at time.Time) int {
	return sort.Search(len(facts), func(i int) bool { return facts[i].At.After(at) })
}

// Doubted reports whether the trail shows that the baseline tells of another
// time for an owner.
func (h *History) Doubted(owner string) bool { return h.doubt[owner] }
