package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/trailblame/trailblame/correlate"
)

// unsafeText undoes safe, to show that nothing is lost.
func unsafeText(t *testing.T, text string) string {
	t.Helper()
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		n := digits[text[i+1]]
		switch {
		case text[i+1] == '\\':
			out = append(out, '\\')
			i++
		case n == 0:
			out = append(out, '\\')
		default:
			v, err := strconv.ParseUint(text[i+2:i+2+n], 16, 32)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if n == 2 {
				out = append(out, byte(v))
			} else {
				out = utf8.AppendRune(out, rune(v))
			}
			i += 1 + n
		}
	}
	return string(out)
}

// mustHide says of a code point what safe promises, from the properties of
// Unicode rather than from the function under test.
func mustHide(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Co, unicode.Zl, unicode.Zp, unicode.Bidi_Control,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Noncharacter_Code_Point) ||
		unicode.Is(unicode.Zs, r) && r != ' '
}

func TestSafeOverAllCodePoints(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		in := "a" + string(r) + "b"
		got := safe(in)
		if mustHide(r) && strings.ContainsRune(got, r) {
			t.Fatalf("safe(%U) = %q", r, got)
		}
		if back := unsafeText(t, got); back != in {
			t.Fatalf("safe(%U) = %q, which reads back as %q", r, got, back)
		}
		if unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !mustHide(r) && r != '\u2800' && got != in {
			t.Fatalf("safe(%U) = %q, want it as it is", r, got)
		}
	}
}

func TestSafe(t *testing.T) {
	for _, test := range [][2]string{
		{"", ""},
		{"plain text, Grüße, 日本語", "plain text, Grüße, 日本語"},
		{"\x1b[2J", `\x1b[2J`},
		{"\u009b31m", `\u009b31m`},
		{"a\r\nb\tc\x7f", `a\x0d\x0ab\x09c\x7f`},
		{"user\u202egnp.exe", `user\u202egnp.exe`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"tag\U000e0041", `tag\U000e0041`},
		{"bad\xff\xc2", `bad\xff\xc2`},
		{"narrow\u202fspace", `narrow\u202fspace`},
		{`DOMAIN\alice`, `DOMAIN\alice`},
		{`a\x1b`, `a\\x1b`},
		{`a\` + "\x1b", `a\\\x1b`},
		{`ends in \`, `ends in \`},
	} {
		if got := safe(test[0]); got != test[1] {
			t.Errorf("safe(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

func FuzzSafe(f *testing.F) {
	for _, seed := range []string{"", "a", "\x1b]0;x\a", `\`, `\\u`, "\\\u200b", "\xf0\x9f", "\ufffd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := safe(in)
		for _, r := range got {
			if hidden(r) {
				t.Fatalf("safe(%q) = %q holds %U", in, got, r)
			}
		}
		if !utf8.ValidString(got) || unsafeText(t, got) != in {
			t.Fatalf("safe(%q) = %q, which reads back as %q", in, got, unsafeText(t, got))
		}
	})
}

func TestSafeJSONOverAllCodePoints(t *testing.T) {
	const block = 0x400
	for from := rune(0); from <= unicode.MaxRune; from += block {
		var in strings.Builder
		for r := max(from, ' '); r < from+block; r++ {
			if utf8.ValidRune(r) && r != '"' && r != '\\' {
				in.WriteRune(r)
			}
		}
		got := appendSafeJSON(nil, []byte(`{"`+in.String()+`":"`+in.String()+`"}`))
		for _, r := range string(got) {
			if mustHide(r) {
				t.Fatalf("%U is raw", r)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(got, &back); err != nil || back[in.String()] != in.String() {
			t.Fatalf("the strings from %U on do not read back: %v", from, err)
		}
	}
}

func TestSafeJSON(t *testing.T) {
	for _, test := range [][2]string{
		{`{"a":1}`, `{"a":1}`},
		{"{\n\t\"a\":\r[1]}", "{\n \"a\": [1]}"},
		{"\"\u009b\"", `"\u009b"`},
		{"\"\\\\\u202e\"", `"\\\u202e"`},
		{"\"\\\"\u200b\"", `"\"\u200b"`},
		{"\"\U000e0041\"", `"\udb40\udc41"`},
		{"\"\xff\"", `"\ufffd"`},
		{"\"日本\"", `"日本"`},
		{"\x1b[0m", `\u001b[0m`}, // no JSON, and still nothing raw
	} {
		if got := string(appendSafeJSON(nil, []byte(test[0]))); got != test[1] {
			t.Errorf("appendSafeJSON(%q) = %q, want %q", test[0], got, test[1])
		}
	}
}

func FuzzSafeJSON(f *testing.F) {
	for _, seed := range []string{`{}`, "\"\u202e\"", "[\"\\u202e\",\t1]", "\"\\\u200b\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := appendSafeJSON(nil, in)
		for _, r := range string(got) {
			if hidden(r) && r != '\n' {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		var want, have any
		if json.Unmarshal(in, &want) != nil {
			return
		}
		if err := json.Unmarshal(got, &have); err != nil || !reflect.DeepEqual(want, have) {
			t.Fatalf("%q became %q: %v", in, got, err)
		}
	})
}

// hostile holds every C0, C1 and format character, and what else terminals,
// spreadsheets and Markdown act on.
func hostile() string {
	var b strings.Builder
	b.WriteString("=cmd|' /C calc'!A0 ")
	for r := range rune(0xa1) {
		b.WriteRune(r)
	}
	for _, table := range []*unicode.RangeTable{unicode.Cf, unicode.Bidi_Control, unicode.Zl, unicode.Zp} {
		for _, span := range table.R16 {
			b.WriteRune(rune(span.Lo))
		}
	}
	b.WriteString("\u202e \U000e0041 \xff\xc2\x9b | [x](javascript:alert(1)) <script>`~~~ ${jndi:ldap://x} http://evil.example")
	return b.String()
}

// hostileFinding is a finding whose every string is hostile.
func hostileFinding() *correlate.Finding {
	f := sampleChange()
	poison(reflect.ValueOf(f).Elem())
	f.Diagnosis = correlate.DiagnosisChange
	quoted, err := json.Marshal(hostile())
	if err != nil {
		panic(err)
	}
	statement := json.RawMessage(fmt.Sprintf(`{"Effect":"Deny","Action":%s,"Resource":["*",%s]}`, quoted, quoted))
	for i := range f.Candidates {
		f.Candidates[i].AlsoSufficient = []string{hostile()}
		f.Candidates[i].Diff = []correlate.StatementDiff{{Op: "added", Statement: statement}, {Op: "changed", Before: statement, Statement: json.RawMessage(`{}`)}, {Op: "present", Statement: statement}}
	}
	return f
}

// poison puts hostile text into every string that v holds.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostile())
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[correlate.Time]() {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i))
		}
	}
}
