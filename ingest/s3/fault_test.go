package s3

import (
	"encoding/base64"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

const html = "<!DOCTYPE html><html><body>Please log in to the network</body></html>"

func refusal(status int, code string) *s3fake.Fault { return &s3fake.Fault{Status: status, Code: code} }

func text(s string) *s3fake.Fault { return &s3fake.Fault{Text: &s} }

// after is how a body goes wrong after at bytes.
func cut(c s3fake.Cut, at int) *s3fake.Fault { return &s3fake.Fault{Cut: c, At: at} }

func edit(f func(*s3fake.Page)) *s3fake.Fault { return &s3fake.Fault{Page: f} }

// faults are what can go wrong with a request for one object, or for a page of
// a listing. A fault that passes must not be seen in the result. One that stays
// must end with an error that says what.
var faults = []struct {
	name, op string
	fault    *s3fake.Fault
	passes   int    // the fault passes after so many requests
	lasting  string // part of the error when it does not pass
}{
	{"throttled", "Get", refusal(503, "SlowDown"), 6, "throttled"},
	{"throttled with 429", "Get", refusal(429, "TooManyRequests"), 6, "throttled"},
	{"server error", "Get", refusal(500, "InternalError"), 6, "InternalError"},
	{"bad gateway with a web page", "Get", &s3fake.Fault{Status: 502, Code: "</Code>"}, 6, "502"},
	{"request timeout", "Get", refusal(400, "RequestTimeout"), 6, "RequestTimeout"},
	{"reset before the answer", "Get", &s3fake.Fault{ResetFirst: true}, 6, "reset"},
	{"stall before the answer", "Get", &s3fake.Fault{StallFirst: true}, 2, "stopped answering"},
	{"reset in the body", "Get", cut(s3fake.CutReset, 20), 6, "did not come whole"},
	{"close in the body", "Get", cut(s3fake.CutClose, 20), 6, "did not come whole"},
	{"close before the body", "Get", cut(s3fake.CutClose, 0), 6, "did not come whole"},
	{"stall in the body", "Get", cut(s3fake.CutStall, 20), 2, "stopped answering"},
	{"short body without a length", "Get", cut(s3fake.CutShort, 20), 6, "did not come whole"},
	{"a body byte by byte", "Get", &s3fake.Fault{Cut: s3fake.CutDrip, Drip: 20 * time.Millisecond}, 1, ""},
	{"a bit flipped", "Get", cut(s3fake.CutFlip, 30), 2, "its bytes are not those of its"},
	{"a web page for a body", "Get", text(html), 2, "bytes where"},
	{"nothing for a body", "Get", text(""), 2, "0 bytes where"},
	{"access denied", "Get", refusal(403, "AccessDenied"), 0, "s3:GetObject"},
	{"key of KMS disabled", "Get", refusal(400, "KMS.DisabledException"), 0, "KMS.DisabledException"},
	{"archived", "Get", refusal(403, "InvalidObjectState"), 0, "restore it"},
	{"gone", "Get", refusal(404, "NoSuchKey"), 0, "gone since it was listed"},
	{"other region", "Get", &s3fake.Fault{Status: 301, Code: "PermanentRedirect",
		Header: http.Header{"X-Amz-Bucket-Region": {"ap-south-1"}}}, 0, "--region ap-south-1"},
	{"wrong clock", "Get", refusal(403, "RequestTimeTooSkewed"), 2, "clock of this machine"},
	{"refused without words", "Get", &s3fake.Fault{Status: 403, Text: new(string)}, 0, "403"},

	{"listing throttled", "List", refusal(503, "SlowDown"), 6, "throttled"},
	{"listing fails", "List", refusal(500, "InternalError"), 6, "InternalError"},
	{"listing reset", "List", &s3fake.Fault{ResetFirst: true}, 6, "reset"},
	{"listing stalls", "List", &s3fake.Fault{StallFirst: true}, 2, "stopped answering"},
	{"listing empty", "List", text(""), 2, "no listing of the bucket"},
	{"listing is a web page", "List", text(html), 2, "listing"},
	{"listing cut short", "List", text(`<ListBucketResult><Name>trails</Name><Contents><Key>a</Ke`), 6, ""},
	{"listing cut in its first tag", "List", text("<?xml version=\"1.0\"?>\n<ListBucketRes"), 6, "did not come whole"},
	{"listing of another bucket", "List", edit(func(p *s3fake.Page) { p.Name = "other" }), 2, `names "other"`},
	{"no token", "List", edit(func(p *s3fake.Page) { p.Truncated, p.Next = true, "" }), 2, "breaks off"},
	{"keys out of order", "List", edit(reversed), 2, "out of order"},
	{"keys of elsewhere", "List", edit(elsewhere), 2, "has the key"},
	{"negative size", "List", edit(func(p *s3fake.Page) { sized(p, "-3") }), 2, "no possible size"},
	{"size too large", "List", edit(func(p *s3fake.Page) { sized(p, "99999999999999999999") }), 6, ""},
	{"no such bucket", "List", refusal(404, "NoSuchBucket"), 0, "no such bucket"},
	{"listing denied", "List", refusal(403, "AccessDenied"), 0, "s3:ListBucket"},
}

func reversed(p *s3fake.Page) {
	for i, j := 0, len(p.Keys)-1; i < j; i, j = i+1, j-1 {
		p.Keys[i], p.Keys[j] = p.Keys[j], p.Keys[i]
	}
}

func elsewhere(p *s3fake.Page) {
	for i := range p.Keys {
		p.Keys[i].Key = "00" + p.Keys[i].Key
	}
}

func sized(p *s3fake.Page, size string) {
	for i := range p.Keys {
		p.Keys[i].Size = size
	}
}

// month is the prefix under which the objects of these tests are listed.
const month = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/"

// hits reports whether a call is the one that goes wrong: the body of one
// object, or each listing of the keys themselves.
func hits(op string, call s3fake.Call, victim string) bool {
	return call.Op == op && (op == "List" && call.Key == month || call.Key == victim)
}

// onEach runs a test against each server that can have the fault.
func onEach(t *testing.T, name string, fault *s3fake.Fault, test func(t *testing.T, server *s3fake.Server)) {
	t.Run(name, func(t *testing.T) {
		if fault.Page != nil {
			test(t, newServer(t))
			return
		}
		eachServer(t, test)
	})
}

// A fault that passes leaves no trace in the result.
func TestFaultsThatPass(t *testing.T) {
	for _, f := range faults {
		if f.passes == 0 {
			continue
		}
		onEach(t, f.name, f.fault, func(t *testing.T, server *s3fake.Server) {
			keys := fill(server, 12)
			var happened atomic.Int64
			server.Fault = func(call s3fake.Call) *s3fake.Fault {
				if hits(f.op, call, keys[5]) && call.Nth <= f.passes {
					happened.Add(1)
					return f.fault
				}
				return nil
			}
			got := ingestAll(t.Context(), newSource(t, server, month, Options{}), ingest.Options{})
			if got.err != nil || len(got.problem) > 0 || len(got.ids) != len(keys) {
				t.Fatalf("%d of %d records, %v, %v", len(got.ids), len(keys), got.err, got.problem)
			}
			if happened.Load() == 0 {
				t.Error("the fault did not happen")
			}
		})
	}
}

// A fault that stays is told, for the object or the listing that it befell, and
// all others are read.
func TestFaultsThatStay(t *testing.T) {
	for _, f := range faults {
		if f.fault.Cut == s3fake.CutDrip {
			continue // it comes in the end
		}
		onEach(t, f.name, f.fault, func(t *testing.T, server *s3fake.Server) {
			keys := fill(server, 12)
			server.Fault = func(call s3fake.Call) *s3fake.Fault {
				if hits(f.op, call, keys[5]) {
					return f.fault
				}
				return nil
			}
			before := fds(t)
			s := newSource(t, server, month, Options{Tries: 5, Idle: 100 * time.Millisecond})
			got := ingestAll(t.Context(), s, ingest.Options{})
			victim, lost := s.name(keys[5]), 1
			if f.op == "List" {
				victim, lost = s.name(month), 12
			}
			problem := got.problem[victim]
			if got.err != nil || len(got.problem) != 1 || problem == "" || !strings.Contains(problem, f.lasting) {
				t.Fatalf("%v, %v, want %q", got.err, got.problem, f.lasting)
			}
			if len(got.ids) != len(keys)-lost {
				t.Errorf("%d of %d records", len(got.ids), len(keys))
			}
			tidy(t, problem)
			s.Close()
			server.CloseClientConnections()
			noLeaks(t, before)
			t.Log(problem)
		})
	}
}

// Faults that come mixed do not add up: an answer that is given up after four
// times is asked for again when it went wrong once, after much else.
func TestFaultsMixed(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		keys, n := fill(server, 12), 0
		server.Fault = func(call s3fake.Call) *s3fake.Fault {
			if !hits("Get", call, keys[5]) {
				return nil
			}
			n++
			return []*s3fake.Fault{refusal(503, "SlowDown"), cut(s3fake.CutReset, 20), refusal(500, "InternalError"),
				cut(s3fake.CutFlip, 30), {ResetFirst: true}, text(html), cut(s3fake.CutFlip, 40), nil}[min(n, 8)-1]
		}
		got := ingestAll(t.Context(), newSource(t, server, month, Options{}), ingest.Options{})
		if got.err != nil || len(got.problem) > 0 || len(got.ids) != len(keys) || n < 8 {
			t.Errorf("%d of %d records after %d requests: %v, %v", len(got.ids), len(keys), n, got.err, got.problem)
		}
	})
}

