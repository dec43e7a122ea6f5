package query

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// Overview tells what an index holds and what it lacks, as a whole.
type Overview struct {
	// Known is false when some segment does not note its hours, or when the times
	// of events are too far apart; all else is zero then.
	Known bool
	Hours int // with events of any account
	Of    int // hours from the first event to the last
	First time.Time
	Last  time.Time // hours, that of the last event included
	// Regular tells whether some account is seen so regularly that a silence means
	// something: without, there are no Silences, and that says nothing.
	Regular bool
	// Silences are the gaps between First and Last of accounts and regions that are
	// regular, the longest first, and at most 10,000; Shorter counts the others.
	Silences []Span
	Shorter  int
}

// maxSilences bounds the memory that many accounts of irregular hours may take.
const maxSilences = 10_000

// Overview sums the coverage up.
func (c *Coverage) Overview() Overview {
	if c.unknown || c.all == nil || c.all.seen == 0 {
		return Overview{Known: !c.unknown}
	}
	o := Overview{Known: true, Hours: c.all.seen, Of: int(c.all.last-c.all.first) + 1,
		First: time.Unix(c.all.first*3600, 0).UTC(), Last: time.Unix(c.all.last*3600, 0).UTC()}
	end := o.Last.Add(time.Hour)
	for of, p := range c.pairs {
		if p.usual() < 0 || of.account == "" {
			continue
		}
		o.Regular = true
		for _, s := range c.silence(of, o.First, end) {
			if of.region == "" || !c.silentEverywhere(s) {
				o.Silences = append(o.Silences, s)
			}
		}
		if len(o.Silences) > 2*maxSilences {
			o.keepLongest()
		}
	}
	o.keepLongest()
	return o
}

// keepLongest sorts the silences and counts those that are too many.
func (o *Overview) keepLongest() {
	slices.SortFunc(o.Silences, func(a, b Span) int {
		return cmp.Or(cmp.Compare(b.To.Sub(b.From), a.To.Sub(a.From)), a.From.Compare(b.From), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	if more := len(o.Silences) - maxSilences; more > 0 {
		o.Silences, o.Shorter = o.Silences[:maxSilences], o.Shorter+more
	}
}

// silentEverywhere tells whether the silence of a region is part of one of its
// account, which is told once.
func (c *Coverage) silentEverywhere(s Span) bool {
	return slices.ContainsFunc(c.silence(pair{s.Account, ""}, s.From, s.To), func(w Span) bool { return !s.From.Before(w.From) && !s.To.After(w.To) })
}

// Days counts the hours with events of an account, in all regions together, for
// each UTC day from that of Overview's First to that of its Last.
func (c *Coverage) Days(account string) []int {
	p := c.pairs[pair{account, ""}]
	days := make([]int, c.days)
	if p != nil {
		for day, h := range p.hours {
			days[day] = bits.OnesCount32(h)
		}
	}
	return days
}
