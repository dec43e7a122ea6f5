package duckdb

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
)

// trailblame runs the product and returns its standard output.
func trailblame(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("trailblame %v: %v\n%s", args, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "trailblame-duckdb-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "trailblame")
	build := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/trailblame")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// open ingests trails and opens the index with DuckDB by the script of connect.
func open(t *testing.T, trails ...string) (db *sql.DB, index string) {
	t.Helper()
	index = filepath.Join(t.TempDir(), "it's an index")
	trailblame(t, append([]string{"ingest", "-q", "--index", index}, trails...)...)
	script, err := os.ReadFile(trailblame(t, "connect", "--index", index))
	if err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("duckdb", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatal(err)
	}
	return db, index
}

func one(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var v any
	if err := db.QueryRow("SELECT (" + query + ")::VARCHAR").Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	s, _ := v.(string)
	return s
}

func bundled(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("../../testdata/trails/*-denied")
	if err != nil || len(dirs) < 2 {
		t.Fatalf("%v, %v", dirs, err)
	}
	return dirs
}

// DuckDB counts what the product counts, each event once.
func TestCounts(t *testing.T) {
	db, index := open(t, bundled(t)...)
	for _, c := range []struct{ sql, expr string }{
		{"SELECT count(*) FROM trailblame_events", ""},
		{"SELECT count(DISTINCT event_id) FROM trailblame_events", ""},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE error_code IS NOT NULL", "errorCode != nil"},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE event_source = 'iam.amazonaws.com' AND NOT read_only", `eventSource == "iam.amazonaws.com" && readOnly == false`},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE user_identity.type = 'AssumedRole'", `userIdentity.type == "AssumedRole"`},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE user_identity.session_context.session_issuer.arn LIKE '%pipeline-web'", `userIdentity.sessionContext.sessionIssuer.arn endsWith "pipeline-web"`},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE request_parameters ->> '$.bucketName' = 'web-artifacts-444455556666'", `requestParameters.bucketName == "web-artifacts-444455556666"`},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE tls_details IS NULL", `tlsDetails.tlsVersion == nil`},
		{"SELECT count(*) FROM aws_cloudtrail_log WHERE tp_date = DATE '2026-03-11'", `eventTime startsWith "2026-03-11"`},
		{"SELECT count(*) FROM cloudtrail_logs WHERE errorcode = 'AccessDenied' AND useridentity.username = 'juniordev'", `errorCode == "AccessDenied" && userIdentity.userName == "juniordev"`},
		{"SELECT count(*) FROM cloudtrail_logs WHERE \"timestamp\" = '2026/04/16' AND eventname = 'PutBucketPolicy'", `eventTime startsWith "2026-04-16" && eventName == "PutBucketPolicy"`},
		{"SELECT count(*) FROM cloudtrail_logs WHERE eventtime >= '2026-04-16T09:00:00Z' AND eventtime < '2026-04-16T10:00:00Z'", `eventTime >= "2026-04-16T09:00:00Z" && eventTime < "2026-04-16T10:00:00Z"`},
	} {
		args := []string{"query", "--index", index, "--count"}
		if c.expr != "" {
			args = append(args, c.expr)
		}
		want := trailblame(t, args...)
		if n, err := strconv.Atoi(want); err != nil || n == 0 {
			t.Errorf("%s finds %q", c.expr, want)
		}
		if got := one(t, db, c.sql); got != want {
			t.Errorf("%s: DuckDB says %s, query %s", c.sql, got, want)
		}
	}
}

// The types are those that people's SQL expects.
func TestTypes(t *testing.T) {
	db, _ := open(t, bundled(t)...)
	for column, want := range map[string]string{
		"event_time": "TIMESTAMP", "read_only": "BOOLEAN", "management_event": "BOOLEAN",
		"recipient_account_id": "VARCHAR", "request_parameters": "JSON", "resources": "JSON", "response_elements": "JSON",
		"user_identity.session_context.session_issuer.user_name": "VARCHAR", "tls_details.cipher_suite": "VARCHAR",
		"tp_ips": "VARCHAR[]", "tp_usernames": "VARCHAR[]", "tp_akas": "VARCHAR[]", "tp_timestamp": "TIMESTAMP", "tp_date": "DATE",
	} {
		if got := one(t, db, "SELECT typeof("+column+") FROM aws_cloudtrail_log LIMIT 1"); got != want {
			t.Errorf("%s is %s, want %s", column, got, want)
		}
	}
	if got := one(t, db, "SELECT typeof(date) FROM trailblame_events LIMIT 1"); got != "VARCHAR" {
		t.Errorf("the partition column date is %s", got)
	}
}

// Values, not only counts: what the views say of one known event.
func TestValues(t *testing.T) {
	db, _ := open(t, bundled(t)...)
	const where = " FROM aws_cloudtrail_log WHERE event_id = 'a3ef7d06-2160-41e9-bc5d-874b6be1acd5'"
	for query, want := range map[string]string{
		"SELECT event_name" + where:                                             "PutGroupPolicy",
		"SELECT event_time" + where:                                             "2026-03-11 14:02:11",
		"SELECT request_parameters ->> '$.groupName'" + where:                   "Juniors",
		"SELECT user_identity.session_context.session_issuer.user_name" + where: "PlatformAdmin",
		"SELECT tp_source_location LIKE '%.json.gz'" + where:                    "true",
		"SELECT string_agg(resources[1].ARN) FROM cloudtrail_logs WHERE eventid = 'eb0c3e45-424f-4a89-8f16-01bf9bfa271e'": "arn:aws:codecommit:us-east-1:111122223333:payments",
	} {
		if got := one(t, db, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
