package policy

import (
	"encoding/json"
	"testing"
)

// doc parses a document that a test wrote itself. Single quotes stand for
// double ones.
func doc(t testing.TB, text string) *Document {
	t.Helper()
	raw := []byte(text)
	for i := range raw {
		if raw[i] == '\'' {
			raw[i] = '"'
		}
	}
	d, err := Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// statements wraps statements in a document of the current version.
func statements(t testing.TB, list ...string) *Document {
	t.Helper()
	text := `{'Version':'2012-10-17','Statement':[`
	for i, s := range list {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return doc(t, text+"]}")
}

func stack(docs ...*Document) Stack {
	var s Stack
	for _, d := range docs {
		s.Policies = append(s.Policies, Policy{Name: "test", Doc: d})
	}
	return s
}

// ask builds a request with a complete context of single-valued keys.
func ask(principal, action, resource string, pairs ...string) *Request {
	r := &Request{Principal: ParsePrincipal(principal), Action: action, Resource: resource}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Context.Set(pairs[i], pairs[i+1])
	}
	r.Context.Complete()
	return r
}

func wantAnswer(t *testing.T, got Answer, value Value, effect Effect, layer Layer) {
	t.Helper()
	if got.Value != value || got.Effect != effect || layer != "" && got.Layer != layer {
		t.Errorf("got %s (layer %s), want %s %s in %s", got, got.Layer, effect, value, layer)
	}
	if len(got.Reasons) == 0 {
		t.Errorf("answer without reason: %s", got)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	everythingStatement = `{'Effect':'Allow','Action':'*','Resource':'*'}`
	someUser            = "arn:aws:iam::111122223333:user/ana"
	someRole            = "arn:aws:iam::111122223333:role/build"
	someSession         = "arn:aws:sts::111122223333:assumed-role/build/run-7"
	someObject          = "arn:aws:s3:::artifacts/app.zip"
	owner               = "111122223333"
	stranger            = "444455556666"
)
