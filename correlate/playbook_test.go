package correlate

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEmbeddedPlaybooks(t *testing.T) {
	books, err := Playbooks()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("access-denied assume-role-denied codecommit-push-denied codepipeline-s3-access ecr-pull-denied kms-access-denied lambda-invoke-denied s3-access-denied scp-denied secrets-access-denied vpc-endpoint-denied")
	if len(books) != len(want) {
		t.Fatalf("%d playbooks, want %d", len(books), len(want))
	}
	for i, p := range books {
		if p.ID != want[i] {
			t.Errorf("playbook %d is %s, want %s", i, p.ID, want[i])
		}
		text, err := PlaybookSource(p.ID)
		if err != nil || !strings.HasPrefix(string(text), "#") {
			t.Errorf("%s: no comment on what a trail cannot answer (%v)", p.ID, err)
		}
		for _, g := range p.Changes {
			for _, k := range g.Kinds {
				if _, ok := kindLayers[Kind(k)]; !ok {
					t.Errorf("%s: no such kind %q", p.ID, k)
				}
			}
		}
	}
}

func TestPlaybookErrorsNameTheLine(t *testing.T) {
	const good = `id: mine
title: Mine
failures:
  - actions: ["s3:*"]
changes:
  - name: bucket policy
    eventNames: [PutBucketPolicy]
    window: 30m
frequency: {window: 1h}
spread: {window: 1h}
nextSteps:
  - text: "look at {bucket}"
`
	if _, err := LoadPlaybook("mine.yaml", strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"id: mine", "id: Mine", "mine.yaml:1: id"},
		{"title: Mine", "titel: Mine", "mine.yaml:2: "},
		{"window: 30m", "window: soon", "mine.yaml:8: changes[0].window"},
		{"window: 30m", "window: 30m\n    windw: 1h", "mine.yaml:9: "},
		{"    window: 30m\n", "", "mine.yaml:6: changes[0].window: missing"},
		{`"look at {bucket}"`, `"look at {bukket}"`, "mine.yaml:12: nextSteps[0].text: no such placeholder {bukket}"},
		{"failures:\n  - actions: [\"s3:*\"]\n", "", "failures: missing"},
		{"spread: {window: 1h}", "spread: {window: 1h, patterns: {odd: x}}", "mine.yaml:10: spread.patterns"},
		{"- actions: [\"s3:*\"]", "- layers: [nowhere]", "mine.yaml:4: failures[0].layers"},
		{"title: Mine", "title: Mine\ntitle: Again", "mine.yaml:3: "},
		{"title: Mine", "title: [", "mine.yaml:"},
		{good, "", "holds no playbook"},
		{good, good + "---\n" + good, "more than one"},
	} {
		_, err := LoadPlaybook("mine.yaml", strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
		var pe *PlaybookError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q → %v, want %q", c.new, err, c.want)
		}
	}
}

func TestClaimIsTheMostSpecific(t *testing.T) {
	books, err := Playbooks()
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]claimant{
		"access-denied":          {action: "ec2:RunInstances", eventName: "RunInstances"},
		"codecommit-push-denied": {action: "codecommit:PutFile", eventName: "PutFile", eventSource: "codecommit.amazonaws.com"},
		"s3-access-denied":       {action: "s3:GetObject", eventSource: "s3.amazonaws.com", callers: []string{"arn:aws:iam::1:user/ann"}},
		"codepipeline-s3-access": {action: "s3:GetObject", eventSource: "s3.amazonaws.com", callers: []string{"arn:aws:iam::1:role/AWSCodePipelineServiceRole"}},
		"scp-denied":             {action: "s3:GetObject", layer: LayerSCP},
		"vpc-endpoint-denied":    {action: "kms:Decrypt", errorCode: "VpceAccessDenied", layer: LayerVPCEndpoint},
		"assume-role-denied":     {action: "sts:AssumeRole"},
	} {
		if got := claim(books, &c); got == nil || got.ID != want {
			t.Errorf("%+v went to %v, want %s", c, got, want)
		}
	}
}

func TestWindows(t *testing.T) {
	for text, want := range map[string]time.Duration{"30s": 30 * time.Second, "5m": 5 * time.Minute, "1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour} {
		w, err := ParseWindow(text)
		if err != nil || time.Duration(w) != want || w.String() != text {
			t.Errorf("%s: %v %v, prints %s", text, time.Duration(w), err, w)
		}
	}
	for _, bad := range []string{"", "5", "m", "0m", "-5m", "5M", "5 m", "1.5h", "9999999d"} {
		if _, err := ParseWindow(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	l := Ladder()
	for lag, want := range map[time.Duration]int{0: 0, 5 * time.Minute: 0, 5*time.Minute + 1: 1, 8 * 24 * time.Hour: 5} {
		if got := rung(l, lag); got != want {
			t.Errorf("rung(%s) = %d, want %d", lag, got, want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"arn:aws:s3:::b/k":  "arn:aws:s3:::b/k",
		"arn:aws:s3:::b/*":  "'arn:aws:s3:::b/*'",
		"a b":               "'a b'",
		"it's":              `'it'\''s'`,
		"$(rm -rf ~)":       "'$(rm -rf ~)'",
		"-o":                "'-o'",
		"":                  "''",
		"a\nb\x1b[31m":      "'ab[31m'",
		"`id`;x":            "'`id`;x'",
		"\u202ereversed.sh": "reversed.sh",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"*", "", true}, {"a*", "abc", true}, {"*c", "abc", true},
		{"a*c", "ac", true}, {"a*c", "a", false}, {"a*a", "a", false}, {"*b*", "abc", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("glob(%q, %q) = %t", c.pattern, c.s, got)
		}
	}
}
