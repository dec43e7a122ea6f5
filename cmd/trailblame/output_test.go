package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/correlate"
)

func encode(t *testing.T, form format, findings ...*correlate.Finding) string {
	t.Helper()
	var b bytes.Buffer
	e := newFindingEncoder(&b, form, style{width: 80})
	for _, f := range findings {
		if err := e.encode(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var allFormats = []format{formatText, formatNDJSON, formatJSON, formatCSV, formatMarkdown}

func TestParseFormat(t *testing.T) {
	for _, form := range allFormats {
		if got, err := parseFormat(string(form), true); got != form || err != nil {
			t.Errorf("parseFormat(%q) = %q, %v", form, got, err)
		}
	}
	if got, err := parseFormat("", true); got != formatText || err != nil {
		t.Errorf("on a terminal: %q, %v", got, err)
	}
	if got, err := parseFormat("", false); got != formatNDJSON || err != nil {
		t.Errorf("into a pipe: %q, %v", got, err)
	}
	if _, err := parseFormat("xml\x1b", false); err == nil || !strings.Contains(err.Error(), `xml\x1b: want text`) {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestNDJSONAndJSON(t *testing.T) {
	findings := []*correlate.Finding{sampleChange(), sampleNeverAllowed(), hostileFinding()}
	lines := strings.Split(strings.TrimSuffix(encode(t, formatNDJSON, findings...), "\n"), "\n")
	var array []correlate.Finding
	if err := json.Unmarshal([]byte(encode(t, formatJSON, findings...)), &array); err != nil {
		t.Fatal(err)
	}
	if len(lines) != len(findings) || len(array) != len(findings) {
		t.Fatalf("%d lines and %d elements for %d findings", len(lines), len(array), len(findings))
	}
	for i := range lines {
		var one correlate.Finding
		if err := json.Unmarshal([]byte(lines[i]), &one); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, array[i]); diff != "" {
			t.Errorf("finding %d differs between ndjson and json:\n%s", i, diff)
		}
	}
	if !strings.HasPrefix(lines[0], `{"schema":"trailblame.finding/1","id":"8d0f3a52c1e94b67",`) {
		t.Errorf("line begins %.80q", lines[0])
	}
}

func TestNoFindings(t *testing.T) {
	for form, want := range map[format]string{formatText: "", formatNDJSON: "", formatJSON: "[]\n"} {
		if got := encode(t, form); got != want {
			t.Errorf("%s of nothing is %q, want %q", form, got, want)
		}
	}
	if got := encode(t, formatCSV); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "id,playbook,") {
		t.Errorf("csv of nothing is %q, want the header", got)
	}
	if got := encode(t, formatMarkdown); strings.Count(got, "\n") != 2 {
		t.Errorf("markdown of nothing is %q, want the header", got)
	}
}

func TestTables(t *testing.T) {
	findings := []*correlate.Finding{sampleChange(), samplePropagation(), sampleNeverAllowed(), sampleUnexplained()}
	golden(t, "finding/findings.csv", encode(t, formatCSV, findings...))
	golden(t, "finding/findings.md", encode(t, formatMarkdown, findings...))
}

func TestCSVOfHostileText(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(encode(t, formatCSV, hostileFinding(), sampleUnexplained()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if len(row) != len(tableColumns) {
			t.Fatalf("%d cells, want %d", len(row), len(tableColumns))
		}
		for _, cell := range row {
			if cell != "" && strings.Contains("=+-@", cell[:1]) {
				t.Errorf("a spreadsheet would run %.40q", cell)
			}
		}
	}
}

func TestCSVCell(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""}, {"=1+1", "'=1+1"}, {"+1", "'+1"}, {"-1+1", "'-1+1"}, {"-142", "-142"}, {"@SUM(A1)", "'@SUM(A1)"},
		{"\t=1", `\x09=1`}, {"\r=1", `\x0d=1`}, {"\uff1d1", "'\uff1d1"}, {"a=1", "a=1"}, {"000123456789", "000123456789"},
	} {
		if got := csvCell(test[0]); got != test[1] {
			t.Errorf("csvCell(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

func TestMarkdownOfHostileText(t *testing.T) {
	rows := strings.Split(strings.TrimSuffix(encode(t, formatMarkdown, hostileFinding(), sampleChange()), "\n"), "\n")
	if len(rows) != 4 {
		t.Fatalf("%d lines, want 4", len(rows))
	}
	want := len(columnNames(true)) + 1
	for _, row := range rows {
		pipes := strings.Count(strings.ReplaceAll(strings.ReplaceAll(row, `\\`, ""), `\|`, ""), "|")
		if pipes != want {
			t.Errorf("%d columns borders, want %d: %.200q", pipes, want, row)
		}
		if strings.Contains(row, "<") || strings.Contains(row, "://") {
			t.Errorf("markup or a link in %.200q", row)
		}
	}
}

func TestNothingRawInAnyFormat(t *testing.T) {
	for _, form := range allFormats {
		for _, r := range encode(t, form, hostileFinding()) {
			if hidden(r) && r != '\n' {
				t.Errorf("%s holds %U", form, r)
			}
		}
	}
}

// brokenWriter fails after so many writes, and keeps those before.
type brokenWriter struct {
	left   int
	writes []string
}

var errBroken = errors.New("no space left")

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBroken
	}
	b.writes = append(b.writes, string(p))
	return len(p), nil
}

// enough is how many findings fill the buffer several times. Text is written a
// finding at a time.
func enough(form format) int {
	if form == formatText {
		return 10
	}
	return 1000
}

// encodeAll encodes so many findings and returns what each call returned, close
// last.
func encodeAll(w io.Writer, form format, n int) []error {
	e := newFindingEncoder(w, form, style{width: 80})
	f := sampleChange()
	var errs []error
	for range n {
		errs = append(errs, e.encode(f))
	}
	return append(errs, e.close())
}

func TestWriteErrors(t *testing.T) {
	for _, form := range allFormats {
		errs := encodeAll(&brokenWriter{}, form, 1)
		if !errors.Is(errs[len(errs)-1], errBroken) {
			t.Errorf("%s: close of one finding that cannot be written: %v", form, errs)
		}
		for left := range 3 {
			w := &brokenWriter{left: left}
			errs := encodeAll(w, form, enough(form))
			first := slices.IndexFunc(errs, func(err error) bool { return err != nil })
			if first < 0 || first == enough(form) {
				t.Fatalf("%s: with %d writes to go the first error came out of call %d", form, left, first)
			}
			for _, err := range errs[first:] {
				if !errors.Is(err, errBroken) {
					t.Fatalf("%s: after an error, call returned %v", form, err)
				}
			}
			if w.left != -1 {
				t.Errorf("%s: %d writes after the one that failed", form, -1-w.left)
			}
		}
	}
}

// Whoever reads along never sees half a finding.
func TestWritesHoldWholeFindings(t *testing.T) {
	for _, form := range []format{formatNDJSON, formatCSV, formatMarkdown, formatText} {
		w := &brokenWriter{left: 1 << 30}
		if err := errors.Join(encodeAll(w, form, enough(form))...); err != nil {
			t.Fatal(err)
		}
		if len(w.writes) < 3 || form != formatText && len(w.writes) > enough(form)/5 {
			t.Errorf("%s: %d findings in %d writes", form, enough(form), len(w.writes))
		}
		for _, text := range w.writes {
			if !strings.HasSuffix(text, "\n") {
				t.Fatalf("%s: a write ends in %.40q", form, text[max(0, len(text)-40):])
			}
		}
	}
}

// A finding that blames nothing names nobody as the cause.
func TestTablesNameNoCauseWithoutBlame(t *testing.T) {
	for name, f := range samples() {
		row := tableRow(f, false, csvCell)
		for i, col := range tableColumns {
			named := row[i] != ""
			ofCause := strings.HasPrefix(col.name, "cause") || slices.Contains([]string{"level", "score", "lagSeconds"}, col.name)
			if ofCause && named != blames(f) {
				t.Errorf("%s: column %s is %q", name, col.name, row[i])
			}
		}
	}
}

func TestColumnNames(t *testing.T) {
	const want = "id,playbook,diagnosis,action,resource,principal,account,region,count,firstTime,lastTime,level,score," +
		"causeEventName,causeEventID,causeTime,causeActor,lagSeconds"
	if got := strings.Join(columnNames(false), ","); !strings.HasPrefix(got, want+",") {
		t.Errorf("the header begins %s, want %s", got, want)
	}
}
