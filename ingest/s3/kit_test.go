package s3

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

func TestMain(m *testing.M) {
	if os.Getenv(realEnv) == "" {
		fmt.Fprintln(os.Stderr, "s3: "+realEnv+" is not set: the contract is tested against the fake alone")
	}
	goleak.VerifyTestMain(m)
}

const bucketName = "trails"

// newServer starts a fake server, and sets the environment so that the machine's
// own AWS configuration has no say.
func newServer(t testing.TB) *s3fake.Server {
	t.Helper()
	setEnv(t)
	server := s3fake.New(bucketName)
	server.KeyID, server.Secret = "AKIDEXAMPLE", "topsecret"
	t.Cleanup(server.Close)
	return server
}

// realEnv names a real server, which .ci/run starts, and how it is signed for.
const (
	realEnv       = "TRAIL_TEST_S3_ENDPOINT"
	realKeyEnv    = "TRAIL_TEST_S3_KEY"
	realSecretEnv = "TRAIL_TEST_S3_SECRET"
)

// eachServer runs a test against the fake and against the real server: what the
// fake does is then what a real one does.
func eachServer(t *testing.T, test func(t *testing.T, server *s3fake.Server)) {
	t.Run("fake", func(t *testing.T) { test(t, newServer(t)) })
	t.Run("real", func(t *testing.T) {
		if os.Getenv(realEnv) == "" {
			t.Skip("NOT RUN AGAINST A REAL SERVER: " + realEnv + " is not set; .ci/run starts one")
		}
		test(t, realServer(t))
	})
}

// realServer is a front of the real server, with a bucket of its own.
func realServer(t *testing.T) *s3fake.Server {
	t.Helper()
	setEnv(t)
	key, secret := first(os.Getenv(realKeyEnv), "AKIDEXAMPLE"), first(os.Getenv(realSecretEnv), "topsecret")
	t.Setenv("AWS_ACCESS_KEY_ID", key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	bucket := fmt.Sprintf("trailblame-test-%x", time.Now().UnixNano())
	server, err := s3fake.Front(os.Getenv(realEnv), key, secret, bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Close()
		c := s3fake.NewClient(os.Getenv(realEnv), key, secret)
		defer c.Close()
		if err := c.DeleteBucket(context.Background(), bucket); err != nil {
			t.Errorf("the bucket %s is left over: %v", bucket, err)
		}
	})
	return server
}

// client is one that fills the server's bucket as others do.
func client(t *testing.T, server *s3fake.Server) *s3fake.Client {
	endpoint := server.URL
	if server.Real() {
		endpoint = os.Getenv(realEnv)
	}
	c := s3fake.NewClient(endpoint, server.KeyID, server.Secret)
	t.Cleanup(c.Close)
	return c
}

func setEnv(t testing.TB) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "topsecret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
	} {
		t.Setenv(name, value)
	}
}

// newSource is a source of server with patience for tests only.
func newSource(t testing.TB, server *s3fake.Server, prefix string, opts Options) *Source {
	t.Helper()
	opts.EndpointURL = server.URL
	setDefault(&opts.Idle, 300*time.Millisecond)
	setDefault(&opts.Delay, time.Millisecond)
	s, err := New(t.Context(), Scheme+server.Bucket+"/"+prefix, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.Bytes()
}

// delivery is a log file with one record, whose id is id.
func delivery(id string) []byte {
	quoted, _ := json.Marshal(id)
	pad, _ := json.Marshal(strings.Repeat(id, 20))
	return packed(fmt.Sprintf(`{"Records":[{"eventID":%s,"eventTime":"2026-01-02T03:04:05Z","eventName":"X","pad":%s}]}`, quoted, pad))
}

// logKey is the key of a delivery in the layout of a trail.
func logKey(account, region, day string, n int) string {
	return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sT%02d%02dZ_%016d.json.gz",
		account, region, day, account, region, strings.ReplaceAll(day, "/", ""), n/60%24, n%60, n)
}

func list(t testing.TB, s *Source) (names []string, errs []error) {
	t.Helper()
	for obj, err := range s.Objects(t.Context()) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", obj.Name, err))
			continue
		}
		names = append(names, strings.TrimPrefix(obj.Name, s.name("")))
	}
	sort.Strings(names)
	return names, errs
}

// run is the outcome of ingest.Run over a source.
type run struct {
	mu      sync.Mutex
	ids     []string
	read    []ingest.Object
	problem map[string]string // of each object that was not read
	err     error
}

// sink keeps the ids of the records of whole objects.
type sink struct {
	run     *run
	pending []string
}

func (s *sink) Begin(ingest.Object) error {
	s.pending = s.pending[:0]
	return nil
}

func (s *sink) Record(r *ingest.Record, _ int) error {
	s.pending = append(s.pending, string(r.Raw))
	return nil
}

func (s *sink) End(e *ingest.Entry) error {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.run.read = append(s.run.read, e.Object)
	s.run.ids = append(s.run.ids, s.pending...)
	return nil
}

func (s *sink) Abort() {}

func (s *sink) Failed(e *ingest.Entry) error {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.run.problem[e.Name] = e.Problem
	return nil
}

func ingestAll(ctx context.Context, src ingest.Source, opts ingest.Options) *run {
	r := &run{problem: map[string]string{}}
	opts.Workers = max(opts.Workers, 2)
	if opts.Limits == (ingest.Limits{}) {
		opts.Limits = ingest.DefaultLimits
	}
	if opts.NewSink == nil {
		opts.NewSink = func() ingest.Sink { return &sink{run: r} }
	}
	r.err = ingest.Run(ctx, []ingest.Source{src}, opts)
	slices.Sort(r.ids)
	return r
}

// fill puts n deliveries into the server and returns their texts as they come
// out of a run.
func fill(server *s3fake.Server, n int) (keys []string) {
	for i := range n {
		key := logKey("111122223333", "eu-west-1", fmt.Sprintf("2026/01/%02d", 1+i%7), i)
		server.Put(server.Bucket, key, delivery(fmt.Sprintf("%06d", i)), nil)
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func fds(t testing.TB) int {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd here")
	}
	return len(dir)
}
