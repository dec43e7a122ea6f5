//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
)

// hostileRunes are every character that a terminal might obey or hide: controls, C1,
// bidi, zero-width, tags, fillers.
var hostileRunes = func() []rune {
	var list []rune
	add := func(from, to rune) {
		for r := from; r <= to; r++ {
			list = append(list, r)
		}
	}
	add(0x01, 0x1f) // no file name or argument holds NUL
	add(0x7f, 0x9f)
	list = append(list, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x3164, 0xfeff, 0xffa0, 0xfff9, 0xfffb)
	add(0x200b, 0x200f)
	add(0x2028, 0x202e)
	add(0x2060, 0x206f)
	add(0xfe00, 0xfe0f)
	list = append(list, 0xe0001, 0xe0020, 0xe007f, 0xe0100)
	return list
}()

// attack wraps a character into something that shows when it arrives raw.
func attack(r rune) string { return "\x1b]0;owned\x07" + string(r) + "[31m" + string(r) + "2J" }

// onTerminal runs the program with all three streams on a terminal and returns
// every byte that reached it.
func onTerminal(t *testing.T, columns int, env []string, args ...string) string {
	t.Helper()
	cmd := programCommand(t, args...)
	cmd.Env = append(append(cmd.Env, "TERM=xterm-256color", "TMPDIR="+t.TempDir(), "NO_COLOR="), env...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		t.Skipf("SKIPPED: NOTHING TESTED ON A TERMINAL: %v", err)
	}
	defer tty.Close()
	var out bytes.Buffer
	_, err = io.Copy(&out, tty)
	if err != nil && !errors.Is(err, syscall.EIO) { // EIO is the end of a terminal
		t.Fatal(err)
	}
	cmd.Wait()
	return out.String()
}

// rawIn returns what of text no terminal should get: anything but printable
// characters, line ends (a terminal makes \n into \r\n), the carriage return of
// progress, and our own eight colours.
func rawIn(text string) string {
	for _, sgr := range []string{sgrReset, sgrBold, sgrDim, sgrRed, sgrGreen, sgrYellow, sgrCyan, sgrAlert, "\r\x1b[K"} { // the last is that of progress
		text = strings.ReplaceAll(text, sgr, "")
	}
	for i, r := range text {
		_, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return fmt.Sprintf("byte %#x at %d of %.200q", text[i], i, text[max(i-60, 0):])
		}
		if r != '\n' && r != '\r' && hidden(r) {
			return fmt.Sprintf("%U at %d of %.200q", r, i, text[max(i-60, 0):])
		}
	}
	return ""
}

