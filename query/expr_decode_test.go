package query

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeRecord(t *testing.T) {
	for text, want := range map[string]map[string]any{
		`{}`:                                  {},
		` { "a" : [ ] , "b":{} } `:            {"a": []any{}, "b": map[string]any{}},
		`{"a":1,"A":2}`:                       {"a": int64(1), "A": int64(2)},
		`{"a":1,"a":2}`:                       {"a": int64(2)},
		`{"a":{"x":1},"a":{"y":2}}`:           {"a": map[string]any{"y": int64(2)}},
		`{"a":1,"a":null}`:                    {"a": nil},
		`{"\u0061":"\u00e9\n\/\ud83d\ude00"}`: {"a": "é\n/😀"},
		`{"a":"\ud800","b":"\ud800\u0041"}`:   {"a": "\uFFFD", "b": "\uFFFDA"},
		"{\"a\":\"x\xffy\xc3\"}":              {"a": "x\uFFFDy\uFFFD"},
		`{"a":[9007199254740993,9223372036854775807,-9223372036854775808]}`: {"a": []any{int64(9007199254740993), int64(math.MaxInt64), int64(math.MinInt64)}},
		`{"a":[9223372036854775808,1.5,1.0,1e2,-0,-0.0,1e400]}`:             {"a": []any{9223372036854775808.0, 1.5, int64(1), int64(100), int64(0), int64(0), math.Inf(1)}},
		`{"a":[true,false,null]}`:                                           {"a": []any{true, false, nil}},
		"{\r\n\t\"a\":\n1}":                                                 {"a": int64(1)},
	} {
		got, err := DecodeRecord([]byte(text))
		if err != nil {
			t.Errorf("DecodeRecord(%s): %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("DecodeRecord(%s): -want +got\n%s", text, diff)
		}
	}
}

func TestDecodeRecordErrors(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"a"`, `1`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{,}`, `{"a":[1,]}`, `{"a":[,]}`,
		`{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":+1}`, `{"a":0x1}`, `{"a":NaN}`, `{"a":tru}`, `{"a":truer}`, `{"a":"\q"}`, `{"a":"\u12g4"}`, `{"a":"\u12"}`, `{"a":"\`,
		"{\"a\":\"\x01\"}", "{\"a\":\"x\ny\"}", `{} {}`, `{}x`, "{\v}", "\ufeff{}", `{"a":'b'}`,
		strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001), strings.Repeat(`{"a":`, 1e6), `{"a":` + strings.Repeat("[", 1e6),
	} {
		if got, err := DecodeRecord([]byte(text)); err == nil || got != nil {
			t.Errorf("DecodeRecord(%.40q) = %v, %v; want an error", text, got, err)
		}
	}
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	if _, err := DecodeRecord([]byte(deep)); err != nil {
		t.Errorf("DecodeRecord of 1,000 levels: %v", err)
	}
}

// FuzzDecodeRecord compares with encoding/json, which differs only in the depth
// it allows.
func FuzzDecodeRecord(f *testing.F) {
	for _, s := range []string{gitPush, `{"a":"\ud800\udc00\ud800"}`, `{"a":[1,2.5,-0e-1]}`, "{\"a\":\"\xff\xc3\"}", `{"a":1,"a":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := DecodeRecord(raw)
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(string(raw)))
		d.UseNumber()
		wantErr := d.Decode(&want)
		valid := wantErr == nil && want != nil && json.Valid(raw)
		if valid != (err == nil) {
			if !valid || !strings.Contains(err.Error(), "deep") {
				t.Fatalf("DecodeRecord(%q): %v; encoding/json: %v", raw, err, wantErr)
			}
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(plainNumbers(want), any(got)); diff != "" {
			t.Errorf("DecodeRecord(%q): -want +got\n%s", raw, diff)
		}
	})
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(string(v))
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}
