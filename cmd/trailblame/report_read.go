package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// readView says what the report was made from, and what was not read.
type readView struct {
	Events      int64
	First, Last string
	Days        int
	Accounts    int
	Regions     []string
	Totals      index.Totals
	Faults      []faultView
	MoreFaults  int
	Others      []labelled
	Map         *coverageMap
}

type faultView struct{ Object, Status, Problem string }

// maxFaultsShown bounds the objects that a report names as not read.
const maxFaultsShown = 50

// newReadView asks an index what it holds.
func newReadView(ix *index.Index) (*readView, error) {
	v := &readView{Totals: ix.Totals()}
	in := inspection{Others: map[string]int64{}}
	if err := in.readLedger(ix); err != nil {
		return nil, err
	}
	v.faults(in.Faults)
	for _, shape := range sortedNames(in.Others) {
		v.Others = append(v.Others, labelled{Label: safe(shape), Text: thousands(in.Others[shape])})
	}
	return v, v.segments(ix)
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v *readView) faults(list []*ingest.Entry) {
	v.MoreFaults = max(len(list)-maxFaultsShown, 0)
	for _, e := range list[:len(list)-v.MoreFaults] {
		f := faultView{Object: cutReportText(safe(e.Name)), Status: string(e.Status), Problem: cutReportText(safe(e.Problem))}
		if e.Malformed > 0 {
			f.Problem = fmt.Sprintf("%s malformed, skipped", counted(e.Malformed, "record", "records"))
			if len(e.Bad) > 0 {
				f.Problem += fmt.Sprintf("; the first, #%d: %s", e.Bad[0].Index, cutReportText(safe(e.Bad[0].Reason)))
			}
		}
		v.Faults = append(v.Faults, f)
	}
}

// segments counts the events by account, region and day.
func (v *readView) segments(ix *index.Index) error {
	days, regions := dayCounts{}, map[string]int64{}
	var from, to time.Time
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return err
		}
		for _, s := range segments {
			v.Events += int64(s.Rows())
			if first, last, ok := s.Span(); ok {
				from, to = earlier(from, first), later(to, last)
			}
			err := s.Terms(index.Account, func(t index.TermCount) bool { days.add(t.Term, date, int64(t.Count)); return true })
			if err == nil {
				err = s.Terms(index.Region, func(t index.TermCount) bool { regions[safe(t.Term)] += int64(t.Count); return true })
			}
			if err != nil {
				return err
			}
		}
	}
	if !to.IsZero() {
		v.First, v.Last = clock(correlate.Time{Time: from}), clock(correlate.Time{Time: to})
	}
	v.Accounts, v.Regions = len(days), sortedNames(regions)
	v.Map = days.chart()
	if v.Map != nil {
		v.Days = v.Map.Days
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// dayCounts counts events by account and date.
type dayCounts map[string]map[string]int64

func (d dayCounts) add(account, date string, n int64) {
	if d[account] == nil {
		d[account] = map[string]int64{}
	}
	d[account][date] += n
}

// coverageMap shows on which days there are events of which accounts.
type coverageMap struct {
	Days         int // from the first day to the last
	Per          int // days in a column
	Columns      []string
	Last         string // day
	Rows         []coverageRow
	MoreAccounts int
	Width        int // of a strip, in pixels, where there is room
}

type coverageRow struct {
	Account string
	Total   int64
	Missing int // columns without an event
	Label   string
	Cells   []coverageCell
}

type coverageCell struct {
	X     int
	Shade int // 0 for no event, 1 to 4
	Text  string
}

const (
	maxCoverageColumns  = 184 // half a year of days; a longer trail is shown by more days in a column
	maxCoverageAccounts = 40
)

// chart lays the counts out, nil when no event has a day.
func (d dayCounts) chart() *coverageMap {
	first, last := d.span()
	if first.IsZero() {
		return nil
	}
	m := &coverageMap{Days: int(last.Sub(first)/(24*time.Hour)) + 1, Last: last.Format(time.DateOnly)}
	m.Per = (m.Days + maxCoverageColumns - 1) / maxCoverageColumns
	for at := first; !at.After(last); at = at.AddDate(0, 0, m.Per) {
		m.Columns = append(m.Columns, at.Format(time.DateOnly))
	}
	m.Width = min(len(m.Columns)*22, 1100)
	accounts := sortedNames(d)
	slices.SortStableFunc(accounts, func(a, b string) int { return cmp.Compare(d.total(b), d.total(a)) })
	m.MoreAccounts = max(len(accounts)-maxCoverageAccounts, 0)
	for _, account := range accounts[:len(accounts)-m.MoreAccounts] {
		m.Rows = append(m.Rows, d.row(m, account, first))
	}
	return m
}

func (d dayCounts) total(account string) (n int64) {
	for _, c := range d[account] {
		n += c
	}
	return n
}

// span is the first and the last day with an event.
func (d dayCounts) span() (first, last time.Time) {
	for _, dates := range d {
		for date := range dates {
			day, err := time.Parse(time.DateOnly, date)
			if err != nil {
				continue // events without a time
			}
			if first.IsZero() || day.Before(first) {
				first = day
			}
			if day.After(last) {
				last = day
			}
		}
	}
	return first, last
}

func (d dayCounts) row(m *coverageMap, account string, first time.Time) coverageRow {
	counts := make([]int64, len(m.Columns))
	for date, n := range d[account] {
		if day, err := time.Parse(time.DateOnly, date); err == nil {
			counts[int(day.Sub(first)/(24*time.Hour))/m.Per] += n
		}
	}
	most := slices.Max(counts)
	row := coverageRow{Account: cutReportText(safe(account)), Total: d.total(account)}
	for i, n := range counts {
		what := counted(n, "event", "events")
		if n == 0 {
			what = "no event"
			row.Missing++
		}
		row.Cells = append(row.Cells, coverageCell{i, shade(n, most), m.Columns[i] + ": " + what})
	}
	unit := "days"
	if m.Per > 1 {
		unit = fmt.Sprintf("stretches of %d days", m.Per)
	}
	row.Label = fmt.Sprintf("%s: events on %d of %d %s", row.Account, len(counts)-row.Missing, len(counts), unit)
	return row
}

// shade grows with the logarithm: a quiet day is told from a busy one, and from
// none at all.
func shade(n, most int64) int {
	if n == 0 {
		return 0
	}
	return 1 + int(3*math.Log1p(float64(n))/math.Log1p(float64(most)))
}

// counted writes a large number with its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
