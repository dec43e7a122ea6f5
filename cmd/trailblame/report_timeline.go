package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// reportTimeline is the drawing of one finding: changes above, attempts below.
// It is drawn for the time around the onset; the script moves the marks when a
// reader zooms, and shows the rest of [From, To].
//
// It is SVG from a template rather than from a plotting library: the libraries
// for Go (gonum/plot, go-chart) write style attributes, which our content policy
// refuses, fixed colours, which know no dark mode, and shapes without names,
// which no keyboard or screen reader finds. The template for all of it is
// shorter than the code to repair that.
type reportTimeline struct {
	From, To       int64 // all marks, seconds since 1970
	Start, End     int64 // what is drawn at first
	Marks          []timelineMark
	Ticks          []timelineTick
	Label, Day     string
	Before, Beyond int // marks outside what is drawn at first
}

// timelineMark is a change, an attempt, or many attempts in a row.
type timelineMark struct {
	Kind  string // cause, other, vetoed, failed, passed
	T, U  int64  // when it begins and ends
	X, W  string // per cent of the width
	Text  string
	order int
}

// timelineTick is a round instant below a drawing. Edge says that its text would
// not fit on both sides: "start", "end" or "".
type timelineTick struct{ X, Edge, Text string }

func newTick(x float64, text string) timelineTick {
	edge := ""
	switch {
	case x < 4:
		edge = "start"
	case x > 96:
		edge = "end"
	}
	return timelineTick{percent(x), edge, text}
}

// kinds of marks, in the order in which equal times are drawn: what matters most
// lies on top.
const (
	markVetoed = "vetoed"
	markOther  = "other"
	markPassed = "passed"
	markFailed = "failed"
	markCause  = "cause"
)

var markOrder = map[string]int{markVetoed: 0, markOther: 1, markPassed: 2, markFailed: 3, markCause: 4}

func newReportTimeline(f *correlate.Finding) *reportTimeline {
	t := &reportTimeline{}
	t.changes(f)
	t.attempts(f)
	if len(t.Marks) == 0 {
		return nil
	}
	slices.SortStableFunc(t.Marks, func(a, b timelineMark) int {
		return cmp.Or(cmp.Compare(a.T, b.T), cmp.Compare(a.order, b.order))
	})
	t.From, t.To = t.Marks[0].T, 0
	for _, m := range t.Marks {
		t.To = max(t.To, m.U)
	}
	t.focus(f)
	t.place()
	t.Day = tickText(t.Start, 30*86400) + " UTC"
	t.Label = fmt.Sprintf("Timeline of %s changes and %s of the request",
		thousands(len(f.Candidates)+len(f.Vetoed)), count(len(f.Attempts), "attempt", "attempts"))
	return t
}

func (t *reportTimeline) add(kind string, from, to correlate.Time, text string) {
	if from.IsZero() || to.IsZero() {
		return
	}
	t.Marks = append(t.Marks, timelineMark{Kind: kind, T: from.Unix(), U: to.Unix(), Text: text, order: markOrder[kind]})
}

func (t *reportTimeline) changes(f *correlate.Finding) {
	for i := range f.Candidates {
		c := &f.Candidates[i]
		kind := markOther
		if i == 0 && blames(f) {
			kind = markCause
		}
		t.add(kind, c.Change.EventTime, c.Change.EventTime, fmt.Sprintf("%s %s: %s. %s", clock(c.Change.EventTime), c.Level, claim(f, c), deed(c)))
	}
	for _, v := range f.Vetoed {
		t.add(markVetoed, v.EventTime, v.EventTime, fmt.Sprintf("%s ruled out: %s. %s", clock(v.EventTime), v.EventName, v.Reason))
	}
}

// Attempts are drawn one by one around the onset and at the end, and in runs
// where there are more than a drawing can hold.
const (
	singleMarks = 80
	maxRuns     = 160
)

func (t *reportTimeline) attempts(f *correlate.Finding) {
	list := withBounds(f)
	if len(list) <= 3*singleMarks {
		for i := range list {
			t.attempt(&list[i])
		}
		return
	}
	for i := range list[:singleMarks] {
		t.attempt(&list[i])
	}
	t.runs(list[singleMarks : len(list)-singleMarks])
	for i := range list[len(list)-singleMarks:] {
		t.attempt(&list[len(list)-singleMarks+i])
	}
}

// withBounds returns the attempts; when they were not kept, those that the
// finding names.
func withBounds(f *correlate.Finding) []correlate.Attempt {
	if len(f.Attempts) > 0 {
		return f.Attempts
	}
	var list []correlate.Attempt
	add := func(id string, at correlate.Time, failed bool) {
		list = append(list, correlate.Attempt{EventID: id, EventTime: at, Failed: failed})
	}
	if r := f.Failure.LastSuccess; r != nil {
		add(r.EventID, r.EventTime, false)
	}
	add(f.Failure.First.EventID, f.Failure.First.EventTime, true)
	if f.Failure.Count > 1 {
		add(f.Failure.Last.EventID, f.Failure.Last.EventTime, true)
	}
	if r := f.Failure.Recovery; r != nil {
		add(r.EventID, r.EventTime, false)
	}
	return list
}

