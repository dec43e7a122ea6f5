package query

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hourly writes a trail with an event for each hour from start, except those
// that skip names.
type hourly struct {
	records []string
}

func (h *hourly) add(account, region string, at time.Time, more string) {
	h.records = append(h.records, fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%q,"eventName":"ListRoles","eventSource":"s3.amazonaws.com","awsRegion":%q,"recipientAccountId":%q,"eventID":"%d"%s}`,
		at.Format(time.RFC3339), region, account, len(h.records), more))
}

func (h *hourly) coverage(t *testing.T) *Coverage {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trail.json")
	if err := os.WriteFile(path, []byte(`{"Records":[`+strings.Join(h.records, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := NewCoverage(ingested(t, 1, path))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hour(n int) time.Time { return time.Date(2026, 3, 1, n, 0, 0, 0, time.UTC) }

func gap(account, region string, from, to int) Span {
	return Span{account, region, hour(from), hour(to)}
}

func TestCoverageGaps(t *testing.T) {
	h := &hourly{}
	for n := range 96 {
		if n != 30 && n != 31 && n < 94 { // an outage in which nothing of account 1 came
			h.add("1", "us-east-1", hour(n).Add(59*time.Minute+59*time.Second), "")
		}
		if n < 10 || n > 12 && n != 30 && n != 31 { // and one of a region alone
			h.add("1", "eu-west-1", hour(n), "")
		}
		if n%40 == 0 { // a region that is quiet by nature
			h.add("1", "ap-south-1", hour(n), "")
		}
		if n%24 == 5 {
			h.add("2", "us-east-1", hour(n), "")
		}
	}
	c := h.coverage(t)
	for _, test := range []struct {
		name, account, region string
		from, to              time.Time
		want                  []Span
	}{
		{"all is there", "1", "us-east-1", hour(13), hour(30), nil},
		{"an account is silent", "1", "us-east-1", hour(13), hour(60), []Span{gap("1", "", 30, 32)}},
		{"a region is silent", "1", "eu-west-1", hour(0), hour(40), []Span{gap("1", "", 30, 32), gap("1", "eu-west-1", 10, 13)}},
		{"within a gap", "1", "eu-west-1", hour(11), hour(12), []Span{gap("1", "eu-west-1", 11, 12)}},
		{"after the end of a region", "1", "us-east-1", hour(80), hour(95), []Span{gap("1", "us-east-1", 94, 95)}},
		{"quiet by nature", "1", "ap-south-1", hour(10), hour(30), nil},
		{"quiet by nature, before and after", "1", "ap-south-1", hour(-2), hour(90), []Span{gap("1", "", -2, 0), gap("1", "", 30, 32), gap("1", "ap-south-1", 81, 90)}},
		{"begins before the trail", "1", "us-east-1", hour(-100), hour(3), []Span{gap("1", "", -100, 0)}},
		{"a region that is not there", "1", "sa-east-1", hour(3), hour(5), []Span{gap("1", "sa-east-1", 3, 5)}},
		{"an account that is not there", "3", "us-east-1", hour(3), hour(5), []Span{gap("3", "", 3, 5)}},
		{"within an hour", "1", "us-east-1", hour(3).Add(time.Minute), hour(3).Add(2 * time.Minute), nil},
		{"an event a day", "2", "us-east-1", hour(6), hour(70), nil},
		{"nobody", "", "", hour(3), hour(5), nil},
	} {
		if diff := cmp.Diff(test.want, c.Gaps(test.account, test.region, test.from, test.to)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	present := c.Present()
	b, _ := json.Marshal(present[1])
	want := `{"account":"1","region":"eu-west-1","first":"2026-03-01T00:00:00Z","last":"2026-03-04T23:00:00Z","hours":91,"missingHours":5,"gaps":[` +
		`{"account":"1","region":"eu-west-1","from":"2026-03-01T10:00:00Z","to":"2026-03-01T13:00:00Z"},` +
		`{"account":"1","region":"eu-west-1","from":"2026-03-02T06:00:00Z","to":"2026-03-02T08:00:00Z"}],"dataEvents":{}}`
	if len(present) != 4 || string(b) != want {
		t.Errorf("%d pairs\n%s\n%s", len(present), b, want)
	}
}

// Where there is an event on most days, a day without any is a gap.
func TestCoverageDays(t *testing.T) {
	h := &hourly{}
	for day := range 20 {
		if day != 7 && day != 8 {
			h.add("1", "us-east-1", hour(24*day+day%5), "")
		}
	}
	want := []Span{gap("1", "", 6*24+2, 9*24+4)}
	c := h.coverage(t)
	if diff := cmp.Diff(want, c.Gaps("1", "us-east-1", hour(0), hour(19*24))); diff != "" {
		t.Error(diff)
	}
}

func TestCoverageDataEvents(t *testing.T) {
	h := &hourly{}
	h.add("1", "us-east-1", hour(0), `,"eventCategory":"Management"`)
	h.add("1", "us-east-1", hour(30), `,"eventCategory":"Data"`)
	h.add("1", "eu-west-1", hour(31), `,"managementEvent":false`)
	h.add("1", "eu-west-1", hour(40), `,"eventCategory":"NetworkActivity"`)
	h.records = append(h.records, `{"eventTime":"2026-03-01T01:00:00Z","eventName":"REST.GET.OBJECT","eventSource":"s3.amazonaws.com","awsRegion":"us-east-1","eventID":"x","eventType":"S3ServerAccessLog","userIdentity":{"accountId":"9"}}`)
	c := h.coverage(t)
	for _, test := range []struct {
		region, source string
		from, to       int
		of, any        bool
	}{
		{"us-east-1", "s3.amazonaws.com", 0, 20, false, false},
		{"us-east-1", "s3.amazonaws.com", 20, 40, true, true},
		{"us-east-1", "lambda.amazonaws.com", 20, 40, false, true},
		{"eu-west-1", "s3.amazonaws.com", 31, 31, true, true},
		{"eu-west-1", "s3.amazonaws.com", 32, 50, false, false},
		{"", "s3.amazonaws.com", 31, 50, true, true},
	} {
		if of, any := c.DataEvents("1", test.region, test.source, hour(test.from), hour(test.to)); of != test.of || any != test.any {
			t.Errorf("%+v: %v %v", test, of, any)
		}
	}
	if c.Holds("9", "us-east-1", hour(0), hour(50)) {
		t.Error("an access log is no trail")
	}
}

func TestCoverageOverview(t *testing.T) {
	h := &hourly{}
	for n := range 96 {
		if n != 30 && n != 31 {
			h.add("1", "us-east-1", hour(n), "")
		}
		if n < 10 || n > 12 && n != 30 && n != 31 {
			h.add("1", "eu-west-1", hour(n), "")
		}
		if n >= 40 { // an account that begins late
			h.add("2", "us-east-1", hour(n), "")
		}
		if n == 50 || n == 60 { // one that is seldom seen
			h.add("3", "us-east-1", hour(n), "")
		}
	}
	c := h.coverage(t)
	want := Overview{Known: true, Regular: true, Hours: 94, Of: 96, First: hour(0), Last: hour(95),
		Silences: []Span{gap("2", "", 0, 40), gap("1", "eu-west-1", 10, 13), gap("1", "", 30, 32)}}
	if diff := cmp.Diff(want, c.Overview()); diff != "" {
		t.Error(diff)
	}
	for account, want := range map[string][]int{"1": {24, 22, 24, 24}, "2": {0, 8, 24, 24}, "3": {0, 0, 2, 0}, "4": {0, 0, 0, 0}} {
		if diff := cmp.Diff(want, c.Days(account)); diff != "" {
			t.Error(account, diff)
		}
	}
}

func TestCoverageOverviewOfLittle(t *testing.T) {
	h := &hourly{}
	h.add("1", "us-east-1", hour(3), "")
	h.add("1", "us-east-1", hour(90), "")
	want := Overview{Known: true, Hours: 2, Of: 88, First: hour(3), Last: hour(90)}
	if diff := cmp.Diff(want, h.coverage(t).Overview()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Overview{Known: true}, (&hourly{}).coverage(t).Overview()); diff != "" {
		t.Error(diff)
	}
}

// Irregular hours of many regions make many silences, of which the longest are kept.
func TestCoverageOverviewOfMany(t *testing.T) {
	c := &Coverage{days: 400, pairs: map[pair]*presence{}}
	c.all = &presence{hours: make([]uint32, c.days)}
	for i := range 8 {
		p := &presence{hours: make([]uint32, c.days)}
		for day := range p.hours {
			p.hours[day] = allHours &^ 0b1010_1010_1010_1010 // eight single hours
		}
		p.hours[7+i] = 0
		p.count(0)
		c.pairs[pair{"1", string(rune('a' + i))}] = p
		c.all.hours[0], c.all.hours[c.days-1] = allHours, allHours
	}
	c.all.count(0)
	c.pairs[pair{"1", ""}] = c.all
	o := c.Overview()
	if total := 8 * (399*8 + 1); len(o.Silences) != maxSilences || o.Shorter != total-maxSilences {
		t.Errorf("%d silences and %d shorter ones, want %d in all", len(o.Silences), o.Shorter, total)
	}
	for i, s := range o.Silences {
		if long := s.To.Sub(s.From) > 20*time.Hour; long != (i < 8) {
			t.Fatalf("silence %d is %v", i, s)
		}
	}
}
