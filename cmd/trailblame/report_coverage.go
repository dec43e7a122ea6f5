package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/query"
)

// What the report shows of the coverage: by hours with events, as the index notes
// them. Counts of events would make a busy hour look like a whole day.

// coverageMap shows how many hours of which days have events of which accounts.
type coverageMap struct {
	Per          int // days in a column
	Columns      []string
	Last         string // day
	Rows         []coverageRow
	MoreAccounts int
	Width        int // of a strip, in pixels, where there is room
}

type coverageRow struct {
	Account string
	Text    string // hours with events
	Label   string
	Cells   []coverageCell
}

// coverageCell is a column of a row: Shade is 0 without an event, else 1 to 4, and
// 4 only when no hour lacks one. Silent is "all" when the account is unusually
// silent there, "part" when one of its regions is.
type coverageCell struct {
	X      int
	Shade  int
	Silent string
	Text   string
}

// silenceView is a time without events that is unusual.
type silenceView struct {
	Account, Region, From, To string
	Hours                     int64
}

// pairView tells what there is of an account in a region.
type pairView struct {
	Account, Region, First, Last, DataEvents string
	Hours, Of                                int
}

const (
	maxCoverageColumns  = 184 // half a year of days; a longer trail is shown by more days in a column
	maxCoverageAccounts = 40
	maxSilencesShown    = 12
	maxPairsShown       = 40
)

// hours fills in what coverage tells.
func (v *readView) hours(coverage *query.Coverage) {
	o := coverage.Overview()
	v.Coverage, v.Lacking = coverageText(&o, safe)
	v.Coverage = capital(v.Coverage)
	if o.Of == 0 {
		return
	}
	v.Hours = capital(hoursText(&o))
	const form = "2006-01-02 15:04"
	shown := o.Silences[:min(len(o.Silences), maxSilencesShown)]
	v.More = len(o.Silences) + o.Shorter - len(shown)
	for _, s := range shown {
		v.Silences = append(v.Silences, silenceView{cutReportText(safe(s.Account)), cutReportText(safe(cmp.Or(s.Region, "all"))),
			s.From.Format(form), s.To.Format(form), int64(s.To.Sub(s.From) / time.Hour)})
	}
	pairs := coverage.Present()
	v.Map = newCoverageMap(coverage, &o, accountsPresent(pairs))
	v.MorePairs = max(len(pairs)-maxPairsShown, 0)
	for _, p := range pairs[:len(pairs)-v.MorePairs] {
		v.Pairs = append(v.Pairs, pairView{cutReportText(safe(cmp.Or(p.Account, "-"))), cutReportText(safe(cmp.Or(p.Region, "-"))),
			p.First.Format(form), p.Last.Add(time.Hour).Format(form), dataSources(&p), p.Hours, p.Hours + p.Missing})
	}
}

// maxSourcesShown bounds the sources of data events that a row names.
const maxSourcesShown = 6

func dataSources(p *query.Present) string {
	var names []string
	for _, source := range slices.Sorted(maps.Keys(p.DataEvents)) {
		names = append(names, cutReportText(safe(strings.TrimSuffix(source, ".amazonaws.com"))))
	}
	return someOf(names, maxSourcesShown)
}

// accountsPresent lists the accounts, those first with the most hours in a region.
func accountsPresent(pairs []query.Present) []string {
	most := map[string]int{}
	for _, p := range pairs {
		most[p.Account] = max(most[p.Account], p.Hours)
	}
	return slices.SortedFunc(maps.Keys(most), func(a, b string) int { return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b)) })
}

func newCoverageMap(coverage *query.Coverage, o *query.Overview, accounts []string) *coverageMap {
	first, last := o.First.Truncate(24*time.Hour), o.Last.Truncate(24*time.Hour)
	days := int(last.Sub(first)/(24*time.Hour)) + 1
	m := &coverageMap{Last: last.Format(time.DateOnly), Per: (days + maxCoverageColumns - 1) / maxCoverageColumns}
	for at := first; !at.After(last); at = at.AddDate(0, 0, m.Per) {
		m.Columns = append(m.Columns, at.Format(time.DateOnly))
	}
	m.Width = min(len(m.Columns)*22, 1100)
	m.MoreAccounts = max(len(accounts)-maxCoverageAccounts, 0)
	rows := map[string]int{}
	for i, account := range accounts[:len(accounts)-m.MoreAccounts] {
		m.Rows = append(m.Rows, m.row(coverage, o, account, first))
		rows[account] = i
	}
	for _, s := range o.Silences {
		if i, drawn := rows[s.Account]; drawn {
			m.mark(&m.Rows[i], &s, first)
		}
	}
	return m
}

func (m *coverageMap) row(coverage *query.Coverage, o *query.Overview, account string, first time.Time) coverageRow {
	hours := make([]int, len(m.Columns))
	total := 0
	for day, n := range coverage.Days(account) {
		hours[day/m.Per] += n
		total += n
	}
	row := coverageRow{Account: cutReportText(safe(cmp.Or(account, "no account"))),
		Text: fmt.Sprintf("events in %s of %s", thousands(total), counted(int64(o.Of), "hour", "hours"))}
	row.Label = row.Account + ": " + row.Text
	for i, n := range hours {
		from := first.AddDate(0, 0, i*m.Per)
		to := from.AddDate(0, 0, m.Per)
		of := overlap(from, to, o.First, o.Last.Add(time.Hour))
		c := coverageCell{X: i, Shade: shade(n, of), Text: fmt.Sprintf("%s: events in %d of %s", m.Columns[i], n, counted(int64(of), "hour", "hours"))}
		row.Cells = append(row.Cells, c)
	}
	return row
}

// mark marks the cells that a silence lies in.
func (m *coverageMap) mark(row *coverageRow, s *query.Span, first time.Time) {
	column := 24 * time.Hour * time.Duration(m.Per)
	for i := int(s.From.Sub(first) / column); i < len(row.Cells); i++ {
		from := first.AddDate(0, 0, i*m.Per)
		hours := overlap(from, from.AddDate(0, 0, m.Per), s.From, s.To)
		if hours == 0 {
			return
		}
		row.Cells[i].silence(s, hours)
	}
}

// silence marks a silence of some hours in the cell.
func (c *coverageCell) silence(s *query.Span, hours int) {
	if s.Region == "" {
		c.Silent = "all"
	} else if c.Silent == "" {
		c.Silent = "part"
	}
	if len(c.Text) < 200 {
		c.Text += fmt.Sprintf("; %s unusually silent for %s", safe(cmp.Or(s.Region, "all regions")), counted(int64(hours), "hour", "hours"))
	}
}

// overlap counts the hours that two times have in common.
func overlap(from, to, first, last time.Time) int {
	if first.After(from) {
		from = first
	}
	if last.Before(to) {
		to = last
	}
	return max(int(to.Sub(from)/time.Hour), 0)
}

// shade tells a whole day from one in which hours are missing, and none from few.
func shade(n, of int) int {
	switch {
	case n == 0:
		return 0
	case n >= of:
		return 4
	}
	return 1 + 3*n/of
}
