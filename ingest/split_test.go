package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// rec makes a small record whose eventID is id.
func rec(id string) string {
	return `{"eventVersion":"1.08","eventName":"GetObject","eventSource":"s3.amazonaws.com","eventID":"` + id + `"}`
}

// found is what a splitter found in a text.
type found struct {
	Records []string // eventIDs, with their positions
	Bad     []int
	Others  []string
	Points  []string
	Err     string
}

func (f *found) record(r *Record, index int) error {
	id, _ := r.Text(EventID, nil)
	f.Records = append(f.Records, fmt.Sprintf("%d:%s", index, id))
	return nil
}
func (f *found) malformed(index int, _ int64, _ string) { f.Bad = append(f.Bad, index) }
func (f *found) other(s Shape)                          { f.Others = append(f.Others, s.String()) }

func (f *found) points(name string) { f.Points = append(f.Points, name) }

func split(w window) *found {
	f := &found{}
	s := splitter{win: w, visit: f, maxRecord: 1 << 16, counters: counters{packable: 1 << 20}}
	if err := s.run(); err != nil {
		f.Err = err.Error()
	}
	return f
}

// splitCase is a text and what is in it.
type splitCase struct {
	name, text string
	want       found
}

func splitCases() []splitCase {
	a, b, c := rec("a"), rec("b"), rec("c")
	ab := []string{"0:a", "1:b"}
	return []splitCase{
		{"delivery", `{"Records":[` + a + `,` + b + `]}`, found{Records: ab}},
		{"delivery with more keys", `{"Records":[` + a + `,` + b + `],"next":{"x":[1]}}`, found{Records: ab}},
		{"Records not first", `{"v":1,"Records":[` + a + `,` + b + `]}`, found{Records: ab}},
		{"pretty-printed", "{\n \"Records\" : [\n" + a + " ,\r\n" + b + "\n]\n}\n", found{Records: ab}},
		{"byte order mark", "\xef\xbb\xbf" + `{"Records":[` + a + `]}`, found{Records: ab[:1]}},
		{"bare array", `[` + a + `,` + b + `]`, found{Records: ab}},
		{"one record", a, found{Records: ab[:1]}},
		{"NDJSON", a + "\n" + b + "\n", found{Records: ab}},
		{"concatenated", a + b, found{Records: ab}},
		{"deliveries concatenated", `{"Records":[` + a + `]}{"Records":[` + b + `]}`, found{Records: ab}},
		{"no records", `{"Records":[]}`, found{}},
		{"null records", `{"Records":null}`, found{Others: []string{"empty"}}},
		{"EventBridge", `{"detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":` + a + `}`, found{Records: ab[:1]}},
		{"EventBridge, something else", `{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, found{Others: []string{"eventbridge"}}},
		{"native state change", `{"id":"n","detail-type":"CodePipeline Pipeline Execution State Change","source":"aws.codepipeline","time":"2026-01-02T03:04:05Z","detail":{"state":"FAILED"}}`, found{Records: []string{"0:n"}}},
		{"log shipper", `[{"aws":{"cloudtrail":` + a + `}},{"_source":` + b + `}]`, found{Records: ab}},
		{"log events", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":` + quote(a) + `},{"id":"2","message":` + quote(b) + `}]}`, found{Records: ab}},
		{"lookup events", `{"Events":[{"EventId":"a","CloudTrailEvent":` + quote(a) + `}]}`, found{Records: ab[:1]}},
		{"log events streamed", `{"logEvents":[{"id":"1","message":` + quote(a) + `},{"id":"2","message":` + quote(b) + `}],"messageType":"DATA_MESSAGE"}`, found{Records: ab}},
		{"log event of something else", `{"logEvents":[{"id":"1","message":"START RequestId"}]}`, found{Others: []string{"other"}}},
		{"S3 notification", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"x","eventTime":"t","s3":{}}]}`, found{Others: []string{"notification"}}},
		{"delivery notification", `{"Type":"Notification","Message":"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"k1\",\"k2\"]}"}`, found{Others: []string{"notification"}, Points: []string{"s3://b/k1", "s3://b/k2"}}},
		{"delivery notification in a queue", `{"Messages":[{"MessageId":"1","Body":` + quote(`{"Type":"Notification","Message":"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"k1\"]}"}`) + `}]}`, found{Others: []string{"notification"}, Points: []string{"s3://b/k1"}}},
		{"S3 notification of an object", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a+b%2Fc"}}}]}`, found{Others: []string{"notification"}, Points: []string{"s3://b/a b/c"}}},
		{"S3 notification through EventBridge", `{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"a b"}}}`, found{Others: []string{"eventbridge"}, Points: []string{"s3://b/a b"}}},
		{"words in a topic", `{"Type":"Notification","Message":"{\"half"}`, found{Others: []string{"notification"}}},
		{"record in a queue", `{"Records":[{"messageId":"1","eventSource":"aws:sqs","awsRegion":"r","body":` + quote(`{"detail-type":"x","detail":`+a+`}`) + `}]}`, found{Records: ab[:1]}},
		{"control message", `{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE"}]}`, found{Others: []string{"control"}}},
		{"subscription to a function", `{"awslogs":{"data":"` + packed(`{"messageType":"DATA_MESSAGE","logEvents":[{"message":`+quote(a)+`},{"message":`+quote(b)+`}]}`) + `"}}`, found{Records: ab}},
		{"subscription to a stream", `{"Records":[{"kinesis":{"data":"` + packed(`{"logEvents":[{"message":`+quote(a)+`}]}`) + `"},"eventSource":"aws:kinesis","eventName":"aws:kinesis:record","eventVersion":"1.0","awsRegion":"r"}]}`, found{Records: ab[:1]}},
		{"damaged subscription", `{"awslogs":{"data":"` + packed(`{"logEvents":[{"message":` + quote(a) + `}]}`)[:80] + `"}}`, found{Bad: []int{0}}},
		{"subscription larger than an object may be", `{"awslogs":{"data":"` + packed(strings.Repeat(" ", 1<<20)+a) + `"}}`, found{Bad: []int{0}}},
		{"something in base64", `{"data":"eyJub3QiOiJhIHJlY29yZCJ9"}`, found{Others: []string{"other"}}},
		{"Logs Insights", `{"results":[[{"field":"@timestamp","value":"t"},{"field":"@message","value":` + quote(a) + `},{"field":"@ptr","value":"p"}],[{"field":"@message","value":` + quote(b) + `}]],"status":"Complete"}`, found{Records: ab}},
		{"Logs Insights, columns only", `{"status":"Complete","results":[[{"field":"eventName","value":"x"}]]}`, found{Others: []string{"other"}}},
		{"Logs Insights, from the console", `[{"@timestamp":"t","@message":` + a + `},{"@timestamp":"t","@message":` + quote(b) + `}]`, found{Records: ab}},
		{"search engine", `{"took":1,"hits":{"total":2,"hits":[{"_id":"1","_source":` + a + `},{"_source":{"event":{"original":` + quote(b) + `}}}]}}`, found{Records: ab}},
		{"original beside what a shipper made of it", `{"aws":{"cloudtrail":{"event_version":"1"}},"event":{"original":` + quote(a) + `}}`, found{Records: ab[:1]}},
		{"two records in one object", `{"owner":` + a + `,"caller":{"x":` + b + `}}`, found{Records: ab}},
		{"a policy in a string", `{"policy":"{\"Version\":oops}"}`, found{Others: []string{"other"}}},
		{"state change by a notification rule", `{"detailType":"CodePipeline Pipeline Execution State Change","source":"aws.codepipeline","account":"1","time":"2026-01-02T03:04:05Z","detail":{"s3":{},"x":"{\"Records\":[]}"}}`, found{Records: []string{"0:"}}},
		{"OCSF", `{"class_uid":6003,"metadata":{"uid":"a"},"unmapped":{"x":1}}`, found{Others: []string{"ocsf"}}},
		{"OCSF with the record", `{"class_uid":6003,"raw_data":` + quote(a) + `}`, found{Records: ab[:1]}},
		{"Lake rows", `{"QueryStatus":"FINISHED","QueryResultRows":[[{"eventID":"a"}]]}`, found{Others: []string{"query-result"}}},
		{"export lines", "2026-01-02T03:04:05.678Z " + a + "\n1767323045678 " + b + "\r\n", found{Records: ab}},
		{"export lines of other logs", "2026-01-02T03:04:05.678Z START\n[ERROR] trace\n{ not json\n2026-01-02T03:04:05.678Z " + a, found{Records: ab[:1], Others: []string{"other"}}},
		{"export lines, one broken", "2026-01-02T03:04:05.678Z " + a + "\n2026-01-02T03:04:05.678Z {\"eventVersion\":\nstray\n2026-01-02T03:04:05.678Z " + c, found{Records: []string{"0:a", "3:c"}, Bad: []int{1, 2}}},
		{"aws logs tail", "2026-01-02T03:04:05.678000+00:00 1_CloudTrail_us-east-1 " + a + "\n", found{Records: ab[:1]}},
		{"digest", `{"awsAccountId":"1","digestS3Object":"k","logFiles":[]}`, found{Others: []string{"digest"}}},
		{"insight", `{"Records":[{"eventVersion":"1.08","eventTime":"t","awsRegion":"r","eventID":"i","eventType":"AwsCloudTrailInsight","insightDetails":{}}]}`, found{Others: []string{"insight"}}},
		{"other JSON", `{"hello":"world"}`, found{Others: []string{"other"}}},
		{"text", "Apache License", found{Err: "not JSON"}},
		{"bad record in the middle", `{"Records":[` + a + `,{"eventVersion":"1.08","x":"\q","y":{"z":1}},` + c + `]}`, found{Records: []string{"0:a", "2:c"}, Bad: []int{1}}},
		{"bad record at the end", `{"Records":[` + a + `,{"eventVersion":01}]}`, found{Records: ab[:1], Bad: []int{1}}},
		{"unbalanced record", `{"Records":[` + a + `,{"eventVersion":"1","u":"a"b",` + c + `]}`, found{Records: []string{"0:a", "2:c"}, Bad: []int{1}}},
		{"values that are no objects", `{"Records":[` + a + `,null,5,"x",` + b + `]}`, found{Records: []string{"0:a", "4:b"}, Bad: []int{1, 2, 3}}},
		{"stray brackets", `[` + a + `}}},` + b + `]`, found{Records: []string{"0:a", "2:b"}, Bad: []int{1}}},
		{"trailing comma", `[` + a + `,]`, found{Records: ab[:1], Bad: []int{1}}},
		{"bad line", a + "\n{\"eventVersion\":oops}\n" + c + "\n", found{Records: []string{"0:a", "2:c"}, Bad: []int{1}}},
		{"text between lines", a + "\nhello\n" + c + "\n", found{Records: []string{"0:a", "2:c"}, Bad: []int{1}}},
		{"cut off in a list", `{"Records":[` + a + `,` + b[:40], found{Records: ab[:1], Err: errTruncated.Error()}},
		{"cut off behind a list", `{"Records":[` + a + `]`, found{Records: ab[:1], Err: errTruncated.Error()}},
		{"cut off in a line", a + "\n" + b[:40], found{Records: ab[:1], Bad: []int{1}}},
		{"too large", `[` + a + `,{"eventVersion":"` + strings.Repeat("x", 1<<16) + `"},` + c + `]`, found{Records: []string{"0:a", "2:c"}, Bad: []int{1}}},
	}
}