// tidy checks that a message is one line without secrets.
func tidy(t *testing.T, message string) {
	t.Helper()
	for _, bad := range []string{"\n", "topsecret", "AKID", "Signature=", "operation error", "https response"} {
		if strings.Contains(message, bad) {
			t.Errorf("%q in %q", bad, message)
		}
	}
	if len(message) > 200 {
		t.Errorf("a long message: %s", message)
	}
}

// noLeaks checks that the files and goroutines of a source are gone, or soon
// are.
func noLeaks(t *testing.T, files int) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for try := 0; ; try++ {
		open, running := fds(t), string(stacks[:runtime.Stack(stacks, true)])
		left := ""
		for _, kind := range []string{"ingest/s3.(*Source)", "ingest/s3.(*walker)", "ingest/s3.(*ahead)", "ingest/s3.(*stream)"} {
			if strings.Contains(running, kind) {
				left = kind
			}
		}
		switch {
		case open <= files && left == "":
			return
		case try == 300:
			t.Fatalf("%d files are open, %d were; running: %q", open, files, left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A token that comes again would go round in circles for ever.
func TestRepeatedToken(t *testing.T) {
	server := newServer(t)
	fill(server, 12)
	server.MaxKeys = 5
	token := ""
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Key != month {
			return nil
		}
		return edit(func(p *s3fake.Page) {
			if token == "" {
				token = p.Next
			}
			p.Truncated, p.Next = true, token
		})
	}
	names, errs := list(t, newSource(t, server, month, Options{}))
	if len(names) != 5 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "round in circles") {
		t.Error(names, errs)
	}
}

func TestEmptyPages(t *testing.T) {
	server := newServer(t)
	fill(server, 3)
	n := 0
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Key != month {
			return nil
		}
		return edit(func(p *s3fake.Page) {
			n++
			p.Keys, p.Truncated, p.Next = nil, true, base64.URLEncoding.EncodeToString([]byte("k"+strings.Repeat("x", n)))
		})
	}
	names, errs := list(t, newSource(t, server, month, Options{}))
	if len(names) != 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "empty pages") {
		t.Error(names, errs)
	}
}

