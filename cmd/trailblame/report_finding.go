package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// findingCard is what report/finding.html shows of a finding. Its text was made
// safe already; the template escapes it for HTML.
type findingCard struct {
	ID, Playbook            string
	Level                   string // the first candidate's level, or the diagnosis when nothing is blamed
	Headline, Answer, Since string
	Why                     string // no change is blamed
	Timeline                *reportTimeline
	Failure                 []labelled
	Cause                   *candidateView
	Search                  string
	Beware                  []labelled // changes that would have to be undone as well
	Runners                 []candidateView
	Vetoed                  []vetoView
	Steps                   []stepView
	Coverage                []string
	Sources                 []sourceView
}

// labelled is a value with its name and the numbers of its sources.
type labelled struct {
	Label, Text string
	Cites       []cited
}

// cited is a citation: the number of a source of the finding ID.
type cited struct {
	ID     string
	Number int
}

// candidateView shows a candidate: in full the one that is blamed, in a sentence
// or two the others.
type candidateView struct {
	Rank, Score         int
	Level, Claim        string
	Meaning             string
	Deed, Before, Worst string
	Facts               []labelled
	Chain               []string // who made the change, from the person to the session that called
	For, Against        []correlate.Evidence
	DiffTitle           string
	Diff                []diffRow
	DiffMore            int
	Cites               []cited
}

// diffRow is a line of a diff, with the class that colours it.
type diffRow struct{ Mark, Class, Text string }

type vetoView struct {
	Name, Time, Reason string
	Cites              []cited
}

type stepView struct{ Text, Command string }

type sourceView struct {
	Number                    int
	EventID, Object, Position string
}

// Bounds on what a card holds: an attacker writes the records, and a page must
// stay readable. What goes beyond is counted.
const (
	maxReportText = 2000 // characters of one text
	maxReportDiff = 240  // lines of one diff
)

// levelMeanings say what a level takes; DESIGN.md §4 has the same table.
var levelMeanings = map[string]string{
	"proven":     "replayed with the policies of that moment, the request is denied with the change and allowed without it, or the change added an explicit deny that matches the request; nothing unknown was used",
	"observed":   "the request worked before and failed after, and no other change of a fitting layer in between is left; or the message names the very policy that changed",
	"consistent": "scope, action, resource and layer all fit, but part of the content is not known",
	"related":    "it shares the principal, the group, the resource or the key, and nothing more is known",
	"temporal":   "only the time fits",
}

// newFindingCard makes the card of a finding whose strings are safe.
func newFindingCard(f *correlate.Finding) *findingCard {
	b := cardBuilder{f: f}
	c := &findingCard{ID: f.ID, Playbook: f.Playbook, Level: badge(f), Headline: whatFailed(&f.Failure),
		Answer: headlineAnswer(f), Since: sinceText(&f.Failure), Search: foundIn(&f.Search)}
	c.Failure = b.failure()
	others := f.Candidates
	if blames(f) {
		c.Cause, others = b.cause(&f.Candidates[0]), f.Candidates[1:]
		c.Beware = b.beware(&f.Candidates[0])
	} else {
		c.Why = unblamed(f)
	}
	for i := range others {
		c.Runners = append(c.Runners, b.runner(&others[i]))
	}
	for _, v := range f.Vetoed {
		c.Vetoed = append(c.Vetoed, vetoView{v.EventName, clock(v.EventTime), v.Reason, b.cite(v.EventID, v.Object)})
	}
	for _, s := range f.NextSteps {
		text, command := splitStep(s)
		c.Steps = append(c.Steps, stepView{text, command})
	}
	c.Coverage = coverageLines(&f.Coverage)
	c.Timeline = newReportTimeline(f)
	c.Sources = b.sources
	return c
}

// badge is the word that a finding is filed under.
func badge(f *correlate.Finding) string {
	if blames(f) && f.Diagnosis != correlate.DiagnosisPropagation {
		return string(f.Candidates[0].Level)
	}
	return string(f.Diagnosis)
}

