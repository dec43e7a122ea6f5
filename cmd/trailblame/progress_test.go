//go:build linux

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

func TestGauge(t *testing.T) {
	g := &gauge{progress: new(ingest.Progress), stats: new(s3.Stats), known: func(ingest.Object) bool { return false },
		start: time.Now().Add(-10 * time.Second)}
	g.counted.Store(true)
	g.buckets.Store(1)
	g.progress.Objects.Store(1200)
	g.progress.Bytes.Store(50 << 20)
	g.progress.Records.Store(45678)
	g.stats.Found.Store(20000)
	g.stats.FoundBytes.Store(200 << 20)
	if got := g.String(); got != "1,200 objects  50 MiB  45,678 events  5.0 MiB/s  (still listing)" {
		t.Error(got)
	}
	g.stats.Walked.Store(1)
	if got := g.String(); got != "1,200 of 20,000 objects  50 MiB of 200 MiB  45,678 events  5.0 MiB/s  31 s left" {
		t.Error(got)
	}
	g.stats.Throttled.Store(3)
	g.stats.AtATime.Store(4)
	if got := g.String(); !strings.HasSuffix(got, "  slowed down by S3: 4 at a time") {
		t.Error(got)
	}
	g.endless.Store(true)
	if got := g.String(); strings.Contains(got, "left") || strings.Contains(got, "listing") {
		t.Error(got)
	}
}

// serveTrail serves a bundled trail, many times over under other keys.
func serveTrail(t *testing.T, times int) *s3fake.Server {
	server := s3fake.New("trail-bucket")
	t.Cleanup(server.Close)
	server.KeyID = "AKIDEXAMPLE"
	files, err := filepath.Glob(killTrail + "/AWSLogs/*/CloudTrail/*/*/*/*/*.gz")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, path := range files {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		key, _ := filepath.Rel(killTrail, path)
		for n := range times {
			server.Put("trail-bucket", strings.TrimSuffix(filepath.ToSlash(key), ".json.gz")+string(rune('a'+n))+".json.gz", body, nil)
		}
	}
	return server
}

func onBucket(t *testing.T, server *s3fake.Server, args ...string) *exec.Cmd {
	cmd := exec.Command(builtOnce(t), append(args, "--endpoint-url", server.URL)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "TERM=xterm")
	return cmd
}

// screen collects what a program writes to a terminal.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) copy(from io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		s.mu.Lock()
		s.text.Write(b[:n])
		s.mu.Unlock()
		if err != nil {
			return // EIO when the program has ended
		}
	}
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// On a terminal there is progress; Ctrl-C keeps what is whole, says how to go
// on, and ends with 130; the next run reads the rest.
func TestProgressAndInterrupt(t *testing.T) {
	server := serveTrail(t, 8)
	server.Latency = 300 * time.Millisecond
	index := filepath.Join(t.TempDir(), "ix")
	cmd := onBucket(t, server, "ingest", "s3://trail-bucket/AWSLogs", "--index", index)
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer ptmx.Close()
	cmd.Stderr, cmd.Stdin = tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	shown := new(screen)
	var copied sync.WaitGroup
	copied.Go(func() { shown.copy(ptmx) })
	for deadline := time.Now().Add(60 * time.Second); !strings.Contains(shown.String(), " events"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no progress: %q", shown.String())
		}
	}
	time.Sleep(300 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	copied.Wait()
	got := shown.String()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("status %d: %q", code, got)
	}
	for _, want := range []string{"\r\x1b[K", "interrupted; ", "whole in " + index, "run the same command again to read the rest"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	last := got[strings.LastIndex(got, "\x1b[K")+len("\x1b[K"):]
	if !strings.HasPrefix(last, "trailblame: interrupted") {
		t.Errorf("the line is left behind: %q", last)
	}
	server.Latency = 0
	var stderr bytes.Buffer
	again := onBucket(t, server, "ingest", "s3://trail-bucket/AWSLogs", "--index", index)
	again.Stderr = &stderr
	if err := again.Run(); err != nil || strings.ContainsAny(stderr.String(), "\r\x1b") {
		t.Errorf("the next run: %v: %q", err, stderr.String())
	}
	if got, want := queried(t, index), queried(t, calmly(t, server)); want == "" || got != want {
		t.Error("other events than after an undisturbed run:", cmp.Diff(want, got))
	}
}

// calmly makes an index of all that the server holds.
func calmly(t *testing.T, server *s3fake.Server) string {
	index := filepath.Join(t.TempDir(), "whole")
	if out, err := onBucket(t, server, "ingest", "s3://trail-bucket", "--index", index).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return index
}

func queried(t *testing.T, index string) string {
	out, err := exec.Command(builtOnce(t), "query", "--index", index).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Interrupted at any point while much goes wrong, and repeated, the program ends
// up with the events of an undisturbed run, byte for byte.
func TestInterruptedInChaos(t *testing.T) {
	seeds := uint64(1)
	if full() {
		seeds = 10
	}
	server := serveTrail(t, 8)
	want := queried(t, calmly(t, server))
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 5))
		server.Fault = mischief(seed)
		server.Latency = 30 * time.Millisecond
		index := filepath.Join(t.TempDir(), "ix")
		interrupted, done := 0, false
		for try := 0; !done; try++ {
			cmd := onBucket(t, server, "ingest", "s3://trail-bucket", "--index", index)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if try < 6 {
				time.AfterFunc(time.Duration(20+random.IntN(150))*time.Millisecond, func() { cmd.Process.Signal(os.Interrupt) })
			}
			cmd.Wait()
			switch state := cmd.ProcessState; {
			case state.Success():
				done = true
			case state.ExitCode() == exitInterrupted, state.Sys().(syscall.WaitStatus).Signaled(): // before it was listened for
				interrupted++
			default:
				t.Fatalf("seed %d: %v: %s", seed, state, &stderr)
			}
		}
		if got := queried(t, index); got != want {
			t.Errorf("seed %d: other events than undisturbed:\n%.2000s", seed, cmp.Diff(want, got))
		}
		if interrupted == 0 {
			t.Errorf("seed %d: never interrupted", seed)
		}
		t.Logf("seed %d: interrupted %d times", seed, interrupted)
		server.Fault, server.Latency = nil, 0
	}
}

// mischief lets some requests go wrong, in ways that pass.
func mischief(seed uint64) func(s3fake.Call) *s3fake.Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed))
	return func(call s3fake.Call) *s3fake.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch p, at := random.IntN(100), random.IntN(500); {
		case p < 5:
			return &s3fake.Fault{Status: 503, Code: "SlowDown"}
		case p < 8:
			return &s3fake.Fault{ResetFirst: true}
		case p < 10:
			return &s3fake.Fault{Cut: s3fake.CutReset, At: at}
		case p < 11:
			return &s3fake.Fault{Cut: s3fake.CutFlip, At: at}
		case p < 12:
			return &s3fake.Fault{Cut: s3fake.CutShort, At: at}
		}
		return nil
	}
}
