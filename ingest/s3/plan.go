package s3

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Plan is what a run over a source would list and read.
type Plan struct {
	Source string `json:"source"`
	// Prefixes is the number of prefixes whose keys are listed; LeftOut counts
	// the folders and single objects beside them that are not chosen: other
	// days, accounts and regions, digests, Insights, logs of other services.
	Prefixes int64 `json:"prefixes"`
	LeftOut  int64 `json:"leftOut"`
	// Objects and Bytes are to be read; Known are not, as they were before.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	Known   int64 `json:"known"`
	// Days (YYYY/MM/DD), Accounts and Regions are those of all chosen objects
	// whose keys name one.
	Days     []string `json:"days"`
	Accounts []string `json:"accounts"`
	Regions  []string `json:"regions"`
	// Listings is the number of list requests, as made for the plan; a run
	// makes them again and Objects get requests.
	Listings int64 `json:"listRequests"`
	// Problems are listings that failed: the plan lacks what they hold.
	Problems []string `json:"problems,omitempty"`
}

// Requests is the number of requests that a run makes if all goes well.
func (p *Plan) Requests() int64 { return p.Listings + p.Objects }

// Plan lists the source and reads nothing. Its error is that of ctx, or of the
// credentials; a prefix that could not be listed is one of the plan's problems.
func (s *Source) Plan(ctx context.Context) (Plan, error) {
	plan := Plan{Source: s.name(s.prefix)}
	before := s.opts.Stats.Listings.Load()
	days, accounts, regions := map[string]bool{}, map[string]bool{}, map[string]bool{}
	var mu sync.Mutex
	var failed error
	w := newWalker(s, func(f found) {
		mu.Lock()
		defer mu.Unlock()
		if f.err != nil {
			plan.Problems = append(plan.Problems, f.obj.Name+": "+f.err.Error())
			failed = stopping(failed, f.err)
			return
		}
		if s.opts.Known != nil && s.opts.Known(f.obj) {
			plan.Known++
		} else {
			plan.Objects++
			plan.Bytes += f.obj.Size
		}
		p := locate(f.obj.Name)
		days[p.date], accounts[p.account], regions[p.region] = true, true, true
	})
	w.run(ctx)
	plan.Prefixes, plan.LeftOut = w.listed.Load(), w.leftOut.Load()
	plan.Listings = s.opts.Stats.Listings.Load() - before
	plan.Days, plan.Accounts, plan.Regions = names(days), names(accounts), names(regions)
	slices.Sort(plan.Problems)
	if err := ctx.Err(); err != nil {
		return plan, err
	}
	return plan, failed
}

func names(set map[string]bool) []string {
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}
