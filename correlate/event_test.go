package correlate

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/query"
)

// mustEvent parses a record written in a test.
func mustEvent(t *testing.T, raw string) *Event {
	t.Helper()
	e, err := ParseEvent(&query.Event{Raw: []byte(raw), Object: "test.json"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// realEvents reads every record it can find in the folders of real and sample
// records; a file that is no clean JSON is read as far as it goes.
func realEvents(t *testing.T) []*Event {
	t.Helper()
	var out []*Event
	for _, dir := range []string{sharedFolder(t, "trails"), sharedFolder(t, "facts", "samples")} {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			for _, raw := range recordsIn(t, p) {
				e, err := ParseEvent(&query.Event{Raw: raw, Object: p})
				if err != nil {
					t.Errorf("%s: %v", p, err)
					continue
				}
				if e.Name != "" {
					out = append(out, e)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 2000 {
		t.Fatalf("only %d real records", len(out))
	}
	return out
}

func recordsIn(t *testing.T, path string) [][]byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil // a sample that is damaged on purpose
		}
		b, _ = io.ReadAll(z)
	}
	var out [][]byte
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			if err != io.EOF && len(out) == 0 {
				return salvage(b)
			}
			return out
		}
		out = append(out, unwrapRecords(raw)...)
	}
}

// salvage reads the records of an indented list that is broken somewhere.
func salvage(b []byte) [][]byte {
	var out [][]byte
	for _, chunk := range bytes.Split(b, []byte("\n    {"))[1:] {
		var raw json.RawMessage
		if json.NewDecoder(io.MultiReader(strings.NewReader("{"), bytes.NewReader(chunk))).Decode(&raw) == nil {
			out = append(out, raw)
		}
	}
	return out
}

// unwrapRecords opens lists and the envelopes that samples come in.
func unwrapRecords(raw json.RawMessage) [][]byte {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var out [][]byte
		for _, r := range list {
			out = append(out, unwrapRecords(r)...)
		}
		return out
	}
	var obj map[string]json.RawMessage
	if json.Unmarshal(raw, &obj) != nil {
		return nil
	}
	for _, key := range []string{"Records", "records", "event", "owner", "caller", "denied", "ok", "Events", "_source"} {
		if in, ok := obj[key]; ok && obj["eventName"] == nil {
			return unwrapRecords(in)
		}
	}
	return [][]byte{raw}
}

const sampleRecord = `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAX:ci","arn":"arn:aws:sts::111122223333:assumed-role/deploy/ci","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/team/deploy","userName":"deploy"},"attributes":{"creationDate":"2026-01-02T03:04:05Z","mfaAuthenticated":"false"}}},
"eventTime":"2026-01-02T03:05:06Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","readOnly":"true",
"requestParameters":{"bucketName":["b"],"key":"k","n":512.0,"flag":true,"deep":[{"x":{"items":[{"y":"1"},{"y":"2"}]}}]},"responseElements":null,
"resources":[{"ARNPrefix":"arn:aws:s3:::b/"},{"arn":"arn:aws:s3:::b","accountId":"111122223333","type":"AWS::S3::Bucket"},null,7],
"eventID":"11111111-1111-1111-1111-111111111111","errorCode":7,"requestID":"old","requestID":"new","recipientAccountId":"444455556666"}`

func TestParseEvent(t *testing.T) {
	e := mustEvent(t, sampleRecord)
	for name, pair := range map[string][2]string{
		"Name":      {e.Name, "GetObject"},
		"Account":   {e.Account, "444455556666"},
		"ErrorCode": {e.ErrorCode, "7"},
		"RequestID": {e.RequestID, "new"},
		"Principal": {e.Principal(), "arn:aws:iam::111122223333:role/team/deploy"},
		"Session":   {e.Session(), "ci"},
		"one":       {Str(e.Params, "bucketName"), "b"},
		"number":    {Str(e.Params, "n"), "512.0"},
		"bool":      {Str(e.Params, "flag"), "true"},
		"items":     {strings.Join(yOf(List(e.Params, "deep", "x")), ","), "1,2"},
		"missing":   {Str(e.Params, "deep", "nope", "x"), ""},
		"prefix":    {e.Resources[0].ARN, "arn:aws:s3:::b/"},
		"lower":     {e.Resources[1].ARN, "arn:aws:s3:::b"},
		"source":    {e.Source(), "test.json#0"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
	if !e.ReadOnly || e.Response != nil || len(e.Resources) != 2 || e.Time.IsZero() || e.Identity.SessionCreated.IsZero() {
		t.Errorf("unexpected event: %+v", e)
	}
}

func yOf(list []any) []string {
	var out []string
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, Str(m, "y"))
	}
	return out
}

