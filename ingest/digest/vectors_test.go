package digest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// samples returns the folder of recorded integrity files, which are not part
// of the repository.
func samples(t *testing.T) string {
	t.Helper()
	const below = "facts/samples/integrity"
	if dir := os.Getenv("TRAILBLAME_SHARED"); dir != "" {
		return filepath.Join(dir, below)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "shared", below); exists(path) {
			return path
		}
	}
	t.Skip("SKIPPED: the recorded digests are not here; set TRAILBLAME_SHARED to their folder")
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func load(t *testing.T, v any, path ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

func TestVectors(t *testing.T) {
	var v struct {
		Strings []struct {
			End      string  `json:"digestEndTime"`
			Bucket   string  `json:"bucket"`
			Object   string  `json:"object"`
			Previous *string `json:"previousDigestSignature"`
			Content  string  `json:"content_utf8"`
			Expect   string  `json:"expect"`
		} `json:"string_to_sign"`
		Logs []struct {
			Content string `json:"content"`
			SHA256  string `json:"sha256"`
		} `json:"log_hashes"`
		Gzip []struct {
			Case, Hex, Expect string
		} `json:"gzip_cases"`
		BadKey string `json:"bad_public_key_b64"`
		Names  []struct {
			Key      string `json:"key"`
			Time     string `json:"ts"`
			Backfill bool   `json:"backfill"`
		} `json:"key_names"`
	}
	load(t, &v, samples(t), "vectors.json")
	if len(v.Strings) == 0 || len(v.Logs) == 0 || len(v.Gzip) == 0 || len(v.Names) == 0 {
		t.Fatalf("vectors are missing: %+v", v)
	}
	for _, c := range v.Strings {
		d := &Digest{end: c.End, Bucket: c.Bucket, Key: c.Object, sum: sha256Of(c.Content)}
		if c.Previous != nil {
			d.PreviousSignature = *c.Previous
		}
		if got := d.StringToSign(); got != c.Expect {
			t.Errorf("got %q, want %q", got, c.Expect)
		}
	}
	for _, c := range v.Logs {
		store := &memory{objects: map[string][]byte{"k": zip([]byte(c.Content))}}
		w := &walk{validator: &validator{ctx: t.Context(), opts: Options{MaxObject: 1 << 20}}}
		if err := w.hash(store, LogFile{Key: "k", Hash: c.SHA256, Algorithm: "SHA-256"}); err != nil {
			t.Errorf("%s: %v", c.Content, err)
		}
	}
	for _, c := range v.Gzip {
		raw, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		err = inflate(&content, bytes.NewReader(raw), 1<<20)
		reason, _ := contentReason(err)
		if want, invalid := strings.CutPrefix(c.Expect, "INVALID: "); invalid && string(reason) != want || !invalid && content.String() != "{}" {
			t.Errorf("%s: got %v, want %s", c.Case, err, c.Expect)
		}
	}
	bad, _ := base64.StdEncoding.DecodeString(v.BadKey)
	if _, err := parseKey(bad); err == nil {
		t.Error("the bad key was taken")
	}
	for _, c := range v.Names {
		name, ok := ParseName(c.Key)
		if !ok || name.End.Format(nameTime) != c.Time || name.Backfill != c.Backfill {
			t.Errorf("%s: got %+v, %v", c.Key, name, ok)
		}
	}
}

func TestRecordedDigests(t *testing.T) {
	dir := samples(t)
	for file, logs := range map[string]int{"digest_doc_sample.json": 1, "digest_doc_empty_sample.json": 0, "digest_real_2020_elastic.json": 2} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(content)
		if err != nil || len(d.Logs) != logs || d.End.Sub(d.Start) != time.Hour {
			t.Errorf("%s: %+v, %v", file, d, err)
			continue
		}
		if name, ok := ParseName(d.Key); !ok || !name.End.Equal(d.End) || name.Account != d.Account {
			t.Errorf("%s: name %+v", file, name)
		}
	}
}

func TestRecordedPublicKeys(t *testing.T) {
	f, err := os.Open(filepath.Join(samples(t), "list_public_keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ring, err := LoadPublicKeys(f)
	if err != nil || len(ring.keys) != 4 {
		t.Fatalf("%d keys, %v", len(ring.keys), err)
	}
	for print, keys := range ring.keys {
		if key, err := parseKey(keys[0].Value); err != nil || key.N.BitLen() != 2048 || keys[0].ValidFrom.Year() < 2015 {
			t.Errorf("%s: %v %+v", print, err, keys[0].ValidFrom)
		}
	}
	q := KeyQuery{Fingerprint: "7f3f401420072e50a65a141430817ab3", From: time.Date(2016, 2, 1, 0, 0, 0, 0, time.UTC)}
	q.To = q.From.Add(time.Hour)
	if _, err := ring.PublicKey(t.Context(), q); err != nil {
		t.Error(err)
	}
	q.From, q.To = q.From.AddDate(1, 0, 0), q.To.AddDate(1, 0, 0)
	if _, err := ring.PublicKey(t.Context(), q); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
}

// The signature of the recorded query is real.
func TestLakeRecorded(t *testing.T) {
	dir := filepath.Join(samples(t), "lake_query_results_functional")
	der, err := os.ReadFile(filepath.Join(dir, "public_key_67b9fa73.pkcs1.der"))
	if err != nil {
		t.Fatal(err)
	}
	keys := keyFunc(func(q KeyQuery) ([]byte, error) {
		if q.Region != "us-east-1" || q.From.Format(time.DateOnly) != "2022-05-10" {
			t.Errorf("asked %+v", q)
		}
		return der, nil
	})
	check := func(dir string, want ...Reason) {
		t.Helper()
		results, err := VerifyLakeResult(t.Context(), os.DirFS(dir), keys)
		if err != nil || len(results) != len(want) {
			t.Fatalf("%v, %v", results, err)
		}
		for i, r := range results {
			if r.Reason != want[i] || (r.Status == StatusValid) != (want[i] == "") {
				t.Errorf("%s: %+v, want %q", dir, r, want[i])
			}
		}
	}
	check(dir, "", "")
	check(filepath.Join(filepath.Dir(dir), "lake_query_results_unit"), ReasonSignature, ReasonHash)
	check(t.TempDir(), ReasonNotFound)
}

func TestLakeNames(t *testing.T) {
	dir := t.TempDir()
	sign := `{"region":"r","files":[{"fileHashValue":"00","fileName":"../x"},{"fileHashValue":"00","fileName":"gone"}],
		"hashAlgorithm":"SHA-256","hashSignature":"00","publicKeyFingerprint":"f"}`
	if err := os.WriteFile(filepath.Join(dir, signFile), []byte(sign), 0o600); err != nil {
		t.Fatal(err)
	}
	results, err := VerifyLakeResult(context.Background(), os.DirFS(dir), new(KeyRing))
	if err != nil || len(results) != 3 || results[0].Reason != ReasonNoKey || results[1].Reason != ReasonNotFound || results[2].Reason != ReasonNotFound {
		t.Errorf("%+v, %v", results, err)
	}
}
