package correlate

import (
	"slices"
	"strings"
	"time"
)

// maxNames bounds each list of a spread.
const maxNames = 20

// frequency tells how steadily the episode's request failed within window from
// its first failure, up to its recovery unless it failed again after that.
func (ep *episode) frequency(window time.Duration) Frequency {
	from := ep.first().at
	to := from.Add(window)
	until := to
	if ep.again == nil && ep.recovery != nil && ep.recovery.at.Before(to) {
		until = ep.recovery.at
	}
	f := Frequency{Window: Window(window).String(), Failures: len(span(ep.group.facts, factAt, from, until))}
	passed := 0
	for _, ok := range span(ep.oks, factAt, from, until) {
		if ok.at.Before(until) && ep.sameRequest(&ok) {
			passed++
		}
	}
	f.Attempts = f.Failures + passed
	switch {
	case passed > 0:
		f.Pattern = "intermittent"
	case f.Failures > 1:
		f.Pattern = "constant"
	default:
		f.Pattern = "single"
	}
	return f
}

// sameRequest reports whether a success is of a request that fails in ep.
func (ep *episode) sameRequest(ok *fact) bool {
	f := ep.first()
	return ok.request() == f.request() || ep.standsFor(ok, f) || ep.requests()[ok.request()]
}

// requests is the set of requests that fail in the episode.
func (ep *episode) requests() map[request]bool {
	if ep.set == nil {
		ep.set = map[request]bool{}
		for i := range ep.facts {
			ep.set[ep.facts[i].request()] = true
		}
	}
	return ep.set
}

// around is what else was tried around the onset of an episode.
type around struct {
	refsFail, refsPass set // branches, same principal and repository
	resFail, resPass   set // other resources, same principal and action
	whoFail, whoPass   set // other principals, same action and resource
}

type set map[string]bool

func (s set) add(v string) {
	if v != "" && len(s) < 10*maxNames {
		s[v] = true
	}
}

func newAround() *around {
	return &around{set{}, set{}, set{}, set{}, set{}, set{}}
}

// spread tells from what happened around the onset who else is hit.
func (a *around) spread(ep *episode, window time.Duration) Spread {
	s := Spread{Window: Window(window).String()}
	pick := func(pattern string, failing, succeeding set) Spread {
		s.Pattern = pattern
		s.Failing, s.Succeeding = names(failing), names(minus(succeeding, failing))
		return s
	}
	onlyRefsPass := minus(a.refsPass, a.refsFail)
	othersFail := minus(a.whoFail, set{ep.principal: true})
	othersPass := minus(a.whoPass, a.whoFail)
	switch {
	case len(a.refsFail) > 0 && len(onlyRefsPass) > 0:
		return pick("branch", a.refsFail, a.refsPass)
	case len(othersFail) > 0 && len(a.resFail) > 1:
		return pick("account", a.resFail, a.resPass)
	case len(othersFail) > 0:
		return pick("resource", a.whoFail, a.whoPass)
	case len(a.refsFail) > 1:
		return pick("repository", a.refsFail, a.refsPass)
	case len(othersPass) > 0:
		return pick("principal", set{ep.principal: true}, a.whoPass)
	case len(minus(a.resPass, a.resFail)) > 0:
		return pick("resource", a.resFail, a.resPass)
	case len(a.resFail) > 1:
		return pick("principal", set{ep.principal: true}, a.whoPass)
	}
	failing := a.resFail
	if len(a.refsFail) > 0 {
		failing = a.refsFail
	}
	return pick("single", failing, set{})
}

func minus(a, b set) set {
	out := set{}
	for k := range a {
		if !b[k] {
			out[k] = true
		}
	}
	return out
}

func names(s set) []string {
	out := sortedKeys(s)
	return slices.Clip(out[:min(len(out), maxNames)])
}

// splitRefs takes apart what joinRefs joined.
func splitRefs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

// joinRefs makes one string of the refs of a push; refs hold no blanks.
func joinRefs(refs []string) string {
	refs = slices.Clone(refs)
	slices.Sort(refs)
	return strings.Join(slices.Compact(refs), " ")
}
