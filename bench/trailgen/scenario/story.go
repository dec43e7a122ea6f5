package scenario

import (
	"fmt"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// story is one scenario while it is told.
type story struct {
	n     int
	r     *trail.Rand
	c     *trail.Cloud // the account it happens in
	org   *trail.Cloud // the organization's management account
	other *trail.Cloud // an account that has nothing to do with it
	admin trail.Caller
	boss  trail.Caller // an administrator of the management account
	label Label

	kind, who string // user or role, and its name
	self      func(at time.Time) trail.Caller
	req       request
	start     time.Time // the trail's first event
	tc, tf    time.Time // the change, the first failure

	before    state
	change    func(at time.Time) *trail.Event
	undo      func(at time.Time)
	policyARN string
	guardID   string             // of the organization policy behind policyARN
	text      string             // a fixed error message
	extra     func(at time.Time) // what happens at tc in a scenario without a cause
	fresh     bool               // the request never succeeds
	earlier   bool               // it was refused already where others succeed
	brief     bool               // it is refused for seconds only

	siblings []request // further requests of the principal that fail too
	spared   []request // further requests of the principal that succeed
	victims  []string  // names of further principals that fail too
	peers    []string  // names of further principals that succeed
}

// accounts of every scenario.
const (
	home   = "111122223333"
	master = "999900001111"
	alien  = "777788889999"
)

// newStory draws what all scenarios have: who, where, when and how it reads.
//
// Gap, message and baseline come in turns of 5, 4 and 3, so that 60 rounds of a
// mechanism meet all combinations; the mechanisms are out of step.
func newStory(seed uint64, n int, maxGap float64) *story {
	r := trail.NewRand(seed, "scenario", fmt.Sprint(n))
	own := r.Uint64()
	s := &story{n: n, r: r, c: trail.NewCloud(home, "us-east-1", own), org: trail.NewCloud(master, "us-east-1", own+1),
		other: trail.NewCloud(alien, "us-east-1", own+2)}
	s.admin = s.c.NewUser("morgan").From("203.0.113.9", "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0")
	s.boss = s.org.NewUser("root-ops").From("203.0.113.10", "console.amazonaws.com")
	turn := n/len(mechanisms) + n%len(mechanisms)
	gap := gapIn(r, turn, maxGap)
	s.tc = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(20*86400)) * time.Second)
	s.tf, s.start = s.tc.Add(gap), s.tc.Add(-8*time.Hour)
	s.label = Label{Gap: int(gap.Seconds()), Window: window(int(gap.Seconds())), Decoys: map[string]int{},
		Style: []string{"arn", "type", "bare", "encoded"}[turn%4], Baseline: []string{"trail", "file", "unknown"}[turn%3]}
	return s
}

// gapIn draws a gap within one rung of the ladder, ten seconds at least.
func gapIn(r *trail.Rand, turn int, most float64) time.Duration {
	low, rung := 9.0, rungs[turn%len(rungs)]
	if i := turn % len(rungs); i > 0 {
		low = float64(rungs[i-1].seconds)
	}
	high := min(float64(rung.seconds), most)
	if low >= high {
		low = 9
	}
	return time.Duration(r.LogUniform(low+1, high)) * time.Second
}

// name makes a name of the scenario's own.
func (s *story) name(word string) string { return fmt.Sprintf("%s-%d", word, s.n) }

// cast makes the principal a user or a role.
func (s *story) cast(kind string) {
	if kind == "" {
		kind = trail.Pick(s.r, []string{"user", "role"})
	}
	s.kind, s.who = kind, s.name(map[string]string{"user": "jo", "role": "worker"}[kind])
	s.self = s.caller(kind, s.who)
	s.label.Principal = "arn:aws:iam::" + home + ":" + kind + "/" + s.who
}

// caller returns a user, or the sessions of a role by the hour.
func (s *story) caller(kind, name string) func(at time.Time) trail.Caller {
	if kind == "user" {
		u := s.c.NewUser(name).From("198.51.100.17", "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0")
		return func(time.Time) trail.Caller { return u }
	}
	role := s.c.NewRole("/", name)
	return func(at time.Time) trail.Caller { return session(role, at) }
}

func session(role trail.Role, at time.Time) trail.Caller {
	created := at.Add(-time.Second).Truncate(time.Hour)
	key := trail.NewRand(uint64(created.Unix()), role.ARN()).Key("ASIA")
	return trail.Session(role, "i-0"+trail.NewRand(0, role.ARN()).Hex(16), key, created).
		From("10.0.7.21", "aws-sdk-go-v2/1.41.0 os/linux lang/go#1.26.1")
}

// ask chooses the request. Only EC2 hides its reason in an encoded message.
func (s *story) ask(names ...string) {
	name := trail.Pick(s.r, names)
	for _, n := range names {
		if n == "ec2" && s.label.Style == "encoded" {
			name = n
		}
	}
	if name == "push" {
		s.cast("user")
	}
	s.want(requests[name](s, 0))
}

