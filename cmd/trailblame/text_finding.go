package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// maxVetoedShown is how many vetoed changes a finding's text lists.
const maxVetoedShown = 5

// writeFinding writes a finding as an incident note: three lines that say what
// broke, why, and since when; then the failure, the cause with what speaks for
// and against it, what to do next, the changes that were not it, and what the
// trail holds. Whoever stops reading anywhere has read what matters most.
func writeFinding(w io.Writer, f *correlate.Finding, st style) error {
	p := &page{style: st}
	p.headline(f)
	p.failure(&f.Failure)
	p.conclusion(f)
	p.vetoed(f.Vetoed)
	p.coverage(f)
	p.writeSources()
	_, err := w.Write(p.buf.Bytes())
	return err
}

// conclusion prints what is blamed and what to do.
func (p *page) conclusion(f *correlate.Finding) {
	if blames(f) {
		p.cause(f)
		p.nextSteps(f.NextSteps)
		p.runnersUp("RUNNERS-UP", f, f.Candidates[1:])
	} else {
		p.noCause(f)
		p.runnersUp("CHANGES NEARBY, NOT BLAMED", f, f.Candidates)
		p.nextSteps(f.NextSteps)
	}
}

// blames tells whether the finding's first candidate is given as the cause.
func blames(f *correlate.Finding) bool {
	return len(f.Candidates) > 0 && (f.Diagnosis == correlate.DiagnosisChange || f.Diagnosis == correlate.DiagnosisPropagation)
}

// headline prints the three lines that a hurried reader needs.
func (p *page) headline(f *correlate.Finding) {
	p.wrap("", 0, 2, span{sgrAlert, whatFailed(&f.Failure)})
	switch {
	case f.Diagnosis == correlate.DiagnosisNeverAllowed:
		p.wrap("", 0, 2, span{sgrBold, "No change is blamed: the request was never granted in this trail."})
	case !blames(f):
		p.wrap("", 0, 2, span{sgrBold, "No change is blamed: none in this trail explains it."})
	default:
		p.wrap("", 0, 2, span{sgrBold, answer(f)})
	}
	p.since(&f.Failure)
}

// whatFailed says what failed, on what, and for whom.
func whatFailed(f *correlate.Failure) string {
	text := cmp.Or(f.Action, "a request")
	if f.Resource != "" && f.Resource != "*" {
		text += " on " + shortName(f.Resource)
	}
	if f.Resources > 1 {
		text += fmt.Sprintf(" (%d resources)", f.Resources)
	}
	if strings.Contains(f.Action, ":") || f.Principal != "" {
		return text + " refused for " + someone(f.Principal)
	}
	return text + " failed" // a state of a pipeline or a build, which names nobody
}

// since tells when it failed, how often, and whether it is over.
func (p *page) since(f *correlate.Failure) {
	first, last := f.First.EventTime, f.Last.EventTime
	over := "; not seen to work since."
	if r := f.Recovery; r != nil {
		over = "; it works again since " + clockAfter(first, r.EventTime) + "."
	}
	spans := []span{plain("Once, at " + clock(first)), p.cite(f.First.EventID, f.First.Object)}
	if f.Count > 1 {
		spans[0] = plain(fmt.Sprintf("%d times since %s", f.Count, clock(first)))
		spans[1].text += ","
		spans = append(spans, plain("last at "+clockAfter(first, last)), p.cite(f.Last.EventID, f.Last.Object))
	}
	end, rest, _ := strings.Cut(over, " ")
	spans[len(spans)-1].text += end
	p.wrap("", 0, 2, append(spans, plain(rest))...)
}

// someone names a principal, also one that no record names.
func someone(arn string) string {
	if arn == "" {
		return "an unknown caller"
	}
	return shortName(arn)
}

// answer claims the cause in a sentence, as strongly as its level allows.
func answer(f *correlate.Finding) string {
	c := &f.Candidates[0]
	change := deed(c) + ", " + before(c.LagSeconds)
	switch {
	case f.Diagnosis == correlate.DiagnosisPropagation:
		return "Granted, not yet effective: " + change + ". It heals by itself."
	case c.Level == correlate.Proven:
		return "Caused by " + change + "."
	case c.Level == correlate.Observed:
		return "Very likely caused by " + change + "."
	case c.Level == correlate.Consistent:
		return "Could have been caused by " + change + "."
	case c.Level == correlate.Related:
		return "Changed nearby: " + change + "."
	}
	return "Happened before: " + change + "."
}

