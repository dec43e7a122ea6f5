package cloudwatch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/digest"
)

var (
	_ ingest.Source    = (*Source)(nil)
	_ digest.KeySource = (*Keys)(nil)
)

var quick = pace{first: time.Millisecond, timeout: 300 * time.Millisecond}

// source returns the source of the test server's group at a moment in time.
func (s *server) source(t *testing.T, now time.Time, opts Options) *Source {
	t.Helper()
	opts.Access = s.access()
	src, err := New(t.Context(), "cloudwatch://CloudTrail/logs", opts)
	if err != nil {
		t.Fatal(err)
	}
	src.pace, src.now = quick, func() time.Time { return now }
	return src
}

func (s *server) fill(n int) {
	for i := range n {
		s.events = append(s.events, event{epoch.Add(time.Duration(i) * time.Minute), fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"%d","userAgent":"<\"é`+"\u2028"+`>"}`, i)})
	}
}

func objects(t *testing.T, src *Source) []ingest.Object {
	t.Helper()
	var list []ingest.Object
	for obj, err := range src.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, obj)
	}
	return list
}

func read(t *testing.T, src *Source, name string) (string, error) {
	t.Helper()
	body, err := src.Open(t.Context(), ingest.Object{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// messages checks that text holds the messages of events, each as it was.
func messages(t *testing.T, text string, want []event) {
	t.Helper()
	lines := slices.Collect(strings.Lines(text))
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, line := range lines {
		var got struct{ Message string }
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Message != want[i].message {
			t.Errorf("line %d: %q, %v", i, line, err)
		}
	}
}

const firstHour = "cloudwatch://CloudTrail/logs/2026-01-02T03"

func TestPages(t *testing.T) {
	s := newServer(t)
	s.fill(100)
	s.empty = 3
	src := s.source(t, epoch.Add(5*time.Hour), Options{})
	text, err := read(t, src, firstHour)
	if err != nil {
		t.Fatal(err)
	}
	messages(t, text, s.events[:60])
	if len(s.calls) != 24 {
		t.Errorf("%d calls", len(s.calls))
	}
	text, err = read(t, src, strings.Replace(firstHour, "T03", "T04", 1))
	if err != nil {
		t.Fatal(err)
	}
	messages(t, text, s.events[60:])
	if text, err = read(t, src, strings.Replace(firstHour, "T03", "T07", 1)); text != emptySlice || err != nil {
		t.Errorf("empty hour: %q, %v", text, err)
	}
}

// A run through the ingest package gets every record, each once.
func TestIngest(t *testing.T) {
	s := newServer(t)
	s.fill(100)
	s.events = append(s.events, event{epoch, "no JSON"})
	sink := new(counter)
	err := ingest.Run(t.Context(), []ingest.Source{s.source(t, epoch.Add(3*time.Hour), Options{From: epoch})}, ingest.Options{
		Workers: 1, Limits: ingest.DefaultLimits, NewSink: func() ingest.Sink { return sink },
	})
	if err != nil || sink.records != 100 || sink.objects != 3 || sink.failed != 0 {
		t.Errorf("%+v, %v", sink, err)
	}
}

type counter struct{ records, objects, failed int }

func (c *counter) Begin(ingest.Object) error { return nil }
func (c *counter) Record(r *ingest.Record, _ int) error {
	c.records++
	return nil
}
func (c *counter) End(*ingest.Entry) error    { c.objects++; return nil }
func (c *counter) Abort()                     {}
func (c *counter) Failed(*ingest.Entry) error { c.failed++; return nil }

func TestObjects(t *testing.T) {
	s := newServer(t)
	now := epoch.Add(30 * time.Hour).Add(10 * time.Minute)
	list := objects(t, s.source(t, now, Options{}))
	// The group keeps a day: 25 hours are touched.
	if len(list) != 25 || list[0].Name != "cloudwatch://CloudTrail/logs/2026-01-02T09" {
		t.Fatalf("%d from %+v", len(list), list[0])
	}
	for i, obj := range list {
		if complete := obj.Version == VersionComplete; complete != (i < 23) {
			t.Errorf("%d: %+v", i, obj)
		}
	}
	again := objects(t, s.source(t, now.Add(time.Minute), Options{}))
	for i, obj := range again {
		if (obj == list[i]) != (i < 23) {
			t.Errorf("%d: %+v then %+v", i, list[i], obj)
		}
	}
	later := objects(t, s.source(t, now.Add(2*time.Hour), Options{}))
	if i := slices.IndexFunc(later, func(o ingest.Object) bool { return o.Name == list[24].Name }); later[i].Version != VersionComplete {
		t.Errorf("%+v", later[i])
	}
	delete(s.group, "retentionInDays")
	list = objects(t, s.source(t, now, Options{To: epoch.Add(90 * time.Minute)}))
	if want := 14*24 + 2; len(list) != want {
		t.Errorf("%d hours, want %d", len(list), want)
	}
	list = objects(t, s.source(t, now, Options{From: epoch.Add(59 * time.Minute), To: epoch.Add(2 * time.Hour)}))
	if len(list) != 2 || list[0].Name != firstHour {
		t.Errorf("%+v", list)
	}
}

func listError(src *Source) error {
	for _, err := range src.Objects(context.Background()) {
		return err
	}
	return nil
}

func TestGroupIsChecked(t *testing.T) {
	s := newServer(t)
	s.group = nil
	if err := listError(s.source(t, epoch, Options{})); err == nil || !strings.Contains(err.Error(), "no such log group") {
		t.Error(err)
	}
	denied := refuse(400, "AccessDeniedException", "not authorized to perform: logs:DescribeLogGroups")
	s.faults = []http.HandlerFunc{denied}
	if err := listError(s.source(t, epoch, Options{})); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Error(err)
	}
	s.faults = []http.HandlerFunc{denied}
	if list := objects(t, s.source(t, epoch.Add(2*time.Hour), Options{From: epoch})); len(list) != 2 {
		t.Error(list)
	}
}

// What is transient is tried again, and no event is lost or read twice.
func TestTransientFaults(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"throttled":   refuse(400, "ThrottlingException", "Rate exceeded"),
		"unavailable": refuse(503, "ServiceUnavailableException", "later"),
		"internal":    refuse(500, "InternalFailure", ""),
		"limit":       refuse(400, "LimitExceededException", "slow down"),
		"HTML":        text("<html>hello</html>"),
		"empty body":  text(""),
		"empty JSON":  text("{}"),
		"reset":       reset,
		"short body":  short,
		"stall":       stall,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.fill(30)
			s.faults = []http.HandlerFunc{nil, fault, fault, nil, fault}
			text, err := read(t, s.source(t, epoch, Options{}), firstHour)
			if err != nil {
				t.Fatal(err)
			}
			messages(t, text, s.events)
			if len(s.calls) != 6 {
				t.Errorf("%d calls", len(s.calls))
			}
		})
	}
}

func TestGivesUp(t *testing.T) {
	s := newServer(t)
	s.faults = slices.Repeat([]http.HandlerFunc{refuse(400, "ThrottlingException", "Rate exceeded")}, 20)
	_, err := read(t, s.source(t, epoch, Options{}), firstHour)
	if err == nil || err.Error() != "given up after 10 tries: ThrottlingException: Rate exceeded" || len(s.calls) != maxTries {
		t.Errorf("%v after %d calls", err, len(s.calls))
	}
}

// What no other try will change is told at once, in AWS's words.
func TestFinalFaults(t *testing.T) {
	for code, credentials := range map[string]bool{
		"ExpiredTokenException": true, "UnrecognizedClientException": true, "InvalidSignatureException": true,
		"AccessDeniedException": false, "ResourceNotFoundException": false, "InvalidParameterException": false,
	} {
		s := newServer(t)
		s.fill(30)
		s.faults = []http.HandlerFunc{nil, refuse(400, code, "because")}
		_, err := read(t, s.source(t, epoch, Options{}), firstHour)
		var expired *CredentialsError
		if err == nil || errors.As(err, &expired) != credentials || len(s.calls) != 2 || !strings.Contains(err.Error(), code+": because") {
			t.Errorf("%s: %v after %d calls", code, err, len(s.calls))
		}
		s.Close()
	}
}

func TestNoCredentials(t *testing.T) {
	s := newServer(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, err := read(t, s.source(t, epoch, Options{}), firstHour)
	var missing *CredentialsError
	if !errors.As(err, &missing) || len(s.calls) != 0 {
		t.Errorf("%v after %d calls", err, len(s.calls))
	}
}

func TestRepeatedToken(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"same":   func(string) string { return "page-1" },
		"circle": func(token string) string { return strings.Replace(token, "page-5", "page-2", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.fill(60)
			s.page, s.token = 1, change
			text, err := read(t, s.source(t, epoch, Options{}), firstHour)
			if err == nil || !strings.Contains(err.Error(), "same page token twice") {
				t.Errorf("%v after %d bytes", err, len(text))
			}
		})
	}
}

func TestCancel(t *testing.T) {
	s := newServer(t)
	s.faults = []http.HandlerFunc{stall}
	src := s.source(t, epoch, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	body, err := src.Open(ctx, ingest.Object{Name: firstHour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(body); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	body.Close()
	if _, err := body.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("after close: %v", err)
	}
	if _, err := src.Open(t.Context(), ingest.Object{Name: "cloudwatch://other/2026-01-02T03"}); err == nil {
		t.Error("an object of another group was opened")
	}
}

func TestGroupOfAnotherAccount(t *testing.T) {
	s := newServer(t)
	s.fill(1)
	const arn = "arn:aws:logs:eu-west-1:111122223333:log-group:CloudTrail/logs"
	src, err := New(t.Context(), "cloudwatch://"+arn+":*", Options{Access: s.access(), From: epoch, To: epoch.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	src.now = func() time.Time { return epoch.Add(time.Hour) }
	list := objects(t, src)
	text, err := read(t, src, list[0].Name)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	messages(t, text, s.events)
	if s.bodies[1]["logGroupIdentifier"] != arn || s.bodies[1]["logGroupName"] != nil {
		t.Errorf("asked %v", s.bodies[1])
	}
}

func TestKeys(t *testing.T) {
	s := newServer(t)
	s.keys = []map[string]any{{"Fingerprint": "f", "Value": base64.StdEncoding.EncodeToString([]byte("der"))}}
	keys, err := NewKeys(t.Context(), s.access())
	if err != nil {
		t.Fatal(err)
	}
	keys.pace = quick
	s.faults = []http.HandlerFunc{refuse(400, "ThrottlingException", "Rate exceeded"), text("")}
	q := digest.KeyQuery{Region: "us-east-1", Fingerprint: "f", From: epoch, To: epoch.Add(time.Hour)}
	for range 2 {
		if der, err := keys.PublicKey(t.Context(), q); err != nil || string(der) != "der" {
			t.Fatalf("%q, %v", der, err)
		}
	}
	if len(s.calls) != 3 || s.bodies[2]["StartTime"] != float64(epoch.Unix()) {
		t.Errorf("%d calls, asked %v", len(s.calls), s.bodies)
	}
	q.Fingerprint = "g"
	if _, err := keys.PublicKey(t.Context(), q); !errors.Is(err, digest.ErrNoKey) {
		t.Error(err)
	}
	s.faults = []http.HandlerFunc{refuse(400, "ExpiredTokenException", "")}
	var expired *CredentialsError
	if _, err := keys.PublicKey(t.Context(), q); !errors.As(err, &expired) {
		t.Error(err)
	}
}