// headlineAnswer is the answer to "why" in one sentence.
func headlineAnswer(f *correlate.Finding) string {
	switch {
	case blames(f):
		return answer(f)
	case f.Diagnosis == correlate.DiagnosisNeverAllowed:
		return "No change is blamed: the request was never granted in this trail."
	}
	return "No change is blamed: none in this trail explains it."
}

// sinceText tells when it failed, how often, and whether it is over.
func sinceText(f *correlate.Failure) string {
	first := f.First.EventTime
	text := "Once, at " + clock(first)
	if f.Count > 1 {
		text = fmt.Sprintf("%s times since %s, last at %s", thousands(f.Count), clock(first), clockAfter(first, f.Last.EventTime))
	}
	if f.Recovery != nil {
		return text + "; it works again since " + clockAfter(first, f.Recovery.EventTime) + "."
	}
	return text + "; not seen to work since."
}

// cardBuilder numbers the sources of a card as they are cited.
type cardBuilder struct {
	f       *correlate.Finding
	sources []sourceView
}

func (b *cardBuilder) cite(eventID, object string) []cited {
	name, position := object, ""
	if at := strings.LastIndexByte(object, '#'); at >= 0 {
		name, position = object[:at], object[at+1:]
	}
	s := sourceView{EventID: cmp.Or(eventID, "without an id"), Object: name, Position: position}
	for _, o := range b.sources {
		if s.Number = o.Number; o == s {
			return []cited{{b.f.ID, o.Number}}
		}
	}
	s.Number = len(b.sources) + 1
	b.sources = append(b.sources, s)
	return []cited{{b.f.ID, s.Number}}
}

// failure lists what is known of the episode.
func (b *cardBuilder) failure() []labelled {
	f := &b.f.Failure
	list := []labelled{{"First failure", clock(f.First.EventTime), b.cite(f.First.EventID, f.First.Object)}}
	add := func(label, text string, cites ...cited) {
		if text != "" {
			list = append(list, labelled{label, text, cites})
		}
	}
	if f.Count > 1 {
		add("Last failure", clock(f.Last.EventTime), b.cite(f.Last.EventID, f.Last.Object)...)
	}
	if r := f.LastSuccess; r != nil {
		add("Worked before", fmt.Sprintf("%s, %s earlier", clock(r.EventTime), duration(f.First.EventTime.Sub(r.EventTime.Time))), b.cite(r.EventID, r.Object)...)
	} else {
		add("Worked before", "no success of it in the trail")
	}
	if r := f.Recovery; r != nil {
		add("Works again", fmt.Sprintf("since %s, %s after the first failure", clock(r.EventTime), duration(r.EventTime.Sub(f.First.EventTime.Time))), b.cite(r.EventID, r.Object)...)
	} else {
		add("Works again", "no success since, as far as the trail goes")
	}
	add("Pattern", steadiness(&f.Frequency))
	add("Spread", spread(&f.Spread))
	add("Principal", f.Principal)
	add("Resource", f.Resource)
	add("Refs", someOf(f.Refs, maxNamed))
	add("Account", strings.Trim(f.Account+", "+f.Region, ", "))
	add("Denied by", denial(&f.Denial))
	add("Message", strings.Trim(f.ErrorCode+": "+readable(f.ErrorMessage), ": "))
	return list
}

func (b *cardBuilder) candidate(c *correlate.Candidate) candidateView {
	return candidateView{Rank: c.Rank, Score: c.Score, Level: string(c.Level), Claim: claim(b.f, c), Meaning: levelMeanings[string(c.Level)],
		Deed: deed(c), Before: before(c.LagSeconds), Cites: b.cite(c.Change.EventID, c.Change.Object)}
}

func (b *cardBuilder) runner(c *correlate.Candidate) candidateView {
	v := b.candidate(c)
	v.Worst = lost(b.f, c)
	return v
}