func (t *reportTimeline) attempt(a *correlate.Attempt) {
	kind, word := markPassed, "passed"
	if a.Failed {
		kind, word = markFailed, "failed"
	}
	if a.Target != "" {
		word += ", " + shortName(a.Target)
	}
	t.add(kind, a.EventTime, a.EventTime, fmt.Sprintf("%s %s: event %s", clock(a.EventTime), word, cmp.Or(a.EventID, "without an id")))
}

// runs folds attempts into at most maxRuns stretches of equal length, for each
// those that failed and those that passed.
func (t *reportTimeline) runs(list []correlate.Attempt) {
	from, to := list[0].EventTime.Unix(), list[len(list)-1].EventTime.Unix()
	step := (to-from)/maxRuns + 1
	for len(list) > 0 {
		end := from + (list[0].EventTime.Unix()-from)/step*step + step
		n := 0
		for n < len(list) && list[n].EventTime.Unix() < end {
			n++
		}
		n = max(n, 1) // attempts are sorted; do not rely on it to end
		t.run(list[:n], true)
		t.run(list[:n], false)
		list = list[n:]
	}
}

func (t *reportTimeline) run(list []correlate.Attempt, failed bool) {
	var first, last *correlate.Attempt
	n := 0
	for i := range list {
		if list[i].Failed != failed {
			continue
		}
		if first == nil {
			first = &list[i]
		}
		last = &list[i]
		n++
	}
	switch {
	case n == 1:
		t.attempt(first)
	case n > 1 && failed:
		t.add(markFailed, first.EventTime, last.EventTime, fmt.Sprintf("%s to %s: %s failures", clock(first.EventTime), clock(last.EventTime), thousands(n)))
	case n > 1:
		t.add(markPassed, first.EventTime, last.EventTime, fmt.Sprintf("%s to %s: %s passed", clock(first.EventTime), clock(last.EventTime), thousands(n)))
	}
}

// focus chooses what is drawn at first: from a while before the change that is
// blamed to a while after the first failure, or all of it.
func (t *reportTimeline) focus(f *correlate.Finding) {
	t.Start, t.End = t.From, t.To
	if first := f.Failure.First.EventTime; blames(f) && !first.IsZero() {
		lag := max(f.Candidates[0].LagSeconds, 20)
		start, end := first.Unix()-lag-lag*3/4, first.Unix()+lag*5/2
		if start > t.From || end < t.To {
			t.Start, t.End = max(start, t.From), min(end, t.To)
		}
	}
	if t.End <= t.Start {
		t.End = t.Start
	}
	// Room at both ends, so that no mark lies on the edge.
	pad := max((t.End-t.Start)/24, 5)
	t.Start, t.End = t.Start-pad, t.End+pad
	all := max((t.To-t.From)/24, 5)
	t.From, t.To = t.From-all, t.To+all
}

func (t *reportTimeline) place() {
	span := float64(t.End - t.Start)
	at := func(sec int64) float64 { return 100 * float64(sec-t.Start) / span }
	for i := range t.Marks {
		m := &t.Marks[i]
		m.X, m.W = percent(at(m.T)), percent(max(at(m.U)-at(m.T), 0))
		switch {
		case m.U < t.Start:
			t.Before++
		case m.T > t.End:
			t.Beyond++
		}
	}
	for _, sec := range ticks(t.Start, t.End, 7) {
		t.Ticks = append(t.Ticks, newTick(at(sec), tickText(sec, t.End-t.Start)))
	}
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) + "%" }

// tickSteps are the distances between ticks, in seconds: round on a clock.
var tickSteps = []int64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
	86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 91 * 86400, 182 * 86400, 364 * 86400}

// ticks returns round instants in [from, to], at most n of them.
func ticks(from, to int64, n int64) []int64 {
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if (to-from)/s < n {
			step = s
			break
		}
	}
	for (to-from)/step >= n {
		step *= 2
	}
	var list []int64
	for at := (from + step - 1) / step * step; at <= to; at += step {
		list = append(list, at)
	}
	return list
}

// tickText writes an instant as finely as a span of so many seconds needs.
func tickText(sec, span int64) string {
	layout := "2006-01-02"
	switch {
	case span < 600:
		layout = "15:04:05"
	case span < 86400:
		layout = "15:04"
	case span < 4*86400:
		layout = "01-02 15:04"
	}
	return time.Unix(sec, 0).UTC().Format(layout)
}
