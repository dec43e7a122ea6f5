//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who may read a file of --out is as with a shell's redirection; a bundle holds
// records as they were delivered and is for the user alone, unless redacted.
func TestFileModes(t *testing.T) {
	dir := t.TempDir()
	ix := filepath.Join(dir, "ix")
	if out, err := programCommand(t, "ingest", "-q", "--index", ix, "../../testdata/trails/push-denied").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	old := func(mode fs.FileMode) string {
		name := filepath.Join(t.TempDir(), "old")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	file := filepath.Join(dir, "results")
	for _, c := range []struct {
		umask, file string
		want        fs.FileMode
		args        []string
	}{
		{"022", file + "1", 0o644, []string{"query", "--limit", "1", "--out", file + "1"}},
		{"027", file + "2", 0o640, []string{"correlate", "--out", file + "2"}},
		{"077", file + "3", 0o600, []string{"report", "--out", file + "3"}},
		{"022", "", 0o600, []string{"query", "--limit", "1", "--force", "--out", old(0o600)}},
		{"077", "", 0o664, []string{"timeline", "--limit", "1", "--force", "--out", old(0o664)}},
		{"022", file + ".zip", 0o600, []string{"correlate", "--bundle", file + ".zip"}},
		{"022", "", 0o600, []string{"correlate", "--force", "--bundle", old(0o644)}},
		{"022", file + "r.zip", 0o644, []string{"correlate", "--redact", "--bundle", file + "r.zip"}},
	} {
		if c.file == "" {
			c.file = c.args[len(c.args)-1]
		}
		run := programCommand(t, append(c.args, "--index", ix)...)
		cmd := exec.Command("sh", append([]string{"-c", `umask "$0"; exec "$@"`, c.umask}, run.Args...)...)
		cmd.Env = run.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v: %s", c.args, err, out)
			continue
		}
		info, err := os.Stat(c.file)
		if err != nil || info.Mode() != c.want || info.Size() == 0 {
			t.Errorf("%v under umask %s: %v, %v, want %v", c.args, c.umask, err, info, c.want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".trailblame-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What is no regular file is never replaced, --force or not.
func TestOutIsNoRegularFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("SKIPPED: no named pipe to try: %v", err)
	}
	for _, name := range []string{fifo, t.TempDir()} {
		status, _, errs := runApp(t, "query", "--out", name, "--force")
		if want := fmt.Sprintf("trailblame: --out %s: this is no regular file", name); status != exitUsage || !strings.HasPrefix(errs, want) {
			t.Errorf("%s: status %d, %s", name, status, errs)
		}
	}
}
