package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
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
	golden(t, "findings.csv", encode(t, formatCSV, findings...))
	golden(t, "findings.md", encode(t, formatMarkdown, findings...))
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

// brokenWriter fails after so many writes.
type brokenWriter struct{ left int }

var errBroken = errors.New("no space left")

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	for _, form := range allFormats {
		for left := range 3 {
			e := newFindingEncoder(&brokenWriter{left}, form, style{width: 80})
			var errs []error
			for range 4 {
				errs = append(errs, e.encode(sampleChange()))
			}
			errs = append(errs, e.close())
			if !errors.Is(errs[4], errBroken) {
				t.Errorf("%s: close after %d writes: %v", form, left, errs[4])
			}
			if first := slices.IndexFunc(errs, func(err error) bool { return err != nil }); first > left {
				t.Errorf("%s: the error of write %d came out of call %d", form, left+1, first)
			}
		}
	}
}
