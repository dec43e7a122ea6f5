package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// reportHistogram counts failures over time, with the changes that are blamed.
type reportHistogram struct {
	Width   string // what a bar stands for, in words
	Span    string
	Most    int
	Bars    []histogramBar
	Changes []histogramChange
	Ticks   []timelineTick
	Label   string
}

// histogramBar has its heights in pixels: what is blamed on a change stands
// below, the rest on top of it.
type histogramBar struct {
	X, W            string
	Y, Blamed, Rest float64 // Y is the top of the rest
	Split           float64 // where the rest ends and the blamed begins
	Text            string
}

type histogramChange struct{ X, Text, Search string }

// Sizes of the drawing, which the template shares.
const (
	maxBars         = 96
	histogramBottom = 124.0
	histogramHeight = 96.0
)

var barSteps = []int64{60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400}

// histogram draws the counts, nil when there are none.
func (t *reportTotals) histogram() *reportHistogram {
	if len(t.minutes) == 0 {
		return nil
	}
	blamed := t.blamed()
	from, to := t.failureSpan(blamed)
	step := barSteps[len(barSteps)-1]
	for _, s := range barSteps {
		if floorDiv(to, s)-floorDiv(from, s) < maxBars {
			step = s
			break
		}
	}
	for floorDiv(to, step)-floorDiv(from, step) >= maxBars {
		step *= 2 // an event may claim any year
	}
	from, to = floorDiv(from, step)*step, (floorDiv(to, step)+1)*step
	begin, end := time.Unix(from, 0), time.Unix(to, 0)
	h := &reportHistogram{Width: duration(time.Duration(step) * time.Second), Span: clock(correlate.Time{Time: begin}) + " to " + clockAfter(correlate.Time{Time: begin}, correlate.Time{Time: end})}
	h.bars(t.fold(step), from, to, step)
	h.changes(blamed, from, to)
	for _, sec := range ticks(from, to, 7) {
		h.Ticks = append(h.Ticks, newTick(share(sec, from, to), tickText(sec, to-from)))
	}
	h.Label = fmt.Sprintf("Failures over time, in bars of %s: at most %s in one, %s blamed", h.Width, thousands(h.Most), count(len(blamed), "change", "changes"))
	return h
}

// share is where sec lies between from and to, per cent.
func share(sec, from, to int64) float64 { return 100 * float64(sec-from) / float64(to-from) }

// failureSpan spans the failures and the changes blamed for them.
func (t *reportTotals) failureSpan(blamed []*culprit) (from, to int64) {
	first := true
	grow := func(sec int64) {
		if first {
			from, to, first = sec, sec, false
		}
		from, to = min(from, sec), max(to, sec)
	}
	for minute := range t.minutes {
		grow(minute * 60)
	}
	for _, k := range blamed {
		if k.timed {
			grow(k.at)
		}
	}
	return from, to
}

// fold sums the minutes up by bars.
func (t *reportTotals) fold(step int64) map[int64]*[2]int {
	sums := map[int64]*[2]int{}
	for minute, n := range t.minutes {
		bar := floorDiv(minute*60, step) * step
		if sums[bar] == nil {
			sums[bar] = new([2]int)
		}
		sums[bar][0] += n[0]
		sums[bar][1] += n[1]
	}
	return sums
}

func (h *reportHistogram) bars(sums map[int64]*[2]int, from, to, step int64) {
	var starts []int64
	for start, n := range sums {
		starts = append(starts, start)
		h.Most = max(h.Most, n[0]+n[1])
	}
	slices.Sort(starts)
	for _, start := range starts {
		n := sums[start]
		blamed := histogramHeight * float64(n[0]) / float64(h.Most)
		rest := histogramHeight * float64(n[1]) / float64(h.Most)
		if total := blamed + rest; total < 2 { // a bar that stands for something is seen
			blamed, rest = blamed*2/total, rest*2/total
		}
		text := fmt.Sprintf("%s: %s", time.Unix(start, 0).UTC().Format("2006-01-02 15:04 UTC"), counted(int64(n[0]+n[1]), "failure", "failures"))
		if n[0] > 0 && n[1] > 0 {
			text += fmt.Sprintf(", %s of them blamed on a change", thousands(n[0]))
		} else if n[0] > 0 {
			text += ", blamed on a change"
		}
		split := histogramBottom - blamed
		h.Bars = append(h.Bars, histogramBar{X: percent(share(start, from, to)), W: percent(100 * float64(step) / float64(to-from)),
			Y: split - rest, Blamed: blamed, Rest: rest, Split: split, Text: text})
	}
}

// changes marks the changes, those that would lie on each other as one.
func (h *reportHistogram) changes(blamed []*culprit, from, to int64) {
	near := map[int64][]*culprit{}
	var places []int64
	for _, k := range blamed {
		if !k.timed {
			continue
		}
		place := (k.at - from) * 200 / (to - from)
		if near[place] == nil {
			places = append(places, place)
		}
		near[place] = append(near[place], k)
	}
	slices.Sort(places)
	for _, place := range places {
		list := near[place]
		c := histogramChange{X: percent(share(list[0].at, from, to)), Search: list[0].EventID,
			Text: fmt.Sprintf("%s %s: %s, blamed for %s", list[0].Time, list[0].Level, list[0].Deed, counted(int64(list[0].Failures), "failure", "failures"))}
		if len(list) > 1 {
			names := make([]string, 0, len(list))
			for _, k := range list {
				names = append(names, k.Deed)
			}
			c.Text = fmt.Sprintf("%s: %d changes: %s", list[0].Time, len(list), strings.ReplaceAll(someOf(names, 3), ", and", " and"))
			c.Search = ""
		}
		h.Changes = append(h.Changes, c)
	}
}
