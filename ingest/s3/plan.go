package s3

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Plan is what a run over a source would list and read.
type Plan struct {
	Source string  `json:"source"`
	Access *Access `json:"access,omitempty"`
	// From and To bound the days of the folders that are read, YYYY/MM/DD, both
	// included; empty is no bound.
	From string `json:"firstDay,omitempty"`
	To   string `json:"lastDay,omitempty"`
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
	// makes them again. Gets is that of requests for bodies, if all goes well
	// and no object is so large that it is read twice.
	Listings int64 `json:"listRequests"`
	Gets     int64 `json:"getRequests"`
	// Note says why there is nothing to tell.
	Note string `json:"note,omitempty"`
	// Problems are listings that failed: the plan lacks what they hold.
	Problems []string `json:"problems,omitempty"`
}

// Requests is the number of requests that a run makes if all goes well.
func (p *Plan) Requests() int64 { return p.Listings + p.Gets }

// Plan lists the source and reads nothing. Its error is that of ctx, or of the
// credentials; a prefix that could not be listed is one of the plan's problems.
func (s *Source) Plan(ctx context.Context) (Plan, error) {
	plan := Plan{Source: s.name(s.prefix), From: s.choice.from, To: s.choice.to}
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
		if s.known(f.obj) {
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
	plan.Gets = plan.Objects
	plan.Days, plan.Accounts, plan.Regions = names(days), names(accounts), names(regions)
	slices.Sort(plan.Problems)
	plan.Access = s.access(ctx)
	if err := ctx.Err(); err != nil {
		return plan, err
	}
	return plan, failed
}

// Access says where and as whom a bucket is reached.
type Access struct {
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
	// Credentials says where they come from, never what they are.
	Credentials string `json:"credentials"`
}

func (s *Source) access(ctx context.Context) *Access {
	a := &Access{Endpoint: s.direct.base.Redacted(), Region: s.direct.region, Credentials: "none"}
	if s.credentials == nil {
		return a
	}
	if c, err := s.credentials.Retrieve(ctx); err == nil {
		a.Credentials = origin(c.Source)
	}
	return a
}

// origin words what the SDK calls a source of credentials.
func origin(source string) string {
	name, rest, _ := strings.Cut(source, ":")
	for kind, words := range map[string]string{
		"EnvConfigCredentials": "environment", "SharedConfigCredentials": "file", "SSOProvider": "IAM Identity Center",
		"EC2RoleProvider": "instance role", "AssumeRoleProvider": "assumed role", "WebIdentityCredentials": "web identity",
		"ProcessProvider": "credential process", "CredentialsEndpointProvider": "container role", "LoginProvider": "login",
	} {
		if name == kind {
			return words + rest
		}
	}
	return source
}

// Located tells the account, the region and the day (YYYY/MM/DD) that a key, or
// a path laid out like one, names. What it does not name is empty.
func Located(key string) (account, region, day string) {
	p := locate(key)
	return p.account, p.region, p.date
}

func names(set map[string]bool) []string {
	delete(set, "")
	return slices.Sorted(maps.Keys(set))
}
