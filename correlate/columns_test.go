package correlate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/large"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// oddRecords are records that columns cannot hold, or hold in another spelling,
// and such as look like what they are not.
func oddRecords() []string {
	const frame = `"eventVersion":"1.11","eventTime":"2026-03-01T10:00:%02dZ","eventSource":"s3.amazonaws.com","awsRegion":"us-east-1","recipientAccountId":"111122223333"`
	members := []string{
		`"eventID":"a1","eventName":"GetObject","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a","accountId":"111122223333"}`,
		`"eventID":"a2","eventName":["GetObject"],"userIdentity":[{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a"}]`,
		`"eventID":3,"eventName":"GetObject","userIdentity":"nobody","errorCode":403,"errorMessage":null`,
		`"eventId":"a4","eventName":"GetObject","userIdentity":null,"requestParameters":"bucketName"`,
		`"eventID":"a5","eventName":"Get\u004fbject","errorCode":"Access\/Denied","errorMessage":"\ud800 \"x\" arn:aws:s3:::b"`,
		`"eventID":"a6","eventName":"GetObject","eventName":"PutObject","userIdentity":{"arn":"x"},"userIdentity":{"type":"Root"}`,
		`"eventID":"a7","eventName":"GetObject","userIdentity":{"type":"AssumedRole","arn":"","accountId":"444455556666","sessionContext":[{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/r","type":"Role"},"attributes":{"mfaAuthenticated":true,"creationDate":"20260301T090000Z"}}]}`,
		`"eventID":"a8","eventName":"GetObject","requestParameters":[{"bucketName":"b","key":"k"}],"resources":{"ARN":"arn:aws:s3:::b/k"},"additionalEventData":[1,{"x":null}]`,
		`"eventID":"a9","eventName":"GetObject","resources":{"items":[{"ARN":"arn:aws:s3:::b"},{"ARNPrefix":"arn:aws:s3:::b/"},7]},"readOnly":"True","errorCode":["AccessDenied"]`,
		`"eventID":"b1","eventName":"GetObject","readOnly":"true","addendum":{"reason":"UPDATED_DATA","originalEventID":"a1"},"sharedEventID":"s"`,
		`"eventID":"b2","eventName":"GetObject","addendum":[{"reason":"UPDATED_DATA","originalEventID":"a2"}],"eventCategory":"Data"`,
		`"eventID":"b3","eventName":"GetObject","detail-type":"x","detail":{"eventName":"y"},"eventCategory":["Data"]`,
		`"eventID":"b4","eventName":"GetObject","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"y","eventSource":"z"}`,
		`"eventID":"b5","eventName":"REST.GET.OBJECT","additionalEventData":{"line":"o b [01/Mar/2026:10:00:00 +0000] 1.2.3.4 - R REST.GET.OBJECT k \"GET /k HTTP/1.1\" 403 AccessDenied"},"vpcEndpointId":"vpce-1"`,
		`"eventID":"b6","eventName":"GetObject","errorCode":"AccessDenied","errorMessage":"User: arn:aws:iam::111122223333:user/a is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\"","sourceIPAddress":"10.0.0.1","userAgent":"é \u0001","requestID":"R"`,
		"\"eventID\":\"b7\",\"eventName\":\"GetObject\xff\",\"errorCode\":\"AccessDenied\",\"requestParameters\":{\"bucketName\":\"b\xfe\"}",
		`"eventID":"b8","eventName":"AttachUserPolicy","eventSource":"iam.amazonaws.com","requestParameters":{"userName":"a","policyArn":"arn:aws:iam::aws:policy/X"},"responseElements":{"a":{"a":{"a":{}}}}`,
		`"eventID":"","eventName":"GetObject","recipientAccountId":"","userIdentity":{"accountId":"444455556666","invokedBy":"s3.amazonaws.com","sessionContext":{"sourceIdentity":"me"}}`,
		`"eventID":"b9","eventName":"GetObject","recipientAccountId":444455556666,"serviceEventDetails":{"x":[{}]},"sourceIPAddress":["10.0.0.1"]`,
	}
	var list []string
	for i, m := range members {
		list = append(list, "{"+fmt.Sprintf(frame, i)+","+m+"}")
	}
	return append(list,
		`{"eventVersion":"1.11","eventTime":"never","eventID":"t1","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`,
		`{"eventVersion":"1.11","eventTime":"2026-03-01T10:00:00.5+01:00","eventID":"t2","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`,
		`{"version":"0","id":"n1","detail-type":"CodePipeline Pipeline Execution State Change","source":"aws.codepipeline","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"us-east-1","resources":["arn:aws:codepipeline:us-east-1:111122223333:p"],"detail":{"pipeline":"p","state":"FAILED"}}`,
		`{"version":"0","id":"n2","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","account":"111122223333","time":"2026-03-01T10:00:00Z","region":"us-east-1","detail":{"eventVersion":"1.11","eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"n2"}}`,
	)
}

