package correlate

import (
	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// seed fills in what the baseline tells, by the keys of the history.
func (h *history) seed() {
	h.base.Slots(func(s replay.Slot, v replay.Value) {
		st := state{known: true, doc: v.Doc}
		switch s.Kind {
		case replay.Inline:
			h.seedKey(s.Owner+"|inline|"+s.Name, st, s.Owner)
		case replay.Attached:
			h.seedKey(attachKey(s.Owner, s.Name), statePresent, s.Owner)
			noteIn(h.bindings, s.Name, s.Owner)
		case replay.Managed:
			h.initial[policyKey(s.Owner)] = st
		case replay.Member:
			h.initial[memberKey(s.Owner, s.Name)] = statePresent
		case replay.Boundary:
			h.initial[s.Owner+"|"+string(KindBoundary)] = state{known: true, doc: v.ARN}
		case replay.OrgPolicy:
			h.initial["orgdoc\x00"+s.Owner] = st
		case replay.Resource:
			for _, k := range []Kind{KindTrust, KindKeyPolicy, KindResourcePolicy, KindVPCEndpoint} {
				h.initial[s.Owner+"|"+string(k)] = st
			}
		}
	})
}

func (h *history) seedKey(key string, st state, owner string) {
	h.initial[key] = st
	noteIn(h.owned, entityKey(owner), key)
}

// trusted returns what the baseline tells of the step's key, unless the step
// shows that the baseline is of a later time: what it puts was there already.
func (h *history) trusted(s *step, st state) state {
	switch {
	case s.op == OpRemove:
		return st
	case isLinkStep(s), st.doc == s.doc, st.doc != "" && s.doc != "" && sameDocuments(st.doc, s.doc):
		delete(h.initial, s.key)
		return state{}
	}
	return st
}

func sameDocuments(a, b string) bool {
	da, errA := policy.Parse([]byte(a))
	db, errB := policy.Parse([]byte(b))
	return errA == nil && errB == nil && policy.Equal(da, db)
}

// covered reports whether the baseline lists all slots of a kind of an owner.
func (h *history) covered(kind replay.Kind, owner string) bool {
	_, ok := h.base.Value(replay.Slot{Kind: kind, Owner: entityKey(owner)})
	return ok && !h.replay.Doubted(entityKey(owner))
}

// listed turns an unknown link into an absent one when the baseline lists all
// links of its owner.
func (h *history) listed(st state, kind replay.Kind, owner string) state {
	if !st.known && h.covered(kind, owner) {
		return stateAbsent
	}
	return st
}
