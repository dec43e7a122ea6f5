//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trailblame/trailblame/index"
)

// How the program ends when the world around it does.

// started runs the program with its private folder, which must be empty at the end.
func started(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	temp := t.TempDir()
	cmd := programCommand(t, args...)
	cmd.Env = append(cmd.Env, "TMPDIR="+temp)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%v: left behind in the temporary folder: %v %v", args, left, err)
		}
	})
	return cmd, &stderr
}

// A reader that goes away ends every command quietly, and the private index is
// removed.
func TestReaderGoesAway(t *testing.T) {
	big := bigTrail(t)
	for _, args := range [][]string{
		{"query", "--source", big}, {"query", "--source", big, "--format", "csv"}, {"query", "--source", big, "--jq", "."},
		{"timeline", big, "--all", "--no-fold"}, {"timeline", big, "--all", "--no-fold", "--format", "text"},
		{"correlate", killTrailFolder, "--format", "text"}, {"correlate", killTrailFolder}, {"report", killTrailFolder},
		{"help"}, {"completion", "bash"}, {"playbooks"}, {"playbooks", "show", "access-denied"}, {"version"},
	} {
		cmd, stderr := started(t, args...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = w
		if args[0] != "query" && args[0] != "timeline" {
			r.Close() // short outputs: nobody reads from the start
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		io.ReadFull(r, make([]byte, 10))
		r.Close()
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitPipe || stderr.Len() > 0 {
			t.Errorf("%v: status %d, stderr %q; want %d and nothing", args, code, stderr, exitPipe)
		}
	}
}

const killTrailFolder = "../../testdata/trails/push-denied"

// bigTrail has more output than a pipe holds.
func bigTrail(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	for range 3000 {
		b.WriteString(`{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"pad":"` +
			strings.Repeat("x", 200) + `"}}` + "\n")
	}
	name := filepath.Join(t.TempDir(), "big.json")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Output that cannot be written is a failure, whichever command writes it.
func TestDiskUnderTheOutputIsFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	ix := filepath.Join(t.TempDir(), "ix")
	if out, err := programCommand(t, "ingest", "--index", ix, killTrailFolder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, args := range [][]string{
		{"query", "--index", ix}, {"query", "--index", ix, "--format", "json"}, {"query", "--index", ix, "--format", "csv"},
		{"query", "--index", ix, "--format", "text"}, {"query", "--index", ix, "--format", "markdown"}, {"query", "--index", ix, "--count"},
		{"query", "--index", ix, "--explain"}, {"query", "--index", ix, "--count-by", "eventName"}, {"query", "--index", ix, "--jq", "."},
		{"timeline", "--index", ix}, {"timeline", "--index", ix, "--format", "text"}, {"timeline", "--index", ix, "--format", "timesketch"},
		{"correlate", "--index", ix}, {"correlate", "--index", ix, "--format", "text"}, {"correlate", "--index", ix, "--format", "json"},
		{"explain", "--index", ix, "19f71051-8ce7-4475-9f31-1106eb3c2cde"}, {"report", "--index", ix}, {"inspect", "--index", ix}, {"inspect", "--index", ix, "--format", "json"}, {"verify", "--index", ix}, {"connect", "--index", ix},
		{"playbooks"}, {"playbooks", "show", "access-denied"}, {"version"}, {"help"}, {"help", "query"}, {"query", "--help"},
		{"completion", "bash"}, {"completion"},
	} {
		cmd, stderr := started(t, args...)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout = full
		cmd.Run()
		full.Close()
		if code := cmd.ProcessState.ExitCode(); code != exitFailed || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%v: status %d, stderr %q", args, code, stderr)
		}
	}
}

// An interrupt ends a command that waits for input, with its own status.
func TestInterrupt(t *testing.T) {
	for _, args := range [][]string{{"query", "--source", "-"}, {"timeline", "-"}, {"correlate", "-"}, {"ingest", "--index", filepath.Join(t.TempDir(), "ix"), "-"}} {
		cmd, stderr := started(t, args...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, `{"Records":[`)
		// Whether it has come to reading already does not matter, but the
		// program must have taken over the signal.
		time.Sleep(300 * time.Millisecond)
		cmd.Process.Signal(syscall.SIGINT)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(time.Minute):
			cmd.Process.Kill()
			t.Fatalf("%v: goes on after an interrupt", args)
		}
		in.Close()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("%v: status %d, stderr %q; want %d", args, code, stderr, exitInterrupted)
		}
	}
}

// Another writer is told by name and status.
func TestAnotherWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	w, err := index.OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, args := range [][]string{{"ingest", "--index", dir, killTrailFolder}, {"correlate", "--index", dir, killTrailFolder}, {"timeline", "--index", dir, killTrailFolder}, {"query", "--index", dir, "--source", killTrailFolder}} {
		cmd, stderr := started(t, args...)
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != exitLocked || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: status %d, stderr %q; want %d", args, code, stderr, exitLocked)
		}
	}
}
