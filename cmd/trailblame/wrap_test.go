package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/correlate"
)

func wrapped(width, hang int, text string) []string {
	p := &page{style: style{width: width}}
	p.wrap("", 0, hang, plain(text))
	return strings.Split(strings.TrimSuffix(p.buf.String(), "\n"), "\n")
}

func TestWrap(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:user/alice"
	for _, test := range []struct {
		text string
		want []string
	}{
		{"one two", []string{"one two"}},
		{"it was changed by somebody in the night", []string{"it was changed by somebody in the", "     night"}},
		{"the change was made a full 59 min before", []string{"the change was made a full 59 min", "     before"}},
		{"the change was made a full 2 h 31 min ago", []string{"the change was made a full", "     2 h 31 min ago"}},
		{"it passed on the day 2026-03-04 10:02:22 UTC, too", []string{"it passed on the day", "     2026-03-04 10:02:22 UTC, too"}},
		{"it holds for the caller alone now. [12]", []string{"it holds for the caller alone", "     now. [12]"}},
		{"made by " + arn + " at night", []string{"made by", arn, "     at night"}},
		{"made by " + arn[:30], []string{"made by", "     " + arn[:30]}},
		{"x " + arn + "/" + arn, []string{"x", "     arn:aws:iam::111122223333:user/", "     alice/arn:aws:iam::111122223333", "     :user/alice"}},
	} {
		got := wrapped(36, 5, test.text)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}

// Wrapping moves words and changes none.
func TestWrapKeepsWords(t *testing.T) {
	for name, f := range samples() {
		text := f.Failure.ErrorMessage + " " + strings.Join(f.NextSteps, " ")
		for width := 40; width <= 132; width++ {
			got := strings.Join(wrapped(width, 13, text), " ")
			if strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(text), "") {
				t.Errorf("%s at %d: %q became %q", name, width, text, got)
			}
		}
	}
}

func TestFieldMovesLongWords(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:role/inventory"
	for _, colour := range []bool{false, true} {
		p := &page{style: style{width: 44, colour: colour}}
		p.field("principal", plain(arn))
		p.more(plain(arn))
		label := p.style.paint(sgrCyan, "principal")
		if want := "  " + label + "\n    " + arn + "\n    " + arn + "\n"; p.buf.String() != want {
			t.Errorf("got %q, want %q", p.buf.String(), want)
		}
	}
}

// No ARN is broken at any width that holds it.
func TestARNsStayWhole(t *testing.T) {
	for name, f := range samples() {
		f.NextSteps, f.Coverage.Gaps = nil, nil
		for i := range f.Candidates {
			f.Candidates[i].Diff = nil
		}
		for width := 60; width <= 132; width++ {
			got := textOf(t, f, style{width: width})
			for _, arn := range arns(f) {
				if len(arn) <= width && !strings.Contains(got, arn) {
					t.Errorf("%s at %d: %s is broken", name, width, arn)
				}
			}
		}
	}
}

func arns(f *correlate.Finding) []string {
	list := []string{f.Failure.Resource}
	if f.Failure.Principal != "" {
		list = append(list, f.Failure.Principal)
	}
	if blames(f) {
		c := &f.Candidates[0].Change
		list = append(append(list, c.Target), c.ActorChain...)
	}
	return list
}

func TestCommand(t *testing.T) {
	const text = "aws iam simulate --arn arn:aws:iam::111122223333:user/alice --names 'a b' c --flag"
	for _, test := range []struct {
		width int
		want  string
	}{
		{100, "    " + text + "\n"},
		{60, "    aws iam simulate \\\n      --arn arn:aws:iam::111122223333:user/alice \\\n      --names 'a b' c --flag\n"},
		{40, "    aws iam simulate --arn \\\n  arn:aws:iam::111122223333:user/alice \\\n      --names 'a b' c --flag\n"},
		{30, "    aws iam simulate --arn \\\narn:aws:iam::111122223333:user/alice \\\n      --names 'a b' c --flag\n"},
	} {
		p := &page{style: style{width: test.width}}
		p.command(4, text)
		if diff := cmp.Diff(test.want, p.buf.String()); diff != "" {
			t.Errorf("at %d (-want +got):\n%s", test.width, diff)
		}
	}
}

func TestShellWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		" a  b ":                  {"a", "b"},
		"--q 'x y'z \"a 'b\" c":   {"--q", "'x y'z", "\"a 'b\"", "c"},
		`'it'\''s one' two`:       {`'it'\''s one'`, "two"},
		"'never closed and so on": {"'never closed and so on"},
		"a\x1b b":                 {`a\x1b`, "b"},
	} {
		if got := shellWords(text); !reflect.DeepEqual(got, want) {
			t.Errorf("shellWords(%q) = %q, want %q", text, got, want)
		}
	}
}

// What a record says is never laid out as a command of ours.
func TestNextStepsTrustNoRecord(t *testing.T) {
	for step, want := range map[string]string{
		"See the key: aws kms list-grants":        "\nNEXT\n  1. See the key:\n       aws kms list-grants\n",
		"Ask for 'it: aws iam delete-user' today": "\nNEXT\n  1. Ask for 'it: aws iam delete-user' today\n",
		"Grant s3:Get on x: aws iam delete-user":  "\nNEXT\n  1. Grant s3:Get on x: aws iam delete-user\n",
		"Ask alice":                               "\nNEXT\n  1. Ask alice\n",
	} {
		p := &page{style: style{width: 80}}
		p.nextSteps([]string{step})
		if p.buf.String() != want {
			t.Errorf("got %q, want %q", p.buf.String(), want)
		}
	}
}

// A long word is cut in one pass, however long.
func TestCutOfALongWord(t *testing.T) {
	long := strings.Repeat("x", 8<<20)
	begin := time.Now()
	if got := strings.Join(cut(long, 80, 0), ""); got != long {
		t.Error("it is not the same any more")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