// claims are the words for each level.
var claims = map[correlate.Level]string{
	correlate.Proven:     "caused by",
	correlate.Observed:   "very likely caused by",
	correlate.Consistent: "could have caused",
	correlate.Related:    "changed nearby",
	correlate.Temporal:   "happened before",
}

// claim returns the words that the first candidate of a finding is given, or a
// later one.
func claim(f *correlate.Finding, c *correlate.Candidate) string {
	if f.Diagnosis == correlate.DiagnosisPropagation && c.Rank == 1 {
		return "granted, not yet effective"
	}
	return claims[c.Level]
}

// deed says in words what a change did, to what, and who did it.
func deed(c *correlate.Candidate) string {
	text := c.Change.EventName
	if c.Change.Target != "" {
		text += " on " + shortName(c.Change.Target)
	}
	return text + ", by " + someone(origin(&c.Change))
}

// origin is who started the role chain of a change.
func origin(c *correlate.ChangeRef) string {
	if len(c.ActorChain) > 0 {
		return c.ActorChain[0]
	}
	return c.Actor
}

func (p *page) failure(f *correlate.Failure) {
	p.heading("FAILURE")
	p.recovery(f)
	p.field("pattern", plain(steadiness(&f.Frequency)))
	p.field("spread", plain(spread(&f.Spread)))
	p.field("principal", plain(f.Principal))
	p.field("resource", plain(f.Resource))
	p.field("refs", plain(strings.Join(f.Refs, ", ")))
	p.field("account", plain(strings.Trim(f.Account+", "+f.Region, ", ")))
	p.field("denied by", plain(denial(&f.Denial)))
	p.field("message", plain(strings.Trim(f.ErrorCode+": "+readable(f.ErrorMessage), ": ")))
}

// encodedMessage begins what EC2 says only to those who may decode it.
const encodedMessage = "Encoded authorization failure message: "

// readable leaves out of an error message the part that nobody can read.
func readable(message string) string {
	text, blob, ok := strings.Cut(message, encodedMessage)
	if !ok || strings.Contains(blob, " ") {
		return message
	}
	return fmt.Sprintf("%s%s(%d characters; aws sts decode-authorization-message reads them)", text, encodedMessage, len(blob))
}

// recovery tells when the request worked before and after the failures.
func (p *page) recovery(f *correlate.Failure) {
	first := f.First.EventTime.Time
	if r := f.LastSuccess; r != nil {
		p.field("before", plain(fmt.Sprintf("it worked at %s, %s earlier", clock(r.EventTime), duration(first.Sub(r.EventTime.Time)))), p.cite(r.EventID, r.Object))
	} else {
		p.field("before", plain("no success of it in the trail"))
	}
	if r := f.Recovery; r != nil {
		p.field("after", plain(fmt.Sprintf("it works again since %s, %s after the first failure", clock(r.EventTime), duration(r.EventTime.Sub(first)))), p.cite(r.EventID, r.Object))
	} else {
		p.field("after", plain("no success since, as far as the trail goes"))
	}
}

func steadiness(f *correlate.Frequency) string {
	share := fmt.Sprintf("%d of %s within %s failed", f.Failures, count(f.Attempts, "attempt", "attempts"), f.Window)
	switch f.Pattern {
	case "constant":
		return "constant: " + share
	case "intermittent":
		return "intermittent: " + share
	case "single":
		return "a single attempt within " + f.Window
	}
	return ""
}

// maxNamed is how many names a list in running text holds.
const maxNamed = 6

func spread(s *correlate.Spread) string {
	what := map[string]string{
		"branch": "only some branches", "repository": "every branch tried", "principal": "only this principal",
		"resource": "only this resource", "account": "the whole account",
	}[s.Pattern]
	if what == "" {
		return ""
	}
	text := what + ", within " + s.Window
	if len(s.Failing) > 0 {
		text += "; failing: " + someOf(s.Failing, maxNamed)
	}
	if len(s.Succeeding) > 0 {
		text += "; passing: " + someOf(s.Succeeding, maxNamed)
	}
	return text
}

func denial(d *correlate.Denial) string {
	var text string
	switch d.Effect {
	case "explicit":
		text = "an explicit deny"
	case "implicit":
		text = "no policy that allows it (implicit deny)"
	default:
		text = "the message does not say"
	}
	if d.Layer != "" && d.Layer != "unknown" {
		text += ", " + d.Layer + " layer"
	}
	if d.PolicyARN != nil {
		text += ", policy " + *d.PolicyARN
	}
	return text
}

