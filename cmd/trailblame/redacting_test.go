package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// redactedCommands write everything that --redact is for.
var redactedCommands = [][]string{
	{"correlate", "--format", "text"}, {"correlate", "--format", "ndjson"}, {"correlate", "--format", "json"},
	{"correlate", "--format", "csv"}, {"correlate", "--format", "markdown"},
	{"correlate", "--group-by", "cause", "--format", "text"}, {"correlate", "--group-by", "cause"},
	{"query"}, {"query", "--format", "text"}, {"query", "--format", "csv"},
	{"query", "--select", "eventTime,principal,sourceIPAddress,userIdentity.accessKeyId,object", "--format", "text"},
	{"query", "--count-by", "recipientAccountId,sourceIPAddress"}, {"query", "--jq", ".userIdentity"},
	{"timeline", "--format", "text", "--all"}, {"timeline", "--format", "ndjson", "--all"}, {"timeline", "--format", "csv"}, {"timeline", "--format", "timesketch"},
	{"report"},
}

// TestRedactEverywhere runs every command over real and hostile trails and looks
// for originals in all that it writes.
func TestRedactEverywhere(t *testing.T) {
	trails := []string{hostileTrail(t)}
	var real []string
	if !testing.Short() {
		trails = append(trails, "../../testdata/trails/push-denied")
	}
	if full := os.Getenv("TRAILBLAME_TEST") == "full"; full {
		trails, real = append(trails, "../../testdata/trails/pipeline-denied"), []string{"invictus-slice", "stratus", "panther"}
	}
	for _, name := range real {
		dir := filepath.Join(sharedTrails(), name)
		if _, err := os.Stat(dir); err != nil {
			t.Logf("SKIPPED: real records are not there (%v); set TRAILBLAME_SHARED", err)
			continue
		}
		trails = append(trails, dir)
	}
	for _, dir := range trails {
		index := filepath.Join(t.TempDir(), "index")
		if status, _, errs := runApp(t, "ingest", "--index", index, dir); status != exitDone && status != exitIncomplete {
			t.Fatalf("ingest %s: status %d, %s", dir, status, errs)
		}
		_, records, _ := runApp(t, "query", "--index", index)
		originals := originalsOf(t, records)
		if len(originals) < 3 {
			t.Fatalf("%s: only %d originals to look for", dir, len(originals))
		}
		commands := redactedCommands
		if id := deniedEvent(t, index); id != "" {
			commands = append(slices.Clone(commands), []string{"explain", id, "--format", "text"}, []string{"explain", id})
		}
		for _, args := range commands {
			args = append(slices.Clone(args), "--redact", "--index", index)
			status, out, errs := runApp(t, args...)
			if status != exitDone && status != exitIncomplete || out == "" && args[0] != "correlate" {
				t.Errorf("%s: %v: status %d, %d bytes, %s", dir, args, status, len(out), errs)
			}
			for _, text := range append(compressedIn(t, out), out, errs) {
				for _, o := range originals {
					if i := strings.Index(text, o); i >= 0 {
						t.Errorf("%s: %v writes %s: …%.160q", dir, args, o, text[max(0, i-80):])
						break
					}
				}
			}
			if _, again, _ := runApp(t, args...); again != out {
				t.Errorf("%s: %v writes other bytes the second time", dir, args)
			}
		}
	}
}

func sharedTrails() string {
	if root := os.Getenv("TRAILBLAME_SHARED"); root != "" {
		return filepath.Join(root, "trails")
	}
	return filepath.Join("..", "..", "..", "shared", "trails")
}

// runApp runs a command line in this process.
func runApp(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]*os.File{}
	for _, name := range []string{"in", "out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[name] = f
	}
	a := &app{stdin: files["in"], stdout: &standardOutput{file: files["out"]}, stderr: files["err"]}
	status = a.run(t.Context(), args)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	return status, read("out"), read("err")
}

var packedText = regexp.MustCompile(`[A-Za-z0-9_-]{100,}`)

