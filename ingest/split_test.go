package ingest

import (
	"bytes"
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
	Err     string
}

func (f *found) record(r *Record, index int) error {
	id, _ := r.Text(EventID, nil)
	f.Records = append(f.Records, fmt.Sprintf("%d:%s", index, id))
	return nil
}
func (f *found) malformed(index int, _ int64, _ string) { f.Bad = append(f.Bad, index) }
func (f *found) other(s Shape)                          { f.Others = append(f.Others, s.String()) }

func split(w window) *found {
	f := &found{}
	s := splitter{win: w, visit: f, maxRecord: 1 << 16}
	if err := s.run(); err != nil {
		f.Err = err.Error()
	}
	return f
}

func TestSplit(t *testing.T) {
	a, b, c := rec("a"), rec("b"), rec("c")
	ab := []string{"0:a", "1:b"}
	for _, test := range []struct {
		name, text string
		want       found
	}{
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
		{"EventBridge, something else", `{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, found{Others: []string{"other"}}},
		{"native state change", `{"id":"n","detail-type":"CodePipeline Pipeline Execution State Change","source":"aws.codepipeline","time":"2026-01-02T03:04:05Z","detail":{"state":"FAILED"}}`, found{Records: []string{"0:n"}}},
		{"log shipper", `[{"aws":{"cloudtrail":` + a + `}},{"_source":` + b + `}]`, found{Records: ab}},
		{"log events", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":` + quote(a) + `},{"id":"2","message":` + quote(b) + `}]}`, found{Records: ab}},
		{"lookup events", `{"Events":[{"EventId":"a","CloudTrailEvent":` + quote(a) + `}]}`, found{Records: ab[:1]}},
		{"log event of something else", `{"logEvents":[{"id":"1","message":"START RequestId"}]}`, found{Others: []string{"other"}}},
		{"S3 notification", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"x","eventTime":"t","s3":{}}]}`, found{Others: []string{"notification"}}},
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
	} {
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
	f.Add([]byte(`{"Records":[` + rec("a") + `,{"x":1},null]}`))
	f.Add([]byte(rec("a") + "\n" + rec("b")))
	f.Add([]byte(`{"logEvents":[{"message":` + quote(rec("a")) + `}]}`))
	f.Add([]byte(`[` + rec("a") + `}}},{"aws":{"cloudtrail":` + rec("b") + `}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := split(window{buf: bytes.Clone(text)})
		streamed := split(window{src: iotest.HalfReader(bytes.NewReader(text))})
		if diff := cmp.Diff(whole, streamed); diff != "" {
			t.Fatalf("streaming changes the answer (-whole +streamed):\n%s", diff)
		}
	})
}
