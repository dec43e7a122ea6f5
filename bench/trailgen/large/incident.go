package large

import (
	"fmt"
	"math"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// incident is one request, made again and again: it succeeds until a change
// breaks it and, in half of the cases, after a repair. A storm is a request
// that never was allowed. What happens at an instant follows from the incident
// alone, so that every day can be made by itself.
type incident struct {
	n        int
	seed     uint64
	kind     *kind
	account  string
	region   string
	failures int // attempts that are denied

	setup  time.Time // when the permissions before were put in place
	cause  time.Time // zero for a storm
	first  time.Time // the first denial
	repair time.Time // zero when nobody repairs it
	before time.Duration
	during time.Duration
}

// phase is what happens at a step of an incident.
type phase int

const (
	settingUp phase = iota
	working
	breaking
	failing
	repairing
)

// incident makes the n-th incident without its times.
func (p *plan) incident(r *trail.Rand, n, failures int) *incident {
	c := p.world.cells[n*5%len(p.world.cells)]
	return &incident{n: n, seed: p.o.Seed ^ uint64(n+1)<<32, failures: failures,
		account: p.world.accounts[c.account].id, region: c.region}
}

// plan draws the times of a planted cause: what worked before is in the trail
// for up to two days, the lag runs from ten seconds to two hours.
func (in *incident) plan(r *trail.Rand, o Options) {
	length := time.Duration(o.Days) * day24
	at := length/3 + time.Duration(r.Float()*float64(length/2))
	in.cause = o.Start.Add(at).Truncate(time.Second)
	in.setup = in.cause.Add(-min(at-time.Hour, 2*day24)).Truncate(time.Second)
	in.first = in.cause.Add(time.Duration(r.LogUniform(10, 7200)) * time.Second)
	in.before = time.Duration(r.Between(15, 60)) * time.Minute
	in.pace(o, r.LogUniform(600, 43200))
	if end := in.last().Add(time.Hour); r.Chance(0.5) && end.Add(time.Hour).Before(o.Start.Add(length)) {
		in.repair = end.Truncate(time.Second)
	}
}

// storm draws the times of requests that were never allowed.
func (in *incident) storm(r *trail.Rand, o Options) {
	length := time.Duration(o.Days) * day24
	in.first = o.Start.Add(time.Duration(r.Float() * 0.8 * float64(length))).Truncate(time.Second)
	in.pace(o, r.LogUniform(120, 7200))
}

// pace spreads the failures over some seconds, fewer when the trail ends
// earlier, but leaves at least a second for each unless there are too many.
func (in *incident) pace(o Options, seconds float64) {
	left := o.Start.Add(time.Duration(o.Days)*day24).Sub(in.first).Seconds() - 1
	seconds = math.Min(left, math.Max(seconds, float64(in.failures)))
	in.during = time.Duration(seconds / float64(in.failures) * float64(time.Second))
}

// last is the time of the last denial.
func (in *incident) last() time.Time {
	return in.first.Add(time.Duration(in.failures-1) * in.during)
}

// steps yields what happens in [from, to), in order within each phase.
func (in *incident) steps(from, to time.Time, yield func(phase, time.Time)) {
	once := func(ph phase, at time.Time) {
		if !at.IsZero() && !at.Before(from) && at.Before(to) {
			yield(ph, at)
		}
	}
	if !in.cause.IsZero() {
		once(settingUp, in.setup)
		once(breaking, in.cause)
		once(repairing, in.repair)
		repeat(in.setup.Add(2*time.Minute), in.cause.Add(-5*time.Second), in.before, from, to, working, yield)
	}
	repeat(in.first, in.last().Add(1), in.during, from, to, failing, yield)
	if !in.repair.IsZero() {
		repeat(in.repair.Add(2*time.Minute), in.repair.Add(day24), in.before, from, to, working, yield)
	}
}

// repeat yields start, start+step and so on below end, as far as they fall in
// [from, to).
func repeat(start, end time.Time, step time.Duration, from, to time.Time, ph phase, yield func(phase, time.Time)) {
	k := int64(0)
	if from.After(start) {
		k = int64((from.Sub(start) + step - 1) / step)
	}
	if to.Before(end) {
		end = to
	}
	for at := start.Add(time.Duration(k) * step); at.Before(end); at = at.Add(step) {
		yield(ph, at)
	}
}

// count adds the incident's records to the counts by day.
func (in *incident) count(days []int, start time.Time) {
	for d := range days {
		from := start.Add(time.Duration(d) * day24)
		in.steps(from, from.Add(day24), func(ph phase, _ time.Time) { days[d] += in.kind.records(ph) })
	}
}

// records makes the records of one stretch of time.
func (in *incident) records(from, to time.Time) []*trail.Event {
	a := in.act()
	in.steps(from, to, func(ph phase, at time.Time) { a.play(ph, at) })
	return a.c.Events
}

// Label says what is true of one incident.
type Label struct {
	Culprit       *string `json:"culprit"` // eventID; null for a storm
	Mechanism     string  `json:"mechanism"`
	Account       string  `json:"account"`
	Region        string  `json:"region"`
	Principal     string  `json:"principal"`
	Action        string  `json:"action"`
	Resource      string  `json:"resource"`
	ChangeTime    *string `json:"changeTime"`
	FirstFailure  string  `json:"firstFailure"` // eventID
	FirstTime     string  `json:"firstTime"`
	LastTime      string  `json:"lastTime"`
	Failures      int     `json:"failures"`
	LagSeconds    int     `json:"lagSeconds"`
	RepairedAfter *string `json:"repairTime"`
}

// label replays the incident's turning points: event IDs depend on the record
// alone, so they are those in the trail.
func (in *incident) label(end time.Time) Label {
	a := in.act()
	l := Label{Mechanism: in.kind.name, Account: in.account, Region: in.region,
		FirstTime: trail.Stamp(in.first), LastTime: trail.Stamp(in.last()), Failures: in.failures}
	failure := a.play(failing, in.first)
	l.FirstFailure, l.Principal, l.Action, l.Resource = failure.ID, a.principal(), a.action, a.resource
	if !in.cause.IsZero() {
		id, at := a.play(breaking, in.cause).ID, trail.Stamp(in.cause)
		l.Culprit, l.ChangeTime = &id, &at
		l.LagSeconds = int(in.first.Sub(in.cause).Seconds())
	}
	if !in.repair.IsZero() {
		at := trail.Stamp(in.repair)
		l.RepairedAfter = &at
	}
	return l
}

// act puts the incident's people and things in place.
func (in *incident) act() *act {
	a := &act{c: trail.NewCloud(in.account, in.region, in.seed), n: in.n}
	a.admin = a.c.NewUser(fmt.Sprintf("ops-%d", in.n)).From(fmt.Sprintf("203.0.113.%d", 1+in.n%250), agents[5])
	a.kind = in.kind
	in.kind.cast(a)
	return a
}
