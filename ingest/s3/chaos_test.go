package s3

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// chaos lets one request in six or so go wrong.
func chaos(seed uint64) func(s3fake.Call) *s3fake.Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed))
	return func(call s3fake.Call) *s3fake.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch p, at := random.IntN(100), random.IntN(150); {
		case p < 3:
			return cut(s3fake.CutReset, at)
		case p < 5:
			return &s3fake.Fault{ResetFirst: true}
		case p < 10:
			return refusal(503, "SlowDown")
		case p < 11:
			return cut(s3fake.CutStall, at)
		case p < 12:
			return &s3fake.Fault{StallFirst: true}
		case p < 13:
			return cut(s3fake.CutFlip, at)
		case p < 14:
			return cut(s3fake.CutShort, at)
		case p < 15 && call.Op == "List":
			return text("")
		}
		return nil
	}
}

// A server on which much goes wrong gives the same records as one on which
// nothing does.
func TestChaos(t *testing.T) {
	seeds, objects := 1, 2000
	if n, err := strconv.Atoi(os.Getenv("TRAILBLAME_TEST_S3_SEEDS")); err == nil {
		seeds = n
	}
	if testing.Short() {
		objects = 300
	}
	server := newServer(t)
	fill(server, objects)
	want := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{})
	calm := server.Requests()
	if len(want.ids) != objects || want.err != nil {
		t.Fatal(len(want.ids), want.err, want.problem)
	}
	for seed := range seeds {
		files, before, start := fds(t), server.Requests(), time.Now()
		server.Fault = chaos(uint64(seed))
		s := newSource(t, server, "", Options{Idle: 150 * time.Millisecond})
		got := ingestAll(t.Context(), s, ingest.Options{})
		wall, requests := time.Since(start), server.Requests()-before
		if got.err != nil || len(got.problem) > 0 {
			t.Fatalf("seed %d: %v, %v", seed, got.err, got.problem)
		}
		if diff := cmp.Diff(want.ids, got.ids); diff != "" {
			t.Errorf("seed %d: other records:\n%.1000s", seed, diff)
		}
		if float64(requests) > 1.5*float64(calm) || wall > time.Minute {
			t.Errorf("seed %d: %d requests in %v, %d without faults", seed, requests, wall, calm)
		}
		t.Logf("seed %d: %d records whole in %v, %d requests where %d do without faults", seed, len(got.ids), wall.Round(time.Millisecond), requests, calm)
		s.Close()
		server.CloseClientConnections()
		noLeaks(t, files)
	}
}

// An object that is another one by the time it is read is told, not read; the
// next run reads what it is then.
func TestObjectsChange(t *testing.T) {
	for name, c := range map[string]struct {
		change func(server *s3fake.Server, key string)
		fault  *s3fake.Fault
		want   string
		after  int // records of the next run
	}{
		"other bytes": {func(s *s3fake.Server, key string) { s.Put(bucketName, key, delivery("999999"), nil) }, nil, "changed since", 12},
		"grown": {func(s *s3fake.Server, key string) {
			s.Put(bucketName, key, append(delivery("1"), delivery("2")...), nil)
		},
			nil, "changed since", 13},
		"other bytes, conditions ignored": {func(s *s3fake.Server, key string) { s.Put(bucketName, key, delivery("999999"), nil) },
			&s3fake.Fault{NoMatch: true}, "changed since", 12},
		"grown, same ETag": {func(s *s3fake.Server, key string) {
			s.PutETag(bucketName, key, append(delivery("1"), delivery("2")...), "same", nil)
		},
			nil, "bytes where", 13},
		"gone": {func(s *s3fake.Server, key string) { s.Delete(bucketName, key) }, nil, "gone since", 11},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			keys := fill(server, 12)
			if name == "grown, same ETag" {
				server.PutETag(bucketName, keys[5], delivery("1"), "same", nil)
			}
			server.Fault = func(call s3fake.Call) *s3fake.Fault {
				if call.Op != "Get" || call.Key != keys[5] {
					return nil
				}
				if call.Nth == 1 {
					c.change(server, call.Key)
				}
				return c.fault
			}
			s := newSource(t, server, "", Options{})
			got := ingestAll(t.Context(), s, ingest.Options{})
			if problem := got.problem[s.name(keys[5])]; got.err != nil || len(got.ids) != 11 || !strings.Contains(problem, c.want) {
				t.Errorf("%d records, %v, %v", len(got.ids), got.err, got.problem)
			}
			server.Fault = nil
			again := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{})
			if len(again.ids) != c.after || len(again.problem) > 0 {
				t.Errorf("then %d records, %v", len(again.ids), again.problem)
			}
		})
	}
}

// Two hundred requests at a time that are all refused for a while do not use up
// any budget, and slow the source down.
func TestThrottled(t *testing.T) {
	server := newServer(t)
	keys := fill(server, 200)
	var mu sync.Mutex
	refused := 0
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if refused++; call.Op == "Get" && refused <= 600 {
			return refusal(503, "SlowDown")
		}
		return nil
	}
	stats := new(Stats)
	got := ingestAll(t.Context(), newSource(t, server, "", Options{Concurrency: 200, Stats: stats}), ingest.Options{})
	if len(got.ids) != len(keys) || len(got.problem) > 0 {
		t.Errorf("%d records, %v", len(got.ids), got.problem)
	}
	if n := stats.AtATime.Load(); n >= 100 {
		t.Errorf("still %d requests at a time", n)
	}
}

func TestETags(t *testing.T) {
	const noMD5 = "0123456789abcdef0123456789abcdef"
	plain := []byte(`{"Records":[{"eventID":"p","eventTime":"2026-01-02T03:04:05Z","eventName":"X"}]}`)
	flipped := func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" {
			return cut(s3fake.CutFlip, 30)
		}
		return nil
	}
	for name, c := range map[string]struct {
		body   []byte
		etag   string
		header map[string][]string
		fault  func(s3fake.Call) *s3fake.Fault
		want   string // of the problem, if there is one
	}{
		"in parts":                {body: delivery("1"), etag: noMD5 + "-3"},
		"encrypted by KMS":        {body: plain, etag: noMD5, header: map[string][]string{"X-Amz-Server-Side-Encryption": {"aws:kms"}}},
		"looks like an MD5":       {body: delivery("1"), etag: noMD5},
		"none":                    {body: delivery("1")},
		"plain and not its MD5":   {body: plain, etag: noMD5, want: "not those of its ETag"},
		"a bit flipped each time": {body: delivery("1"), etag: noMD5, fault: flipped, want: "not those of its ETag"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			server.PutETag(bucketName, "a", c.body, c.etag, c.header)
			server.Fault = c.fault
			got := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{})
			if c.want == "" && (len(got.ids) != 1 || len(got.problem) > 0) || c.want != "" && !strings.Contains(fmt.Sprint(got.problem), c.want) {
				t.Errorf("%d records, %v", len(got.ids), got.problem)
			}
		})
	}
}

// What differs between two listings shows in the objects' versions.
func TestVersions(t *testing.T) {
	server := newServer(t)
	versions := func() (all []ingest.Object) {
		for obj, err := range newSource(t, server, "", Options{}).Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, obj)
		}
		return all
	}
	server.Put(bucketName, "a", []byte("one"), nil)
	first := versions()
	if again := versions(); !slices.Equal(first, again) || len(first) != 1 || first[0].Size != 3 {
		t.Error(first, again)
	}
	server.Put(bucketName, "a", []byte("two"), nil)
	if again := versions(); first[0] == again[0] {
		t.Error(again)
	}
}
