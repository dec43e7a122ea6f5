package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/query"
)

// hourlyTrail has an event for each hour of some days, of two accounts, but for
// those that are missing.
func hourlyTrail(days int, missing func(account, region string, hour int) bool) map[string]string {
	var b strings.Builder
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for h := range 24 * days {
		for _, of := range [][2]string{{"111122223333", "us-east-1"}, {"111122223333", "eu-west-1"}, {"444455556666", "us-east-1"}} {
			if missing(of[0], of[1], h) {
				continue
			}
			fmt.Fprintf(&b, `{"eventVersion":"1.08","eventTime":%q,"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":%q,"recipientAccountId":%q,"eventID":"%d-%s-%s"}`+"\n",
				start.Add(time.Duration(h)*time.Hour+time.Minute).Format(time.RFC3339), of[1], of[0], h, of[0], of[1])
		}
	}
	return map[string]string{"trail.json": b.String()}
}

// silences are those of an account, at the beginning and later, and of a region.
func silences(account, region string, h int) bool {
	return account == "444455556666" && h < 24 || account == "111122223333" && (h >= 50 && h < 56 || region == "eu-west-1" && h >= 100 && h < 103)
}

func hourlyIndex(t *testing.T, days int, missing func(account, region string, hour int) bool) *findings {
	t.Helper()
	found, err := newFindings(indexOf(t, hourlyTrail(days, missing)))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The map and the sentences tell hours, and what is unusually silent.
func TestCoverageShown(t *testing.T) {
	found := hourlyIndex(t, 7, silences)
	o := found.coverage.Overview()
	text, lacking := coverageText(&o, func(s string) string { return "<" + s + ">" })
	want := "events in 168 of 168 hours; 3 unusual silences, where deliveries may be missing: " +
		"<444455556666> all regions 2026-03-01 00:00 to 2026-03-02 00:00 (24 hours); " +
		"<111122223333> all regions 2026-03-03 02:00 to 2026-03-03 08:00 (6 hours); " +
		"<111122223333> eu-west-1 2026-03-05 04:00 to 2026-03-05 07:00 (3 hours)"
	if diff := cmp.Diff(want, text); diff != "" || !lacking {
		t.Errorf("%t\n%s", lacking, diff)
	}
	v, err := newReadView(found)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Account, Text string
		Shades        []int
		Silent        []string
	}
	var rows []row
	for _, r := range v.Map.Rows {
		got := row{Account: r.Account, Text: r.Text}
		for _, c := range r.Cells {
			got.Shades, got.Silent = append(got.Shades, c.Shade), append(got.Silent, c.Silent)
		}
		rows = append(rows, got)
	}
	if diff := cmp.Diff([]row{
		{"111122223333", "events in 162 of 168 hours", []int{4, 4, 3, 4, 4, 4, 4}, []string{"", "", "all", "", "part", "", ""}},
		{"444455556666", "events in 144 of 168 hours", []int{0, 4, 4, 4, 4, 4, 4}, []string{"all", "", "", "", "", "", ""}},
	}, rows); diff != "" {
		t.Error(diff)
	}
	if got := v.Map.Rows[0].Cells[2].Text; got != "2026-03-03: events in 18 of 24 hours; all regions unusually silent for 6 hours" {
		t.Error(got)
	}
	if diff := cmp.Diff(silenceView{"444455556666", "all", "2026-03-01 00:00", "2026-03-02 00:00", 24}, v.Silences[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(pairView{"111122223333", "eu-west-1", "2026-03-01 00:00", "2026-03-08 00:00", "", 159, 168}, v.Pairs[0]); diff != "" {
		t.Error(diff)
	}
}

// A trail of many days has columns of several, and no more of them than fit.
func TestCoverageMapOfALongTrail(t *testing.T) {
	found := hourlyIndex(t, 400, func(account, region string, h int) bool {
		return account != "111122223333" || region != "us-east-1" || h%24 != 7
	})
	o := found.coverage.Overview()
	m := newCoverageMap(found.coverage, &o, []string{"111122223333"})
	if m.Per != 3 || len(m.Columns) != 134 || len(m.Rows[0].Cells) != 134 {
		t.Errorf("%d days in a column, %d columns, %d cells", m.Per, len(m.Columns), len(m.Rows[0].Cells))
	}
	if c := m.Rows[0].Cells[133]; c.Text != "2027-04-04: events in 1 of 8 hours" {
		t.Error(c.Text)
	}
}

func TestCoverageText(t *testing.T) {
	hour := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	silence := query.Span{Account: "1", From: hour, To: hour.Add(time.Hour)}
	for _, c := range []struct {
		o       query.Overview
		want    string
		lacking bool
	}{
		{query.Overview{}, "not known: the index has segments of an earlier version, or times too far apart; ingest into a new index", true},
		{query.Overview{Known: true}, "", false},
		{query.Overview{Known: true, Hours: 1, Of: 1}, "events in 1 of 1 hour; too few to tell a quiet hour from one whose deliveries are missing", false},
		{query.Overview{Known: true, Hours: 1200, Of: 1200, Regular: true}, "events in 1,200 of 1,200 hours; no unusual silence", false},
		{query.Overview{Known: true, Hours: 19, Of: 20, Regular: true, Silences: []query.Span{silence}},
			"events in 19 of 20 hours; 1 unusual silence, where deliveries may be missing: 1 all regions 2026-03-01 00:00 to 2026-03-01 01:00 (1 hour)", true},
		{query.Overview{Known: true, Hours: 15, Of: 20, Regular: true, Silences: []query.Span{silence, silence, silence, silence, silence}},
			"events in 15 of 20 hours; 5 unusual silences, where deliveries may be missing: " + strings.Repeat("1 all regions 2026-03-01 00:00 to 2026-03-01 01:00 (1 hour); ", 3) + "and 2 shorter", true},
	} {
		if text, lacking := coverageText(&c.o, safe); text != c.want || lacking != c.lacking {
			t.Errorf("%t %s\nwant %t %s", lacking, text, c.lacking, c.want)
		}
	}
}