func TestSplit(t *testing.T) {
	for _, test := range splitCases() {
		t.Run(test.name, func(t *testing.T) {
			got := split(window{buf: []byte(test.text)})
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("whole text (-want +got):\n%s", diff)
			}
			// The same through a window that fills a byte at a time.
			got = split(window{src: iotest.OneByteReader(strings.NewReader(test.text))})
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("streamed (-want +got):\n%s", diff)
			}
		})
	}
}

// packed is text as a log subscription hands it to a function.
func packed(text string) string {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	io.WriteString(zip, text)
	zip.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func quote(s string) string { return string(AppendQuoted(nil, []byte(s))) }

// A window that slides over a long text must give what the whole text gives.
func TestSplitSlides(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(`{"Records":[`)
	for i := range 20_000 {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(rec(fmt.Sprint(i)))
	}
	text.WriteString(`]}`)
	if text.Len() < windowSize {
		t.Fatalf("the text of %d bytes fits in one window", text.Len())
	}
	whole := split(window{buf: bytes.Clone(text.Bytes())})
	if len(whole.Records) != 20_000 || whole.Err != "" {
		t.Fatalf("%d records, error %q", len(whole.Records), whole.Err)
	}
	slid := split(window{src: &text})
	if diff := cmp.Diff(whole, slid); diff != "" {
		t.Error(diff)
	}
}

func TestSplitReadError(t *testing.T) {
	r := io.MultiReader(strings.NewReader(`{"Records":[`+rec("a")+`,`), iotest.ErrReader(io.ErrNoProgress))
	if got := split(window{src: r}); got.Err != io.ErrNoProgress.Error() {
		t.Errorf("error %q", got.Err)
	}
}

// Text made to be looked at again and again must not take long.
func TestSplitHostile(t *testing.T) {
	for name, unit := range map[string]string{
		"starts of records": `{"eventVersion" x `,
		"open braces":       `{`,
		"open lists":        `[`,
		"commas":            `,`,
		"quotes":            `"`,
		"wrappers":          `{"a":{"a":{"a":`,
		"empty objects":     `{},`,
	} {
		t.Run(name, func(t *testing.T) {
			got := split(window{buf: []byte("[" + strings.Repeat(unit, 1<<20/len(unit)))})
			if len(got.Records) > 0 {
				t.Errorf("%d records out of nothing", len(got.Records))
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, c := range splitCases() {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := split(window{buf: bytes.Clone(text)})
		streamed := split(window{src: iotest.HalfReader(bytes.NewReader(text))})
		if diff := cmp.Diff(whole, streamed); diff != "" {
			t.Fatalf("streaming changes the answer (-whole +streamed):\n%s", diff)
		}
	})
}

// envelopes wrap one record, one function for each of the forms that hold
// exactly one.
var envelopes = map[string]func(record string) string{
	"delivery": func(r string) string { return `{"Records":[` + r + `]}` },
	"log event": func(r string) string {
		return `{"messageType":"DATA_MESSAGE","logEvents":[{"message":` + quote(r) + `}]}`
	},
	"filtered logs": func(r string) string { return `{"events":[{"message":` + quote(r) + `}],"nextToken":"x"}` },
	"function": func(r string) string {
		return `{"awslogs":{"data":"` + packed(`{"logEvents":[{"message":`+quote(r)+`}]}`) + `"}}`
	},
	"looked up": func(r string) string {
		return `{"NextToken":"x","Events":[{"EventId":"a","CloudTrailEvent":` + quote(r) + `}]}`
	},
	"EventBridge":   func(r string) string { return `{"detail-type":"x","source":"aws.codecommit","detail":` + r + `}` },
	"queue":         func(r string) string { return `{"Messages":[{"Body":` + quote(r) + `}]}` },
	"topic":         func(r string) string { return `{"Type":"Notification","Message":` + quote(r) + `}` },
	"Logs Insights": func(r string) string { return `{"results":[[{"field":"@message","value":` + quote(r) + `}]]}` },
	"export":        func(r string) string { return "2026-01-02T03:04:05.678Z " + r + "\n" },
	"shipper":       func(r string) string { return `{"a":{"b":[{"c":` + r + `}]}}` },
	"text":          func(r string) string { return `{"a":{"b":` + quote(r) + `}}` },
}

// A record is the same record in whatever it is wrapped.
func FuzzEnvelopes(f *testing.F) {
	f.Add(rec("a"))
	f.Add(`{"eventVersion":"1","eventName":"\u00e9\n\"","eventID":"x","message":"{\"Records\":[]}","requestParameters":{"Records":[{}],"detail":{"data":"H4sI"}}}`)
	f.Add("{\"eventVersion\":1e400,\"eventName\":null,\"eventID\":\"\xff\x7f\",\"results\":[],\"type\":\"x\",\"source\":\"aws.codebuild\"}")
	f.Fuzz(func(t *testing.T, record string) {
		if strings.ContainsAny(record, "\r\n") || !strings.HasPrefix(record, `{"`) || !strings.HasSuffix(record, "}") {
			return
		}
		bare := rawRecords(record)
		if len(bare) != 1 || bare[0] != record || strings.Contains(record, `"detail`) {
			return // a state change inside a state change is the outer one
		}
		for name, wrap := range envelopes {
			if got := rawRecords(wrap(record)); len(got) != 1 || got[0] != record {
				t.Errorf("%s: %q gives %q", name, record, got)
			}
		}
	})
}

func rawRecords(text string) (list []string) {
	s := splitter{win: window{buf: []byte(text)}, visit: visitFunc{&found{}, func(r *Record) { list = append(list, string(r.Raw)) }},
		maxRecord: 1 << 16, counters: counters{packable: 1 << 20}}
	if err := s.run(); err != nil {
		return nil
	}
	return list
}
