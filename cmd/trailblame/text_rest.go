package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/ingest"
)

// noCause says why no change is blamed.
func (p *page) noCause(f *correlate.Finding) {
	p.heading("NO CHANGE IS BLAMED")
	p.wrap("  ", indent, indent, plain(unblamed(f)))
}

// unblamed explains a finding without a cause.
func unblamed(f *correlate.Finding) string {
	reach := "before the first failure"
	if w := f.Search.Windows; len(w) > 0 {
		reach = "up to " + w[len(w)-1] + " " + reach
	}
	n := f.Search.ChangesConsidered
	looked := "Looked at " + count(n, "change", "changes") + " " + reach
	switch {
	case f.Diagnosis == correlate.DiagnosisNeverAllowed && n == 0:
		return "The request never passed in this trail, and no policy change " + reach + " is on record. " +
			"Nothing was taken away, as far as the trail tells: it was not granted to begin with."
	case f.Diagnosis == correlate.DiagnosisNeverAllowed:
		return "The request was refused before and after every change and never passed in this trail. " +
			"Nothing was taken away: it was not granted to begin with. " + looked + "."
	case n == 0:
		return "No policy change " + reach + " is on record. " + elsewhere(&f.Failure)
	}
	return looked + ": none of them can have caused this refusal, as far as the trail tells. " + elsewhere(&f.Failure)
}

// elsewhere says where a cause may be that the trail does not show.
func elsewhere(f *correlate.Failure) string {
	text := "What did may lie further back, in another account or in a gap of the trail"
	if f.LastSuccess == nil {
		text += "; or nothing changed, and the request itself is new"
	}
	return text + "."
}

// runnersUp prints candidates that are not blamed, a paragraph each.
func (p *page) runnersUp(title string, f *correlate.Finding, list []correlate.Candidate) {
	if len(list) == 0 {
		return
	}
	p.heading(title)
	for i := range list {
		p.runnerUp(f, &list[i])
	}
}

func (p *page) runnerUp(f *correlate.Finding, c *correlate.Candidate) {
	lead := fmt.Sprintf("%3d. ", c.Rank)
	text := fmt.Sprintf("- %s: %s, %s.", claim(f, c), deed(c), before(c.LagSeconds))
	p.wrap(lead, len(lead), len(lead), span{sgrYellow, string(c.Level)}, plain(text), plain(lost(f, c)),
		dim(fmt.Sprintf("score %d", c.Score)), p.cite(c.Change.EventID, c.Change.Object))
}

// lost says what speaks most against a candidate.
func lost(f *correlate.Finding, c *correlate.Candidate) string {
	var worst *correlate.Evidence
	for i := range c.Against {
		if worst == nil || c.Against[i].Points < worst.Points {
			worst = &c.Against[i]
		}
	}
	if worst != nil {
		return worst.Text
	}
	return ""
}

// vetoed prints the changes that cannot be the cause.
func (p *page) vetoed(list []correlate.Vetoed) {
	if len(list) == 0 {
		return
	}
	p.heading("RULED OUT")
	for _, v := range list[:min(len(list), maxVetoedShown)] {
		p.wrap("  - ", 4, 4, plain(v.EventName+", "+clock(v.EventTime)+": "+v.Reason+"."), p.cite(v.EventID, v.Object))
	}
	if more := len(list) - maxVetoedShown; more > 0 {
		p.wrap("  - ", 4, 4, plain(fmt.Sprintf("and %d more, all of them in --format json", more)))
	}
}

func (p *page) nextSteps(steps []string) {
	if len(steps) == 0 {
		return
	}
	p.heading("NEXT")
	for i, s := range steps {
		lead := fmt.Sprintf("%3d. ", i+1)
		text, command := splitStep(s)
		p.wrap(lead, len(lead), len(lead), plain(text))
		if command != "" {
			p.command(len(lead)+2, command)
		}
	}
}

// splitStep splits a next step into what to do and the command that does it,
// which may be none.
func splitStep(s string) (text, command string) {
	text, command, found := strings.Cut(s, ": aws ")
	if !found || strings.ContainsFunc(text, notProse) || strings.Contains(text, " '") {
		return s, ""
	}
	return text + ":", "aws " + command
}

// notProse tells whether r stands in no advice of ours. Advice that quotes a
// record in front of what looks like a command is not laid out as one.
func notProse(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(" ,'", r)
}

// maxGapsShown is how many coverage gaps a finding's text lists.
const maxGapsShown = 5

// coverage says what the trail may be missing, and names the finding.
func (p *page) coverage(f *correlate.Finding) {
	p.heading("COVERAGE")
	c := &f.Coverage
	p.field("data", plain(map[string]string{
		"present": "data events are in the trail",
		"absent":  "data events are not in the trail: object and key access that succeeded is invisible",
		"unknown": "whether the trail records data events is not known",
	}[c.DataEvents]))
	if len(c.Gaps) == 0 {
		p.field("gaps", plain("none known"))
	}
	for i, g := range c.Gaps[:min(len(c.Gaps), maxGapsShown)] {
		text := plain(fmt.Sprintf("no events of %s from %s to %s", strings.Trim(g.Account+" "+g.Region, " "), clock(g.From), clock(g.To)))
		if i == 0 {
			p.field("gaps", text)
		} else {
			p.more(text)
		}
	}
	if more := len(c.Gaps) - maxGapsShown; more > 0 {
		p.more(plain(fmt.Sprintf("and %d more", more)))
	}
	if salvaged(f) {
		p.field("damage", plain("a record cited here is salvaged: its object is damaged, and what follows it there is lost"))
	}
	if text := integrityText(f); text != "" {
		p.field("digests", plain(text))
	}
	p.field("finding", dim(f.ID+", playbook "+f.Playbook))
}

// integrityText tells what digests say of the objects that the finding rests
// on; nothing when they were not asked.
func integrityText(f *correlate.Finding) string {
	words := map[string]string{"verified": "verified", "broken": "BROKEN, it is not what was delivered", "notCovered": "covered by no valid digest"}
	var parts []string
	add := func(what, integrity string) {
		if w := words[integrity]; w != "" {
			parts = append(parts, "the object of "+what+" is "+w)
		}
	}
	add("the first failure", f.Failure.First.Integrity)
	if len(f.Candidates) > 0 {
		add("the first candidate", f.Candidates[0].Change.Integrity)
	}
	return strings.Join(parts, "; ")
}

// salvaged tells whether the finding rests on a record of a damaged object.
func salvaged(f *correlate.Finding) bool {
	cited := []string{f.Failure.First.Object, f.Failure.Last.Object}
	for i := range f.Candidates {
		cited = append(cited, f.Candidates[i].Change.Object)
	}
	return slices.ContainsFunc(cited, func(object string) bool { return strings.HasPrefix(object, ingest.SalvagedPrefix) })
}