// cause prints the candidate that is blamed.
func (p *page) cause(f *correlate.Finding) {
	c := &f.Candidates[0]
	p.heading("CAUSE", span{sgrYellow, string(c.Level)}, plain(fmt.Sprintf("(score %d): %s", c.Score, verdict(f, c))))
	p.field("change", span{sgrBold, c.Change.EventName}, plain("("+c.Change.EventSource+")"), p.cite(c.Change.EventID, c.Change.Object))
	p.field("on", plain(c.Change.Target))
	p.field("when", plain(fmt.Sprintf("%s, %s", clock(c.Change.EventTime), lagText(c.LagSeconds))))
	p.actors(&c.Change)
	p.field("search", plain(foundIn(&f.Search)))
	p.evidence("because", c.Evidence, sgrGreen)
	p.evidence("against", c.Against, sgrRed)
	if len(c.Against) == 0 {
		p.field("against", plain("nothing found"))
	}
	p.alsoSufficient(f, c)
	if len(c.Diff) > 0 {
		p.field("diff", plain(diffSummary(c.Diff)))
		p.writeDiff(indent+2, c.Diff)
	}
}

// alsoSufficient warns that taking the cause back will not help by itself.
func (p *page) alsoSufficient(f *correlate.Finding, c *correlate.Candidate) {
	n := len(c.AlsoSufficient)
	if n == 0 {
		return
	}
	spans := []span{{sgrYellow, "undoing it is not enough:"}, plain(count(n, "later change denies", "later changes deny") + " the request too:")}
	for i, id := range c.AlsoSufficient {
		end := ","
		if i == n-1 {
			end = ""
		}
		spans = append(spans, p.citeChange(f, id, end)...)
	}
	p.field("beware", spans...)
}

// citeChange names a change by its eventID, in words where it is a candidate.
func (p *page) citeChange(f *correlate.Finding, eventID, end string) []span {
	name, object := "event", ""
	for i := range f.Candidates {
		if c := &f.Candidates[i]; c.Change.EventID == eventID {
			name, object = deed(c), c.Change.Object
		}
	}
	for _, v := range f.Vetoed {
		if v.EventID == eventID && name == "event" {
			name, object = v.EventName, v.Object
		}
	}
	at := p.cite(eventID, object)
	at.text += end
	return []span{plain(name), at}
}

// verdict is the claim of the finding's first candidate as a sentence.
func verdict(f *correlate.Finding, c *correlate.Candidate) string {
	switch c.Level {
	case correlate.Proven, correlate.Observed:
		if f.Diagnosis != correlate.DiagnosisPropagation {
			return claim(f, c) + " this change"
		}
	case correlate.Consistent:
		return "this change could have caused it"
	}
	return claim(f, c)
}

func lagText(seconds int64) string {
	if seconds > 0 {
		return before(seconds) + " the first failure"
	}
	if seconds == 0 {
		return "in the second of the first failure"
	}
	return before(seconds)
}

// actors prints who made the change, and through which sessions.
func (p *page) actors(c *correlate.ChangeRef) {
	p.field("by", plain(origin(c)))
	for i, via := range c.ActorChain {
		if i > 0 {
			p.more(dim("through " + via))
		}
	}
}

func foundIn(s *correlate.Search) string {
	text := count(s.ChangesConsidered, "change", "changes") + " considered"
	if s.FoundIn != nil {
		text += ", this one found within " + *s.FoundIn
	}
	if s.Escalated {
		text += ", further back than the playbook expects a change of its kind"
	}
	return text
}

// evidence prints one line for each point: its weight, and why.
func (p *page) evidence(label string, list []correlate.Evidence, sgr string) {
	const hang = column + 5
	for i, e := range list {
		points := "    "
		if e.Points != 0 {
			points = fmt.Sprintf("%+4d", e.Points)
		}
		lead := strings.Repeat(" ", column)
		if i == 0 {
			lead = fmt.Sprintf("  %s%*s", p.style.paint(sgrCyan, label), column-indent-len(label), "")
		}
		p.wrap(lead+p.style.paint(sgr, points)+" ", hang, hang, plain(e.Text), dim("["+e.Kind+"]"))
	}
}