func TestParseEventSurprises(t *testing.T) {
	for _, raw := range []string{`{}`, `[]`, `null`, `7`, `"x"`, `{"userIdentity":"x","requestParameters":"HIDDEN_DUE_TO_SECURITY_REASONS","resources":{"ARN":7},"eventTime":3,"additionalEventData":[]}`, `{"detail-type":7,"detail":"x"}`} {
		e, err := ParseEvent(&query.Event{Raw: []byte(raw)})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		_, _, _ = e.Principal(), IsDenial(e), e.Session()
	}
	for _, raw := range []string{``, `{`, `{} {}`, `User: x`} {
		if _, err := ParseEvent(&query.Event{Raw: []byte(raw)}); err == nil {
			t.Errorf("%q: no error", raw)
		}
	}
}

func TestParseEventNative(t *testing.T) {
	e := mustEvent(t, `{"id":"1","detail-type":"CodePipeline Action Execution State Change","source":"aws.codepipeline","account":"111122223333","time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":["arn:aws:codepipeline:us-east-1:111122223333:p"],"detail":{"state":"FAILED","version":2.0}}`)
	if !e.Native || e.Name != "CodePipeline Action Execution State Change" || Str(e.Detail, "state") != "FAILED" ||
		e.Account != "111122223333" || len(e.Resources) != 1 || e.Time.IsZero() {
		t.Errorf("got %+v", e)
	}
	e = mustEvent(t, `{"id":"1","detail-type":"AWS API Call via CloudTrail","account":"111122223333","detail":{"eventName":"GitPush","eventSource":"codecommit.amazonaws.com"}}`)
	if e.Native || e.Name != "GitPush" || e.Account != "111122223333" {
		t.Errorf("got %+v", e)
	}
}

func TestPrincipal(t *testing.T) {
	for identity, want := range map[string]string{
		`{"type":"AssumedRole","arn":"arn:aws-cn:sts::111122223333:assumed-role/r/s"}`:                                                                              "arn:aws-cn:iam::111122223333:role/r",
		`{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/p/a","sessionContext":{"sessionIssuer":{}}}`:                                                       "arn:aws:iam::111122223333:user/p/a",
		`{"type":"Root","arn":"arn:aws:iam::111122223333:root"}`:                                                                                                    "arn:aws:iam::111122223333:root",
		`{"type":"Root","accountId":"111122223333"}`:                                                                                                                "arn:aws:iam::111122223333:root",
		`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`:                                                                                                     "ec2.amazonaws.com",
		`{"accountId":"111122223333","invokedBy":"AWS Internal"}`:                                                                                                   "AWS Internal",
		`{"type":"AWSAccount","principalId":"AROAX:s","accountId":"111122223333"}`:                                                                                  "111122223333",
		`{"type":"AWSAccount","principalId":"","accountId":"anonymous"}`:                                                                                            "anonymous",
		`{"type":"SAMLUser","principalId":"x:y","userName":"u"}`:                                                                                                    "x:y",
		`{"type":"FederatedUser","arn":"arn:aws:sts::111122223333:federated-user/J","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:user/i"}}}`: "arn:aws:sts::111122223333:federated-user/J",
		`{"type":"IAMUser","userName":"u","accountId":"111122223333"}`:                                                                                              "arn:aws:iam::111122223333:user/u",
		`{"type":"Unknown"}`: "",
	} {
		if got := mustEvent(t, `{"eventName":"X","userIdentity":`+identity+`}`).Principal(); got != want {
			t.Errorf("%s: got %q, want %q", identity, got, want)
		}
	}
	if got := RoleKey("arn:aws:iam::111122223333:role/a/b/r"); got != RoleKey("arn:aws:sts::111122223333:assumed-role/r/s") {
		t.Errorf("role keys differ: %s", got)
	}
}

func TestRealEventsParse(t *testing.T) {
	events := realEvents(t)
	natives := 0
	for _, e := range events {
		if e.Native {
			natives++
		} else if e.EventType == "AwsApiCall" && e.Principal() == "" && e.Identity.Type != "Unknown" && e.Identity.Type != "" {
			t.Errorf("%s %s: no principal in %+v", e.Source(), e.ID, e.Identity)
		}
	}
	t.Logf("%d records, %d EventBridge state changes", len(events), natives)
	if natives == 0 {
		t.Error("no EventBridge state change among the samples")
	}
}
