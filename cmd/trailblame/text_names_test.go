package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestShortName(t *testing.T) {
	for _, test := range [][2]string{
		{"arn:aws:iam::111122223333:user/alice", "user alice"},
		{"arn:aws:iam::111122223333:user/team/blue/alice", "user alice"},
		{"arn:aws:iam::111122223333:group/Juniors", "group Juniors"},
		{"arn:aws:iam::111122223333:role/service-role/pipeline", "role pipeline"},
		{"arn:aws:iam::aws:policy/AdministratorAccess", "policy AdministratorAccess"},
		{"arn:aws:iam::111122223333:root", "root of 111122223333"},
		{"arn:aws:sts::111122223333:assumed-role/Deploy/ci:4711", "role Deploy (session ci:4711)"},
		{"arn:aws:s3:::bucket", "bucket"},
		{"arn:aws:s3:::bucket/a/b:c", "bucket/a/b:c"},
		{"arn:aws:codecommit:us-east-1:111122223333:payments", "payments"},
		{"arn:aws:lambda:us-east-1:111122223333:function:resize", "function resize"},
		{"arn:aws:kms:us-east-1:111122223333:key/1234", "key 1234"},
		{"arn:aws:ec2:us-east-1:111122223333:instance/*", "instance *"},
		{"AWSSSO_d4c8_DO_NOT_DELETE:noor@example.com", "noor@example.com"},
		{"codepipeline.amazonaws.com", "codepipeline.amazonaws.com"},
		{"source identity alice", "source identity alice"},
		{"", ""}, {"arn:aws", "aws"}, {"a:", "a:"},
	} {
		if got := shortName(test[0]); got != test[1] {
			t.Errorf("shortName(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0 s", 1: "1 s", 59: "59 s", 60: "1 min", 142: "2 min 22 s", 3600: "1 h", 3661: "1 h 1 min",
		86400: "1 d", 90061: "1 d 1 h", 86400*40 + 59: "40 d",
	} {
		if got := duration(time.Duration(seconds) * time.Second); got != want {
			t.Errorf("duration of %d s = %q, want %q", seconds, got, want)
		}
	}
	for lag, want := range map[int64]string{142: "2 min 22 s before", 0: "in the same second", -2: "2 s after the first failure"} {
		if got := before(lag); got != want {
			t.Errorf("before(%d) = %q, want %q", lag, got, want)
		}
	}
}

func TestReadable(t *testing.T) {
	got := readable("Denied. " + encodedMessage + strings.Repeat("x", 300))
	if want := "Denied. " + encodedMessage + "(300 characters; aws sts decode-authorization-message reads them)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, same := range []string{"", "Access Denied", encodedMessage + "not a blob"} {
		if got := readable(same); got != same {
			t.Errorf("readable(%q) = %q", same, got)
		}
	}
}

func TestLayoutJSON(t *testing.T) {
	for _, test := range []struct {
		in   string
		room int
		want []string
	}{
		{``, 40, nil},
		{`"x"`, 40, []string{`"x"`}},
		{`{"b":1,"a":[1,2]}`, 40, []string{`{"b": 1, "a": [1, 2]}`}},
		{`{"b":"a,b:{","a":[]}`, 12, []string{`{`, `  "b": "a,b:{",`, `  "a": []`, `}`}},
		{`{"Effect":"Deny","Action":["a","b"]}`, 99, []string{`{`, `  "Effect": "Deny",`, `  "Action": ["a", "b"]`, `}`}},
		{`[{"a":"long enough"},{}]`, 14, []string{`[`, `  {`, `    "a": "long enough"`, `  },`, `  {}`, `]`}},
		{`{"q\"uo,te":"\\"}`, 4, []string{`{`, `  "q\"uo,te": "\\"`, `}`}},
		{"not\njson", 40, []string{"not", "json"}},
	} {
		got := layoutJSON(json.RawMessage(test.in), test.room)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("layoutJSON(%s) (-want +got):\n%s", test.in, diff)
		}
		if json.Valid([]byte(test.in)) && !json.Valid([]byte(strings.Join(got, "\n"))) {
			t.Errorf("layoutJSON(%s) is no JSON: %q", test.in, got)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		in   string
		room int
		want []string
	}{
		{"short", 10, []string{"short"}},
		{"arn:aws:iam::1:user/alice", 20, []string{"arn:aws:iam::1:user/", "alice"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{`abc\x1bdef`, 5, []string{"abc", `\x1bd`, "ef"}},
		{"日本語日本語", 5, []string{"日本", "語日", "本語"}},
	} {
		if diff := cmp.Diff(test.want, cut(test.in, test.room, 0)); diff != "" {
			t.Errorf("cut(%q, %d) (-want +got):\n%s", test.in, test.room, diff)
		}
	}
}
