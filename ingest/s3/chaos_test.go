package s3

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// full reports whether every case is to be run, as .ci/run does.
func full() bool { return os.Getenv("TRAILBLAME_TEST") == "full" }

// storm is how much chaos there is: seeds and objects.
func storm() (seeds uint64, objects int) {
	seeds, objects = 1, 300
	if full() {
		seeds, objects = 3, 2000
	}
	if n, err := strconv.ParseUint(os.Getenv("TRAILBLAME_TEST_S3_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	return seeds, objects
}

// A server on which much goes wrong gives the same records as one on which
// nothing does.
func TestChaos(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		seeds, objects := storm()
		fill(server, objects)
		before := server.Requests()
		want := ingestAll(t.Context(), newSource(t, server, "", Options{Idle: 10 * time.Second}), ingest.Options{})
		calm := server.Requests() - before
		if len(want.ids) != objects || want.err != nil {
			t.Fatal(len(want.ids), want.err, want.problem)
		}
		for seed := range seeds {
			files, before, start := fds(t), server.Requests(), time.Now()
			server.Fault = chaos(seed)
			s := newSource(t, server, "", Options{})
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
	})
}

// A run that ends anywhere, again and again, while much goes wrong, has read in
// the end what one undisturbed run reads, each object once.
func TestChaosInterrupted(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		seeds, objects := storm()
		fill(server, objects/3)
		want := ingestAll(t.Context(), newSource(t, server, "", Options{Idle: 10 * time.Second}), ingest.Options{})
		for seed := range seeds {
			files := fds(t)
			random := rand.New(rand.NewPCG(seed, 9))
			server.Fault = chaos(seed)
			known := map[ingest.Object]bool{}
			var ids []string
			runs := 0
			for done := false; !done; runs++ {
				ctx, cancel := context.WithCancel(t.Context())
				var left atomic.Int64
				left.Store(int64(1 + random.IntN(objects/10)))
				isKnown := func(obj ingest.Object) bool { return known[obj] }
				s := newSource(t, server, "", Options{Known: isKnown})
				got := ingestAll(ctx, s, ingest.Options{Known: isKnown, Done: func(*ingest.Entry) {
					if left.Add(-1) == 0 {
						cancel()
					}
				}})
				cancel()
				s.Close()
				if len(got.problem) > 0 || got.err != nil && !errors.Is(got.err, context.Canceled) {
					t.Fatalf("seed %d: %v, %v", seed, got.err, got.problem)
				}
				for _, obj := range got.read {
					known[obj] = true
				}
				ids = append(ids, got.ids...)
				done = got.err == nil
			}
			slices.Sort(ids)
			if diff := cmp.Diff(want.ids, ids); diff != "" {
				t.Errorf("seed %d: other records:\n%.1000s", seed, diff)
			}
			if runs < 3 {
				t.Errorf("seed %d: interrupted %d times only", seed, runs-1)
			}
			t.Logf("seed %d: %d records in %d runs", seed, len(ids), runs)
			server.CloseClientConnections()
			noLeaks(t, files)
		}
	})
}

// An object that is another one by the time it is read is told, not read; the
// next run reads what it is then.
func TestObjectsChange(t *testing.T) {
	other := func(s *s3fake.Server, key string) { s.Put(s.Bucket, key, delivery("999999"), nil) }
	grown := func(s *s3fake.Server, key string) {
		s.Put(s.Bucket, key, append(delivery("1"), delivery("2")...), nil)
	}
	for name, c := range map[string]struct {
		change func(server *s3fake.Server, key string)
		want   string
		after  int // records of the next run
	}{
		"other bytes": {other, "changed since", 12},
		"grown":       {grown, "changed since", 13},
		"gone":        {func(s *s3fake.Server, key string) { s.Delete(s.Bucket, key) }, "gone since", 11},
	} {
		t.Run(name, func(t *testing.T) {
			eachServer(t, func(t *testing.T, server *s3fake.Server) { changes(t, server, c.change, nil, c.want, c.after) })
		})
	}
	// Servers that do not heed conditions, or ETags.
	t.Run("other bytes, conditions ignored", func(t *testing.T) {
		changes(t, newServer(t), other, &s3fake.Fault{NoMatch: true}, "changed since", 12)
	})
	t.Run("grown, same ETag", func(t *testing.T) {
		server := newServer(t)
		same := func(s *s3fake.Server, key string) {
			s.PutETag(s.Bucket, key, append(delivery("1"), delivery("2")...), "same", nil)
		}
		server.PutETag(server.Bucket, fill(server, 12)[5], delivery("1"), "same", nil)
		changes(t, server, same, nil, "bytes where", 13)
	})
}

// changes lets one of twelve objects change between its listing and its
// reading.
func changes(t *testing.T, server *s3fake.Server, change func(*s3fake.Server, string), fault *s3fake.Fault, want string, after int) {
	var keys []string
	if names, _ := list(t, newSource(t, server, "", Options{})); len(names) == 12 {
		keys = names
	} else {
		keys = fill(server, 12)
	}
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op != "Get" || call.Key != keys[5] {
			return nil
		}
		if call.Nth == 1 {
			change(server, call.Key)
		}
		return fault
	}
	files := fds(t)
	s := newSource(t, server, "", Options{})
	got := ingestAll(t.Context(), s, ingest.Options{})
	if problem := got.problem[s.name(keys[5])]; got.err != nil || len(got.ids) != 11 || !strings.Contains(problem, want) {
		t.Errorf("%d records, %v, %v", len(got.ids), got.err, got.problem)
	}
	s.Close()
	server.CloseClientConnections()
	noLeaks(t, files)
	server.Fault = nil
	again := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{})
	if len(again.ids) != after || len(again.problem) > 0 {
		t.Errorf("then %d records, %v", len(again.ids), again.problem)
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
