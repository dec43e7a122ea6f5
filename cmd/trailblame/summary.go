package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// summary sums up a run of correlate for people: what was read, what was found,
// and what could not be seen.
type summary struct {
	findings, failures int
	levels             map[correlate.Level]int
	diagnoses          map[correlate.Diagnosis]int
	data               map[string]int
	gapped             int // findings around which deliveries may be missing
}

func newSummary() *summary {
	return &summary{levels: map[correlate.Level]int{}, diagnoses: map[correlate.Diagnosis]int{}, data: map[string]int{}}
}

func (s *summary) add(f *correlate.Finding) {
	s.findings++
	s.failures += f.Failure.Count
	s.data[f.Coverage.DataEvents]++
	if blames(f) {
		s.levels[f.Candidates[0].Level]++
	} else {
		s.diagnoses[f.Diagnosis]++
	}
	if len(f.Coverage.Gaps) > 0 {
		s.gapped++
	}
}

// write prints the summary below the findings. hide redacts a name.
func (s *summary) write(w io.Writer, ix *index.Index, overview query.Overview, st style, hide func(string) string) error {
	seen, err := look(ix)
	if err != nil {
		return err
	}
	coverage, lacking := coverageText(&overview, hide)
	mark := map[bool]string{true: sgrYellow}[lacking]
	p := &page{style: st}
	if s.findings > 0 {
		p.buf.WriteString("\n" + st.paint(sgrDim, strings.Repeat("=", st.width)) + "\n\n")
	}
	p.wrap("", 0, 2, span{sgrBold, s.headline()})
	p.field("read", plain(seen.String()))
	p.field("accounts", plain(namesOf(seen.accounts, hide)))
	p.field("regions", plain(namesOf(seen.regions, hide)))
	p.field("causes", s.causes()...)
	p.field("coverage", span{mark, coverage})
	p.more(plain(s.missing()))
	t := ix.Totals()
	p.field("ledger", plain(fmt.Sprintf("in %d = kept %d + duplicate %d + malformed %d + filtered %d", t.In, t.Kept, t.Duplicate, t.Malformed, t.Filtered)))
	p.field("objects", objectsOf(&t)...)
	_, err = w.Write(p.buf.Bytes())
	return err
}

func (s *summary) headline() string {
	if s.findings == 0 {
		return "No failures found."
	}
	return count(s.failures, "failure", "failures") + " in " + count(s.findings, "episode", "episodes") + "."
}

// causes counts the findings by how sure their cause is.
func (s *summary) causes() []span {
	var parts []span
	add := func(sgr string, n int, what string) {
		if n > 0 {
			parts = append(parts, span{sgr, fmt.Sprintf("%d %s,", n, what)})
		}
	}
	for _, level := range []correlate.Level{correlate.Proven, correlate.Observed, correlate.Consistent, correlate.Related, correlate.Temporal} {
		add(sgrGreen, s.levels[level], string(level))
	}
	add(sgrYellow, s.diagnoses[correlate.DiagnosisNeverAllowed], "never allowed")
	add(sgrYellow, s.diagnoses[correlate.DiagnosisUnexplained], "unexplained")
	if n := len(parts); n > 0 {
		parts[n-1].text = strings.TrimSuffix(parts[n-1].text, ",")
	}
	return parts
}

// missing says for how many findings the trail may be too short or too narrow.
func (s *summary) missing() string {
	var parts []string
	if s.gapped > 0 {
		parts = append(parts, fmt.Sprintf("the trail has gaps or begins too late for %d of %d", s.gapped, s.findings))
	}
	if n := s.data["absent"]; n > 0 {
		parts = append(parts, fmt.Sprintf("it has no data events for %d of %d", n, s.findings))
	}
	if len(parts) == 0 {
		return ""
	}
	return "around the findings: " + strings.Join(parts, "; ")
}

func objectsOf(t *index.Totals) []span {
	list := []span{plain(fmt.Sprintf("%d read, %d of them no trail", t.Objects, t.NotTrail))}
	if t.Damaged+t.Unreadable > 0 {
		list[0].text += ";"
		list = append(list, span{sgrAlert, fmt.Sprintf("%d damaged, %d unreadable: the answer is incomplete", t.Damaged, t.Unreadable)})
	}
	return list
}

// seen is what an index holds.
type seen struct {
	events            int64
	first, last       time.Time
	accounts, regions map[string]int
}

// look reads it from the terms, without reading a record.
func look(ix *index.Index) (*seen, error) {
	s := &seen{accounts: map[string]int{}, regions: map[string]int{}}
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return nil, err
		}
		for _, seg := range segments {
			s.events += int64(seg.Rows())
			if first, last, ok := seg.Span(); ok {
				if s.first.IsZero() || first.Before(s.first) {
					s.first = first
				}
				if last.After(s.last) {
					s.last = last
				}
			}
			if err := cmp.Or(gather(seg, index.Account, s.accounts), gather(seg, index.Region, s.regions)); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// maxNamesKept bounds the names of one field, which callers choose in part.
const maxNamesKept = 10000

func gather(seg *index.Segment, f index.Field, names map[string]int) error {
	return seg.Terms(f, func(t index.TermCount) bool {
		if _, ok := names[t.Term]; ok || len(names) < maxNamesKept {
			names[t.Term] += t.Count
		}
		return true
	})
}

func (s *seen) String() string {
	text := counted(s.events, "event", "events")
	if !s.first.IsZero() {
		text += ", " + clock(correlate.Time{Time: s.first}) + " to " + clock(correlate.Time{Time: s.last})
	}
	return text
}

// namesOf counts names and lists the most frequent.
func namesOf(names map[string]int, hide func(string) string) string {
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(names[b], names[a]), cmp.Compare(a, b)) })
	if len(list) == 0 {
		return ""
	}
	for i := range list[:min(len(list), maxNamed)] {
		list[i] = hide(list[i])
	}
	return fmt.Sprintf("%d: %s", len(list), someOf(list, maxNamed))
}

// summarize ends the text of findings with their summary.
func (o *output) summarize(sum *summary, found *findings, hide func(string) string) error {
	if err := o.encoder.close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return sum.write(o, found.ix, found.coverage.Overview(), o.style, hide)
}

// took tells how long a run took: on standard error only, so that the same trail
// gives the same results, and only to people who watch or ask.
func (a *app) took(begun time.Time) {
	if a.verbose || term.IsTerminal(int(a.stderr.Fd())) {
		a.say("done in %s", time.Since(begun).Round(10*time.Millisecond))
	}
}
