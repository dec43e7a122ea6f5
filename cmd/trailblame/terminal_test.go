//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What people see on terminals of four widths, plain and in colour; the golden
// files are written anew with -update. No line is wider than the terminal, and
// colour changes nothing but colour.
func TestOnTerminals(t *testing.T) {
	const trail = "../../testdata/trails/push-denied"
	ix := filepath.Join(t.TempDir(), "ix")
	if out, err := programCommand(t, "ingest", "--index", ix, trail).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, args := range map[string][]string{
		"correlate":      {"correlate", "--index", ix},
		"timeline":       {"timeline", "--index", ix, "--around", "a3ef7d06-2160-41e9-bc5d-874b6be1acd5", "--window", "10m", "--all"},
		"explain":        {"explain", "--index", ix, "19f71051-8ce7-4475-9f31-1106eb3c2cde"},
		"explain-change": {"explain", "--index", ix, "a3ef7d06-2160-41e9-bc5d-874b6be1acd5"},
		"query":          {"query", "--index", ix, "--event-name", "GitPush", "--limit", "12"},
		"count-by":       {"query", "--index", ix, "--count-by", "eventName,errorCode", "--top", "8"},
		"select":         {"query", "--index", ix, "--error-code", "AccessDenied", "--select", "eventTime,principal,errorMessage", "--limit", "3"},
	} {
		for _, width := range []int{60, 80, 100, 132} {
			plain := seenAt(t, width, []string{"NO_COLOR=1"}, append(args, "-q")...)
			colour := seenAt(t, width, nil, append(args, "-q")...)
			golden(t, fmt.Sprintf("terminal/%s-%d.txt", name, width), plain)
			golden(t, fmt.Sprintf("terminal/%s-%d-colour.txt", name, width), colour)
			if uncoloured(colour) != plain {
				t.Errorf("%s at %d: colour changes more than colour:\n%s", name, width, cmp.Diff(plain, uncoloured(colour)))
			}
			if !strings.Contains(colour, "\x1b[") || strings.Contains(plain, "\x1b") {
				t.Errorf("%s at %d: colour where none is wanted, or none where it is", name, width)
			}
			for line := range strings.Lines(plain) {
				if n := cells(strings.TrimSuffix(line, "\n")); n > width && !strings.Contains(line, "AttributeKey=") { // a command is never cut in a word
					t.Errorf("%s at %d: a line of %d columns: %s", name, width, n, line)
				}
			}
		}
	}
}

// seenAt is what a terminal of some width gets, lines ending in \n.
func seenAt(t *testing.T, width int, env []string, args ...string) string {
	t.Helper()
	return strings.ReplaceAll(onTerminal(t, width, env, args...), "\r\n", "\n")
}

func uncoloured(text string) string {
	for _, sgr := range []string{sgrReset, sgrBold, sgrDim, sgrRed, sgrGreen, sgrYellow, sgrCyan, sgrAlert} {
		text = strings.ReplaceAll(text, sgr, "")
	}
	return text
}

// Colour and progress are for terminals that want them.
func TestColourIsWanted(t *testing.T) {
	args := []string{"correlate", "../../testdata/trails/push-denied", "-q"}
	for _, c := range []struct {
		env    []string
		flag   string
		colour bool
	}{
		{nil, "", true}, {[]string{"NO_COLOR=1"}, "", false}, {[]string{"TERM=dumb"}, "", false}, {[]string{"NO_COLOR=1"}, "--color=always", true},
		{nil, "--color=never", false}, {nil, "--color=auto", true},
	} {
		list := args
		if c.flag != "" {
			list = append(list[:len(list):len(list)], c.flag)
		}
		if out := onTerminal(t, 100, c.env, list...); strings.Contains(out, "\x1b[") != c.colour || !strings.Contains(out, "Caused by") {
			t.Errorf("%v %s: colour is %t", c.env, c.flag, !c.colour)
		}
	}
	out := onTerminal(t, 100, nil, args[:2]...)
	if !strings.Contains(out, "trailblame: done in ") {
		t.Errorf("nothing is said of the time it took: %.200s", out)
	}
	cmd := programCommand(t, args[:2]...)
	both, err := cmd.CombinedOutput()
	if err != nil || strings.ContainsAny(string(both), "\r\x1b") || strings.Contains(string(both), "done in") {
		t.Errorf("in a pipe: %v, %.200q", err, both)
	}
}
