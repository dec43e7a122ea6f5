//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests here kill the real program. TRAILBLAME_TEST=full runs every case,
// otherwise a sample.

func full() bool { return os.Getenv("TRAILBLAME_TEST") == "full" }

const killTrail = "../../testdata/trails/push-denied"

// indexAnswer is what an index says: every event, and that verify finds nothing.
func indexAnswer(t *testing.T, index string) string {
	t.Helper()
	if out, err := exec.Command(builtOnce(t), "verify", "--index", index).CombinedOutput(); err != nil {
		t.Fatalf("verify: %v\n%s", err, out)
	}
	out, err := exec.Command(builtOnce(t), "query", "--index", index).Output()
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	return string(out)
}

func ingestAll(t *testing.T, index string) {
	t.Helper()
	if out, err := exec.Command(builtOnce(t), "ingest", "-q", "--index", index, killTrail).CombinedOutput(); err != nil {
		t.Fatalf("ingest: %v\n%s", err, out)
	}
}

func undisturbed(t *testing.T) string {
	t.Helper()
	index := filepath.Join(t.TempDir(), "golden")
	ingestAll(t, index)
	want := indexAnswer(t, index)
	if n := strings.Count(want, "\n"); n < 300 {
		t.Fatalf("only %d events", n)
	}
	return want
}

// noStrays fails when anything but the index's own files is left.
func noStrays(t *testing.T, index string) {
	t.Helper()
	out, err := exec.Command(builtOnce(t), "verify", "--index", index).Output()
	if err != nil || !bytes.Contains(out, []byte(" 0 stray files: 0 problems")) {
		t.Fatalf("%v: %s", err, out)
	}
}

// The program is killed at every system call that changes the disk; a second
// run makes the index what it would have been.
func TestKilledAtEverySyscall(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: NO KILLS AT SYSTEM CALLS TESTED: strace is not installed")
	}
	want := undisturbed(t)
	stride := 9
	if full() {
		stride = 1
	}
	points := 0
	for _, call := range []string{"write", "fsync", "renameat", "unlinkat", "mkdirat", "ftruncate", "openat", "pwrite64"} {
		for n := 1; ; n += stride {
			index := filepath.Join(t.TempDir(), "ix")
			cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
				"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n),
				builtOnce(t), "ingest", "-q", "--workers", "1", "--index", index, killTrail)
			cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
			if err := cmd.Run(); err == nil {
				break // fewer than n such calls
			}
			ingestAll(t, index)
			if got := indexAnswer(t, index); got != want {
				t.Fatalf("killed at %s %d: %d events, want %d", call, n, strings.Count(got, "\n"), strings.Count(want, "\n"))
			}
			noStrays(t, index)
			points++
		}
	}
	if points < 20 {
		t.Errorf("only %d points", points)
	}
	t.Logf("killed at %d points", points)
}

// The program is killed at random times, and so are some of the runs that
// repair it, while readers query all along.
func TestKilledAtRandomTimes(t *testing.T) {
	want := undisturbed(t)
	rounds := 8
	if full() {
		rounds = 60
	}
	rng := rand.New(rand.NewPCG(5, 6))
	kills := 0
	for round := range rounds {
		index := filepath.Join(t.TempDir(), "ix")
		for range 1 + round%3 {
			if killedRun(t, rng, index) {
				kills++
			}
			readsTruth(t, index, want)
		}
		ingestAll(t, index)
		if got := indexAnswer(t, index); got != want {
			t.Fatalf("round %d: %d events", round, strings.Count(got, "\n"))
		}
		noStrays(t, index)
	}
	if kills == 0 {
		t.Error("no run was killed")
	}
	t.Logf("%d rounds, %d kills", rounds, kills)
}

// killedRun starts an ingest with many workers and kills it soon after.
func killedRun(t *testing.T, rng *rand.Rand, index string) (killed bool) {
	t.Helper()
	cmd := exec.Command(builtOnce(t), "ingest", "-q", "--workers", "16", "--index", index, killTrail)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond)
	cmd.Process.Kill()
	return cmd.Wait() != nil
}

// readsTruth queries an index that a killed run left: there is none, or what it
// says is part of the truth.
func readsTruth(t *testing.T, index, want string) {
	t.Helper()
	cmd := exec.Command(builtOnce(t), "query", "--index", index)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if !strings.Contains(stderr.String(), "no index here") {
			t.Fatalf("query: %v\n%s", err, &stderr)
		}
		return
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if !strings.Contains(want, lines.Text()+"\n") {
			t.Fatalf("not in the trail: %.200s", lines.Text())
		}
	}
}

// The disk fills up: the message says so, the index answers as before, and with
// room again the run completes.
func TestDiskFull(t *testing.T) {
	want := undisturbed(t)
	index := filepath.Join(t.TempDir(), "ix")
	cmd := exec.Command("sh", "-c", `ulimit -f 20; exec "$0" ingest --workers 1 --index "$1" "$2"`, builtOnce(t), index, killTrail)
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("file too large")) {
		t.Fatalf("%v: %s", err, out)
	}
	if n := bytes.Count(out, []byte("\n")); n != 1 {
		t.Errorf("%d lines: %s", n, out)
	}
	readsTruth(t, index, want)
	ingestAll(t, index)
	if indexAnswer(t, index) != want {
		t.Error("the index differs afterwards")
	}
}

// A second writer is told so at once; readers do not notice a writer, nor that
// it is killed.
func TestWriterAndReaders(t *testing.T) {
	want := undisturbed(t)
	index := filepath.Join(t.TempDir(), "ix")
	ingestAll(t, index)
	fifo := filepath.Join(t.TempDir(), "slow")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	keep, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	in, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	writer := exec.Command(builtOnce(t), "ingest", "--index", index, "-")
	writer.Stdin = in // never ends
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	second := func() (int, string) {
		out, err := exec.Command(builtOnce(t), "ingest", "--index", index, killTrail).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode(), string(out)
		}
		return 0, string(out)
	}
	holder := fmt.Sprintf("process %d", writer.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(index, "LOCK")); err == nil && bytes.Contains(text, []byte(holder)) {
			break
		}
	}
	code, out := second()
	if code != exitLocked || !strings.Contains(out, holder) {
		t.Errorf("second writer: status %d: %s", code, out)
	}
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			if out, err := exec.Command(builtOnce(t), "query", "--index", index).Output(); err != nil || string(out) != want {
				t.Errorf("reader: %v, %d bytes", err, len(out))
			}
		})
	}
	writer.Process.Kill()
	writer.Wait()
	readers.Wait()
	if code, out := second(); code != 0 {
		t.Errorf("after the writer was killed: %d %s", code, out)
	}
}
