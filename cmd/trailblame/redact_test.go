package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const (
	secretAccount = "111122223333"
	secretIP      = "203.0.113.41"
	secretIP6     = "2001:db8:85a3::8a2e:370:7334"
	secretKey     = "ASIAIOSFODNN7EXAMPLE"
)

var secretToken = "IQoJb3JpZ2luX2VjEOf//////////wEaCXVzLWVhc3QtMSJHMEUCIQ" + strings.Repeat("Dk3sJ8q/Zr+9Tn", 12) + "=="

// TestRedactText looks for what is left of originals in texts of every kind.
func TestRedactText(t *testing.T) {
	r := newRedactor()
	r.know([]string{secretAccount})
	nested := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	policy := nested(map[string]any{"AWS": "arn:aws:iam::" + secretAccount + ":root", "aws:SourceIp": secretIP + "/32"})
	all := secretAccount + " " + secretIP + " " + secretIP6 + " " + secretKey + " " + secretToken
	for _, s := range []string{
		"arn:aws:iam::" + secretAccount + ":role/x", "arn:aws:sts::" + secretAccount + ":assumed-role/r/" + secretKey,
		"web-artifacts-" + secretAccount, "log" + secretAccount + "_CloudTrail", "n" + secretAccount + "2026",
		"User: arn:aws:iam::" + secretAccount + ":user/a is not authorized to perform: s3:GetObject from " + secretIP + ".",
		secretIP, "[" + secretIP + "]", secretIP + ":443", "ip-203-0-113-41.ec2.internal", "1" + secretIP,
		secretIP6, "[" + secretIP6 + "]:443", "from=" + strings.ToUpper(secretIP6), "::ffff:" + secretIP,
		"agent/1.0 (key " + secretKey + ")", "x" + secretKey + "y", secretToken, "token=" + secretToken + "&x=1",
		policy, nested(policy), nested(nested(policy)),
		url.QueryEscape(all), url.QueryEscape(url.QueryEscape(all)), url.QueryEscape(policy),
		`\u0031\u0031\u0031122223333`, `\\u0031\\u003111122223333`, "%31%31%31%31%32%32%32%32%33%33%33%33", "&#49;11122223333", "&#x31;11122223333",
		"%11" + secretAccount, `\\\\` + secretAccount, "arn%3Aaws%3Aiam%3A%3A" + secretAccount + "%3Auser",
		`{"sessionToken":"short-token-1"}`, "X-Amz-Security-Token=short-token-1&X-Amz-Signature=deadbeefdeadbeef",
	} {
		got := r.text(s)
		if got == s {
			t.Errorf("%.200s: nothing was replaced", s)
		}
		checkNothingLeft(t, s, got)
	}
}

// checkNothingLeft fails when an original stands in text, as it is or escaped.
func checkNothingLeft(t *testing.T, what, text string) {
	t.Helper()
	plain, _ := unescaped(text)
	once, err := url.QueryUnescape(text)
	if err != nil {
		once = text
	}
	for _, view := range []string{text, plain, once} {
		low := strings.ToLower(view)
		for _, original := range []string{secretAccount, secretIP, "203-0-113-41", secretIP6, secretKey, secretToken[:60], secretToken[60:120], "short-token-1", "deadbeef"} {
			if strings.Contains(low, strings.ToLower(original)) {
				t.Errorf("%.200s\n  keeps %s: %.200s", what, original, text)
			}
		}
	}
}

// TestRedactKeeps lists what must not be touched.
func TestRedactKeeps(t *testing.T) {
	r := newRedactor()
	for _, s := range []string{
		"", "s3:GetObject", "2026-03-11T14:04:33Z", "19f71051-8ce7-4475-9f31-1106eb3c2cde", "eb0c3e45-424f-4a89-8f16-123456789012",
		"arn:aws:s3:::bucket/key", "arn:aws:iam::aws:policy/ReadOnlyAccess", "12:30:45", "::", "aws-cli/2.31.4 Python/3.13.7",
		"1773249973000", "a123456789012bcd", "refs/heads/feature/x", `C:\temp\x`, "100%", "a & b", "00:11:22:33:44:55",
		"AWSLogs/o-abc/CloudTrail/us-east-1/2026/03/11/CloudTrail_us-east-1_20260311T1405Z_CUWC2RmOxlqF0dUk.json.gz#6",
	} {
		if got := r.text(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// TestRedactJoins holds pseudonyms to one of a kind for each original.
func TestRedactJoins(t *testing.T) {
	r := newRedactor()
	first := r.text("arn:aws:iam::111122223333:role/x from 203.0.113.41 with ASIAIOSFODNN7EXAMPLE")
	again := r.text("111122223333|203.0.113.41|ASIAIOSFODNN7EXAMPLE|2001:DB8::1|2001:db8:0::1|ip-203-0-113-41")
	if want := "arn:aws:iam::900000000001:role/x from 240.0.0.1 with ASIAREDACTED00000001"; first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
	if want := "900000000001|240.0.0.1|ASIAREDACTED00000001|100::1|100::1|ip-240-0-0-1"; again != want {
		t.Errorf("got  %s\nwant %s", again, want)
	}
	if got := r.text("444455556666"); got != "900000000002" {
		t.Errorf("another account became %s", got)
	}
}

// TestRedactJSON wants valid JSON in which all else is as it was written.
func TestRedactJSON(t *testing.T) {
	for _, c := range [][2]string{
		{`{"a": "é\u00e9 <x>", "n": 1.50, "id": "111122223333"}`, `{"a": "é\u00e9 <x>", "n": 1.50, "id": "900000000001"}`},
		{`{"n":111122223333,"s":"\u0031\u00311122223333"}`, `{"n":900000000001,"s":"900000000001"}`},
		{`{"111122223333":[null,true,-111122223333]}`, `{"900000000001":[null,true,-900000000001]}`},
		{`{"sessionToken":"abc","x":"abc"}`, `{"sessionToken":"REDACTED-SECRET-1","x":"abc"}`},
		{`{"policy":"{\"AWS\":\"arn:aws:iam::111122223333:root\"}"}`, `{"policy":"{\"AWS\":\"arn:aws:iam::900000000001:root\"}"}`},
		{`not json 111122223333`, `not json 900000000001`},
	} {
		if got := string(newRedactor().json([]byte(c[0]))); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("arn:aws:iam::", "%3A\\u0031", "&#49;")
	f.Add("{\"a\":\"", "\"}", "::")
	f.Fuzz(func(t *testing.T, before, between, after string) {
		if strings.ContainsAny(before[max(0, len(before)-1):], "0123456789") || strings.ContainsAny(between[max(0, len(between)-1):], "0123456789") {
			return // makes another number, or another address
		}
		for _, c := range []string{"", " ", "x"} {
			s := before + secretAccount + c + between + secretKey + "/" + after
			r := newRedactor()
			r.know([]string{secretAccount})
			got := r.text(s)
			if strings.Contains(got, secretAccount) && !redactUUID().MatchString(s) || strings.Contains(got, secretKey) {
				t.Errorf("%q\nkeeps an original: %q", s, got)
			}
			if b, err := json.Marshal(s); err == nil && !json.Valid(r.json(b)) {
				t.Errorf("%q: no JSON any more", s)
			}
		}
	})
}
