package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

func noise(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(n)})
	random.Read(b)
	return b
}

// whole reads one object as it was listed.
func whole(t *testing.T, s *Source, key string) ([]byte, error) {
	t.Helper()
	for obj, err := range s.Objects(t.Context()) {
		if err != nil || obj.Name != s.name(key) {
			continue
		}
		body, err := s.Open(t.Context(), obj)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	}
	return nil, fmt.Errorf("%s is not listed", key)
}

// A large object is streamed, and goes on where it breaks.
func TestStream(t *testing.T) {
	body := noise(maxBody + 12345)
	each := func(f *s3fake.Fault, first, last int) func(s3fake.Call) *s3fake.Fault {
		return func(call s3fake.Call) *s3fake.Fault {
			if call.Op == "Get" && call.Nth >= first && call.Nth <= last {
				return f
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		fault func(s3fake.Call) *s3fake.Fault
		want  string
	}{
		"nothing":      {},
		"resets":       {fault: each(cut(s3fake.CutReset, 3<<20), 1, 99)},
		"small resets": {fault: each(cut(s3fake.CutReset, 100), 2, 5)},
		"closes":       {fault: each(cut(s3fake.CutClose, 3<<20), 1, 99)},
		"short":        {fault: each(cut(s3fake.CutShort, 5<<20), 1, 99)},
		"stalls":       {fault: each(cut(s3fake.CutStall, 5<<20), 1, 2)},
		"no ranges": {fault: func(call s3fake.Call) *s3fake.Fault {
			f := s3fake.Fault{NoRange: true}
			if call.Nth == 1 {
				f.Cut, f.At = s3fake.CutReset, 3<<20
			}
			return &f
		}},
		"throttled":      {fault: each(refusal(503, "SlowDown"), 1, 3)},
		"never gets on":  {fault: each(cut(s3fake.CutReset, 100), 1, 99), want: "did not come whole"},
		"refused":        {fault: each(refusal(403, "AccessDenied"), 1, 1), want: "s3:GetObject"},
		"refused midway": {fault: both(each(cut(s3fake.CutReset, 3<<20), 1, 1), each(refusal(404, "NoSuchKey"), 2, 9)), want: "gone"},
		"expired midway": {fault: both(each(cut(s3fake.CutReset, 3<<20), 1, 1), each(refusal(400, "ExpiredToken"), 2, 9)), want: "credentials expired"},
		"a bit flipped":  {fault: each(cut(s3fake.CutFlip, 9<<20), 1, 1), want: "its bytes are not those of its"},
		"another ETag":   {fault: nil, want: "ETag"},
	} {
		test := func(t *testing.T, server *s3fake.Server) {
			if name == "another ETag" {
				server.PutETag(bucketName, "big", body, strings.Repeat("0", 32), nil)
			} else {
				server.Put(server.Bucket, "big", body, nil)
			}
			server.Fault = c.fault
			got, err := whole(t, newSource(t, server, "", Options{Tries: 6}), "big")
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			case c.want == "" && (err != nil || !bytes.Equal(got, body)):
				t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
			}
		}
		t.Run(name, func(t *testing.T) {
			if name == "no ranges" || name == "another ETag" {
				test(t, newServer(t))
				return
			}
			eachServer(t, test)
		})
	}
}

func refusalError(code string) error { return &smithy.GenericAPIError{Code: code} }

func both(a, b func(s3fake.Call) *s3fake.Fault) func(s3fake.Call) *s3fake.Fault {
	return func(call s3fake.Call) *s3fake.Fault {
		if f := a(call); f != nil {
			return f
		}
		return b(call)
	}
}

// An object that changes while it is streamed is not put together from two.
func TestStreamChanges(t *testing.T) {
	server := newServer(t)
	server.Put(bucketName, "big", noise(maxBody+1), nil)
	other := append(noise(maxBody), 'x')
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" && call.Nth == 1 {
			return cut(s3fake.CutReset, 3<<20)
		}
		if call.Op == "Get" && call.Nth == 2 {
			server.Put(bucketName, "big", other, nil)
		}
		return nil
	}
	if _, err := whole(t, newSource(t, server, "", Options{Idle: 10 * time.Second}), "big"); err == nil || !strings.Contains(err.Error(), "changed since") {
		t.Error(err)
	}
}