// compressedIn returns what an output holds in compressed form.
func compressedIn(t *testing.T, out string) []string {
	t.Helper()
	var list []string
	for _, m := range packedText.FindAllString(out, -1) {
		b, err := base64.RawURLEncoding.DecodeString(m)
		if err != nil {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			continue
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

// deniedEvent returns the first failure that a correlation finds, or "".
func deniedEvent(t *testing.T, index string) string {
	t.Helper()
	_, out, _ := runApp(t, "correlate", "--index", index, "--limit", "1")
	var f struct {
		Failure struct{ First struct{ EventID string } }
	}
	if out != "" {
		if err := json.Unmarshal([]byte(out), &f); err != nil {
			t.Fatal(err)
		}
	}
	return f.Failure.First.EventID
}

// originalsOf collects from records what --redact replaces.
func originalsOf(t *testing.T, records string) []string {
	t.Helper()
	seen := map[string]bool{}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, in := range v {
				walk(k, in)
			}
		case []any:
			for _, in := range v {
				walk(name, in)
			}
		case string:
			if v == "" {
				return
			}
			switch strings.ToLower(name) {
			case "recipientaccountid", "accountid":
				if len(v) == 12 && strings.Trim(v, "0123456789") == "" {
					seen[v] = true
				}
			case "sourceipaddress":
				if _, err := netip.ParseAddr(v); err == nil {
					seen[v] = true
				}
			case "accesskeyid":
				if redactID().FindString(v) == v { // not what stands for one in an example
					seen[v] = true
				}
			case "sessiontoken":
				// Short ones stand for a token in an example, and for event ids and names
				// elsewhere: those are looked for by their member's name only.
				if len(v) >= 16 {
					seen[v] = true
				} else {
					seen[`"`+name+`":"`+v+`"`], seen[`"`+name+`": "`+v+`"`] = true, true
				}
			}
		}
	}
	for line := range strings.Lines(records) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		walk("", v)
	}
	var list []string
	for o := range seen {
		list = append(list, o)
	}
	slices.Sort(list)
	return list
}

// hostileTrail writes records that hold originals wherever text can stand.
func hostileTrail(t *testing.T) string {
	t.Helper()
	arn := "arn:aws:iam::" + secretAccount + ":user/x"
	nested, err := json.Marshal(map[string]string{"AWS": arn, "ip": secretIP, "six": secretIP6, "token": secretToken})
	if err != nil {
		t.Fatal(err)
	}
	everywhere := secretAccount + " " + secretIP + " " + secretIP6 + " " + secretKey + " " + secretToken + " " + string(nested) +
		" arn%3Aaws%3Aiam%3A%3A" + secretAccount + "%3Aroot ip-203-0-113-41.ec2.internal n" + secretAccount + "99"
	record := func(id, name, code string, params any) map[string]any {
		return map[string]any{
			"eventVersion": "1.11", "eventTime": "2026-02-03T04:05:06Z", "eventID": id, "requestID": "r-" + secretAccount, "awsRegion": "us-east-1",
			"eventSource": "s3.amazonaws.com", "eventName": name, "recipientAccountId": secretAccount, "errorCode": code, "errorMessage": "Access Denied " + everywhere,
			"sourceIPAddress": secretIP, "userAgent": everywhere, "vpcEndpointId": "vpce-" + secretAccount,
			"userIdentity":      map[string]any{"type": "IAMUser", "arn": arn + everywhere, "accountId": secretAccount, "accessKeyId": secretKey, "userName": everywhere, "principalId": "AIDA" + secretKey[4:]},
			"requestParameters": params, "responseElements": map[string]any{"credentials": map[string]any{"sessionToken": secretToken, "accessKeyId": secretKey}},
			"resources":           []any{map[string]any{"ARN": "arn:aws:s3:::b-" + secretAccount + "/" + everywhere, "accountId": secretAccount}},
			"additionalEventData": map[string]any{everywhere: everywhere, "n": json.Number(secretAccount), "x": []any{everywhere}},
		}
	}
	list := []any{
		record("h-"+secretAccount, "GetObject", "AccessDenied", map[string]any{"bucketName": "b-" + secretAccount, "key": everywhere}),
		record("h-2", "PutBucketPolicy", "", map[string]any{"bucketName": "b-" + secretAccount, "bucketPolicy": map[string]any{"Statement": []any{map[string]any{"Sid": everywhere, "Effect": "Deny", "Principal": arn, "Action": "s3:*", "Resource": "*"}}}}),
	}
	six := record("h-3", "GetObject", "AccessDenied", nil)
	six["sourceIPAddress"] = secretIP6
	b, err := json.Marshal(map[string]any{"Records": append(list, six)})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "AWSLogs", secretAccount)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// A whole delivery, and a damaged one whose name stands in error lines.
	for name, data := range map[string][]byte{secretAccount + "_CloudTrail.json": b, secretAccount + "_damaged_" + secretIP + ".json": b[:len(b)-9]} {
		if err := os.WriteFile(filepath.Join(dir, name), data, fs.FileMode(0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