func (s *story) want(q request) {
	s.req = q
	s.label.Action, s.label.Resource, s.label.Ref = q.action, q.resource, q.ref
}

// base gives a principal what it needs for a request at first.
func (s *story) base(kind, name string, q request) *holder {
	h := s.before.holder(kind, name)
	h.inline = append(h.inline, document{"Base", trail.Policy(s.grant(q))})
	return h
}

func (s *story) grant(q request) trail.Object { return trail.Allow("Work", q.action, wide(q)) }

// wide is a resource with its siblings: a whole bucket, any instance.
func wide(q request) string {
	switch q.action[:3] {
	case "s3:", "ec2", "sec":
		return q.resource[:len(q.resource)-len(tail(q.resource))] + "*"
	}
	return q.resource
}

// tail is the part of an ARN behind the last separator of its resource.
func tail(arn string) string {
	for i := len(arn) - 1; i > 0; i-- {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return ""
}

// tell lays the story out in time and fills its label.
func (s *story) tell() {
	s.settleStyle()
	if s.label.Baseline == "trail" {
		s.before.emit(s.c, s.admin, s.start)
	}
	if s.label.Baseline != "unknown" {
		for i, f := range s.before.more {
			f(s.start.Add(time.Duration(200+9*i) * time.Second))
		}
	}
	s.succeedBefore()
	if s.change == nil {
		s.label.Gap, s.label.Window = 0, ""
	} else {
		id := s.change(s.tc).ID
		s.label.Culprit = &id
	}
	if s.extra != nil {
		s.extra(s.tc)
	}
	last := s.failAll()
	s.neighbours()
	s.recover(last)
	s.distract()
	s.c.Noise(s.start, last.Sub(s.start)+time.Hour, s.r.Between(15, 60), s.c.NewStaff("trail-logs-"+home, s.start))
}

// settleStyle falls back where a style cannot be: no policy with an ARN, no
// service that encodes.
func (s *story) settleStyle() {
	l := &s.label
	if s.text != "" {
		l.Style = "type" // the words are fixed
		return
	}
	if l.Style == "encoded" && s.req.action[:4] != "ec2:" {
		l.Style = "bare"
	}
	if l.Style == "arn" && (s.policyARN == "" || !l.Explicit) {
		l.Style = "type"
	}
}

// succeedBefore has every request of the story succeed before the change.
func (s *story) succeedBefore() {
	for i, before := range []time.Duration{7 * time.Hour, 4 * time.Hour, 90 * time.Minute, 11 * time.Minute} {
		at := s.tc.Add(-before)
		switch {
		case s.earlier:
			s.fail(at, s.self(at), s.req)
		case !s.fresh:
			s.req.try(at, s.self(at))
		}
		for j, q := range append(append([]request{}, s.siblings...), s.spared...) {
			q.try(at.Add(time.Duration(20+9*j)*time.Second), s.self(at))
		}
		for j, name := range append(append([]string{}, s.victims...), s.peers...) {
			if i > 1 {
				s.req.try(at.Add(time.Duration(70+9*j)*time.Second), s.caller(s.kind, name)(at))
			}
		}
	}
}

// failAll makes the failures and returns the time of the last.
func (s *story) failAll() time.Time {
	n, at, pause := s.r.Between(1, 8), s.tf, func() int { return s.r.Between(20, 400) }
	if s.brief {
		n, pause = s.r.Between(1, 3), func() int { return s.r.Between(2, 8) }
	}
	s.label.FirstFailure = s.fail(at, s.self(at), s.req).ID
	for range n - 1 {
		at = at.Add(time.Duration(pause()) * time.Second)
		s.fail(at, s.self(at), s.req)
	}
	s.label.Failures = n
	return at
}

// neighbours shows how far it spreads, within an hour of the first failure.
func (s *story) neighbours() {
	at := s.tf
	next := func() time.Time { at = at.Add(time.Duration(s.r.Between(60, 300)) * time.Second); return at }
	for _, q := range s.siblings {
		t := next()
		s.fail(t, s.self(t), q)
	}
	for _, q := range s.spared {
		t := next()
		q.try(t, s.self(t))
	}
	for _, name := range s.victims {
		t := next()
		s.fail(t, s.caller(s.kind, name)(t), s.req)
		s.label.Hit = append(s.label.Hit, "arn:aws:iam::"+home+":"+s.kind+"/"+name)
	}
	for _, name := range s.peers {
		t := next()
		s.req.try(t, s.caller(s.kind, name)(t))
	}
}

// recover repairs some scenarios: the change is taken back and the request
// succeeds again.
func (s *story) recover(last time.Time) {
	if s.brief {
		at := last.Add(time.Duration(s.r.Between(5, 40)) * time.Second)
		s.req.try(at, s.self(at))
		s.label.Recovered = true
		return
	}
	if s.undo == nil || !s.r.Chance(0.3) {
		return
	}
	at := last.Add(75 * time.Minute)
	s.undo(at)
	at = at.Add(10 * time.Minute)
	s.req.try(at, s.self(at))
	s.label.Recovered = true
}
