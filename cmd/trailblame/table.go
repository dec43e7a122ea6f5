package main

import (
	"encoding/csv"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trailblame/trailblame/correlate"
)

// tableColumn is a column of the CSV and Markdown tables. A finding is one row:
// the failure, and the change that is blamed. Where none is, the columns of the
// cause are empty: a table that lists actors names nobody for a change nearby.
type tableColumn struct {
	name string
	// brief columns are in the Markdown table too, which people read.
	brief bool
	value func(f *correlate.Finding, c *correlate.Candidate) string
}

// tableColumns begin with what a finding says; what it cites and how it ended
// come after, so that columns may be added at the end.
var tableColumns = []tableColumn{
	{"id", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.ID }},
	{"playbook", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Playbook }},
	{"diagnosis", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return string(f.Diagnosis) }},
	{"action", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Action }},
	{"resource", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Resource }},
	{"principal", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Principal }},
	{"account", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Account }},
	{"region", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Region }},
	{"count", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return strconv.Itoa(f.Failure.Count) }},
	{"firstTime", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.EventTime.String() }},
	{"lastTime", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Last.EventTime.String() }},
	{"level", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return string(c.Level) }},
	{"score", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return ofCandidate(c, int64(c.Score)) }},
	{"causeEventName", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventName }},
	{"causeEventID", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventID }},
	{"causeTime", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventTime.String() }},
	{"causeActor", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return origin(&c.Change) }},
	{"lagSeconds", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return ofCandidate(c, c.LagSeconds) }},
	{"causeTarget", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.Target }},
	{"causeObject", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.Object }},
	{"firstEventID", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.EventID }},
	{"firstObject", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.Object }},
	{"errorCode", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.ErrorCode }},
	{"recoveryTime", false, recoveredAt},
}

func recoveredAt(f *correlate.Finding, _ *correlate.Candidate) string {
	if f.Failure.Recovery == nil {
		return ""
	}
	return f.Failure.Recovery.EventTime.String()
}

// ofCandidate writes a number that only a finding with a cause has.
func ofCandidate(c *correlate.Candidate, n int64) string {
	if c.Level == "" {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// tableRow returns the cells of a finding.
func tableRow(f *correlate.Finding, brief bool, cell func(string) string) []string {
	c := &correlate.Candidate{}
	if blames(f) {
		c = &f.Candidates[0]
	}
	var row []string
	for _, col := range tableColumns {
		if col.brief || !brief {
			row = append(row, cell(col.value(f, c)))
		}
	}
	return row
}

func columnNames(brief bool) []string {
	var names []string
	for _, col := range tableColumns {
		if col.brief || !brief {
			names = append(names, col.name)
		}
	}
	return names
}

func (e *encoder) csvHeader() error { return e.csvLine(columnNames(false)) }

func (e *encoder) csvRows(f *correlate.Finding) error {
	return e.csvLine(tableRow(f, false, csvCell))
}

func (e *encoder) csvLine(cells []string) error {
	w := csv.NewWriter(&e.buf)
	if err := w.Write(cells); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// csvCell makes a value safe, for terminals and for spreadsheets: text that a
// spreadsheet would run as a formula gets a quote in front. Numbers are left
// alone, negative ones too.
func csvCell(text string) string {
	text = safe(text)
	if !strings.ContainsAny(firstRune(text), "=+-@\uff1d\uff0b\uff0d\uff20") {
		return text
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && text[0] == '-' {
		return text
	}
	return "'" + text
}

func firstRune(text string) string {
	_, n := utf8.DecodeRuneInString(text)
	return text[:n]
}

func (e *encoder) markdownHeader() error {
	names := columnNames(true)
	e.markdownLine(names)
	for i := range names {
		names[i] = "---"
	}
	e.markdownLine(names)
	return nil
}

func (e *encoder) markdownRows(f *correlate.Finding) error {
	e.markdownLine(tableRow(f, true, markdownCell))
	return nil
}

func (e *encoder) markdownLine(cells []string) {
	e.buf.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// markdownEscapes disarms what Markdown would not show as it stands. An
// ampersand becomes an entity first of all, so that no entity of a record's own
// is left.
var markdownEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`,
	"[", `\[`, "]", `\]`, "!", `\!`, "#", `\#`, "://", "&#58;//", "www.", "www&#46;",
)

// markdownCell makes a value one cell of a table: safe text on one line, without
// markup or links to web pages.
func markdownCell(text string) string { return markdownEscapes.Replace(safe(text)) }
