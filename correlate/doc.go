// Package correlate turns the failures of a trail into findings: which change
// broke this request, how sure that is, and what speaks against it.
//
// Data flows one way. A collector groups the failures of one request (fact.go,
// collect.go); a neighbourhood looks up what the same callers did besides
// (neighbour.go); groups are cut into episodes (episode.go) with frequency and
// spread (spread.go). All changes of the trail become a history with the state
// of each policy before and after (step.go, history.go). A judge holds the
// changes against one episode: can it reach the request (scope.go), what do its
// statements do to it (effects.go, content.go), what rules it out and how
// strong is the claim (judge.go), with the points of score.go as sentences
// (evidence.go). The replay of the policies (facts.go, replayed.go, package
// replay) then proves or refutes what it can. The verdicts are ranked and diagnosed (verdict.go) and written
// down (build.go). Playbooks (playbook.go, claim.go) say which failures belong
// together, which windows count and what to do next.
//
// Cost grows with failures and changes: only failures, changes and the calls
// of failing callers are ever read, each by the index.
package correlate