// A reader that passes objects by does not stop the source, whatever they hold.
func TestUnopened(t *testing.T) {
	server := newServer(t)
	for i := range 6 {
		server.Put(bucketName, fmt.Sprintf("big/%02d", i), noise(14<<20), nil)
	}
	for i := range 300 {
		server.Put(bucketName, fmt.Sprintf("small/%03d", i), noise(1000), nil)
	}
	s := newSource(t, server, "", Options{Idle: 5 * time.Second})
	most, n := int64(0), 0
	for _, err := range s.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		s.mu.Lock()
		most = max(most, s.held)
		s.mu.Unlock()
	}
	if n != 306 || most > maxHeld {
		t.Errorf("%d objects, %d bytes held", n, most)
	}
	s.Close()
	if s.held != 0 {
		t.Errorf("%d bytes are held in the end", s.held)
	}
}

// What is held is bounded while readers are slow, and all of it comes.
func TestBounded(t *testing.T) {
	server := newServer(t)
	for i := range 10 {
		server.Put(bucketName, fmt.Sprintf("%02d", i), noise(10<<20), nil)
	}
	s := newSource(t, server, "", Options{Idle: 5 * time.Second})
	jobs := make(chan ingest.Object)
	var readers sync.WaitGroup
	var mu sync.Mutex
	most, read := int64(0), 0
	for range 3 {
		readers.Go(func() {
			for obj := range jobs {
				body, err := s.Open(t.Context(), obj)
				if err != nil {
					t.Error(err)
					continue
				}
				n, _ := io.Copy(io.Discard, body)
				s.mu.Lock()
				held := s.held
				s.mu.Unlock()
				body.Close()
				mu.Lock()
				most, read = max(most, held), read+int(n)
				mu.Unlock()
			}
		})
	}
	for obj, err := range s.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		jobs <- obj
	}
	close(jobs)
	readers.Wait()
	if read != 100<<20 || most > maxHeld || s.held != 0 {
		t.Errorf("%d bytes read, %d held at most, %d in the end", read, most, s.held)
	}
}

// A reader that goes away, or a context that ends, leaves nothing behind.
func TestEndsEarly(t *testing.T) {
	server := newServer(t)
	fill(server, 500)
	server.Latency = 5 * time.Millisecond
	for _, stop := range []int{0, 1, 50, 300} {
		for _, cancelled := range []bool{false, true} {
			files := fds(t)
			s := newSource(t, server, "", Options{})
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			for range s.Objects(ctx) {
				if n++; n > stop && !cancelled {
					break
				}
				if n > stop {
					cancel()
				}
			}
			cancel()
			if n > stop+1 {
				t.Errorf("%d objects after the end at %d", n, stop)
			}
			s.Close()
			if s.held != 0 {
				t.Errorf("%d bytes are held in the end", s.held)
			}
			server.CloseClientConnections()
			noLeaks(t, files)
		}
	}
	server.Close()
}

// An object may be opened twice, and one that was never listed too.
func TestOpen(t *testing.T) {
	server := newServer(t)
	fill(server, 3)
	s := newSource(t, server, "", Options{})
	for obj, err := range s.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			body, err := s.Open(t.Context(), obj)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(body)
			body.Close()
			body.Close()
			if int64(len(b)) != obj.Size || err != nil {
				t.Error(len(b), err)
			}
		}
	}
	for _, name := range []string{"", "s3://other/x", "file.json", "s3://trails/"} {
		if _, err := s.Open(t.Context(), ingest.Object{Name: name, Size: 3}); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
	if s.held != 0 {
		t.Errorf("%d bytes are held", s.held)
	}
}

func TestPace(t *testing.T) {
	p := newPace(Options{Stats: new(Stats)})
	var turns []time.Time
	for range startAtATime {
		started, err := p.begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, started)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.begin(ctx); err == nil {
		t.Fatal("one too many")
	}
	for _, started := range turns {
		p.end(started, refusalError("SlowDown"))
	}
	if n := p.stats.AtATime.Load(); n != startAtATime/2 || p.busy != 0 || len(p.waiting) != 0 {
		t.Errorf("%d at a time, %d busy", n, p.busy)
	}
	started, err := p.begin(t.Context())
	p.end(started, refusalError("SlowDown"))
	if n := p.stats.AtATime.Load(); n != startAtATime/4 || err != nil {
		t.Errorf("%d at a time", n)
	}
}
