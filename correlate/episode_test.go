package correlate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The letters are attempts in order of time: f and s a failure and a success of
// one request, F and S of a sibling object, d a ref discovery that failed, '.'
// a quiet week. Each stands ten seconds after the one before; a letter after
// '=' falls into the second of the one before.
func TestEpisodes(t *testing.T) {
	for _, c := range []struct{ attempts, want string }{
		{"f", "1"},
		{"fff", "3"},
		{"sfff", "3 after"},
		{"fffs", "3 healed"},
		{"sffsff", "2 after healed | 2 after"},
		{"ff.ff", "2 | 2"},
		{"sff.ff", "2 after | 2 after"},
		{"f=sff", "1 healed | 2 after"}, // the failure of a second comes first
		{"s=fs", "1 healed"},
		{"fFfF", "4"},
		{"fFS", "2 healed"},
		{"fSfSf", "3"},
		{"SfF", "2 after"},
	} {
		t.Run(c.attempts, func(t *testing.T) {
			s := newScene(t)
			at := 0
			for i := 0; i < len(c.attempts); i++ {
				switch ch := c.attempts[i]; ch {
				case '=':
					at -= 10
				case '.':
					at += int(quiet.Seconds())
				case 'f', 'F':
					s.object(at, buildRole, string(ch|0x20)+"-"+string(ch), denied("Access Denied"))
					at += 10
				case 's', 'S':
					s.object(at, buildRole, "f-"+string("fF"[ch&0x20>>5^1]), nil)
					at += 10
				}
			}
			if got := episodeText(findAll(t, s.trail(), Options{})); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func episodeText(fs []*Finding) string {
	var parts []string
	for _, f := range fs {
		p := string(rune('0' + f.Failure.Count))
		if f.Failure.LastSuccess != nil {
			p += " after"
		}
		if f.Failure.Recovery != nil {
			p += " healed"
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, " | ")
}

func TestDiscoveryIsNoAttempt(t *testing.T) {
	s := newScene(t)
	discovery := obj{"requestParameters": nil, "additionalEventData": obj{"dataTransferred": false, "repositoryName": "payments"}}
	for i := range 3 {
		s.push(i*60, junior, "", discovery)
		s.push(i*60+1, junior, "refs/heads/main", pushDenied(junior, explain))
	}
	f := s.one(Options{})
	if f.Failure.Count != 3 || f.Failure.Frequency.Pattern != "constant" || f.Failure.Frequency.Attempts != 3 {
		t.Errorf("count %d, %+v", f.Failure.Count, f.Failure.Frequency)
	}
	// When the discovery itself is refused and nothing follows, it is all the
	// trail has of the attempt.
	s = newScene(t)
	refused := pushDenied(junior, explain)
	for k, v := range discovery {
		refused[k] = v
	}
	s.push(0, junior, "", refused)
	if f := s.one(Options{}); f.Failure.Count != 1 {
		t.Errorf("count %d of a refused discovery", f.Failure.Count)
	}
}

func TestCorrectionsAndCopiesCountOnce(t *testing.T) {
	s := newScene(t)
	s.push(0, junior, "refs/heads/main", pushDenied(junior, explain))
	copied := obj{}
	for k, v := range s.recs[0] {
		copied[k] = v
	}
	copied["addendum"] = obj{"reason": "UPDATED_DATA", "originalEventID": copied["eventID"]}
	copied["errorMessage"] = "User: " + junior + " is not authorized to perform: codecommit:GitPush on resource: " + repo + absent
	s.recs = append(s.recs, copied)
	f := s.one(Options{})
	if f.Failure.Count != 1 || f.Failure.Denial.Effect != "implicit" {
		t.Errorf("count %d, effect %s: the correction should stand", f.Failure.Count, f.Failure.Denial.Effect)
	}
}

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		build func(*scene)
		want  Spread
	}{
		"repository": {func(s *scene) {
			s.push(0, junior, "refs/heads/main", pushDenied(junior, absent))
			s.push(60, junior, "refs/heads/dev", pushDenied(junior, absent))
		}, Spread{"1h", "repository", []string{"refs/heads/dev", "refs/heads/main"}, []string{}}},
		"principal": {func(s *scene) {
			s.push(0, junior, "refs/heads/main", pushDenied(junior, absent))
			s.push(60, senior, "refs/heads/main", nil)
		}, Spread{"1h", "principal", []string{junior}, []string{senior}}},
		"single": {func(s *scene) {
			s.push(0, junior, "refs/heads/main", pushDenied(junior, absent))
		}, Spread{"1h", "single", []string{"refs/heads/main"}, []string{}}},
		"outside the window": {func(s *scene) {
			s.push(0, junior, "refs/heads/main", pushDenied(junior, absent))
			s.push(3700, junior, "refs/heads/dev", nil)
		}, Spread{"1h", "single", []string{"refs/heads/main"}, []string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.build(s)
			if d := cmp.Diff(c.want, findAll(t, s.trail(), Options{})[0].Failure.Spread); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFrequency(t *testing.T) {
	s := newScene(t)
	for i := range 4 {
		s.push(i*600, junior, "refs/heads/main", pushDenied(junior, absent))
		s.push(i*600+60, junior, "refs/heads/main", nil)
	}
	f := findAll(t, s.trail(), Options{})[0].Failure.Frequency
	if f.Pattern != "intermittent" || f.Failures != 4 || f.Attempts != 8 {
		t.Errorf("%+v", f)
	}
}

// What comes and goes without a change is one trouble; a change between makes
// two of it.
func TestFlappingIsOneEpisode(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *scene)
		want    []int
		pattern string
	}{
		"no change": {func(*scene) {}, []int{3}, "intermittent"},
		"another's": {func(s *scene) {
			s.admin(2000, "DeleteUserPolicy", obj{"userName": "seniordev", "policyName": "p"}, nil)
		}, []int{3}, "intermittent"},
		"the caller's":    {func(s *scene) { s.denyPush(2000, denyEveryPush) }, []int{1, 1, 1}, ""},
		"failed to apply": {func(s *scene) { s.admin(2000, "PutUserPolicy", obj{"userName": "juniordev"}, denied("no")) }, []int{3}, "intermittent"},
	} {
		s := newScene(t)
		for i := range 3 {
			s.push(i*3000, junior, "refs/heads/main", pushDenied(junior, ""))
			s.push(i*3000+1000, junior, "refs/heads/main", nil)
		}
		c.change(s)
		var got []int
		for _, f := range findAll(t, s.trail(), Options{}) {
			if f.Failure.Principal != junior {
				continue // the refused change is a failure too
			}
			got = append(got, f.Failure.Count)
			if c.pattern != "" && f.Failure.Frequency.Pattern != c.pattern || f.Failure.Recovery == nil {
				t.Errorf("%s: %+v, recovery %v", name, f.Failure.Frequency, f.Failure.Recovery)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v failures by finding, want %v", name, got, c.want)
		}
	}
}