func (b *cardBuilder) cause(c *correlate.Candidate) *candidateView {
	v := b.candidate(c)
	v.Claim = verdict(b.f, c)
	v.Facts = []labelled{
		{"Change", c.Change.EventName + " (" + c.Change.EventSource + ")", v.Cites},
		{"On", cmp.Or(c.Change.Target, "no target is named"), nil},
		{"When", clock(c.Change.EventTime) + ", " + lagText(c.LagSeconds), nil},
	}
	v.Chain = c.Change.ActorChain
	if len(v.Chain) == 0 {
		v.Chain = []string{someone(c.Change.Actor)}
	}
	v.For, v.Against = c.Evidence, c.Against
	v.DiffTitle = diffSummary(c.Diff)
	lines := diffLines(c.Diff, 76)
	v.DiffMore = max(len(lines)-maxReportDiff, 0)
	for _, l := range lines[:len(lines)-v.DiffMore] {
		v.Diff = append(v.Diff, diffRow{l.mark, diffClasses[l.mark], cutReportText(l.text)})
	}
	return &v
}

var diffClasses = map[string]string{"+": "add", "-": "del", "~": "mod"}

// beware names the later changes that deny the request too.
func (b *cardBuilder) beware(c *correlate.Candidate) []labelled {
	var list []labelled
	for _, id := range c.AlsoSufficient {
		l := labelled{Text: "event"}
		object := ""
		for i := range b.f.Candidates {
			if o := &b.f.Candidates[i]; o.Change.EventID == id {
				l.Text, object = deed(o), o.Change.Object
			}
		}
		for _, v := range b.f.Vetoed {
			if v.EventID == id && l.Text == "event" {
				l.Text, object = v.EventName, v.Object
			}
		}
		l.Cites = b.cite(id, object)
		list = append(list, l)
	}
	return list
}

// coverageLines say what the trail may be missing around a finding.
func coverageLines(c *correlate.Coverage) []string {
	lines := []string{dataEventsText[c.DataEvents]}
	if len(c.Gaps) == 0 {
		lines = append(lines, "No gap around it is known.")
	}
	for _, g := range c.Gaps[:min(len(c.Gaps), maxGapsShown)] {
		lines = append(lines, fmt.Sprintf("No events of %s from %s to %s.", strings.Trim(g.Account+" "+g.Region, " "), clock(g.From), clock(g.To)))
	}
	if more := len(c.Gaps) - maxGapsShown; more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more gaps.", more))
	}
	return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
}

var dataEventsText = map[string]string{
	"present": "Data events are in the trail.",
	"absent":  "Data events are not in the trail: object and key access that succeeded is invisible.",
	"unknown": "Whether the trail records data events is not known.",
}

// safeFinding returns a copy of f with every string as people may see it, and
// none longer than maxReportText.
func safeFinding(f *correlate.Finding) *correlate.Finding {
	c := *f
	v := reflect.ValueOf(&c).Elem()
	v.Set(safeCopy(v))
	return &c
}

var rawJSON = reflect.TypeFor[json.RawMessage]()

func safeCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(cutReportText(safe(v.String())))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(safeCopy(v.Elem()))
		}
	case reflect.Slice:
		if v.Type() == rawJSON {
			return reflect.ValueOf(safeRaw(v.Bytes()))
		}
		if v.IsNil() {
			return v
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(safeCopy(v.Index(i)))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[correlate.Time]() {
			return v
		}
		for i := range v.NumField() {
			out.Field(i).Set(safeCopy(v.Field(i)))
		}
	default:
		return v
	}
	return out
}

// safeRaw makes JSON safe; what is no JSON becomes a string.
func safeRaw(raw []byte) json.RawMessage {
	if len(raw) == 0 || json.Valid(raw) {
		return appendSafeJSON(nil, raw)
	}
	quoted, _ := json.Marshal(string(raw)) // a string always encodes
	return appendSafeJSON(nil, bytes.TrimSpace(quoted))
}

// cutReportText cuts a long text, and says so.
func cutReportText(s string) string {
	if len(s) <= maxReportText {
		return s
	}
	runes := []rune(s)
	if len(runes) <= maxReportText {
		return s
	}
	return fmt.Sprintf("%s… (%s more characters)", string(runes[:maxReportText]), thousands(len(runes)-maxReportText))
}

// thousands writes a count in groups of three digits.
func thousands[N int | int64](n N) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
