package policy

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseForms(t *testing.T) {
	plain := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get+*","Resource":"*"}]}`
	quotedDoc, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	want := doc(t, strings.ReplaceAll(plain, `"`, `'`))
	for name, data := range map[string]string{
		"plain":           plain,
		"byte order mark": "\xef\xbb\xbf" + plain,
		"string":          string(quotedDoc),
		"percent":         url.PathEscape(plain),
		"percent, colons": strings.ReplaceAll(url.QueryEscape(plain), "+", "%20"),
		"single":          `{"version":"2012-10-17","STATEMENT":{"action":["s3:Get+*"],"effect":"Allow","resource":["*"]}}`,
	} {
		got, err := Parse([]byte(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !Equal(got, want) {
			t.Errorf("%s: %s", name, toJSON(t, got))
		}
	}
}

func TestParseAny(t *testing.T) {
	statement := map[string]any{"Effect": "Deny", "Action": []any{"s3:*"}, "Resource": "*",
		"Condition": map[string]any{"Null": map[string]any{"a:b": false}, "NumericEquals": map[string]any{"c:d": json.Number("1")}}}
	object := map[string]any{"Version": "2012-10-17", "Statement": []any{statement}}
	a, err := ParseAny(object)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseAny(toJSON(t, object))
	if err != nil || !Equal(a, b) || a.Statements() != 1 {
		t.Errorf("object and text differ: %v", err)
	}
	if _, err := ParseAny(nil); err == nil {
		t.Error("nil parses")
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
	}{
		{"", 1, 1},
		{"HIDDEN_DUE_TO_SECURITY_REASONS", 1, 1},
		{"[]", 1, 1},
		{"{\"Version\": \"2012-10-17\",\n \"Statement\": [}", 2, 16},
		{"{\"Statement\": []\n", 1, 17},
		{"{} x", 1, 4},
		{"%zz", 1, 1},
		{`"` + strings.Repeat("[", 3) + `"`, 1, 4},
		{strings.Repeat("[", 100) + strings.Repeat("]", 100), 1, maxDepth + 2},
		{`""`, 1, 1},
	} {
		_, err := Parse([]byte(c.text))
		var at *ParseError
		if !errors.As(err, &at) {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if at.Line != c.line || at.Column != c.column {
			t.Errorf("%q: %v, want line %d, column %d", c.text, err, c.line, c.column)
		}
	}
	if _, err := Parse([]byte(`{"a":"` + strings.Repeat("x", MaxDocument) + `"}`)); err == nil {
		t.Error("a document of any size parses")
	}
}

func TestProblems(t *testing.T) {
	d := statements(t, everythingStatement,
		`{'Sid':'Odd','Effect':'allow','Action':[1,{}],'NotAction':'*','Resource':'arn:aws:s3:::${','Condition':{'StringResembles':{'a:b':'c'},'Bool':{'a:b':[[]]}}}`,
		`{'Effect':'Deny','Principal':{'Nobody':'x'},'Resource':'*','Condition':{'Bool':{'a:b':'true','A:B':'true'}}}`,
		`{'Effect':'Allow','Resource':'*'}`,
		`7`)
	list := strings.Join(d.Problems(), "\n")
	for _, want := range []string{"statement 1 (Odd)", "StringResembles", "policy variable", "unknown type nobody", "statement 4", "twice", "neither Action"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in\n%s", want, list)
		}
	}
	if problems := statements(t, everythingStatement).Problems(); problems != nil {
		t.Errorf("problems of a good document: %q", problems)
	}
}

// Matching has to stay cheap whatever the policy looks like.
func TestHostileGlobs(t *testing.T) {
	evil := strings.Repeat("*a", 400) + "b"
	long := strings.Repeat("a", 1<<16)
	var list []string
	for range 50 {
		list = append(list, `{'Effect':'Deny','Action':'s3:`+evil+`','Resource':['arn:aws:s3:::`+evil+`','arn:`+evil+`:s3:::x']}`)
	}
	set := &Set{Identity: stack(statements(t, append(list, everythingStatement)...))}
	req := ask(someUser, "s3:"+long, "arn:aws:s3:::"+long)
	req.ResourceAccount = owner
	if got := Evaluate(set, req); got.Value == Allow {
		t.Errorf("undecided comparisons count as no: %s", got)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"?", "é", true}, {"a?c", "a→c", true},
		{"*a*b", "xaybzb", true}, {"*a*b", "xaybz", false}, {"a**", "a", true}, {"[a]", "a", false},
		{"arn:*", "arn:aws:s3:::b", true}, {"arn:a*s:s3:::b", "arn:aws:s3:::b", true},
		{"arn:a*s3:::b", "arn:aws:s3:::b", false}, {"arn:aws:s3:::*:x", "arn:aws:s3:::b:c:x", true},
		{"arn:aws:s?:::b", "arn:aws:s3:::b", true}, {"arn:aws:s3:::b", "arn:aws:s3:::b/k", false},
	} {
		budget := globCost
		p := compileResource(c.pattern, true)
		if got := matchText(&p, c.text, &budget); got != when(c.want) {
			t.Errorf("%q against %q: %d", c.pattern, c.text, got)
		}
	}
}
