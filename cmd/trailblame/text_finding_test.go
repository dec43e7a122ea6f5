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

// golden compares got with a file of testdata, which -update rewrites.
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
	if len(want) < 50 {
		t.Errorf("%s: only %d bytes", path, len(want))
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update if that is right):\n%s", path, diff)
	}
}

var widths = []int{60, 80, 100, 132}

func TestFindingText(t *testing.T) {
	for name, f := range samples() {
		for _, width := range widths {
			golden(t, fmt.Sprintf("finding/%s-%d.txt", name, width), textOf(t, f, style{width: width}))
		}
		for _, width := range []int{60, 100} {
			golden(t, fmt.Sprintf("finding/%s-%d-colour.txt", name, width), textOf(t, f, style{width: width, colour: true}))
		}
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
	if got := textOf(t, &correlate.Finding{}, style{width: 80}); !strings.Contains(got, "a request failed\n") {
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

func TestAlsoSufficient(t *testing.T) {
	f := sampleChange()
	f.Candidates[0].AlsoSufficient = []string{f.Candidates[1].Change.EventID, f.Vetoed[5].EventID, "0c0ffee0"}
	got := textOf(t, f, style{width: 132})
	want := `  beware     undoing it is not enough: 3 later changes deny the request too: AttachUserPolicy on user juniordev, by user bob [5],
             PutGroupPolicy [6], event [7]
`
	if !strings.Contains(got, want) {
		t.Errorf("no warning in:\n%s", got)
	}
}

// A statement that may have been there before is not claimed to be new.
func TestDiffOfUnknownPredecessor(t *testing.T) {
	f := sampleChange()
	for i := range f.Candidates[0].Diff {
		f.Candidates[0].Diff[i].Op = "present"
	}
	got := textOf(t, f, style{width: 100})
	for _, want := range []string{"3 statements of the new document, perhaps not new (?)\n", "\n    ? {\n    ?   \"Sid\": \"ProtectMain\",\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestWhatFailed(t *testing.T) {
	for want, f := range map[string]correlate.Failure{
		"s3:PutObject on artifacts (6 resources) refused for role build": {Action: "s3:PutObject", Resource: "arn:aws:s3:::artifacts", Resources: 6, Principal: "arn:aws:iam::111122223333:role/build"},
		"s3:ListBuckets refused for an unknown caller":                   {Action: "s3:ListBuckets", Resource: "*"},
		"CodeBuild Build State Change on project web failed":             {Action: "CodeBuild Build State Change", Resource: "arn:aws:codebuild:eu-west-1:111122223333:project/web"},
	} {
		if got := whatFailed(&f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSince(t *testing.T) {
	for _, test := range []struct {
		change func(f *correlate.Failure)
		want   string
	}{
		{func(f *correlate.Failure) {}, "12 times since 2026-03-04 10:02:22 UTC [1], last at 14:40:01 UTC [2]; not seen to work since."},
		{func(f *correlate.Failure) { f.Last.EventTime.Time = f.Last.EventTime.AddDate(0, 0, 1) },
			"12 times since 2026-03-04 10:02:22 UTC [1], last at 2026-03-05 14:40:01 UTC [2]; not seen to work since."},
		{func(f *correlate.Failure) { f.Count = 2 }, "2 times since 2026-03-04 10:02:22 UTC [1], last at 14:40:01 UTC [2]; not seen to work since."},
		{func(f *correlate.Failure) { f.Count, f.Recovery = 1, &correlate.Citation{EventTime: at("15:00:00")} },
			"Once, at 2026-03-04 10:02:22 UTC [1]; it works again since 15:00:00 UTC."},
	} {
		f := sampleChange()
		test.change(&f.Failure)
		if got := strings.Split(textOf(t, f, style{width: 132}), "\n")[2]; got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// What is said of a finding without a cause claims no more than was looked at.
func TestUnblamed(t *testing.T) {
	f := sampleNeverAllowed()
	for n, want := range map[int]string{0: "no policy change up to 7d before", 41: "before and after every change"} {
		f.Search.ChangesConsidered = n
		if got := unblamed(f); !strings.Contains(got, want) {
			t.Errorf("never allowed, %d changes: %q", n, got)
		}
	}
	f = sampleUnexplained()
	if got := unblamed(f); strings.Contains(got, "is new") {
		t.Errorf("it worked before, yet %q", got)
	}
	f.Failure.LastSuccess = nil
	if got := unblamed(f); !strings.Contains(got, "or nothing changed, and the request itself is new.") {
		t.Errorf("it never worked, yet %q", got)
	}
}

func TestCommonFolder(t *testing.T) {
	for want, objects := range map[string][]string{
		"":           {"a/b/c#1"},
		"a/b/":       {"a/b/c#1", "", "a/b/d#2"},
		"a/":         {"a/b/c#1", "a/bb/c#1"},
		"s3://x/y/":  {"s3://x/y/1#0", "s3://x/y/z/1#0", "s3://x/y/1#3"},
		"/":          {"/b#1", "/c#1"},
		"same/":      {"same/x#1", "same/x#1"},
		"two//hole/": {"two//hole/a#1", "two//hole/b#1"},
	} {
		var sources []source
		for _, o := range objects {
			sources = append(sources, source{"id", o})
		}
		if got := commonFolder(sources); got != want {
			t.Errorf("%q of %q, want %q", got, objects, want)
		}
	}
	if got := commonFolder([]source{{"1", "a#1"}, {"2", "b#1"}}); got != "" {
		t.Errorf("%q of none", got)
	}
}
