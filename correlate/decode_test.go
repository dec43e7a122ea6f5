package correlate

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
)

// reference reads as decodeJSON must.
func reference(b []byte) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	_, err := dec.Token()
	return v, err == io.EOF
}

func checkDecode(t *testing.T, b []byte) {
	t.Helper()
	want, ok := reference(b)
	// The second time repeated objects come from memory.
	for range 2 {
		got, err := decodeJSON(b)
		if (err == nil) != ok {
			t.Fatalf("decodeJSON(%.200q): error %v; encoding/json accepts it: %v", b, err, ok)
		}
		if !ok {
			continue
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("decodeJSON(%.200q) = %#v, want %#v", b, got, want)
		}
	}
}

// decodeSeeds are JSON, near JSON, and what records hold at worst.
var decodeSeeds = []string{
	`{}`, `[]`, `null`, ` true `, `false`, `"x"`, `0`, `-0`, `-1.5e+10`, `1E9`, `[1,2 , 3]`, `{"a":{"b":[{"c":null}]}}`,
	``, ` `, `{`, `}`, `[`, `]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `{a:1}`, `{"a":1}}`, `{"a":1} x`, `nul`, `nulll`, `truefalse`,
	`01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `1.5.5`, `--1`, `0x1`,
	`"`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u00zz"`, `"\ud800"`, `"\ud800\u0041"`, `"\ud83d\ude00"`, "\"a\tb\"", "\"\x00\"", "\"\x7f\"", "\"\xff\xfe\"", "\"é\u202e\"",
	`{"a":1,"a":2}`, `{"A":1,"a":2}`, `{"\u0061":1,"a":2}`, "{\"\xff\":1}", `{"":1}`,
	`{"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a}"},"x":1}`,
	`{"userIdentity":{"type":"IAMUser"`, `{"userIdentity":{"a":"\"}"}}`, `{"userIdentity":{"a":nul}}`, `{"userIdentity":[{}]}`, `{"userIdentity":{]}}`,
	`{"userIdentity":{"a":1} ,"userIdentity":{"a":2}}`, `{"tlsDetails":{}, "userIdentity":null}`,
}

func TestDecodeAsEncodingJSON(t *testing.T) {
	for _, s := range decodeSeeds {
		checkDecode(t, []byte(s))
	}
	for _, n := range []int{9999, 10000, 10001} {
		checkDecode(t, []byte(strings.Repeat("[", n)+strings.Repeat("]", n)))
		checkDecode(t, []byte(strings.Repeat(`{"userIdentity":`, n)+"1"+strings.Repeat("}", n)))
	}
}

// TestDecodeForgets fills a decoder's memory several times over.
func TestDecodeForgets(t *testing.T) {
	d := decoders.New().(*decoder)
	for i := range 3 * maxKeys {
		id := json.Number(strings.Repeat("1", 1+i%40)).String() + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
		d.b = []byte(`{"k` + id + `":1,"userIdentity":{"arn":"` + id + `"}}`)
		v, _, err := d.value(0, 0)
		if err != nil || Str(v.(map[string]any), "userIdentity", "arn") != id {
			t.Fatalf("record %d: %v %v", i, v, err)
		}
		if len(d.keys) > maxKeys || len(d.repeats) > maxRepeats {
			t.Fatalf("record %d: %d keys and %d objects are kept", i, len(d.keys), len(d.repeats))
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range decodeSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { checkDecode(t, b) })
}
