package main

import (
	"encoding/csv"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/trailblame/trailblame/correlate"
)

// tableColumn is a column of the CSV and Markdown tables. A finding is one row:
// the failure, and the first candidate with the claim that is made for it.
type tableColumn struct {
	name string
	// brief columns are in the Markdown table too, which people read.
	brief bool
	value func(f *correlate.Finding, c *correlate.Candidate) string
}

var tableColumns = []tableColumn{
	{"id", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.ID }},
	{"playbook", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Playbook }},
	{"first_failure", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.EventTime.String() }},
	{"last_failure", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Last.EventTime.String() }},
	{"count", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return strconv.Itoa(f.Failure.Count) }},
	{"action", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Action }},
	{"resource", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Resource }},
	{"principal", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Principal }},
	{"account", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Account }},
	{"region", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.Region }},
	{"error_code", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.ErrorCode }},
	{"recovered", false, recoveredAt},
	{"diagnosis", true, func(f *correlate.Finding, _ *correlate.Candidate) string { return string(f.Diagnosis) }},
	{"claim", true, claim},
	{"level", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return string(c.Level) }},
	{"score", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return ofCandidate(c, int64(c.Score)) }},
	{"change", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventName }},
	{"change_target", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.Target }},
	{"change_time", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventTime.String() }},
	{"lag_seconds", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return ofCandidate(c, c.LagSeconds) }},
	{"actor", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return origin(&c.Change) }},
	{"change_event_id", true, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.EventID }},
	{"change_object", false, func(_ *correlate.Finding, c *correlate.Candidate) string { return c.Change.Object }},
	{"failure_event_id", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.EventID }},
	{"failure_object", false, func(f *correlate.Finding, _ *correlate.Candidate) string { return f.Failure.First.Object }},
}

func recoveredAt(f *correlate.Finding, _ *correlate.Candidate) string {
	if f.Failure.Recovery == nil {
		return ""
	}
	return f.Failure.Recovery.EventTime.String()
}

// ofCandidate writes a number that only a finding with a candidate has.
func ofCandidate(c *correlate.Candidate, n int64) string {
	if c.Level == "" {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// tableRow returns the cells of a finding. Without a candidate its columns are
// empty.
func tableRow(f *correlate.Finding, brief bool, cell func(string) string) []string {
	c := &correlate.Candidate{}
	if len(f.Candidates) > 0 {
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
