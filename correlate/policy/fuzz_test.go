package policy

import (
	"encoding/json"
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Deny","NotAction":["a:*"],"NotResource":"arn:aws:s3:::${aws:username,'x'}","Principal":{"AWS":["*","111122223333"]},"Condition":{"ForAnyValue:StringLikeIfExists":{"a:b":[true,1,"*"]}}}]}`,
		`"{\"Statement\":{}}"`, `%7B%22Statement%22%3A%5B%5D%7D`, `{"statement":[1,null,[]],"statement":{}}`, "{\"a\":\x00}", `{`, `""`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			var at *ParseError
			if !errors.As(err, &at) || at.Offset < 0 || at.Line < 1 || at.Column < 1 {
				t.Fatalf("error without place: %#v", err)
			}
			return
		}
		d.Problems()
		if !Equal(d, d) {
			t.Fatal("a document differs from itself")
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("canonical form does not parse: %v\n%s", err, text)
		}
		if repeated, err := json.Marshal(again); err != nil || string(repeated) != string(text) {
			t.Fatalf("canonical form is not stable\n%s\n%s", text, repeated)
		}
	})
}

func FuzzEvaluate(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*a?","Principal":"*"}]}`,
		someUser, "s3:GetObject", someObject, "aws:SourceIp", "203.0.113.1")
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":"*a*a*b","NotResource":"arn:a*s*3::*:b*","NotPrincipal":{"AWS":"AIDAEXAMPLEEXAMPLE"},"Condition":{"DateLessThan":{"k:v":"2024"},"NumericEquals":{"k:v":"1e9"}}}}`,
		"*", "", "arn:::::", "k:v", "2024-01-01T00:00:00Z")
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"${k:v}${*}","Condition":{"ArnLike":{"k:v":"*"},"Null":{"k:v":""},"BinaryEquals":{"k:v":"=="}}}}`,
		"arn:aws:sts::1:assumed-role/r/s", "kms:Decrypt", "arn:aws:kms:x:1:key/k", "k:v", "\x00")
	f.Fuzz(func(t *testing.T, text, principal, action, resource, key, value string) {
		d, err := Parse([]byte(text))
		if err != nil {
			return
		}
		req := ask(principal, action, resource, key, value)
		req.Context.SetList(key+"s", value, principal, "")
		s := stack(d)
		set := &Set{Identity: s, Resource: s, Boundary: s, Session: s, VPCEndpoint: s,
			SCP: Hierarchy{Nodes: []Node{{Stack: s}}}, RCP: Hierarchy{Unseen: UnseenUnknown}}
		before := Evaluate(set, req)
		if before.String() == "" || len(before.Reasons) == 0 {
			t.Fatalf("no reason: %#v", before)
		}
		set.Identity.Policies = append(set.Identity.Policies, Policy{Doc: statements(t, everythingStatement)})
		if after := Evaluate(set, req); before.Value == Allow && after.Value == Deny {
			t.Fatalf("an allow denies: %s, %s", before, after)
		}
		req.Context = Context{}
		if after := Evaluate(set.Observed(req), req); after.String() == "" {
			t.Fatal("no answer")
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, record := range []map[string]any{push(true, "refs/heads/main"), push(false)} {
		data, err := json.Marshal(record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"bucketName":"b","key":"k","versionId":1},"resources":[1,{"ARN":"arn:aws:s3:::b"}]}`))
	f.Add([]byte(`{"eventSource":".amazonaws.com","eventName":"20150331v2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, err := RequestsFromJSON(data)
		if err == nil && len(requests) == 0 {
			t.Fatal("no request and no error")
		}
		for i := range requests {
			Evaluate(&Set{}, &requests[i])
		}
	})
}