func TestCredentialsExpireInMidRun(t *testing.T) {
	server := newServer(t)
	keys := fill(server, 200)
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" && call.Key >= keys[100] {
			return refusal(400, "ExpiredToken")
		}
		return nil
	}
	s := newSource(t, server, "", Options{})
	names, errs := list(t, s)
	var expired *CredentialsError
	if len(errs) != 1 || !errors.As(errs[0], &expired) || expired.Error() != "credentials expired; run again to resume" {
		t.Fatal(errs)
	}
	if len(names) > 100 || !expired.StopsRun() {
		t.Errorf("%d objects before the end", len(names))
	}
	_, err := s.Open(t.Context(), ingest.Object{Name: s.name(keys[150]), Size: 1})
	if !errors.As(err, &expired) {
		t.Error(err)
	}
	// The next run reads what is left.
	server.Fault = nil
	read := map[string]bool{}
	for _, name := range names {
		read[s.name(name)] = true
	}
	got := ingestAll(t.Context(), newSource(t, server, "", Options{Known: func(o ingest.Object) bool { return read[o.Name] }}),
		ingest.Options{Known: func(o ingest.Object) bool { return read[o.Name] }})
	if len(got.ids) != len(keys)-len(names) || got.err != nil || len(got.problem) > 0 {
		t.Errorf("%d records, %v, %v", len(got.ids), got.err, got.problem)
	}
}

func TestCredentialsRefused(t *testing.T) {
	server := newServer(t)
	fill(server, 3)
	for code, want := range map[string]string{
		"InvalidAccessKeyId": "credentials not accepted (InvalidAccessKeyId); run again to resume",
		"ExpiredToken":       "credentials expired; run again to resume",
	} {
		server.Fault = func(s3fake.Call) *s3fake.Fault { return refusal(403, code) }
		s := newSource(t, server, "", Options{})
		_, errs := list(t, s)
		var refused *CredentialsError
		if len(errs) != 1 || !errors.As(errs[0], &refused) || refused.Error() != want {
			t.Error(errs)
		}
		if _, err := s.Plan(t.Context()); !errors.As(err, &refused) {
			t.Error(err)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	server := newServer(t)
	keys := fill(server, 3)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, errs := list(t, newSource(t, server, "", Options{}))
	var missing *CredentialsError
	if len(errs) != 1 || !errors.As(errs[0], &missing) || !strings.HasPrefix(missing.Error(), "no usable credentials") {
		t.Error(errs)
	}
	server.Anonymous = true
	names, errs := list(t, newSource(t, server, "", Options{NoSignRequest: true}))
	if len(names) != len(keys) || len(errs) > 0 {
		t.Error(names, errs)
	}
}

// An endpoint that is not there is told soon.
func TestUnreachable(t *testing.T) {
	server := newServer(t)
	server.Close()
	_, errs := list(t, newSource(t, server, "", Options{}))
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "refused") {
		t.Error(errs)
	}
}
