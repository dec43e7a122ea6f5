package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The scanner must agree with encoding/json on what JSON is, depth apart.
func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	texts := []string{
		`{}`, `[]`, `{"a":1}`, `{"a":[1,2,{"b":null}]}`, `{"a":"\u00e9\n\"\\\/"}`, `{"a":-0.5e+10}`, `{"a":0}`,
		`{"a":"` + strings.Repeat("x", 100) + `"}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, "{ \"a\" :\t1 }",
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`, `{"a":1e}`, `{"a":--1}`, `{"a":NaN}`, `{"a":tru}`, `{"a":truex}`,
		`{"a":"\q"}`, `{"a":"\u12g4"}`, "{\"a\":\"\x01\"}", "{\"a\":\"12345678\x1f\"}", `{"a":1,}`, `{"a":1 "b":2}`, `{a:1}`, `{"a"}`,
		`{"a":[1,]}`, `{"a":[1 2]}`, `{"a":[,1]}`, `{"a":}`, `{,}`, `{"a":1}}`, `{"a":"`, `{"a`, `{`, `[1`, `{"a":tr`, `{"a":-`,
	}
	for _, text := range texts {
		s := scanner{b: []byte(text)}
		end, err := s.value(0, 0)
		got := err == nil && end == len(text)
		if want := json.Valid([]byte(text)); got != want {
			t.Errorf("%q: valid %v (%v), encoding/json says %v", text, got, err, want)
		}
	}
}

func TestScannerBoundsDepth(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		text := []byte(strings.Repeat(open, 100_000))
		s := scanner{b: text}
		_, err := s.value(0, 0)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s repeated: got %v, want a syntax error", open, err)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u0041",true,null]}`, "{\"a\":\"\\", "[[[]]]", `{"":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || text[0] != '{' && text[0] != '[' {
			return
		}
		valid := json.Valid(text)
		s := scanner{b: bytes.Clone(text)}
		end, err := s.value(0, 0)
		if err == nil {
			end = s.space(end)
		}
		if got := err == nil && end == len(text); got != valid && !strings.Contains(errText(err), "deeply") {
			t.Fatalf("%q: valid %v (%v), encoding/json says %v", text, got, err, valid)
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUnquoteAgreesWithEncodingJSON(t *testing.T) {
	for _, token := range []string{
		`"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u20ac"`, `"\ud83d\ude00"`, `"\ud800"`, `"\ud800x"`, `"\udc00\ud800"`, `"\ud800\u0041"`, `""`,
	} {
		var want string
		if err := json.Unmarshal([]byte(token), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(Unquote(nil, []byte(token))); got != want {
			t.Errorf("%s: %q, encoding/json says %q", token, got, want)
		}
	}
}

func TestAppendQuotedRoundTrip(t *testing.T) {
	var all []byte
	for c := range 128 {
		all = append(all, byte(c))
	}
	for _, text := range []string{"", "plain", string(all), "é€😀"} {
		token := AppendQuoted(nil, []byte(text))
		if !json.Valid(token) {
			t.Errorf("%q is no JSON", token)
		}
		if got := string(Unquote(nil, token)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		text          string
		ok, canonical bool
	}{
		{"2026-01-02T03:04:05Z", true, true},
		{"2024-02-29T00:00:00Z", true, true},
		{"2026-02-29T00:00:00Z", false, false},
		{"2026-01-02T03:04:60Z", false, false},
		{"2026-01-02T24:00:00Z", false, false},
		{"2026-13-02T03:04:05Z", false, false},
		{"2026-01-02T03:04:05.25Z", true, false},
		{"2026-01-02T03:04:05+01:00", true, false},
		{"2026-01-02T03:04:05+00:00", true, false},
		{"9999-12-31T23:59:59Z", true, true},
		{"10000-01-01T00:00:00Z", false, false},
		{"0000-01-02T03:04:05Z", false, false},
		{"2026-01-02 03:04:05", false, false},
		{"...", false, false},
		{"", false, false},
	} {
		got, canonical, ok := ParseTime([]byte(c.text))
		if ok != c.ok || canonical != c.canonical {
			t.Errorf("%q: ok %v canonical %v, want %v %v", c.text, ok, canonical, c.ok, c.canonical)
		}
		if canonical && string(AppendEventTime(nil, got)) != c.text {
			t.Errorf("%q prints as %q", c.text, AppendEventTime(nil, got))
		}
	}
}
