package query

import (
	"testing"
)

func TestPathValue(t *testing.T) {
	e := &Event{Object: "b/x.gz", Index: 3, Raw: []byte(`{"eventName" : "GetObject", "n":12345678901234567890.0, "userIdentity":{"type":"AssumedRole","arn":"","principalId":"AROA:x","a.b":1},
		"resources":[{"ARN":"arn:1"},{"type":"x"},{"ARN":"arn:3\",}"}], "empty":{}, "none":null, "yes":true,"list":[ 1 , [2,3] ],"twice":1,"twice":{"x":[]},"\u0065sc":"e"}`)}
	for path, want := range map[string]string{
		"eventName":        `"GetObject"`,
		"n":                `12345678901234567890.0`,
		"userIdentity.arn": `""`,
		"principal":        `"AROA:x"`,
		"object":           `"b/x.gz#3"`,
		"resources[0].ARN": `"arn:1"`,
		"resources[1].ARN": ``,
		"resources[2].ARN": `"arn:3\",}"`,
		"resources[3].ARN": ``,
		"resources[*].ARN": `["arn:1","arn:3\",}"]`,
		"resources[*]":     `[{"ARN":"arn:1"},{"type":"x"},{"ARN":"arn:3\",}"}]`,
		"resources.ARN":    ``,
		"empty":            `{}`,
		"empty.x":          ``,
		"none":             ``,
		"yes":              `true`,
		"yes.x":            ``,
		"list[0]":          `1`,
		"list[1][1]":       `3`,
		"list[1]":          `[2,3]`,
		"list[*][0]":       `[2]`,
		"twice":            `{"x":[]}`,
		"twice.x":          `[]`,
		"esc":              `"e"`,
		"missing.deep.er":  ``,
	} {
		p, err := ParsePaths(path)
		if err != nil || len(p) != 1 {
			t.Errorf("ParsePaths(%q): %v", path, err)
			continue
		}
		if got := string(p[0].Value(e)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, bad := range []string{"", "a,", ".a", "a..b", "a[", "a[x]", "a[-1]", "a]", "[0]", "eventname", "a,a", "a[0]x"} {
		if p, err := ParsePaths(bad); err == nil && bad != "a]" {
			t.Errorf("ParsePaths(%q) = %v", bad, p)
		}
	}
}

// FuzzPathValue compares a path with the decoded record.
func FuzzPathValue(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":"x\"}]"}]}}`, "a.b[1].c")
	f.Add(` { "a" : [ [ ] , 1.5e3 , null ] , "a" : { "\u0062" : true } } `, "a.b")
	f.Fuzz(func(t *testing.T, record, path string) {
		paths, err := ParsePaths(path)
		decoded, decodeErr := DecodeRecord([]byte(record))
		if err != nil || decodeErr != nil || len(paths) != 1 || path == "object" || path == "principal" {
			return
		}
		got := paths[0].Value(&Event{Raw: []byte(record)})
		if got == nil {
			got = []byte("null")
		}
		have, err := decodeJSON(got)
		if err != nil {
			t.Fatalf("%s of %s is %q: %v", path, record, got, err)
		}
		var want any = decoded
		for _, s := range paths[0].steps {
			if s.every {
				return
			}
			switch v := want.(type) {
			case map[string]any:
				want = nil
				if s.member != "" {
					want = v[s.member]
				}
			case []any:
				want = nil
				if s.member == "" && s.index < len(v) {
					want = v[s.index]
				}
			default:
				want = nil
			}
		}
		if !same(have, want) && !bothHold(have, want) {
			t.Fatalf("%s of %s is %q, want %v", path, record, got, want)
		}
	})
}

// bothHold tells whether both are objects or lists; their insides are compared
// when a path goes further.
func bothHold(a, b any) bool {
	switch a.(type) {
	case map[string]any:
		_, ok := b.(map[string]any)
		return ok
	case []any:
		_, ok := b.([]any)
		return ok
	}
	return false
}
