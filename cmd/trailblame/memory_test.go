//go:build linux

package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// peakLimit is the documented bound on memory.
const peakLimit = 512 << 20

// peak runs the program and returns the most memory that it had.
func peak(t *testing.T, args ...string) int64 {
	t.Helper()
	cmd := exec.Command(builtOnce(t), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%.500s", args, err, out)
	}
	rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	t.Logf("%s: %d MiB", args[0], rss>>20)
	if rss > peakLimit {
		t.Errorf("%v took %d MiB at its peak", args, rss>>20)
	}
	return rss
}

// One object of half a gigabyte breaks no bound.
func TestPeakMemoryOfALargeObject(t *testing.T) {
	records := 8_000
	if full() {
		records = 400_000 // 560 MB
	}
	trail, index := filepath.Join(t.TempDir(), "large.json.gz"), filepath.Join(t.TempDir(), "ix")
	writeLarge(t, trail, records)
	peak(t, "ingest", "-q", "--index", index, trail)
	if got := peak(t, "query", "--index", index, "--count"); got == 0 {
		t.Error("no figure")
	}
	out, err := exec.Command(builtOnce(t), "query", "--index", index, "--count").Output()
	if err != nil || string(out) != strconv.Itoa(records)+"\n" {
		t.Errorf("%s events, %v", out, err)
	}
}

func writeLarge(t *testing.T, name string, records int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(z)
	fmt.Fprint(w, `{"Records":[`)
	for n := range records {
		if n > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, `{"eventVersion":"1.08","eventTime":"2026-03-%02dT%02d:%02d:00Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","eventID":"%08x-0000-4000-8000-%012x",`+
			`"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u%d"},"requestParameters":{"key":"%0800d","bucketName":"b%d"},"responseElements":{"x":"%0300x"}}`,
			1+n%7, n%24, n%60, n*2654435761%(1<<32), n, n%1000, n, n%50, n*n)
	}
	fmt.Fprint(w, `]}`)
	for _, err := range []error{w.Flush(), z.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A large trail of small objects is read and queried within the bound.
func TestPeakMemory(t *testing.T) {
	if !full() {
		t.Skip("SKIPPED: NO PEAK OF MEMORY MEASURED: set TRAILBLAME_TEST=full")
	}
	events := os.Getenv("TRAILBLAME_TEST_EVENTS")
	if events == "" {
		events = "400000"
	}
	trail, index := filepath.Join(t.TempDir(), "trail"), filepath.Join(t.TempDir(), "ix")
	generate := exec.Command("go", "run", "./bench/trailgen", "large", "-events", events, "-out", trail)
	generate.Dir = "../.."
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peak(t, "ingest", "-q", "--index", index, trail)
	peak(t, "ingest", "-q", "--compact", "--index", index, trail)
	peak(t, "query", "--index", index, "--count", `eventName == "nothing" || userAgent contains "nothing"`)
	peak(t, "inspect", "--index", index)
	peak(t, "verify", "--index", index)
}
