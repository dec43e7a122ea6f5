package correlate

import (
	"context"
	"strings"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// pullRequests tells where pull requests were to be merged to: the call that
// merges names only the request's id. They are read when first asked for.
type pullRequests struct {
	ctx    context.Context
	trail  Trail
	loaded bool
	err    error
	refs   map[string][]string // by account and id
}

func isMerge(eventName string) bool { return strings.HasPrefix(eventName, "MergePullRequestBy") }

// join fills in the refs of a merge.
func (p *pullRequests) join(r *FailedRequest, e *Event) {
	if p == nil || !isMerge(e.Name) || len(r.Refs) > 0 {
		return
	}
	if !p.loaded {
		p.loaded = true
		p.load()
	}
	r.Refs = p.refs[e.Account+" "+Str(e.Params, "pullRequestId")]
}

func (p *pullRequests) load() {
	f := query.Filter{Where: []query.Term{query.Is(index.EventName, "CreatePullRequest"), query.Is(index.Outcome, index.OutcomeSuccess)}}
	p.refs = map[string][]string{}
	for q, err := range p.trail.Events(p.ctx, f) {
		if err != nil {
			p.err = err
			return
		}
		e, err := ParseEvent(q)
		if err != nil {
			continue
		}
		id := Str(e.Response, "pullRequest", "pullRequestId")
		var refs []string
		for _, r := range leaves(e.Response, []string{"pullRequest", "pullRequestTargets", "destinationReference"}) {
			refs = append(refs, branchRef(r))
		}
		if len(refs) == 0 {
			refs = refsOf(e)
		}
		if id != "" {
			p.refs[e.Account+" "+id] = refs
		}
	}
}

func branchRef(name string) string {
	if strings.HasPrefix(name, "refs/") {
		return name
	}
	return "refs/heads/" + name
}

// withRefs asks once for each ref of a merge, whose record does not show them.
func withRefs(requests []*policy.Request, refs []string) []*policy.Request {
	const key = "codecommit:References"
	var out []*policy.Request
	for _, r := range requests {
		if known, _ := r.Context.Lookup(key); known == policy.KeyPresent {
			out = append(out, r)
			continue
		}
		for _, ref := range refs {
			c := r.With("", "")
			c.Context.Set(key, ref)
			out = append(out, c)
		}
	}
	return out
}
