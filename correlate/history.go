package correlate

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// state is what is known of one policy, attachment or membership at an instant.
type state struct {
	known  bool
	absent bool   // known not to be there
	doc    string // its document, "" when there is none to know
}

// Shorthands for the states without a document.
var (
	stateAbsent  = state{known: true, absent: true}
	statePresent = state{known: true}
)

// step is one change in the trail, reduced to what correlation asks about.
type step struct {
	ev        *Event // without its maps
	at        time.Time
	kind      Kind
	layer     Layer
	op        Op
	failed    bool
	inert     bool
	subjects  []string // ARNs of the users, roles, groups, accounts it is bound to
	policyARN string
	policy    string // its name
	resources []string
	doc       string
	statement string // the one statement that was added
	hidden    bool   // there is a document that the record does not show
	version   string
	target    string
	boundary  string        // that a user or role was made with
	grant     *policy.Grant // that was made
	key       string
	// sessionARNs are managed policies that narrow a session.
	sessionARNs []string
	from        string // the parent that an account was moved from
	typed       bool   // the record tells which type of organization policy it is
	evidence    bool   // selected by a playbook's evidence group, no policy change
	class       stepClass
	marks       []string // what reject compares: principals, or parts of names

	before, after state
	next          *step // the next effective step of the same key
	prev          *step
}

// effective reports whether the step did anything.
func (s *step) effective() bool { return !s.failed && !s.inert && !s.evidence }

// history is every change the trail tells of, in order of time, with the state
// of each policy before and after it.
type history struct {
	steps    []*step
	byKey    map[string][]*step
	created  map[string]time.Time // principals, groups and resources made in the trail, by ARN
	versions map[string]string    // documents of managed policies by ARN and version
	bindings map[string]set       // principals ever named with a managed policy
	owned    map[string]set       // keys of the inline and attached policies of a principal or group
	base     *replay.Baseline
	initial  map[string]state // what the baseline tells of keys
	replay   *replay.History
}

// newHistory orders steps and works out the states. Within one second what
// makes a principal or resource comes before what is done to it.
func newHistory(steps []*step, base *replay.Baseline) *history {
	h := &history{steps: steps, byKey: map[string][]*step{}, created: map[string]time.Time{}, versions: map[string]string{},
		bindings: map[string]set{}, owned: map[string]set{},
		base: base, initial: map[string]state{}, replay: replay.New(base)}
	h.seed()
	slices.SortFunc(steps, func(a, b *step) int {
		if c := cmp.Or(cmp.Compare(a.at.Unix(), b.at.Unix()), cmp.Compare(rankOf(a), rankOf(b)), a.at.Compare(b.at), cmp.Compare(a.ev.ID, b.ev.ID)); c != 0 {
			return c
		}
		return cmp.Compare(a.ev.Source(), b.ev.Source())
	})
	typeOrgPolicies(steps)
	for _, s := range steps {
		s.classify()
		if !s.failed && !s.evidence {
			h.note(s)
			h.record(s)
		}
	}
	return h
}

// typeOrgPolicies gives attachments of organization policies, which name only
// an id, the type that another event tells of that id.
func typeOrgPolicies(steps []*step) {
	types := map[string]*step{}
	for _, s := range steps {
		if isOrgPolicy(s.kind) || s.kind == KindOrgPolicy {
			if s.typed {
				types[orgID(s)] = s
			}
		}
	}
	for _, s := range steps {
		if !isOrgPolicy(s.kind) || s.typed {
			continue
		}
		if t := types[orgID(s)]; t != nil {
			s.kind, s.layer, s.typed = t.kind, t.layer, true
		}
	}
}

func rankOf(s *step) int {
	switch {
	case isCreation(s):
		return 0
	case s.kind == KindPrincipal:
		return 1
	}
	return 2
}

func isCreation(s *step) bool {
	return strings.HasPrefix(s.ev.Name, "Create") && !s.evidence && (s.kind == KindPrincipal || s.ev.Name == "CreateRole" || s.ev.Name == "CreatePolicy")
}

