package cloudwatch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server speaks as much of AWS's JSON protocol as the package calls.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []string
	bodies []map[string]any
	events []event
	page   int                // events a page
	empty  int                // pages without events in front of each page
	faults []http.HandlerFunc // for the next calls, nil for none
	group  map[string]any
	keys   []map[string]any
	token  func(string) string // changes the page tokens
}

type event struct {
	at      time.Time
	message string
}

func newServer(t *testing.T) *server {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PROFILE": "", "AWS_REGION": "",
	} {
		t.Setenv(name, value)
	}
	s := &server{page: 10, group: map[string]any{
		"logGroupName": "CloudTrail/logs", "creationTime": epoch.UnixMilli(), "retentionInDays": 1,
	}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// epoch is the hour of the first event in tests.
var epoch = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func (s *server) access() Access { return Access{Region: "eu-west-1", Endpoint: s.URL} }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	err := json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	target := r.Header.Get("X-Amz-Target")
	s.calls, s.bodies = append(s.calls, target), append(s.bodies, in)
	if len(s.faults) > 0 {
		fault := s.faults[0]
		if s.faults = s.faults[1:]; fault != nil {
			fault(w, r)
			return
		}
	}
	switch {
	case err != nil || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		refuse(400, "SerializationException", "no JSON")(w, r)
	case target == "Logs_20140328.FilterLogEvents":
		s.filter(w, in)
	case target == "Logs_20140328.DescribeLogGroups":
		groups := []any{map[string]any{"logGroupName": "CloudTrail/logs-other", "creationTime": 1}}
		if s.group != nil {
			groups = append(groups, s.group)
		}
		answer(w, map[string]any{"logGroups": groups})
	case strings.HasSuffix(target, "CloudTrail_20131101.ListPublicKeys"):
		answer(w, map[string]any{"PublicKeyList": s.keys})
	default:
		refuse(400, "UnknownOperationException", target)(w, r)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(v)
}

func refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
}

// text is a 200 with something that is not an answer.
func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

// reset cuts the connection before an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

// short cuts the connection in the middle of an answer.
func short(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"events":[`)
	panic(http.ErrAbortHandler)
}

func stall(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// filter answers from events: the token is the count of pages given so far.
func (s *server) filter(w http.ResponseWriter, in map[string]any) {
	from, to := int64(in["startTime"].(float64)), int64(in["endTime"].(float64))
	var all []map[string]any
	for i, e := range s.events {
		if at := e.at.UnixMilli(); at >= from && at <= to {
			all = append(all, map[string]any{
				"eventId": fmt.Sprint(i), "timestamp": at, "message": e.message, "logStreamName": "1_CloudTrail_r", "ingestionTime": at,
			})
		}
	}
	n := 0
	if token, ok := in["nextToken"].(string); ok {
		fmt.Sscanf(token, "page-%d", &n)
	}
	out := map[string]any{"events": []any{}, "searchedLogStreams": []any{}}
	start := n / (s.empty + 1) * s.page
	if n%(s.empty+1) == s.empty {
		out["events"] = append([]map[string]any{}, all[min(start, len(all)):min(start+s.page, len(all))]...)
		start += s.page
	}
	if start < len(all) {
		token := fmt.Sprintf("page-%d", n+1)
		if s.token != nil {
			token = s.token(token)
		}
		out["nextToken"] = token
	}
	answer(w, out)
}
