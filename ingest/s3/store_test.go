package s3

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

func newStore(t *testing.T, server *s3fake.Server) *Store {
	t.Helper()
	s := newSource(t, server, "", Options{Tries: 4})
	return &Store{s}
}

func TestStore(t *testing.T) {
	server := newServer(t)
	server.MaxKeys = 2
	body := delivery("1")
	keys := []string{"a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "ab", "z+ ü%2F"}
	for _, key := range keys {
		server.Put(bucketName, key, body, http.Header{"X-Amz-Meta-Signature": {"00ff"}})
	}
	store := newStore(t, server)
	var got []string
	for key, err := range store.List(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key)
	}
	if diff := cmp.Diff(keys[:5], got); diff != "" {
		t.Error(diff)
	}
	folders, err := store.Folders(t.Context(), "a/")
	if !slices.Equal(folders, []string{"b", "c"}) || err != nil {
		t.Error(folders, err)
	}
	for _, key := range keys {
		if got, err := read(t, store, key); !bytes.Equal(got, body) || err != nil {
			t.Errorf("%q: %d of %d bytes, %v", key, len(got), len(body), err)
		}
	}
	notes, err := store.Metadata(t.Context(), "ab")
	if notes["signature"] != "00ff" || err != nil {
		t.Error(notes, err)
	}
	if _, err := read(t, store, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := store.Metadata(t.Context(), "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	other, err := store.Other(t.Context(), "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, other, "ab"); !errors.Is(err, fs.ErrNotExist) || other.Bucket() != "elsewhere" {
		t.Error(err)
	}
	server.Fault = func(call s3fake.Call) *s3fake.Fault { return refusal(403, "AccessDenied") }
	if _, err := read(t, store, "ab"); errors.Is(err, fs.ErrNotExist) || err == nil {
		t.Error(err)
	}
	for _, err := range store.List(t.Context(), "") {
		if err == nil || !strings.Contains(err.Error(), "s3:ListBucket") {
			t.Error(err)
		}
	}
}

func read(t *testing.T, store *Store, key string) ([]byte, error) {
	body, err := store.Get(t.Context(), key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// What the request for a body says is what the SDK's would.
func TestRequests(t *testing.T) {
	server := newServer(t)
	key := "odd +%2F//./../ü?#&=.json.gz"
	server.Put(bucketName, key, delivery("1"), nil)
	var mu sync.Mutex
	var asked http.Header
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("list-type") == "" {
			mu.Lock()
			asked = r.Header.Clone()
			mu.Unlock()
		}
		server.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	for name, c := range map[string]struct {
		env  map[string]string
		opts Options
		want map[string]string // headers of the request
	}{
		"plain": {nil, Options{}, map[string]string{"X-Amz-Request-Payer": "", "X-Amz-Checksum-Mode": "ENABLED", "X-Amz-Security-Token": "", "Range": ""}},
		"payer": {nil, Options{RequestPayer: true}, map[string]string{"X-Amz-Request-Payer": "requester"}},
		"token": {map[string]string{"AWS_SESSION_TOKEN": "tok"}, Options{}, map[string]string{"X-Amz-Security-Token": "tok"}},
		"sums":  {map[string]string{"AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}, Options{}, map[string]string{"X-Amz-Checksum-Mode": ""}},
		"region": {map[string]string{"AWS_REGION": "eu-south-2"}, Options{},
			map[string]string{"Authorization": "/eu-south-2/s3/aws4_request"}},
		"option before environment": {map[string]string{"AWS_REGION": "eu-south-2"}, Options{Region: "ap-east-1"},
			map[string]string{"Authorization": "/ap-east-1/s3/aws4_request"}},
		"endpoint of the environment": {map[string]string{"AWS_ENDPOINT_URL_S3": front.URL}, Options{EndpointURL: "-"}, map[string]string{"Authorization": "AKIDEXAMPLE"}},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			if c.opts.EndpointURL = front.URL; c.env["AWS_ENDPOINT_URL_S3"] != "" {
				c.opts.EndpointURL = ""
			}
			s, err := New(t.Context(), Scheme+bucketName, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got, err := whole(t, s, key); !bytes.Equal(got, delivery("1")) || err != nil {
				t.Fatal(len(got), err)
			}
			for header, want := range c.want {
				if got := asked.Get(header); want == "" && got != "" || !strings.Contains(got, want) {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
		})
	}
}

// Where a bucket is on AWS itself is the SDK's to say.
func TestAddresses(t *testing.T) {
	setEnv(t)
	for name, c := range map[string]struct {
		bucket string
		opts   Options
		env    string
		want   string
	}{
		"virtual host": {"trails", Options{Region: "eu-west-1"}, "", "https://trails.s3.eu-west-1.amazonaws.com/k%20%2B/x"},
		"dots":         {"my.trails", Options{Region: "eu-west-1"}, "", "https://s3.eu-west-1.amazonaws.com/my.trails/k%20%2B/x"},
		"path style":   {"trails", Options{Region: "eu-west-1", PathStyle: true}, "", "https://s3.eu-west-1.amazonaws.com/trails/k%20%2B/x"},
		"china":        {"trails", Options{Region: "cn-north-1"}, "", "https://trails.s3.cn-north-1.amazonaws.com.cn/k%20%2B/x"},
		"FIPS":         {"trails", Options{Region: "us-gov-west-1"}, "AWS_USE_FIPS_ENDPOINT", "https://trails.s3-fips.us-gov-west-1.amazonaws.com/k%20%2B/x"},
		"dual stack":   {"trails", Options{Region: "eu-west-1"}, "AWS_USE_DUALSTACK_ENDPOINT", "https://trails.s3.dualstack.eu-west-1.amazonaws.com/k%20%2B/x"},
		"no region":    {"trails", Options{}, "", "https://trails.s3.us-east-1.amazonaws.com/k%20%2B/x"},
		"own server":   {"trails", Options{EndpointURL: "https://s3.example.com:9000/sub/"}, "", "https://s3.example.com:9000/sub/trails/k%20%2B/x"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv(c.env, "true")
			}
			s, err := New(t.Context(), Scheme+c.bucket, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := s.direct.url("k +/x").String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	if _, err := New(t.Context(), "s3://express--use1-az4--x-s3", Options{Region: "us-east-1"}); err == nil || !strings.Contains(err.Error(), "directory buckets") {
		t.Error(err)
	}
}
