package query

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/trailblame/trailblame/index"
)

// Coverage tells of which hours an index holds events, for each account and
// region, from what its segments note when they are written: no event is read.
// It is of the snapshot that it was made from, and safe for concurrent use.
//
// An hour without events may be one in which nothing happened, or one whose
// deliveries are not there; only digests can tell. So silence counts as a gap
// only where it is unusual: single hours where an account is otherwise seen in
// most hours of a region, two days where it is seen on most days, and
// everything before its first and after its last event in any case.
type Coverage struct {
	first   int64 // day of hours[0], in days since 1970
	days    int
	unknown bool      // some segment does not tell
	all     *presence // of any account
	pairs   map[pair]*presence
	sources map[pair]map[string]*presence // of data events
}

// pair is an account in a region; an empty region stands for all of them.
type pair struct{ account, region string }

// presence is what is known of a pair.
type presence struct {
	hours       []uint32 // a bit per hour, for each day of the index
	first, last int64    // hours since 1970, of the first and last event
	seen        int      // hours with events
	daysSeen    int
}

// Span is a time without events: of an account in a region, or in all regions
// when Region is empty. From and To are whole hours, To excluded.
type Span struct {
	Account string    `json:"account"`
	Region  string    `json:"region,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
}

const allHours = 1<<24 - 1

// NewCoverage reads the hours of all segments of ix.
func NewCoverage(ix *index.Index) (*Coverage, error) {
	c := &Coverage{pairs: map[pair]*presence{}, sources: map[pair]map[string]*presence{}}
	dates := slices.DeleteFunc(ix.Partitions(), func(date string) bool { return dayOf(date) < 0 })
	if len(dates) == 0 {
		return c, nil
	}
	c.first = dayOf(dates[0])
	c.days = int(dayOf(dates[len(dates)-1])-c.first) + 1
	if c.unknown = c.days > maxDays; c.unknown {
		return c, nil // times that no trail has
	}
	for _, date := range dates {
		if err := c.read(ix, date); err != nil {
			return nil, err
		}
	}
	c.all = &presence{hours: make([]uint32, c.days)}
	for _, p := range c.pairs {
		p.count(c.first)
		for day, h := range p.hours {
			c.all.hours[day] |= h
		}
	}
	c.all.count(c.first)
	for _, sources := range c.sources {
		for _, p := range sources {
			p.count(c.first)
		}
	}
	return c, nil
}

// maxDays bounds the memory that two events far apart may take.
const maxDays = 100 * 366

func dayOf(date string) int64 {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return -1
	}
	return t.Unix() / 86400
}

func (c *Coverage) read(ix *index.Index, date string) error {
	segments, err := ix.Segments(date)
	if err != nil {
		return err
	}
	day := int(dayOf(date) - c.first)
	for _, s := range segments {
		list, ok, err := s.Hours()
		if err != nil {
			return err
		}
		c.unknown = c.unknown || !ok
		for _, h := range list {
			of := pair{h.Account, h.Region}
			if h.Source != "" {
				if c.sources[of] == nil {
					c.sources[of] = map[string]*presence{}
				}
				add(c.sources[of], h.Source, c.days, day, h.Hours)
				continue
			}
			add(c.pairs, of, c.days, day, h.Hours)
			add(c.pairs, pair{h.Account, ""}, c.days, day, h.Hours)
		}
	}
	return nil
}

func add[K comparable](m map[K]*presence, key K, days, day int, hours uint32) {
	p := m[key]
	if p == nil {
		p = &presence{hours: make([]uint32, days)}
		m[key] = p
	}
	p.hours[day] |= hours & allHours
}

func (p *presence) count(firstDay int64) {
	p.first = -1
	for day, h := range p.hours {
		if h == 0 {
			continue
		}
		base := (firstDay + int64(day)) * 24
		if p.first < 0 {
			p.first = base + int64(bits.TrailingZeros32(h))
		}
		p.last = base + int64(31-bits.LeadingZeros32(h))
		p.seen += bits.OnesCount32(h)
		p.daysSeen++
	}
}

// usual is the longest silence that is nothing unusual, in hours; -1 for any.
func (p *presence) usual() int64 {
	span := p.last - p.first + 1
	switch days := p.last/24 - p.first/24 + 1; {
	case span >= 12 && 2*int64(p.seen) > span:
		return 0
	case days >= 7 && 2*int64(p.daysSeen) > days:
		return 47 // from the beginning of a day to the end of the next
	}
	return -1
}

// Gaps returns the times between from and to in which the index lacks an
// account's events in a region, where that is unusual. An account that is
// silent everywhere comes first, with an empty region; what that covers is not
// told again for the region.
func (c *Coverage) Gaps(account, region string, from, to time.Time) []Span {
	whole := c.silence(pair{account, ""}, from, to)
	if region == "" {
		return whole
	}
	for _, s := range c.silence(pair{account, region}, from, to) {
		if !slices.ContainsFunc(whole, func(w Span) bool { return !s.From.Before(w.From) && !s.To.After(w.To) }) {
			whole = append(whole, s)
		}
	}
	return whole
}

// silence returns the gaps of one pair.
func (c *Coverage) silence(of pair, from, to time.Time) []Span {
	start, end := from.Unix()/3600, (to.Unix()+3599)/3600
	if c.days == 0 || c.unknown || of.account == "" || start >= end {
		return nil
	}
	p := c.pairs[of]
	if p == nil {
		return []Span{span(of, start, end)}
	}
	var list []Span
	usual := p.usual()
	for h := start; h < end; {
		if p.has(h - c.first*24) {
			h++
			continue
		}
		next := p.next(h-c.first*24) + c.first*24
		outside := h < p.first || h > p.last
		// A silence that begins before the range is as long as it is.
		if length := next - max(p.before(h-c.first*24)+c.first*24+1, p.first); outside || usual >= 0 && length > usual {
			list = append(list, span(of, h, min(next, end)))
		}
		h = next
	}
	return list
}

func span(of pair, from, to int64) Span {
	return Span{of.account, of.region, time.Unix(from*3600, 0).UTC(), time.Unix(to*3600, 0).UTC()}
}

// has, next and before count hours from the first day of the index.
func (p *presence) has(h int64) bool {
	return h >= 0 && h < int64(len(p.hours))*24 && p.hours[h/24]&(1<<(h%24)) != 0
}

// next returns the first hour from h on that has events, or one that is far.
func (p *presence) next(h int64) int64 {
	h = max(h, 0)
	for day := h / 24; day < int64(len(p.hours)); day++ {
		if rest := p.hours[day] >> (h - day*24) << (h - day*24); rest != 0 {
			return day*24 + int64(bits.TrailingZeros32(rest))
		}
		h = (day + 1) * 24
	}
	return 1 << 40
}

// before returns the last hour before h that has events, or -1.
func (p *presence) before(h int64) int64 {
	for h = min(h, int64(len(p.hours))*24) - 1; h >= 0; h-- {
		if h%24 == 23 && p.hours[h/24] == 0 {
			h -= 23
			continue
		}
		if p.has(h) {
			return h
		}
	}
	return -1
}

// DataEvents tells whether between from and to the index holds data events of
// a source, such as s3.amazonaws.com, for an account in a region; any tells it
// of any source. An empty region stands for all of them.
func (c *Coverage) DataEvents(account, region, source string, from, to time.Time) (ofSource, any bool) {
	for of, sources := range c.sources {
		if of.account != account || region != "" && of.region != region {
			continue
		}
		for name, p := range sources {
			h := p.next(from.Unix()/3600-c.first*24) + c.first*24
			if h*3600 < to.Unix() || h == to.Unix()/3600 {
				any = true
				ofSource = ofSource || name == source
			}
		}
	}
	return ofSource, any
}

// Holds tells whether there are events of an account in a region between from
// and to.
func (c *Coverage) Holds(account, region string, from, to time.Time) bool {
	p := c.pairs[pair{account, region}]
	return p != nil && (p.next(from.Unix()/3600-c.first*24)+c.first*24)*3600 <= to.Unix()
}

// Present tells what an index holds of an account in a region.
type Present struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	First   time.Time `json:"first"` // hour of the first event
	Last    time.Time `json:"last"`  // hour of the last one
	Hours   int       `json:"hours"` // with events
	Missing int       `json:"missingHours"`
	// Gaps are the silences that are unusual, the first of them.
	Gaps []Span `json:"gaps"`
	// DataEvents counts the hours with data events, by source.
	DataEvents map[string]int `json:"dataEvents"`
}

// maxGaps bounds the gaps that Present lists.
const maxGaps = 20

// Present lists the accounts and regions of the index, with the hours between
// each one's first and last event.
func (c *Coverage) Present() []Present {
	list := []Present{}
	for of, p := range c.pairs {
		if p.seen == 0 || of.region == "" && c.named(of.account) {
			continue
		}
		e := Present{Account: of.account, Region: of.region, First: time.Unix(p.first*3600, 0).UTC(), Last: time.Unix(p.last*3600, 0).UTC(),
			Hours: p.seen, Missing: int(p.last-p.first) + 1 - p.seen, Gaps: []Span{}, DataEvents: map[string]int{}}
		gaps := c.silence(of, e.First, e.Last)
		e.Gaps = append(e.Gaps, gaps[:min(len(gaps), maxGaps)]...)
		for source, d := range c.sources[of] {
			e.DataEvents[source] = d.seen
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Present) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return list
}

// named tells whether an account has events in a region that has a name.
func (c *Coverage) named(account string) bool {
	for of := range c.pairs {
		if of.account == account && of.region != "" {
			return true
		}
	}
	return false
}
