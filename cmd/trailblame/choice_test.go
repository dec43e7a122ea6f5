package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// reads is a bucket with an object a day for two accounts, and what was asked of
// it.
type reads struct {
	*s3fake.Server
	mu   sync.Mutex
	days []string // of objects that were read, with their accounts
}

func newReads(t *testing.T, days ...string) *reads {
	r := &reads{Server: s3fake.New("trail-bucket")}
	t.Cleanup(r.Close)
	const record = `{"Records":[{"eventVersion":"1.08","eventTime":"%sT10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","awsRegion":"us-east-1","recipientAccountId":"%s","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::%[2]s:user/a"},"eventID":"%[3]s"}]}`
	for _, day := range days {
		for i, account := range []string{"111122223333", "444455556666"} {
			key := fmt.Sprintf("AWSLogs/%s/CloudTrail/us-east-1/%s/%[1]s_CloudTrail_us-east-1_%sT1005Z_abcdefghijklmnop.json", account, strings.ReplaceAll(day, "-", "/"), strings.ReplaceAll(day, "-", ""))
			id := fmt.Sprintf("%s-aaaa-4bbb-8ccc-00000000000%d", strings.ReplaceAll(day, "-", ""), i)
			r.Put("trail-bucket", key, fmt.Appendf(nil, record, day, account, id), nil)
		}
	}
	r.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" {
			r.mu.Lock()
			defer r.mu.Unlock()
			parts := strings.Split(call.Key, "/")
			r.days = append(r.days, strings.Join(parts[4:7], "-")+" "+parts[1][:1])
		}
		return nil
	}
	return r
}

// run runs the program on the bucket and returns what it read of it.
func (r *reads) run(t *testing.T, args ...string) (read []string, stdout, stderr string) {
	t.Helper()
	r.days = nil
	cmd := programCommand(t, append(args, "--endpoint-url", r.URL)...)
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1", "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "TMPDIR="+t.TempDir())
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, &said)
	}
	slices.Sort(r.days)
	return slices.Compact(r.days), out.String(), said.String()
}

// A correlation reads as far before its failures as its windows go, of all
// accounts, and says what it did not read. A query reads the days it prints.
func TestReadsWhatTheAnswerNeeds(t *testing.T) {
	r := newReads(t, "2025-12-20", "2026-01-05", "2026-02-10", "2026-03-10", "2026-03-17", "2026-03-25")
	const bucket = "s3://trail-bucket/AWSLogs"
	outside := filepath.Join(t.TempDir(), "failures.ndjson")
	if err := os.WriteFile(outside, []byte(`{"time":"2026-01-30T00:00:00Z","principal":"arn:aws:iam::111122223333:user/a","action":"s3:GetObject"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const around = "2026-02-10 1 2026-02-10 4 2026-03-10 1 2026-03-10 4 2026-03-17 1 2026-03-17 4"
	for _, c := range []struct {
		args []string
		want string
		said []string
	}{
		{[]string{"correlate", bucket}, "2025-12-20 1 2025-12-20 4 2026-01-05 1 2026-01-05 4 " + around + " 2026-03-25 1 2026-03-25 4", nil},
		{[]string{"correlate", bucket, "--from", "2026-03-10", "--to", "2026-03-11"}, around,
			[]string{"from 2026-02-08 on up to 2026-03-17", "30d before the failures", "7d after them", "6 folders and objects beside them were not"}},
		{[]string{"correlate", bucket, "--from", "2026-03-10", "--to", "2026-03-11", "--account", "111122223333", "--region", "us-east-1"}, around, nil},
		{[]string{"correlate", bucket, "--from", "2026-03-10", "--to", "2026-03-11", "--windows", "90d"},
			"2025-12-20 1 2025-12-20 4 2026-01-05 1 2026-01-05 4 " + around, []string{"90d before the failures"}},
		{[]string{"correlate", bucket, "--from", "2026-03-10", "--to", "2026-03-11", "--failures", outside},
			"2026-01-05 1 2026-01-05 4 " + around, nil},
		{[]string{"report", bucket, "--from", "2026-03-10", "--to", "2026-03-11"}, around, []string{"30d before the failures"}},
		{[]string{"explain", "20260310-aaaa-4bbb-8ccc-000000000000", bucket, "--from", "2026-03-10", "--to", "2026-03-11"}, around, []string{"30d before the failures"}},
		{[]string{"query", "--source", bucket, "--from", "2026-03-10", "--to", "2026-03-11", "--account", "111122223333"}, "2026-03-10 1 2026-03-10 4",
			[]string{"from 2026-03-10 on up to 2026-03-10, and a day more for late ones; "}},
		{[]string{"timeline", bucket, "--from", "2026-03-10", "--to", "2026-03-11"}, "2026-03-10 1 2026-03-10 4", []string{"from 2026-03-10 on"}},
		{[]string{"ingest", bucket, "--index", filepath.Join(t.TempDir(), "ix"), "--from", "2026-03-10", "--to", "2026-03-11", "--account", "111122223333"}, "2026-03-10 1",
			[]string{"of the chosen accounts and regions; "}},
	} {
		read, _, said := r.run(t, c.args...)
		if got := strings.Join(read, " "); got != c.want {
			t.Errorf("%v read\n%s, want\n%s", c.args[1:], got, c.want)
		}
		for _, part := range c.said {
			if !strings.Contains(said, part) {
				t.Errorf("%v: %q is missing in %q", c.args, part, said)
			}
		}
		if c.said == nil && len(c.args) == 2 && said != "" {
			t.Errorf("%v said %q", c.args, said)
		}
	}
}

// Each command that reads sources can tell what it would read of them.
func TestDryRuns(t *testing.T) {
	r := newReads(t, "2026-01-05", "2026-03-10")
	const bucket = "s3://trail-bucket/AWSLogs"
	for _, args := range [][]string{
		{"correlate", bucket, "--dry-run", "--from", "2026-03-10"},
		{"report", bucket, "--dry-run", "--from", "2026-03-10"},
		{"timeline", bucket, "--dry-run", "--from", "2026-03-10"},
		{"query", "--source", bucket, "--dry-run", "--from", "2026-03-10"},
		{"explain", "x", bucket, "--dry-run", "--from", "2026-03-10"},
	} {
		read, out, said := r.run(t, args...)
		if len(read) != 0 || said != "" || !strings.Contains(out, "would read 2 objects, ") || !strings.Contains(out, "into an index for this run") {
			t.Errorf("%v read %q, said %q and printed\n%s", args, read, said, out)
		}
	}
}

// A choice spans all failures: those of the trail and those of a file.
func TestCorrelationChoice(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	opts := correlate.Options{}
	if c, err := correlationChoice(&opts); err != nil || c.narrows() {
		t.Errorf("without times: %+v, %v", c, err)
	}
	opts.Failures = []correlate.ExternalFailure{{Time: at(1)}, {Time: at(30)}}
	opts.Filter.From, opts.Filter.To = at(10), at(20)
	c, err := correlationChoice(&opts)
	if err != nil || !c.from.Equal(at(1).AddDate(0, 0, -30)) || !c.to.Equal(at(37).Add(time.Second)) {
		t.Errorf("%v to %v, %v", c.from, c.to, err)
	}
}
