package correlate

import "sort"

// The table of points. Levels rank first; points order the candidates of one
// level and tell a reader how much each observation weighs. The figures are
// judgement, not measurement: each is meant to be larger than what it should
// outweigh.
const (
	pointsReplay        = 20  // the statement decides the request by itself
	pointsMessageARN    = 20  // the message names the policy that changed
	pointsMessageLayer  = 6   // the message names this kind of policy
	pointsMessageEffect = 4   // the message's effect is what this change does
	pointsReverted      = 12  // success came back when the change was taken back
	pointsOnset         = 6   // the same request passed within a day before
	pointsBetween       = 4   // and this change lies between
	pointsWindow        = 5   // inside the window the playbook names for its kind
	pointsLatest        = 4   // the latest change that could matter
	pointsPeers         = 4   // callers and requests out of its reach still pass
	pointsSubjectExact  = 6   // it is bound to the very caller
	pointsSubjectGroup  = 4   // or to one of the caller's groups
	pointsSubjectWide   = 2   // or to the account or organization
	pointsActionExact   = 4   // a statement names the action
	pointsActionService = 2   // or the service
	pointsActionAny     = 1   // or everything
	pointsResource      = 3   // a statement names this resource
	pointsUnknownScope  = -2  // whether it reaches the caller is not known
	pointsUnknownDoc    = -2  // what it changed is not known in full
	pointsGuard         = -10 // what is known of it only denies other requests
	pointsPropagation   = 6   // granted seconds before, effective seconds after
	pointsEscalated     = -1  // outside the window the playbook names
)

// windowPoints are the points for the rung of the ladder that holds the lag;
// rungs beyond earn none.
var windowPoints = []int{10, 7, 5, 2}

func pointsForRung(i int) int {
	if i < len(windowPoints) {
		return windowPoints[i]
	}
	return 0
}

// The kinds of evidence.
const (
	evReplay      = "replay"
	evMessage     = "message"
	evTime        = "time"
	evScope       = "scope"
	evLayer       = "layer"
	evOnset       = "onset"
	evRecovery    = "recovery"
	evPeers       = "peers"
	evDirection   = "direction"
	evPropagation = "propagation"
)

// tally collects evidence and sums its points.
type tally struct {
	pro, con []Evidence
	score    int
}

// add files a point under for or against by its sign; 0 counts as for.
func (t *tally) add(kind string, points int, text string) {
	t.score += points
	e := Evidence{Kind: kind, Points: points, Text: text}
	if points < 0 {
		t.con = append(t.con, e)
		return
	}
	t.pro = append(t.pro, e)
}

// against files something that speaks against the candidate without costing
// points.
func (t *tally) against(kind, text string) {
	t.con = append(t.con, Evidence{Kind: kind, Text: text})
}

// lists returns the evidence, heaviest first.
func (t *tally) lists() (pro, con []Evidence) {
	sort.SliceStable(t.pro, func(i, j int) bool { return t.pro[i].Points > t.pro[j].Points })
	sort.SliceStable(t.con, func(i, j int) bool { return t.con[i].Points < t.con[j].Points })
	return append([]Evidence{}, t.pro...), append([]Evidence{}, t.con...)
}

// levelRank orders levels, best first.
func levelRank(l Level) int {
	switch l {
	case Proven:
		return 0
	case Observed:
		return 1
	case Consistent:
		return 2
	case Related:
		return 3
	}
	return 4
}
