package ingest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const (
	lineHead = `79a59d artifacts [06/Feb/2019:01:00:38 +0100] 192.0.2.3 `
	lineTail = ` 243 - 12 - "-" "aws-cli/2.0" - hostid= SigV4 ECDHE AuthHeader artifacts.s3.eu-west-1.amazonaws.com TLSv1.2 - Yes`
	session  = "arn:aws:sts::111122223333:assumed-role/Build/1"
)

func accessRecord(t *testing.T, line string) map[string]any {
	t.Helper()
	var records []string
	f := &found{}
	s := splitter{win: window{buf: []byte(line)}, visit: visitFunc{f, func(r *Record) { records = append(records, string(r.Raw)) }}, maxRecord: 1 << 16}
	if err := s.run(); err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v, error %v", len(records), f, err)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(records[0]), &m); err != nil {
		t.Fatalf("%s: %v", records[0], err)
	}
	return m
}

// visitFunc sees each record beside what found keeps of it.
type visitFunc struct {
	*found
	see func(*Record)
}

func (v visitFunc) record(r *Record, index int) error {
	v.see(r)
	return v.found.record(r, index)
}

func TestAccessLine(t *testing.T) {
	line := lineHead + session + ` REQ1 REST.GET.OBJECT dir/a%2520b "GET /dir/a%20b?x=1 HTTP/1.1" 403 AccessDenied` + lineTail + ` and more`
	got := accessRecord(t, line)
	want := map[string]any{
		"eventTime":   "2019-02-06T00:00:38Z",
		"eventSource": "s3.amazonaws.com", "eventName": "REST.GET.OBJECT", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.3",
		"userAgent": "aws-cli/2.0", "errorCode": "AccessDenied", "requestID": "REQ1", "eventType": "S3ServerAccessLog", "eventID": got["eventID"],
		"userIdentity":        map[string]any{"type": "AssumedRole", "arn": session, "accountId": "111122223333"},
		"requestParameters":   map[string]any{"bucketName": "artifacts", "key": "dir/a b", "Host": "artifacts.s3.eu-west-1.amazonaws.com"},
		"additionalEventData": map[string]any{"line": line, "httpStatus": 403.0, "x-amz-id-2": "hostid="},
		"resources": []any{
			map[string]any{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::artifacts/dir/a b"},
			map[string]any{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::artifacts"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again, other := accessRecord(t, line), accessRecord(t, line+"x")
	if again["eventID"] != got["eventID"] || other["eventID"] == got["eventID"] {
		t.Errorf("ids %v, %v, %v", got["eventID"], again["eventID"], other["eventID"])
	}
}

// What a client can write into a request must not change what is said about it.
func TestAccessLineHostile(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want map[string]any
	}{
		"quotes in the user agent": {
			lineHead + session + ` R REST.GET.OBJECT k "GET /k HTTP/1.1" 403 AccessDenied 243 - 12 - "-" "x" - other SigV4 - AuthHeader evil.s3.us-east-1.amazonaws.com "" - hostid= SigV4 E AuthHeader b.s3-eu-west-3.amazonaws.com TLSv1.2`,
			map[string]any{"userAgent": `x" - other SigV4 - AuthHeader evil.s3.us-east-1.amazonaws.com "`, "awsRegion": "eu-west-3", "errorCode": "AccessDenied"},
		},
		"a status in the referer": {
			lineHead + session + ` R REST.GET.OBJECT k "GET /k HTTP/1.1" 403 AccessDenied 243 - 12 - "http://x/" 200 - 1 1 1 1 "-" "y" - h`,
			map[string]any{"errorCode": "AccessDenied", "awsRegion": nil},
		},
		"HEAD": {
			lineHead + `- R REST.HEAD.OBJECT k "HEAD /k HTTP/1.1" 403 -` + lineTail,
			map[string]any{"errorCode": nil, "errorMessage": "403 Forbidden", "userIdentity": map[string]any{"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}},
		},
		"success": {
			lineHead + `79a59d R REST.GET.BUCKET - "GET / HTTP/1.1" 200 -` + lineTail,
			map[string]any{"errorCode": nil, "errorMessage": nil, "userIdentity": map[string]any{"type": "AWSAccount", "principalId": "79a59d"}},
		},
		"lifecycle": {
			`79a59d artifacts [06/Feb/2019:00:00:38 +0000] - AmazonS3 R S3.EXPIRE.OBJECT k "-" - - - 9 - - "-" "-" - h= - - - - - - -`,
			map[string]any{"eventName": "S3.EXPIRE.OBJECT", "sourceIPAddress": nil, "userAgent": nil, "userIdentity": map[string]any{"type": "AWSService", "invokedBy": "AmazonS3"}},
		},
		"service": {
			lineHead + `svc:delivery.logs.amazonaws.com R REST.PUT.OBJECT k "PUT /k HTTP/1.1" 200 -` + lineTail,
			map[string]any{"userIdentity": map[string]any{"type": "AWSService", "invokedBy": "delivery.logs.amazonaws.com"}},
		},
		"bytes that are no text": {
			lineHead + "- R REST.GET.OBJECT k%ff%zz \"GET /\x1b[2J\xff HTTP/1.1\" 400 InvalidURI" + lineTail,
			map[string]any{"errorCode": "InvalidURI"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := accessRecord(t, c.line)
			for k, v := range c.want {
				if diff := cmp.Diff(v, got[k]); diff != "" {
					t.Errorf("%s: %s", k, diff)
				}
			}
		})
	}
}

func TestAccessLinesMalformed(t *testing.T) {
	good := lineHead + session + ` R REST.GET.OBJECT k "GET /k HTTP/1.1" 403 AccessDenied` + lineTail
	text := good + "\n" + good[:150] + "\n\nhello\n" + strings.Replace(good, " 403 ", " 4o3 ", 1) + "\n" + lineHead + strings.Repeat("x", 1<<16) + "\n" + rec("a") + "\n" + good
	want := split(window{buf: []byte(text)})
	if len(want.Records) != 3 || len(want.Bad) != 4 || want.Err != "" {
		t.Errorf("%+v", want)
	}
	got := split(window{src: iotest.OneByteReader(strings.NewReader(text))})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streamed: %s", diff)
	}
}

// The lines of the documents come back as they are.
func TestAccessLogSample(t *testing.T) {
	path := filepath.Join(sharedFolder(t, "facts/samples"), "s3_access_log.txt")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	records, entry := readAllOf(t, path)
	for _, r := range records {
		var m struct {
			EventName string `json:"eventName"`
			Extra     struct {
				Line string `json:"line"`
			} `json:"additionalEventData"`
		}
		if err := json.Unmarshal([]byte(r), &m); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(m.EventName, "REST.") || !strings.Contains(m.Extra.Line, m.EventName) {
			t.Errorf("%s for %s", m.EventName, m.Extra.Line)
		}
		got = append(append(got, m.Extra.Line...), '\n')
	}
	if n := bytes.Count(content, []byte("REST.")); n == 0 || len(records) != n || entry.Malformed > 0 {
		t.Errorf("%d records of %d lines, %+v", len(records), n, entry)
	}
	if diff := cmp.Diff(strings.TrimRight(string(content), "\n"), strings.TrimRight(string(got), "\n")); diff != "" {
		t.Error(diff)
	}
}

func FuzzAccessLine(f *testing.F) {
	f.Add([]byte(lineHead + session + ` R REST.GET.OBJECT k "GET /k HTTP/1.1" 403 AccessDenied` + lineTail))
	f.Add([]byte(lineHead + "- R O k \"\x00\xff\\ \" - - - - - - \"-\" \"\\\""))
	f.Fuzz(func(t *testing.T, line []byte) {
		a, reason := parseAccessLine(line)
		if reason != "" {
			return
		}
		out := a.appendRecord(nil, line)
		check := scanner{b: bytes.Clone(out)}
		if end, err := check.value(0, 0); err != nil || end != len(out) {
			t.Fatalf("%q gives %q: %v", line, out, err)
		}
		var d Decoder
		r, err := d.Decode(out, false)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(r.Token(AdditionalEventData), &m) != nil || string(Unquote(nil, m["line"])) != string(line) {
			t.Fatalf("%q came back as %s", line, r.Token(AdditionalEventData))
		}
	})
}