func oddTrail(t *testing.T) string {
	dir := t.TempDir()
	text := `{"Records":[` + strings.Join(oddRecords(), ",") + `]}`
	if err := os.WriteFile(filepath.Join(dir, "odd.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// indexed reads a folder into a new index.
func indexed(t *testing.T, folder string) *query.Engine {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ix")
	w, err := index.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	src, err := ingest.NewLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	opts := ingest.Options{Workers: 2, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink}
	if err := ingest.Run(context.Background(), []ingest.Source{src}, opts); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	ix, err := index.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return query.NewEngine(ix)
}

func found(t *testing.T, q *query.Engine, f query.Filter) []*query.Event {
	t.Helper()
	var all []*query.Event
	for e, err := range q.Events(context.Background(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// An Event made of columns is the one made of the record, in all that is looked
// up in it: of real trails, a large one, and records that are odd.
func TestColumnsTellWhatTheRecordTells(t *testing.T) {
	generated := filepath.Join(t.TempDir(), "large")
	if testing.Short() {
		t.Log("the large trail is not compared in short runs")
	} else if _, _, err := large.Write(generated, large.Options{Seed: 3, Events: 10_000, Workers: 2, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Days: 2, Denials: 500}); err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{"odd": oddTrail(t), "generated": generated, "bundled": filepath.Join("..", "testdata", "trails")}
	t.Run("real", func(t *testing.T) { // skipped alone, and loudly
		compareColumns(t, sharedFolder(t, "trails"), 0.5)
	})
	for name, dir := range folders {
		t.Run(name, func(t *testing.T) {
			least := 0.9
			if name == "odd" {
				least = 0.5
			}
			if name == "generated" && testing.Short() {
				t.Skip("not in short runs")
			}
			compareColumns(t, dir, least)
		})
	}
}

// compareColumns reads a trail twice over for each projection. At least a share
// of its events must have been made of columns.
func compareColumns(t *testing.T, folder string, least float64) {
	engine := indexed(t, folder)
	whole := found(t, engine, query.Filter{})
	var all []ingest.Column
	for c := range ingest.NumColumns {
		if c != ingest.EventTime {
			all = append(all, c)
		}
	}
	for _, p := range []struct {
		name  string
		of    *query.Projection
		check func(t *testing.T, want, got *Event)
	}{
		{"all", query.NewProjection(all...), sameEvent}, {"successes", successes, sameSuccess},
		{"refusals", refusals, sameRefusal}, {"changes", changes, sameChange},
	} {
		parts := found(t, engine, query.Filter{Only: p.of})
		if len(parts) != len(whole) || len(whole) == 0 {
			t.Fatalf("%d events by columns, %d by records", len(parts), len(whole))
		}
		made := 0
		var c *collector
		var n *neighbourhood
		for i, q := range parts {
			if i%300 == 0 { // so that they do not give up on events that are alike
				c, n = newCollector(nil), &neighbourhood{}
			}
			if i%97 == 0 || len(whole) < 100 { // each opens the segment anew
				if raw, err := q.Record(); err != nil || string(raw) != string(whole[i].Raw) {
					t.Fatalf("%s: event %d by columns is another: %.200s, %v; want %.200s", p.name, i, raw, err, whole[i].Raw)
				}
			}
			want, err1 := ParseEvent(whole[i])
			got, err2 := ParseEvent(q)
			if err1 != nil || err2 != nil {
				t.Fatalf("%v, %v", err1, err2)
			}
			if q.Raw == nil && fromColumns(q) != nil {
				made++
			}
			p.check(t, want, got)
			switch p.of {
			case refusals:
				sameSighting(t, c, want, q)
			case successes:
				sameKeeping(t, n, want, q)
			}
			if t.Failed() {
				t.Fatalf("%s: of %.2000s", p.name, whole[i].Raw)
			}
		}
		if float64(made) < least*float64(len(whole)) {
			t.Errorf("%s: only %d of %d events were made of columns", p.name, made, len(whole))
		}
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: by columns\n%#v\nby the record\n%#v", what, got, want)
	}
}

// withoutRecord is an event without its Record.
func withoutRecord(e *Event) Event {
	b := *e
	b.Record = nil
	return b
}

func projected(e *Event) (FailedRequest, bool) {
	r, failed := FailureOf(e)
	r.Event = nil
	return r, failed
}

// sameRequest compares what is looked up in a call.
func sameRequest(t *testing.T, want, got *Event) {
	t.Helper()
	r1, failed1 := projected(want)
	r2, failed2 := projected(got)
	same(t, "FailureOf", r1, r2)
	same(t, "FailureOf", failed1, failed2)
	same(t, "principal", want.PrincipalRef(), got.PrincipalRef())
	same(t, "place", placeOf(want), placeOf(got))
	same(t, "key", eventKey(want), eventKey(got))
	same(t, "correction", isCorrection(want), isCorrection(got))
	same(t, "source", want.Source(), got.Source())
	same(t, "time", want.Time, got.Time)
	same(t, "ids", []string{want.ID, want.Account, want.Region, want.Name, want.EventSource, want.Identity.AccessKeyID}, []string{got.ID, got.Account, got.Region, got.Name, got.EventSource, got.Identity.AccessKeyID})
	same(t, "native", want.Native, got.Native)
	same(t, "pull request", Str(want.Params, "pullRequestId"), Str(got.Params, "pullRequestId"))
}

func sameEvent(t *testing.T, want, got *Event) {
	t.Helper()
	same(t, "event", withoutRecord(want), withoutRecord(got))
	same(t, "class", ClassOf(want), ClassOf(got))
	sameRequest(t, want, got)
	for k, v := range got.Record {
		same(t, "record "+k, want.Record[k], v)
	}
}

func sameRefusal(t *testing.T, want, got *Event) {
	t.Helper()
	sameRequest(t, want, got)
	same(t, "class", ClassOf(want), ClassOf(got))
	same(t, "category", Str(want.Record, "eventCategory"), Str(got.Record, "eventCategory"))
	same(t, "caller", callerHints(want), callerHints(got))
	same(t, "error", []string{want.ErrorCode, want.ErrorMessage, want.SharedEventID, want.VpcEndpointID, want.SourceIP, want.nativeName()},
		[]string{got.ErrorCode, got.ErrorMessage, got.SharedEventID, got.VpcEndpointID, got.SourceIP, got.nativeName()})
}

// sameSighting compares what is made of an event that may be like earlier ones.
func sameSighting(t *testing.T, c *collector, want *Event, q *query.Event) {
	t.Helper()
	s, refused, err := c.sight(q)
	r, failed := FailureOf(want)
	if err != nil || refused != (failed && c.refused(want) && !want.Time.IsZero()) {
		t.Errorf("sighting: refused %t, %v", refused, err)
	}
	if !refused {
		return
	}
	r.Event, s.r.Event = nil, nil
	same(t, "sighting", r, s.r)
	got := *s.e
	got.ID, got.Time, got.Object, got.Index = s.id, s.at, q.Object, q.Index
	sameRefusal(t, want, &got)
}

// sameKeeping compares what a success is told by before all of it is read, and what
// is made of it when it may be like earlier ones.
func sameKeeping(t *testing.T, n *neighbourhood, want *Event, q *query.Event) {
	t.Helper()
	s, ok, err := n.attempt(q)
	if ok == want.Time.IsZero() || err != nil {
		t.Errorf("attempt: %t, %v", ok, err)
	}
	if ok {
		got := *s.e
		got.ID, got.Time, got.Object, got.Index = s.id, s.at, q.Object, q.Index
		sameSuccess(t, want, &got)
	}
	if q.Values == nil || want.ErrorCode != "" || want.ErrorMessage != "" {
		return
	}
	p := newColumnParser()
	r, _ := FailureOf(want)
	if who := p.callerOf(q.Values); who != "" {
		same(t, "caller", entityKey(r.Principal), who)
	}
	if scope := p.scopeOf(q.Values); scope != "" {
		same(t, "scope", r.scope(), scope)
	}
}

func sameSuccess(t *testing.T, want, got *Event) {
	t.Helper()
	if want.ErrorCode == "" && want.ErrorMessage == "" && !want.Native {
		sameRequest(t, want, got)
	}
}

func sameChange(t *testing.T, want, got *Event) {
	t.Helper()
	a, b := newStep(want), newStep(got)
	for _, s := range []*step{a, b} {
		if s != nil {
			e := *s.ev
			e.UserAgent, e.RequestID, e.EventType, e.ReadOnly = "", "", "", false
			e.Identity.IssuerType, e.Identity.IssuerUserName, e.Identity.SessionCreated = "", "", want.Time
			s.ev = &e
		}
	}
	same(t, "step", a, b)
	same(t, "principal", want.PrincipalRef(), got.PrincipalRef())
	same(t, "actor", callerARN(want), callerARN(got))
	same(t, "key", eventKey(want), eventKey(got))
	same(t, "correction", isCorrection(want), isCorrection(got))
}