// hostileRecord has an attack in every text that any output shows.
func hostileRecord(i int, r rune, denied bool) string {
	a := attack(r)
	rec := map[string]any{
		"eventVersion": "1.08" + a, "eventTime": fmt.Sprintf("2026-03-01T10:%02d:%02dZ", i/60%60, i%60), "eventSource": "s3.amazonaws.com" + a, "eventName": "GetObject" + a,
		"awsRegion": "us-east-1" + a, "sourceIPAddress": "192.0.2.1" + a, "userAgent": a, "recipientAccountId": "111122223333" + a,
		"eventID":           fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%s", i, a),
		"userIdentity":      map[string]any{"type": "AssumedRole" + a, "arn": "arn:aws:sts::111122223333:assumed-role/R" + a + "/s" + a, "principalId": a, "accountId": "111122223333" + a, "accessKeyId": "ASIA" + a, "userName": a},
		"requestParameters": map[string]any{"bucketName": "b" + a, "key": "k" + a, a: a},
		"resources":         []any{map[string]any{"ARN": "arn:aws:s3:::b" + a + "/k" + a, "type": a}},
	}
	if denied {
		rec["eventSource"], rec["eventName"] = "s3.amazonaws.com", "GetObject"
		rec["errorCode"] = "AccessDenied"
		rec["errorMessage"] = "User: arn:aws:iam::111122223333:user/" + a + " is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/" + a + "\" with an explicit deny " + a
	}
	b, err := json.Marshal(rec)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// change is a policy change, so that findings have causes with hostileRunes documents.
func hostileChange(i int, r rune) string {
	a := attack(r)
	doc, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Sid": a, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": []string{"arn:aws:s3:::b/*", a}}}})
	if err != nil {
		panic(err)
	}
	b, err := json.Marshal(map[string]any{"eventVersion": "1.08", "eventTime": fmt.Sprintf("2026-03-01T09:%02d:00Z", i%60), "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy",
		"awsRegion": "us-east-1", "recipientAccountId": "111122223333", "eventID": fmt.Sprintf("c%07x-aaaa-4bbb-8ccc-%s", i, a),
		"userIdentity":      map[string]any{"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/" + a, "accountId": "111122223333", "userName": a},
		"requestParameters": map[string]any{"bucketName": "b", "bucketPolicy": json.RawMessage(doc), "Host": a}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Nothing of a record, a file name or an argument reaches a terminal raw, in the
// results or the errors of any command.
func TestNothingRawReachesATerminal(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i, r := range hostileRunes {
		b.WriteString(hostileRecord(2*i, r, true) + "\n" + hostileRecord(2*i+1, r, false) + "\n")
		if i < 8 {
			b.WriteString(hostileChange(i, r) + "\n")
		}
	}
	b.WriteString(`{"eventVersion":"1.08","eventName":"\q` + "\u009b31m\u202e" + `"}` + "\n") // malformed
	all := strings.Map(func(r rune) rune {
		if r == '/' || r == 0 {
			return -1
		}
		return r
	}, string(hostileRunes))
	parts := strings.SplitN(all, "\u200b", 2) // names have at most 255 bytes
	trail := filepath.Join(dir, "trail"+parts[0])
	if err := os.MkdirAll(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		filepath.Join(trail, "a"+parts[0]+".json"):       b.String(),
		filepath.Join(trail, "bad\x1b[31m\u202e.json"):   `{"Records":[`,
		filepath.Join(trail, "bad\u009b31m\xff.json.gz"): "\x1f\x8bnonsense",
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ix := filepath.Join(dir, "ix\x1b[31m\u202e")
	evil := "\x1b[31m\u009b2J\u202e\u200b\xff" + attack('\u2066')
	commands := [][]string{
		{"ingest", "--index", ix, trail}, {"ingest", "-v", "--index", ix + "2", trail}, {"inspect", "--index", ix, "--top", "1000"}, {"inspect", "--index", ix, "--format", "json"},
		{"verify", "--index", ix}, {"connect", "--index", ix}, {"playbooks"}, {"version"}, {"help"},
		{"query", "--index", ix}, {"query", "--index", ix, "--explain", "eventName == '" + attack('\u202e') + "'"}, {"query", "--index", ix, "--explain", "--format", "json", "--principal", evil},
		{"query", "--index", ix, "--select", "eventName,requestParameters,principal,object,userAgent"},
		{"query", "--index", ix, "--select", "userAgent,evil\u202e\x1b[0m,requestParameters"},
		{"query", "--index", ix, "--count-by", "userAgent,eventName"}, {"query", "--index", ix, "--jq", "."}, {"query", "--index", ix, "--jq", ".userAgent", "-r"},
		{"query", "--index", ix, "--jq", ".userAgent|error"}, {"query", "--index", ix, "--order", "-time"},
		{"correlate", "--index", ix}, {"correlate", trail}, {"correlate", "--index", ix, "--failures", trail + "/" + evil},
		{"timeline", "--index", ix, "--all"}, {"timeline", "--index", ix, "--all", "--lanes", "resource", "--no-fold"},
		{"timeline", "--index", ix, "--around", fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%s", 0, attack(hostileRunes[0]))},
		{"explain", "--index", ix, fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%s", 0, attack(hostileRunes[0]))}, {"explain", "--index", ix, "is not authorized to perform: s3:GetObject " + evil},
		{"correlate", "--index", ix, "--group-by", "cause"}, {"report", "--index", ix, "--title", evil}, {"report", "--index", ix, "--title", evil, "--out", filepath.Join(dir, evil)},
		// errors
		{"explain"}, {"explain", evil}, {"explain", evil, evil}, {"correlate", "--group-by", evil}, {"report", "--format", evil}, {"report", evil},
		{evil}, {"help", evil}, {"query", "--" + evil}, {"query", "-" + evil}, {"query", evil}, {"query", "--index", evil}, {"query", "--index", ix, "--from", evil},
		{"query", "--index", ix, "--format", evil}, {"query", "--index", ix, "--order", evil}, {"query", "--index", ix, "--select", evil}, {"query", "--index", ix, "--count-by", evil},
		{"query", "--index", ix, "--jq", evil}, {"query", "--index", ix, "--limit", evil}, {"query", "--index", ix, "--out", trail}, {"query", "--source", evil}, {"query", "--source", "s3://" + evil},
		{"query", "--source", "ftp://" + evil}, {"query", "--color", evil}, {"query", "--index", ix, "--event-id", evil},
		{"timeline", "--around", evil, "--index", ix}, {"timeline", "--finding", evil, "--index", ix}, {"timeline", "--at", evil}, {"timeline", "--window", evil}, {"timeline", "--lanes", evil},
		{"timeline", "--where", evil}, {"correlate", evil}, {"correlate", "--playbook", evil, "--index", ix}, {"correlate", "--playbook", trail + "/" + evil, "--index", ix},
		{"correlate", "--windows", evil}, {"correlate", "--baseline", trail + "/" + evil, "--index", ix}, {"correlate", "--change", evil, "--index", ix},
		{"correlate", "--failures", filepath.Join(trail, "bad\x1b[31m\u202e.json"), "--index", ix}, {"correlate", "--out", filepath.Join(evil, evil), "--index", ix},
		{"inspect", "--index", evil}, {"inspect", "--format", evil}, {"inspect", evil, "--index", ix}, {"verify", "--index", evil}, {"verify", evil, "--index", ix}, {"verify", "--digests", evil, "--public-keys", evil},
		{"verify", "--digests", trail, "--public-keys", filepath.Join(trail, "bad\x1b[31m\u202e.json")},
		{"connect", "--index", evil}, {"connect", evil}, {"playbooks", "show", evil}, {"playbooks", "validate", evil}, {"playbooks", "validate", filepath.Join(trail, "bad\x1b[31m\u202e.json")}, {"playbooks", evil},
		{"completion", evil}, {"completion", "bash", evil}, {"man", filepath.Join(trail, "a"+parts[0]+".json", evil)}, {"ingest", "--index", evil + "/" + evil, evil}, {"version", evil},
		{"__complete", "query", "--index", ix, "--event-name", ""}, {"__complete", "query", "--index", ix, "--principal", evil}, {"__complete", evil, ""}, {"__complete", "query", "--" + evil, ""},
	}
	if testing.Short() {
		commands = append(commands[:1:1], commands[9:]...)
	}
	shown := 0
	for _, args := range commands {
		out := onTerminal(t, 80, nil, args...)
		if found := rawIn(out); found != "" {
			t.Errorf("%.300q: raw on the terminal: %s", args, found)
		}
		shown += len(out)
	}
	if shown < 200_000 {
		t.Errorf("only %d bytes reached the terminal in all", shown)
	}
}
