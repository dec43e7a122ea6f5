package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/query"
)

// maxFindingGaps bounds the gaps that one finding lists.
const maxFindingGaps = 20

// globalRegion is where changes of IAM and STS are recorded.
const globalRegion = "us-east-1"

// around answers what an index holds around a finding: in the region of the
// failure, and where the changes of IAM would be.
func around(coverage *query.Coverage) func(account, region, service string, from, to time.Time) correlate.Coverage {
	return func(account, region, service string, from, to time.Time) correlate.Coverage {
		c := correlate.Coverage{Gaps: []correlate.Gap{}, DataEvents: "unknown"}
		spans := coverage.Gaps(account, region, from, to)
		if region != globalRegion && !strings.HasPrefix(region, "cn-") && !strings.HasPrefix(region, "us-gov-") {
			for _, s := range coverage.Gaps(account, globalRegion, from, to) {
				if s.Region != "" {
					spans = append(spans, s)
				}
			}
		}
		for _, s := range spans[:min(len(spans), maxFindingGaps)] {
			c.Gaps = append(c.Gaps, correlate.Gap{Account: s.Account, Region: s.Region, From: correlate.Time{Time: s.From}, To: correlate.Time{Time: s.To}})
		}
		c.DataEvents = dataEvents(coverage, account, region, service, from, to)
		return c
	}
}

// maxSilencesNamed bounds the silences that one sentence names.
const maxSilencesNamed = 3

// coverageText says in a sentence what an index holds and what it may lack, and
// whether it may lack anything.
func coverageText(o *query.Overview, hide func(string) string) (text string, lacking bool) {
	if !o.Known {
		return "not known: the index has segments of an earlier version, or times too far apart; ingest into a new index", true
	}
	if o.Of == 0 {
		return "", false
	}
	text = hoursText(o)
	switch n := len(o.Silences) + o.Shorter; {
	case !o.Regular:
		return text + "; too few to tell a quiet hour from one whose deliveries are missing", false
	case n == 0:
		return text + "; no unusual silence", false
	case n == 1:
		text += "; 1 unusual silence, where deliveries may be missing: "
	default:
		text += fmt.Sprintf("; %s unusual silences, where deliveries may be missing: ", thousands(n))
	}
	var parts []string
	for _, s := range o.Silences[:min(len(o.Silences), maxSilencesNamed)] {
		parts = append(parts, hide(s.Account)+" "+spanText(&s))
	}
	if more := len(o.Silences) + o.Shorter - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %s shorter", thousands(more)))
	}
	return text + strings.Join(parts, "; "), true
}

func hoursText(o *query.Overview) string {
	return fmt.Sprintf("events in %s of %s", thousands(o.Hours), counted(int64(o.Of), "hour", "hours"))
}

// spanText tells where and how long a silence was.
func spanText(s *query.Span) string {
	const hour = "2006-01-02 15:04"
	return fmt.Sprintf("%s %s to %s (%s)", cmp.Or(s.Region, "all regions"), s.From.Format(hour), s.To.Format(hour), counted(int64(s.To.Sub(s.From)/time.Hour), "hour", "hours"))
}

// dataEvents says present or absent only where the trail shows the account.
func dataEvents(coverage *query.Coverage, account, region, service string, from, to time.Time) string {
	ofSource, other := coverage.DataEvents(account, region, service+".amazonaws.com", from, to)
	switch {
	case ofSource, other && service != "s3":
		return "present"
	case coverage.Holds(account, region, from, to):
		return "absent"
	}
	return "unknown"
}

// maxPresentShown bounds the accounts and regions that text lists, and the gaps
// of each; JSON lists more.
const (
	maxPresentShown = 64
	maxSpansShown   = 3
)

// writeCoverage tells what hours there are of each account and region.
func writeCoverage(t io.Writer, list []query.Present) {
	const hour = "2006-01-02T15"
	for i, p := range list[:min(len(list), maxPresentShown)] {
		fmt.Fprintf(t, "%s\t%s %s  %d hours from %s to %s, %d without events", title("coverage", i),
			safe(cmp.Or(p.Account, "-")), safe(cmp.Or(p.Region, "-")), p.Hours, p.First.Format(hour), p.Last.Format(hour), p.Missing)
		if len(p.DataEvents) == 0 {
			fmt.Fprint(t, "; no data events")
		} else {
			fmt.Fprintf(t, "; data events of %s", safe(strings.Join(slices.Sorted(maps.Keys(p.DataEvents)), ", ")))
		}
		fmt.Fprintln(t)
		for _, g := range p.Gaps[:min(len(p.Gaps), maxSpansShown)] {
			fmt.Fprintf(t, "\t  gap: %s to %s\n", g.From.Format(hour), g.To.Format(hour))
		}
		if more := len(p.Gaps) - maxSpansShown; more > 0 {
			fmt.Fprintf(t, "\t  and %d more gaps\n", more)
		}
	}
	if more := len(list) - maxPresentShown; more > 0 {
		fmt.Fprintf(t, "\t… %d more\n", more)
	}
}
