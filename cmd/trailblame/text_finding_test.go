package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/correlate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func textOf(t *testing.T, f *correlate.Finding, st style) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeFinding(&b, f, st); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

var widths = []int{60, 80, 100, 132}

func TestFindingText(t *testing.T) {
	for name, f := range samples() {
		for _, width := range widths {
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), textOf(t, f, style{width: width}))
		}
	}
	for _, width := range []int{60, 100} {
		golden(t, fmt.Sprintf("change-%d-colour.txt", width), textOf(t, sampleChange(), style{width: width, colour: true}))
	}
}

func TestFindingTextFits(t *testing.T) {
	for name, f := range samples() {
		for _, width := range widths {
			for _, l := range strings.Split(textOf(t, f, style{width: width}), "\n") {
				if cells(l) > width || strings.TrimRight(l, " ") != l {
					t.Errorf("%s at %d: %q is %d wide", name, width, l, cells(l))
				}
			}
		}
	}
}

// Colour adds nothing but colour: without its sequences the text is the same.
func TestColourCarriesNoMeaning(t *testing.T) {
	strip := strings.NewReplacer(sgrReset, "", sgrBold, "", sgrDim, "", sgrRed, "", sgrGreen, "", sgrYellow, "", sgrCyan, "", sgrAlert, "")
	for name, f := range samples() {
		for _, width := range widths {
			got := strip.Replace(textOf(t, f, style{width: width, colour: true}))
			if diff := cmp.Diff(textOf(t, f, style{width: width}), got); diff != "" {
				t.Errorf("%s at %d (-plain +coloured):\n%s", name, width, diff)
			}
		}
	}
}

// A finding whose every string is hostile prints nothing but text and, when in
// colour, our own sequences.
func TestHostileFindingText(t *testing.T) {
	for _, colour := range []bool{false, true} {
		got := textOf(t, hostileFinding(), style{width: 80, colour: colour})
		rest := got
		if colour {
			for _, sgr := range []string{sgrReset, sgrBold, sgrDim, sgrRed, sgrGreen, sgrYellow, sgrCyan, sgrAlert} {
				rest = strings.ReplaceAll(rest, sgr, "")
			}
		}
		for _, r := range strings.ReplaceAll(rest, "\n", "") {
			if hidden(r) {
				t.Errorf("colour %v: %U is raw in the text", colour, r)
			}
		}
		if !strings.Contains(got, `\x1b`) || !strings.Contains(got, `\u202e`) {
			t.Error("the escapes are not shown")
		}
	}
}

// An empty finding is odd, and still text.
func TestEmptyFindingText(t *testing.T) {
	if got := textOf(t, &correlate.Finding{}, style{width: 80}); !strings.Contains(got, "an unknown caller") {
		t.Errorf("got %q", got)
	}
}

func TestHeadline(t *testing.T) {
	for _, test := range []struct {
		level correlate.Level
		want  string
	}{
		{correlate.Proven, "Caused by PutGroupPolicy on group Juniors, by user alice, 2 min 22 s before."},
		{correlate.Observed, "Very likely caused by PutGroupPolicy on group Juniors, by user alice, 2 min 22 s before."},
		{correlate.Consistent, "Could have been caused by PutGroupPolicy on group Juniors, by user alice, 2 min 22 s before."},
	} {
		f := sampleChange()
		f.Candidates[0].Level = test.level
		lines := strings.Split(textOf(t, f, style{width: 132}), "\n")
		if want := "codecommit:GitPush on payments refused for user juniordev"; lines[0] != want {
			t.Errorf("headline %q, want %q", lines[0], want)
		}
		if lines[1] != test.want {
			t.Errorf("answer %q, want %q", lines[1], test.want)
		}
	}
}

func TestVetoedFold(t *testing.T) {
	got := textOf(t, sampleChange(), style{width: 100})
	if !strings.Contains(got, "and 2 more") || strings.Contains(got, "DeleteGroupPolicy") {
		t.Errorf("seven vetoed changes are not folded to five:\n%s", got)
	}
}