// note advances the state of the step's policy.
func (h *history) note(s *step) {
	if s.version != "" && s.doc != "" {
		h.versions[s.policyARN+"\x00"+s.version] = s.doc
	}
	if isCreation(s) {
		for _, r := range append(slices.Clone(s.subjects), s.resources...) {
			h.created[entityKey(r)] = s.at
		}
	}
	if s.inert && s.ev.Name != "CreatePolicy" || s.key == "" {
		return
	}
	s.before = h.stateBefore(s)
	s.after = h.stateAfter(s)
	if list := h.byKey[s.key]; len(list) > 0 {
		s.prev = list[len(list)-1]
		s.prev.next = s
	}
	h.byKey[s.key] = append(h.byKey[s.key], s)
	if s.kind == KindManaged && s.policyARN != "" {
		for _, subject := range s.subjects {
			noteIn(h.bindings, s.policyARN, subject)
		}
	}
	for _, subject := range s.subjects {
		if s.kind == KindManaged || s.kind == KindInline {
			noteIn(h.owned, entityKey(subject), s.key)
		}
	}
}

func noteIn(m map[string]set, key, value string) {
	if m[key] == nil {
		m[key] = set{}
	}
	m[key][value] = true
}

func (h *history) stateBefore(s *step) state {
	if list := h.byKey[s.key]; len(list) > 0 {
		return list[len(list)-1].after
	}
	if isCreation(s) {
		return stateAbsent
	}
	if st, ok := h.initial[s.key]; ok {
		return h.trusted(s, st)
	}
	for _, owner := range append(slices.Clone(s.subjects), s.resources...) {
		if at, ok := h.created[entityKey(owner)]; ok && s.at.Sub(at) >= 0 {
			return stateAbsent
		}
	}
	return state{}
}

func (h *history) stateAfter(s *step) state {
	switch {
	case s.op == OpRemove:
		return stateAbsent
	case s.op == OpPut && s.doc != "":
		return state{known: true, doc: s.doc}
	case s.kind == KindManagedPolicy && s.version != "":
		if doc := first(h.versions[s.policyARN+"\x00"+s.version], h.base.Version(s.policyARN, s.version)); doc != "" {
			return state{known: true, doc: doc}
		}
		return state{}
	case s.op == OpAdd && isLinkStep(s):
		return statePresent
	case s.op == OpPut && s.kind == KindBoundary:
		return state{known: true, doc: s.policyARN}
	}
	return state{}
}

// at returns the state of a key at an instant, as the trail tells it. When the
// trail first speaks of it later, that later step may tell what was before.
func (h *history) at(key string, t time.Time) state {
	list := h.byKey[key]
	i := sort.Search(len(list), func(i int) bool { return list[i].at.After(t) })
	if i > 0 {
		return list[i-1].after
	}
	if len(list) == 0 {
		return h.initial[key]
	}
	if isLinkStep(list[0]) && list[0].op == OpRemove {
		// IAM refuses to take away what is not there. Adding what is there
		// already passes, so it tells nothing.
		return statePresent
	}
	return list[0].before
}

// between returns the steps with from ≤ time ≤ to.
func (h *history) between(from, to time.Time) []*step {
	lo := sort.Search(len(h.steps), func(i int) bool { return !h.steps[i].at.Before(from) })
	hi := sort.Search(len(h.steps), func(i int) bool { return h.steps[i].at.After(to) })
	return h.steps[min(lo, hi):hi]
}

// member tells whether a user was in a group at an instant.
func (h *history) member(user, group string, t time.Time) tri {
	return linked(h.listed(h.at(memberKey(user, group), t), replay.Member, user))
}

// attached tells whether a managed policy was attached to a user, role or
// group at an instant.
func (h *history) attached(principal, policyARN string, t time.Time) tri {
	return linked(h.listed(h.at(attachKey(principal, policyARN), t), replay.Attached, principal))
}

func linked(s state) tri {
	switch {
	case !s.known:
		return maybe
	case s.absent:
		return no
	}
	return yes
}

// tri is a truth value that may be unknown.
type tri uint8

const (
	no tri = iota
	maybe
	yes
)
