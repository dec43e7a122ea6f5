package correlate

import (
	"strings"
	"testing"
)

// The tries of a finding run from the last success before it to the recovery,
// siblings of the scope among them, and are there only when asked for.
func TestAttempts(t *testing.T) {
	s := newScene(t)
	refused := denied("Access Denied")
	s.object(-7200, buildRole, "old", nil)
	s.object(-60, buildRole, "a", nil)
	s.object(0, buildRole, "a", refused)
	s.object(10, buildRole, "b", nil)
	s.object(20, buildRole, "a", refused)
	s.object(30, buildRole, "a", nil)
	s.object(90, buildRole, "a", nil)
	f := s.one(Options{Attempts: true})
	var got []string
	for i, a := range f.Attempts {
		word := "passed"
		if a.Failed {
			word = "failed"
		}
		got = append(got, strings.TrimPrefix(a.Target, bucket+"/")+" "+word)
		if a.EventID == "" || i > 0 && a.EventTime.Before(f.Attempts[i-1].EventTime.Time) {
			t.Errorf("attempt %d: %v", i, a)
		}
	}
	if want := "a passed, a failed, b passed, a failed, a passed"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if f.Attempts[0].EventID != f.Failure.LastSuccess.EventID || f.Attempts[4].EventID != f.Failure.Recovery.EventID {
		t.Error("the ends are not those of the failure")
	}
	if plain := s.one(Options{}); plain.Attempts != nil {
		t.Error("attempts that nobody asked for")
	}
}
