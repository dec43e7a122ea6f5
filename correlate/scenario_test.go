package correlate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
)

// scene builds small trails by hand. Times are seconds from its start.
type scene struct {
	t     testing.TB
	start time.Time
	recs  []map[string]any
}

type obj = map[string]any

const (
	testAccount = "111122223333"
	junior      = "arn:aws:iam::111122223333:user/juniordev"
	senior      = "arn:aws:iam::111122223333:user/seniordev"
	repo        = "arn:aws:codecommit:us-east-1:111122223333:payments"
	buildRole   = "arn:aws:iam::111122223333:role/payments-pipeline"
	bucket      = "arn:aws:s3:::artifacts"
)

func newScene(t testing.TB) *scene {
	return &scene{t: t, start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// put adds a record; extra overrides fields. It returns the eventID.
func (s *scene) put(at int, source, name, principal string, params any, extra obj) string {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.recs)+1)
	ident := obj{"type": "IAMUser", "arn": principal, "accountId": arnAccount(principal), "userName": bareName(principal), "principalId": "AIDA" + bareName(principal), "accessKeyId": "AKIA" + bareName(principal)}
	if a, _ := splitARN(principal); len(a.resource) > 5 && a.resource[:5] == "role/" {
		ident = obj{"type": "AssumedRole", "arn": "arn:aws:sts::" + a.account + ":assumed-role/" + bareName(principal) + "/s1", "accountId": a.account,
			"principalId": "AROAX:s1", "accessKeyId": "ASIA" + bareName(principal),
			"sessionContext": obj{"sessionIssuer": obj{"type": "Role", "arn": principal, "userName": bareName(principal), "accountId": a.account}}}
	}
	r := obj{
		"eventVersion": "1.11", "eventTime": s.start.Add(time.Duration(at) * time.Second).Format(time.RFC3339), "eventID": id,
		"eventSource": source + ".amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.7",
		"userAgent": "test", "userIdentity": ident, "requestParameters": params, "responseElements": nil,
		"eventType": "AwsApiCall", "recipientAccountId": testAccount, "readOnly": false,
	}
	maps.Copy(r, extra)
	s.recs = append(s.recs, r)
	return id
}

func (s *scene) admin(at int, name string, params obj, extra obj) string {
	return s.put(at, "iam", name, "arn:aws:iam::111122223333:user/admin", params, extra)
}

func denied(message string) obj { return obj{"errorCode": "AccessDenied", "errorMessage": message} }

func (s *scene) push(at int, who, ref string, extra obj) string {
	e := obj{
		"additionalEventData": obj{"protocol": "HTTP", "dataTransferred": true, "repositoryName": "payments"},
		"resources":           []any{obj{"ARN": repo, "accountId": testAccount, "type": "AWS::CodeCommit::Repository"}},
	}
	maps.Copy(e, extra)
	return s.put(at, "codecommit", "GitPush", who, obj{"references": []any{obj{"commit": "abc", "ref": ref}}}, e)
}

// pushDenied is the message of a push refused by an identity policy.
func pushDenied(who, why string) obj {
	return denied("User: " + who + " is not authorized to perform: codecommit:GitPush on resource: " + repo + why)
}

func (s *scene) object(at int, who, key string, extra obj) string {
	e := obj{"eventCategory": "Data", "resources": []any{
		obj{"ARN": bucket + "/" + key, "type": "AWS::S3::Object"}, obj{"ARN": bucket, "accountId": testAccount, "type": "AWS::S3::Bucket"}}}
	maps.Copy(e, extra)
	return s.put(at, "s3", "GetObject", who, obj{"bucketName": "artifacts", "key": key}, e)
}

func (s *scene) trail() *memTrail {
	var raw [][]byte
	for _, r := range s.recs {
		b, err := json.Marshal(r)
		if err != nil {
			s.t.Fatal(err)
		}
		raw = append(raw, b)
	}
	return newTrail(s.t, raw...)
}

// shuffled is the same trail, read in another order.
func (s *scene) shuffled(seed uint64) *memTrail {
	m := &scene{t: s.t, start: s.start, recs: append([]map[string]any(nil), s.recs...)}
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(m.recs), func(i, j int) { m.recs[i], m.recs[j] = m.recs[j], m.recs[i] })
	t := m.trail()
	for i := range t.events {
		t.events[i].q.Object, t.events[i].q.Index = "mem", 0
	}
	return t
}

func policyDoc(statements ...obj) string {
	b, err := json.Marshal(obj{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func allow(action, resource any) obj {
	return obj{"Effect": "Allow", "Action": action, "Resource": resource}
}

// denyMain is the branch protection of AWS's own example.
func denyMain(ref string) obj {
	return obj{"Effect": "Deny", "Action": []any{"codecommit:GitPush", "codecommit:PutFile"}, "Resource": "*",
		"Condition": obj{"StringEqualsIfExists": obj{"codecommit:References": []any{ref}}, "Null": obj{"codecommit:References": "false"}}}
}

// one runs the scene and wants a single finding.
func (s *scene) one(opts Options) *Finding {
	s.t.Helper()
	all := findAll(s.t, s.trail(), opts)
	if len(all) != 1 {
		s.t.Fatalf("%d findings, want 1", len(all))
	}
	return all[0]
}

// pushScene is a push to main that a group policy begins to refuse, with
// decoys nearer in time. It returns the culprit's eventID.
func pushScene(t testing.TB) (*scene, string) {
	s := newScene(t)
	s.admin(-400000, "AddUserToGroup", obj{"groupName": "Juniors", "userName": "juniordev"}, nil)
	s.admin(-300000, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "dev", "policyDocument": policyDoc(allow("codecommit:*", repo))}, nil)
	s.push(-7200, junior, "refs/heads/main", nil)
	s.push(-7000, senior, "refs/heads/main", nil)
	culprit := s.admin(-142, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "dev", "policyDocument": policyDoc(allow("codecommit:*", repo), denyMain("refs/heads/main"))}, nil)
	s.admin(-100, "PutUserPolicy", obj{"userName": "seniordev", "policyName": "x", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, nil)
	s.admin(-90, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "extra", "policyDocument": policyDoc(denyMain("refs/heads/release"))}, nil)
	s.admin(-80, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, nil)
	s.admin(-70, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "y", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, denied("User: arn:aws:iam::111122223333:user/admin is not authorized to perform: iam:PutUserPolicy on resource: user juniordev"))
	for i := range 4 {
		s.push(i*60, junior, "refs/heads/main", pushDenied(junior, " with an explicit deny in an identity-based policy"))
	}
	s.push(100, junior, "refs/heads/feature/x", nil)
	s.push(120, senior, "refs/heads/main", nil)
	s.admin(150, "DeleteUserPolicy", obj{"userName": "juniordev", "policyName": "z"}, nil)
	return s, culprit
}
