package correlate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

func entriesOf(t *testing.T, trail Trail, opts TimelineOptions) []*TimelineEntry {
	t.Helper()
	line, err := NewTimeline(context.Background(), trail, opts)
	if err != nil {
		t.Fatal(err)
	}
	var list []*TimelineEntry
	for en, err := range line.Entries(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, en)
	}
	return list
}

// told is an entry in short.
func told(list []*TimelineEntry) []string {
	var out []string
	for _, en := range list {
		s := fmt.Sprintf("%s %s %s", en.Time.Format("15:04:05"), en.Mark, en.EventName)
		if en.Count > 1 {
			s += fmt.Sprintf(" x%d", en.Count)
		}
		if en.Resources > 1 {
			s += fmt.Sprintf(" of %d", en.Resources)
		}
		if en.Depth > 0 {
			s += fmt.Sprintf(" depth %d", en.Depth)
		}
		if en.About != "" {
			s += " (" + en.About + ")"
		}
		out = append(out, s)
	}
	return out
}

const dev = "arn:aws:iam::111122223333:user/dev"

func TestTimelineFoldsStormsBetweenChanges(t *testing.T) {
	s := newScene(t)
	no := denied("Access Denied")
	for i := range 5 {
		s.object(i*10, dev, fmt.Sprintf("k%d", i), no)
	}
	s.admin(45, "PutUserPolicy", obj{"userName": "dev", "policyName": "p", "policyDocument": "{}"}, nil)
	s.object(50, dev, "k1", no)
	s.object(60, dev, "k1", nil) // another answer ends a storm
	s.object(70, dev, "k1", no)
	s.object(80, dev, "k1", no)
	s.object(80+3600, dev, "k1", no) // and so does a long gap
	s.put(90, "s3", "ListBuckets", dev, nil, nil)
	all := TimelineOptions{All: true}
	want := []string{
		"09:00:00 failure GetObject x5 of 5", "09:00:45 change PutUserPolicy", "09:00:50 failure GetObject", "09:01:00 call GetObject",
		"09:01:10 failure GetObject x2", "09:01:30 call ListBuckets", "10:01:20 failure GetObject",
	}
	if diff := cmp.Diff(want, told(entriesOf(t, s.trail(), all))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// what merely happened is left out unless it is asked for
	worth := slices.DeleteFunc(slices.Clone(want), func(l string) bool { return l[9:13] == "call" })
	worth[2], worth[3] = "09:00:50 failure GetObject x3", worth[4]
	if diff := cmp.Diff(worth[:4], told(entriesOf(t, s.trail(), TimelineOptions{}))); diff != "" {
		t.Errorf("without calls, -want +got:\n%s", diff)
	}
	last := entriesOf(t, s.trail(), all)[0]
	if last.Last == nil || last.Last.Format("15:04:05") != "09:00:40" || last.LastEventID == "" || last.LastEventID == last.EventID {
		t.Errorf("the storm ends at %v, event %s", last.Last, last.LastEventID)
	}
}

// An event stands on the timeline once, however often it is recorded.
func TestTimelineHasEachEventOnce(t *testing.T) {
	s := newScene(t)
	id := s.object(0, dev, "k", obj{"sharedEventID": "abc"})
	s.object(0, dev, "k", obj{"eventID": id, "userAgent": "other bytes"})
	s.object(0, dev, "k", obj{"sharedEventID": "abc", "recipientAccountId": "444455556666"})
	correction := s.object(0, dev, "k", obj{"addendum": obj{"reason": "UPDATED_DATA", "originalEventID": id}})
	s.object(0, dev, "other", nil)
	got := entriesOf(t, s.trail(), TimelineOptions{All: true, NoFold: true})
	if len(got) != 2 || got[0].EventID != correction {
		t.Errorf("timeline %q, want two entries, the correction among them", told(got))
	}
}

func TestTimelineFollowsSessions(t *testing.T) {
	s := newScene(t)
	issue := func(at int, who, key, issued string) {
		s.put(at, "sts", "AssumeRole", who, obj{"roleArn": "arn:aws:iam::111122223333:role/R"}, obj{
			"userIdentity":     obj{"type": "IAMUser", "arn": who, "accountId": testAccount, "accessKeyId": key},
			"responseElements": obj{"credentials": obj{"accessKeyId": issued}}})
	}
	call := func(at int, key, name string) {
		s.put(at, "s3", name, "arn:aws:iam::111122223333:role/R", nil, obj{"userIdentity": obj{"type": "AssumedRole",
			"arn": "arn:aws:sts::111122223333:assumed-role/R/s", "accessKeyId": key, "accountId": testAccount}})
	}
	issue(0, dev, "AKIADEV", "ASIA1")
	call(10, "ASIA1", "ListBuckets")
	issue(20, "arn:aws:sts::111122223333:assumed-role/R/s", "ASIA1", "ASIA2")
	call(30, "ASIA2", "GetObject")
	issue(25, "arn:aws:iam::111122223333:user/other", "AKIAOTHER", "ASIA9")
	call(40, "ASIA9", "DeleteBucket")
	mine := TimelineOptions{Filter: query.Filter{Where: []query.Term{query.Is(index.AccessKey, "AKIADEV")}}, FollowSessions: true}
	want := []string{"09:00:00 session AssumeRole", "09:00:10 call ListBuckets depth 1", "09:00:20 session AssumeRole depth 1", "09:00:30 call GetObject depth 2"}
	if diff := cmp.Diff(want, told(entriesOf(t, s.trail(), mine))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	mine.FollowSessions = false
	if got := told(entriesOf(t, s.trail(), mine)); len(got) != 1 {
		t.Errorf("without following: %q", got)
	}
}

func TestTimelineOfAFinding(t *testing.T) {
	s, culprit := pushScene(t)
	f := onlyAction(t, findAll(t, s.trail(), Options{}), "codecommit:GitPush")
	list := entriesOf(t, s.trail(), TimelineOptions{Finding: f})
	about := map[string]string{}
	for i, en := range list {
		if en.About != "" {
			about[en.About] = en.EventID
		}
		if i > 0 && en.Time.Before(list[i-1].Time.Time) {
			t.Errorf("entry %d is out of order", i)
		}
	}
	if about["cause"] != culprit || about["first failure"] != f.Failure.First.EventID || about["last failure"] != f.Failure.Last.EventID ||
		about["last success"] != f.Failure.LastSuccess.EventID || about["ruled out"] == "" {
		t.Errorf("parts %v", about)
	}
}

// Folding hides nothing: the counts add up to the events, in the order of time,
// the same for any order of delivery, and a storm that never ends holds back a
// bounded number of entries.
func TestTimelineFoldingAddsUp(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newScene(t)
		n := 50 + r.IntN(200)
		for range n {
			extra := obj{}
			if r.IntN(2) == 0 {
				extra = denied("Access Denied")
			}
			switch at := r.IntN(7200); r.IntN(12) {
			case 0:
				s.admin(at, "PutUserPolicy", obj{"userName": "dev", "policyName": "p", "policyDocument": "{}"}, nil)
			default:
				s.object(at, fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", r.IntN(3)), fmt.Sprintf("k%d", r.IntN(3)), extra)
			}
		}
		list := entriesOf(t, s.trail(), TimelineOptions{All: true})
		sum := 0
		for i, en := range list {
			sum += en.Count
			if i > 0 && en.Time.Before(list[i-1].Time.Time) {
				t.Fatalf("seed %d: entry %d is out of order", seed, i)
			}
		}
		if sum != n || len(list) == n {
			t.Errorf("seed %d: %d entries count %d events of %d", seed, len(list), sum, n)
		}
		if diff := cmp.Diff(told(list), told(entriesOf(t, s.shuffled(seed), TimelineOptions{All: true}))); diff != "" {
			t.Errorf("seed %d: another order of delivery (-one +other):\n%s", seed, diff)
		}
		if got := len(entriesOf(t, s.trail(), TimelineOptions{All: true, NoFold: true})); got != n {
			t.Errorf("seed %d: %d entries unfolded, want %d", seed, got, n)
		}
	}
}

func TestFolderHoldsBackABoundedNumber(t *testing.T) {
	yielded := 0
	f := folder{yield: func(*TimelineEntry, error) bool { yielded++; return true }}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 * maxPending {
		when := Time{at.Add(time.Duration(i) * time.Second)}
		f.add(&TimelineEntry{Time: when, Count: 1, Mark: MarkFailure, EventName: "storm"})
		f.add(&TimelineEntry{Time: when, Count: 1, Mark: MarkCall, EventName: fmt.Sprint(i)})
		if len(f.pending) > maxPending+1 {
			t.Fatalf("%d entries wait", len(f.pending))
		}
	}
	f.flush()
	if yielded < 3*maxPending || len(f.pending) > 0 {
		t.Errorf("%d yielded, %d left", yielded, len(f.pending))
	}
}

func TestTimelineWithoutItsEvent(t *testing.T) {
	s := newScene(t)
	_, err := NewTimeline(context.Background(), s.trail(), TimelineOptions{Around: "nothing"})
	if !errors.Is(err, ErrNoEvent) {
		t.Errorf("error %v", err)
	}
}
