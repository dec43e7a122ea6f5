package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBundle builds a bundle twice and looks at everything in it.
func TestBundle(t *testing.T) {
	dir := t.TempDir()
	ix := filepath.Join(dir, "index")
	if status, _, errs := runApp(t, "ingest", "--index", ix, "../../testdata/trails/push-denied"); status != exitDone {
		t.Fatalf("ingest: %d, %s", status, errs)
	}
	for _, args := range [][]string{
		{"correlate", "--index", ix}, {"correlate", "--index", ix, "--format", "text", "--group-by", "cause"},
		{"explain", "--index", ix, "19f71051-8ce7-4475-9f31-1106eb3c2cde"},
	} {
		var bundles [2][]byte
		for i := range bundles {
			name := filepath.Join(dir, fmt.Sprintf("%d.zip", i))
			os.Remove(name)
			if status, _, errs := runApp(t, append(args, "--bundle", name)...); status != exitDone || errs != "" {
				t.Fatalf("%v: status %d, %s", args, status, errs)
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			bundles[i] = b
		}
		if !bytes.Equal(bundles[0], bundles[1]) {
			t.Errorf("%v: two bundles differ", args)
		}
		files := openArchive(t, bundles[0])
		checkSums(t, files)
		checkRecords(t, ix, files)
		checkCited(t, args[0], files)
	}
}

// openArchive reads every file of a ZIP, in their order.
func openArchive(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		if !f.Modified.Equal(archiveTime) {
			t.Errorf("%s has the time %v", f.Name, f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	return files
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// checkSums wants a sum, and the right one, for every other file.
func checkSums(t *testing.T, files map[string]string) {
	t.Helper()
	checked := 0
	for line := range strings.Lines(files["SHA256SUMS"]) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if text, there := files[name]; !ok || !there || sumOf(text) != sum {
			t.Errorf("SHA256SUMS: %q is wrong", line)
		}
		checked++
	}
	if checked != 4 || len(files) != 5 {
		t.Errorf("%d sums for %d files", checked, len(files))
	}
}

// checkRecords holds the records against what query says, byte for byte.
func checkRecords(t *testing.T, ix string, files map[string]string) {
	t.Helper()
	_, all, _ := runApp(t, "query", "--index", ix)
	records := strings.SplitAfter(files["records.ndjson"], "\n")
	n := 0
	for line := range strings.Lines(files["citations.ndjson"]) {
		var c bundleRecord
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		record := records[c.Line-1]
		if !strings.Contains(all, record) || !strings.Contains(record, c.EventID) {
			t.Errorf("line %d is no record of the trail: %.80s", c.Line, record)
		}
		if c.SHA256 != sumOf(strings.TrimSuffix(record, "\n")) || c.Digest != "not checked" || !strings.Contains(c.Object, ".json.gz#") {
			t.Errorf("wrong citation: %s", line)
		}
		n++
	}
	if n < 10 || n != len(records)-1 {
		t.Errorf("%d citations for %d records", n, len(records)-1)
	}
}

// checkCited wants a record for every eventID in the results, and the rest of
// bundle.json right.
func checkCited(t *testing.T, command string, files map[string]string) {
	t.Helper()
	var info bundleInfo
	if err := json.Unmarshal([]byte(files["bundle.json"]), &info); err != nil {
		t.Fatal(err)
	}
	if info.Schema != bundleSchema || info.Asked.Command != command || !info.Complete || info.Redacted || len(info.NotFound) > 0 ||
		!info.Index.Kept || len(info.Index.ManifestSHA256) != 64 || info.Results != 1 || info.Tool.Go == "" {
		t.Errorf("bundle.json: %s", files["bundle.json"])
	}
	if len(info.Asked.Flags["bundle"])+len(info.Asked.Flags["format"]) > 0 || len(info.Asked.Flags["index"]) != 1 {
		t.Errorf("flags: %v", info.Asked.Flags)
	}
	results := files["findings.ndjson"] + files["explanation.json"]
	var v any
	if err := json.Unmarshal([]byte(results), &v); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if id, ok := v["eventID"].(string); ok && id != "" {
				seen++
				if !strings.Contains(files["records.ndjson"], id) {
					t.Errorf("event %s is cited and not in the bundle", id)
				}
			}
			for _, in := range v {
				walk(in)
			}
		case []any:
			for _, in := range v {
				walk(in)
			}
		}
	}
	walk(v)
	if seen < 10 {
		t.Errorf("only %d events are cited", seen)
	}
}

// TestBundleRefuses leaves files alone that are there, and makes none on failure.
func TestBundleRefuses(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "b.zip")
	if status, _, _ := runApp(t, "correlate", filepath.Join(dir, "nowhere"), "--bundle", name); status != exitFailed {
		t.Errorf("status %d", status)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v %v", list, err)
	}
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, errs := runApp(t, "correlate", "../../testdata/trails/push-denied", "--bundle", name)
	if status != exitUsage || !strings.Contains(errs, "--bundle "+name+": the file exists; --force replaces it") {
		t.Errorf("status %d, %s", status, errs)
	}
	if status, _, errs := runApp(t, "correlate", "../../testdata/trails/push-denied", "--bundle", name, "--force"); status != exitDone {
		t.Errorf("--force: status %d, %s", status, errs)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var info bundleInfo
	if err := json.Unmarshal([]byte(openArchive(t, b)["bundle.json"]), &info); err != nil || info.Index.Kept || info.Index.ManifestSHA256 != "" {
		t.Errorf("a private index: %v %+v", err, info.Index)
	}
}

// TestBundleRedacted looks for originals in a redacted bundle.
func TestBundleRedacted(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "b.zip")
	trail := hostileTrail(t)
	status, _, errs := runApp(t, "correlate", trail, "--bundle", name, "--redact")
	if status != exitIncomplete {
		t.Fatalf("status %d, %s", status, errs)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files := openArchive(t, b)
	checkSums(t, files)
	var info bundleInfo
	if err := json.Unmarshal([]byte(files["bundle.json"]), &info); err != nil || !info.Redacted || info.Complete || info.Records == 0 {
		t.Errorf("%v %s", err, files["bundle.json"])
	}
	for name, text := range files {
		for _, o := range []string{secretAccount, secretIP, secretIP6, secretKey, secretToken} {
			if strings.Contains(text, o) {
				t.Errorf("%s holds %s", name, o)
			}
		}
	}
}
