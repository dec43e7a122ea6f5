package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// The program reads a bucket as it reads a folder, keeps what it read, and says
// what it could not read.
func TestBucket(t *testing.T) {
	server := s3fake.New("trail-bucket")
	defer server.Close()
	const root = "../../testdata/trails/push-denied"
	var keys []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		key, _ := filepath.Rel(root, path)
		keys = append(keys, filepath.ToSlash(key))
		server.Put("trail-bucket", keys[len(keys)-1], body, nil)
		return err
	})
	if err != nil || len(keys) < 20 {
		t.Fatal(len(keys), err)
	}
	index := filepath.Join(t.TempDir(), "ix")
	bin := builtOnce(t)
	command := func(args ...string) (string, string, int) {
		cmd := exec.Command(bin, args...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1",
			"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
	out, errs, code := command("correlate", "s3://trail-bucket/AWSLogs", "--endpoint-url", server.URL, "--index", index)
	if code != 0 || !strings.Contains(out, `"object":"s3://trail-bucket/AWSLogs/111122223333/`) || !strings.Contains(out, `"level":"proven"`) {
		t.Fatalf("status %d, %s\n%.300s", code, errs, out)
	}
	_, errs, code = command("ingest", "s3://trail-bucket/AWSLogs", "--endpoint-url", server.URL, "--index", index)
	if code != 0 || !strings.Contains(errs, "0 objects read") {
		t.Errorf("a re-run: status %d, %s", code, errs)
	}
	_, errs, code = command("ingest", "s3://nosuch-bucket/x", "--endpoint-url", server.URL, "--index", index)
	if code == 0 || strings.Count(errs, "\n") == 0 {
		t.Errorf("a bucket that is not there: status %d, %s", code, errs)
	}
}

// builtOnce builds the program for tests that run it as users do.
func builtOnce(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trailblame")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
