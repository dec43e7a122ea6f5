package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// How a timeline looks in text
//
//   - A line for the day whenever it changes, then for each entry the time of
//     day, how far it is from the origin, the lanes, the mark, and what happened.
//   - A lane is a column that belongs to one principal or resource. The sign in
//     it is that of the mark, so that the eye follows one party down the page.
//     The lane's owner is named where it begins. The last lane is shared.
//   - The sign and the colour repeat what the word of the mark says.
const maxLanes = 6

// markLook is how a mark is shown.
type markLook struct{ sign, sgr string }

var markLooks = map[correlate.Mark]markLook{
	correlate.MarkFailure:  {"x", sgrRed},
	correlate.MarkChange:   {"*", sgrYellow},
	correlate.MarkSession:  {">", sgrCyan},
	correlate.MarkPipeline: {"#", sgrGreen},
	correlate.MarkError:    {"!", sgrDim},
	correlate.MarkCall:     {".", ""},
}

// timelineText lays entries out for people.
type timelineText struct {
	style  style
	origin time.Time
	by     string // principal, resource or none
	lanes  []string
	day    string
	last   time.Time // of the entry before, for relative times without an origin
}

// laneOf returns the lane of an entry, and whether it begins here. -1 is none.
func (t *timelineText) laneOf(en *correlate.TimelineEntry) (lane int, begins bool) {
	owner := en.Principal
	switch t.by {
	case "none":
		return -1, false
	case "resource":
		owner = en.Resource
	}
	for i, name := range t.lanes {
		if name == owner || i == maxLanes-1 {
			return i, false
		}
	}
	t.lanes = append(t.lanes, owner)
	return len(t.lanes) - 1, true
}

// write adds the lines of one entry to a page.
func (t *timelineText) write(p *page, en *correlate.TimelineEntry) {
	if day := dayOf(en.Time); day != t.day {
		if t.day != "" {
			p.blank()
		}
		t.day = day
		p.wrap("", 0, 2, span{sgrBold, day})
	}
	at := "        "
	if !en.Time.IsZero() {
		at = en.Time.UTC().Format("15:04:05")
	}
	lane, begins := t.laneOf(en)
	look := markLooks[en.Mark]
	lead := "  " + at + " " + t.style.paint(sgrDim, fmt.Sprintf("%13s", t.relative(en))) + "  "
	width := 2 + 8 + 1 + 13 + 2
	if lane >= 0 {
		lead += t.gutter(lane, look) + " "
		width += 2*maxLanes + 1
	}
	if t.style.width < narrowTimeline {
		// The lanes stand over the words, which have the line to themselves.
		p.buf.WriteString(strings.TrimRight(lead, " ") + "\n")
		lead, width = strings.Repeat(" ", narrowIndent), narrowIndent
	}
	p.wrap(lead, width, width+2, t.words(en, look, begins || lane == maxLanes-1)...)
	t.last = en.Time.Time
}

// A timeline narrower than this puts the words of an entry below its time.
const (
	narrowTimeline = 90
	narrowIndent   = 11
)

// gutter draws the lanes, the sign in the entry's own.
func (t *timelineText) gutter(lane int, look markLook) string {
	var b strings.Builder
	for i := range maxLanes {
		switch {
		case i == lane:
			b.WriteString(t.style.paint(look.sgr, look.sign) + " ")
		case i < len(t.lanes):
			b.WriteString(t.style.paint(sgrDim, "|") + " ")
		default:
			b.WriteString("  ")
		}
	}
	return b.String()
}

// relative says how far an entry is from the origin; without one, how long after
// the entry before.
func (t *timelineText) relative(en *correlate.TimelineEntry) string {
	from, sign := t.origin, "+"
	if from.IsZero() {
		from = t.last
	}
	if from.IsZero() || en.Time.IsZero() {
		return ""
	}
	d := en.Time.Sub(from).Truncate(time.Second)
	switch {
	case d < 0:
		sign, d = "-", -d
	case d == 0:
		if t.origin.IsZero() {
			return ""
		}
		return "0 s"
	}
	return sign + duration(d)
}

// words say what happened.
func (t *timelineText) words(en *correlate.TimelineEntry, look markLook, named bool) []span {
	list := []span{{look.sgr, string(en.Mark)}, {sgrBold, en.EventName}}
	if en.Resource != "" {
		text := "on " + shortName(en.Resource)
		if en.Resources > 1 {
			text += fmt.Sprintf(" (%d resources)", en.Resources)
		}
		list = append(list, plain(text))
	}
	if t.by != "principal" || named {
		if en.Principal != "" {
			list = append(list, plain("by "+shortName(en.Principal)))
		}
	}
	if en.Session != "" && en.Depth > 0 {
		list = append(list, dim("(session "+en.Session+")"))
	}
	if what := cmp.Or(en.ErrorCode, en.State); what != "" {
		list = append(list, span{look.sgr, what})
	}
	if en.Count > 1 {
		list = append(list, plain(fmt.Sprintf("%d times until %s", en.Count, clockAfter(en.Time, *en.Last))))
	}
	if en.IssuedKey != "" {
		list = append(list, dim("as "+en.IssuedKey))
	}
	if en.About != "" {
		list = append(list, span{sgrAlert, "<- " + en.About})
	}
	return append(list, dim(en.EventID))
}

func dayOf(t correlate.Time) string {
	if t.IsZero() {
		return "without a time"
	}
	return t.UTC().Format("2006-01-02 Mon, UTC")
}
