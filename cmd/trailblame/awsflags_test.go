package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// recorder passes requests on and keeps what they said.
type recorder struct {
	mu       sync.Mutex
	requests []*http.Request
}

func (r *recorder) front(t *testing.T, back string) string {
	target, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Clone(req.Context()))
		r.mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (r *recorder) take() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.requests
	r.requests = nil
	return list
}

// Every command that reads a bucket reads it as it is told: by profile and
// region, unsigned, at the requester's expense, and only the objects that the
// times, accounts and regions leave.
func TestBucketFlags(t *testing.T) {
	fake := s3fake.New("trail-bucket")
	defer fake.Close()
	const key = "AWSLogs/%A/CloudTrail/%R/2026/03/%D/%A_CloudTrail_%R_202603%DT1005Z_abcdefghijklmnop.json"
	record := `{"Records":[{"eventVersion":"1.08","eventTime":"2026-03-%DT10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","eventID":"%D000000-aaaa-4bbb-8ccc-00%A"}]}`
	for _, at := range []struct{ account, region, day string }{
		{"111122223333", "us-east-1", "01"}, {"111122223333", "eu-west-1", "01"}, {"444455556666", "us-east-1", "01"}, {"111122223333", "us-east-1", "20"},
	} {
		fill := strings.NewReplacer("%A", at.account, "%R", at.region, "%D", at.day)
		fake.Put("trail-bucket", fill.Replace(key), []byte(fill.Replace(record)), nil)
	}
	seen := &recorder{}
	at := seen.front(t, fake.URL)
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[profile other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=s\nregion=eu-north-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []*http.Request {
		t.Helper()
		cmd := programCommand(t, append(args, "--endpoint-url", at)...)
		cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1", "AWS_CONFIG_FILE="+config,
			"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "TMPDIR="+t.TempDir())
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, &stderr)
		}
		list := seen.take()
		if len(list) == 0 {
			t.Fatalf("%v: asked nothing", args)
		}
		return list
	}
	const bucket = "s3://trail-bucket/AWSLogs"
	ix := func() string { return filepath.Join(t.TempDir(), "ix") }
	const nobody = "00000000-aaaa-4bbb-8ccc-000000000000"
	for _, args := range [][]string{
		{"explain", nobody, bucket, "--profile", "other", "--aws-region", "ap-south-1", "--request-payer", "--endpoint-url", at},
		{"report", bucket, "--profile", "other", "--aws-region", "ap-south-1", "--request-payer", "--endpoint-url", at},
		{"query", "--source", bucket, "--profile", "other", "--aws-region", "ap-south-1", "--request-payer", "--endpoint-url", at},
		{"timeline", bucket, "--profile", "other", "--aws-region", "ap-south-1", "--request-payer", "--endpoint-url", at},
		{"correlate", bucket, "--profile", "other", "--aws-region", "ap-south-1", "--request-payer"},
		{"ingest", bucket, "--index", ix(), "--profile", "other", "--aws-region", "ap-south-1", "--request-payer"},
	} {
		for _, r := range run(args...) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, "Credential=AKIAOTHER/") || !strings.Contains(auth, "/ap-south-1/s3/") || r.Header.Get("x-amz-request-payer") != "requester" {
				t.Fatalf("%v: %s %s: Authorization %q, payer %q", args, r.Method, r.URL, auth, r.Header.Get("x-amz-request-payer"))
			}
		}
	}
	for _, args := range [][]string{
		{"query", "--source", bucket, "--no-sign-request"}, {"timeline", bucket, "--no-sign-request"},
		{"explain", nobody, bucket, "--no-sign-request"}, {"report", bucket, "--no-sign-request"},
		{"correlate", bucket, "--no-sign-request"}, {"ingest", bucket, "--index", ix(), "--no-sign-request"},
	} {
		for _, r := range run(args...) {
			if auth := r.Header.Get("Authorization"); auth != "" {
				t.Fatalf("%v: signed: %q", args, auth)
			}
		}
	}
	got := fetched(run("ingest", bucket, "--index", ix(), "--from", "2026-02-28", "--to", "2026-03-05", "--account", "111122223333", "--region", "us-east-1"))
	if len(got) != 1 || !strings.Contains(got[0], "/111122223333/CloudTrail/us-east-1/2026/03/01/") {
		t.Errorf("of the chosen objects fetched %q", got)
	}
}

// fetched are the keys of the objects that were read.
func fetched(list []*http.Request) []string {
	var keys []string
	for _, r := range list {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".json") && !slices.Contains(keys, r.URL.Path) {
			keys = append(keys, r.URL.Path)
		}
	}
	return keys
}
