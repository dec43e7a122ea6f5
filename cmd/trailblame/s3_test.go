package main

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// A dry run lists, says what would be read, and reads and writes nothing.
func TestDryRun(t *testing.T) {
	server := s3fake.New("trail-bucket")
	defer server.Close()
	server.KeyID = "AKIDEXAMPLE"
	day := func(account, region, day string, n int) string {
		return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%sT0000Z_%04d.json", account, region, day, account, region, strings.ReplaceAll(day, "/", ""), n)
	}
	body := []byte(`{"Records":[]}`)
	for i, date := range []string{"2026/03/09", "2026/03/10", "2026/03/11", "2026/03/12"} {
		server.Put("trail-bucket", day("111122223333", "us-east-1", date, i), body, nil)
		server.Put("trail-bucket", day("444455556666", "eu-west-1", date, i), body, nil)
	}
	dir := t.TempDir()
	bin := builtOnce(t)
	command := func(args ...string) (string, string, int) {
		cmd := exec.Command(bin, append(args, "--endpoint-url", server.URL)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=topsecret", "AWS_SESSION_TOKEN=", "AWS_REGION=eu-north-1",
			"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	}
	gets := 0
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" {
			gets++
		}
		return nil
	}
	dry := []string{"ingest", "s3://trail-bucket/AWSLogs", "--dry-run", "--from", "2026-03-10", "--to", "2026-03-11"}
	out, errs, code := command(dry...)
	for _, want := range []string{
		"s3://trail-bucket/AWSLogs\n", "reached    " + server.URL + "/trail-bucket, region eu-north-1, credentials: environment\n",
		"to read    4 objects, 56 bytes\n", "chosen     2026/03/10 to 2026/03/11; no day before --from, and the day after --to",
		"days       2026/03/10 to 2026/03/11 (2)\n", "accounts   111122223333, 444455556666\n", "regions    eu-west-1, us-east-1\n",
		" to list, 4 to get; ", "would read 4 objects, 56 bytes, into trailblame.index, with ", "nothing was read or written\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "trailblame.index")); code != 0 || errs != "" || gets != 0 || err == nil {
		t.Errorf("status %d, %d objects read, %q, index: %v", code, gets, errs, err)
	}
	if strings.Contains(out+errs, "topsecret") || strings.Contains(out+errs, "AKID") {
		t.Error("a credential is shown")
	}

	out, _, code = command(append(dry, "--format", "json", "--account", "1*")...)
	var plan ingestPlan
	if err := json.Unmarshal([]byte(out), &plan); err != nil || code != 0 {
		t.Fatal(err, code, out)
	}
	one := plan.Sources[0]
	if plan.Schema != "trailblame.plan/1" || plan.Objects != 2 || plan.Bytes != 28 || plan.Requests != one.Listings+2 || one.Listings == 0 ||
		one.From != "2026/03/10" || one.To != "2026/03/11" || len(one.Accounts) != 1 || one.Access.Credentials != "environment" || one.Access.Region != "eu-north-1" {
		t.Errorf("%+v", plan)
	}

	// What an index holds is known; files are planned too, and what is not
	// there makes the plan incomplete.
	if _, errs, code := command("ingest", "s3://trail-bucket/AWSLogs", "--from", "2026-03-11", "--index", "ix"); code != 0 {
		t.Fatal(code, errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.json"), body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code = command("ingest", "s3://trail-bucket/AWSLogs", "a.json", "-", "nothing.json", "--dry-run", "--index", "ix")
	if code != exitIncomplete || !strings.Contains(out, "known      4 objects in the index already") || !strings.Contains(out, "would read 5 objects, 70 bytes") ||
		!strings.Contains(out, "standard input") || !strings.Contains(errs, "nothing.json: no such file") {
		t.Errorf("status %d, %s\n%s", code, errs, out)
	}
	server.KeyID = "AKIDOTHER"
	out, errs, code = command(dry...)
	if code != exitFailed || !strings.Contains(errs, "credentials not accepted") {
		t.Errorf("status %d, %s\n%s", code, errs, out)
	}
	if _, errs, code = command(append(dry, "--format", "csv")...); code != exitUsage || !strings.Contains(errs, "text or json") {
		t.Errorf("status %d, %s", code, errs)
	}
}
