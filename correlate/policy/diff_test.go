package policy

import (
	"fmt"
	"testing"
	"time"
)

func TestEqual(t *testing.T) {
	base := `{'Version':'2012-10-17','Statement':[
		{'Sid':'A','Effect':'Allow','Action':['s3:GetObject','s3:PutObject'],'Resource':'*'},
		{'Effect':'Deny','Principal':{'AWS':'arn:aws:iam::111122223333:root'},'Action':'*','Resource':['arn:aws:s3:::b'],'Condition':{'Bool':{'aws:SecureTransport':'false'}}}]}`
	same := []string{
		`{'Id':'x','statement':[
		{'condition':{'BOOL':{'aws:securetransport':false}},'resource':'arn:aws:s3:::b','action':['*'],'principal':{'aws':'111122223333'},'effect':'Deny'},
		{'resource':['*','*'],'action':['S3:putobject','s3:GetObject'],'effect':'Allow','sid':'A'}],'version':'2012-10-17'}`,
	}
	different := []string{
		`{'Version':'2012-10-17','Statement':[]}`,
		base[:len(base)-3] + `,'NotResource':'x'}]}`,
		`{'Version':'2008-10-17'` + base[len(`{'Version':'2012-10-17'`):],
	}
	for _, text := range same {
		if d := Diff(doc(t, base), doc(t, text)); len(d) != 0 || !Equal(doc(t, base), doc(t, text)) {
			t.Errorf("differs: %s", toJSON(t, d))
		}
	}
	for _, text := range different {
		if Equal(doc(t, base), doc(t, text)) {
			t.Errorf("equal: %s", text)
		}
	}
	star := statements(t, `{'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'}`)
	if !Equal(star, statements(t, `{'Effect':'Allow','Principal':{'AWS':['*']},'Action':'*','Resource':'*'}`)) {
		t.Error("the two ways to write everyone differ")
	}
	if !Equal(nil, nil) || Equal(nil, star) || !Equal(nil, statements(t)) {
		t.Error("a missing document is an empty one")
	}
}

func TestDiff(t *testing.T) {
	const (
		work    = `{'Sid':'Work','Effect':'Allow','Action':'codecommit:*','Resource':'*'}`
		protect = `{'Sid':'Protect','Effect':'Deny','Action':['codecommit:GitPush'],'Resource':'*','Condition':{'StringEquals':{'codecommit:References':'refs/heads/main'}}}`
		wider   = `{'Sid':'Protect','Effect':'Deny','Action':['codecommit:GitPush'],'Resource':'*'}`
		plain   = `{'Effect':'Deny','Action':'sqs:*','Resource':'*'}`
		moved   = `{'Effect':'Deny','Action':'sqs:*','Resource':'*','Condition':{'Null':{'aws:username':'true'}}}`
		other   = `{'Effect':'Allow','Action':'sns:*','Resource':'arn:aws:sns:*:*:*'}`
	)
	deny := `{"Action":"codecommit:GitPush","Condition":{"StringEquals":{"codecommit:References":"refs/heads/main"}},"Effect":"Deny","Resource":"*","Sid":"Protect"}`
	wide := `{"Action":"codecommit:GitPush","Effect":"Deny","Resource":"*","Sid":"Protect"}`
	for _, c := range []struct {
		name          string
		before, after []string
		want          string
	}{
		{"order", []string{work, protect}, []string{protect, work}, `[]`},
		{"added", []string{work}, []string{work, protect}, `[{"op":"added","statement":` + deny + `}]`},
		{"removed", []string{work, protect}, []string{work}, `[{"op":"removed","statement":` + deny + `}]`},
		{"changed by Sid", []string{work, protect}, []string{wider, work}, `[{"op":"changed","statement":` + wide + `,"before":` + deny + `}]`},
		{"changed without Sid", []string{plain}, []string{moved}, `[{"op":"changed","statement":{"Action":"sqs:*","Condition":{"Null":{"aws:username":"true"}},"Effect":"Deny","Resource":"*"},"before":{"Action":"sqs:*","Effect":"Deny","Resource":"*"}}]`},
		{"nothing alike", []string{plain}, []string{other}, `[{"op":"added","statement":{"Action":"sns:*","Effect":"Allow","Resource":"arn:aws:sns:*:*:*"}},{"op":"removed","statement":{"Action":"sqs:*","Effect":"Deny","Resource":"*"}}]`},
		{"twice and once", []string{plain, plain}, []string{plain}, `[{"op":"removed","statement":{"Action":"sqs:*","Effect":"Deny","Resource":"*"}}]`},
	} {
		got := toJSON(t, Diff(statements(t, c.before...), statements(t, c.after...)))
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := toJSON(t, Diff(nil, statements(t, wider))); got != `[{"op":"added","statement":`+wide+`}]` {
		t.Errorf("new document: %s", got)
	}
}

// Two large documents without anything in common are still compared quickly.
func TestDiffOfLargeDocuments(t *testing.T) {
	var old, fresh []string
	for i := range 3000 {
		old = append(old, fmt.Sprintf(`{'Effect':'Allow','Action':'s3:A%d','Resource':'*'}`, i))
		fresh = append(fresh, fmt.Sprintf(`{'Effect':'Allow','Action':'s3:B%d','Resource':'*'}`, i))
	}
	a, b := statements(t, old...), statements(t, fresh...)
	start := time.Now()
	if got := len(Diff(a, b)); got != 6000 {
		t.Errorf("%d changes", got)
	}
	if spent := time.Since(start); spent > 20*time.Second {
		t.Errorf("took %s", spent)
	}
}
