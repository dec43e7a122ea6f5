package digest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func sha256Of(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// save writes a store into a folder, with the metadata of one key beside it.
func save(t *testing.T, m *memory, dir, key string) {
	t.Helper()
	files := maps.Clone(m.objects)
	if key != "" {
		meta, _ := json.Marshal(m.meta[key])
		files[key+metadataSuffix] = meta
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFolder(t *testing.T) {
	tr := chainOf(t, hour{}, hour{}, hour{})
	dir := t.TempDir()
	save(t, tr.store, dir, tr.keys[2])
	folder := open(t, dir)
	results, s := validate(t, folder, testRing(), Options{})
	if s.Digests != (Count{Valid: 3}) || s.Logs != (Count{Valid: 6}) {
		t.Fatalf("%+v", s)
	}
	if want := "Digest file\ts3://" + testBucket + "/" + tr.keys[2] + "\tvalid"; results[0].Text() != want {
		t.Errorf("got %q", results[0].Text())
	}
	key, ok := folder.Key(filepath.Join(dir, tr.logs[0][0]))
	if verdict, _ := s.Verdict(key); !ok || verdict != Verified {
		t.Errorf("%s %v: %s", key, ok, verdict)
	}
	if key, ok := folder.Key(filepath.Join(dir, "..", "x")); ok {
		t.Errorf("outside: %s", key)
	}
}

// A copy of a part of the bucket lacks what was in front.
func TestFolderPrefix(t *testing.T) {
	tr := newTrail()
	tr.prefix = "audit/deep/"
	tr.write(t, 0, hour{})
	dir := t.TempDir()
	save(t, tr.store, dir, tr.keys[0])
	folder := open(t, filepath.Join(dir, "audit", "deep"))
	if results, _ := validate(t, folder, testRing(), Options{}); !slices.Equal(short(results), []string{"D INVALID: has been moved from its original location"}) {
		t.Error(short(results))
	}
	folder.Prefix = tr.prefix
	for _, prefix := range []string{"", "audit/", "audit/deep", "audit/deep/AWSLogs/111122223333/"} {
		if _, s := validate(t, folder, testRing(), Options{Prefix: prefix}); s.Digests.Valid != 1 || s.Logs.Valid != 2 {
			t.Errorf("%q: %+v", prefix, s)
		}
	}
}

func TestFolderStaysInside(t *testing.T) {
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := open(t, dir)
	for _, key := range []string{"link", "../" + filepath.Base(outside) + "/secret", secret, "a/../../x", "", ".", "fifo", "x//y", "\x00"} {
		if body, err := folder.Get(t.Context(), key); err == nil {
			body.Close()
			t.Errorf("%q was read", key)
		}
	}
	for key, err := range folder.List(t.Context(), "../") {
		t.Errorf("listed %q, %v", key, err)
	}
}

func TestMetadata(t *testing.T) {
	for text, want := range map[string]string{
		`{"signature":"ab","signature-algorithm":"SHA256withRSA"}`:                        "ab",
		`{"ContentLength":7,"ETag":"\"x\"","Metadata":{"signature":"cd"}}`:                "cd",
		`{"x-amz-meta-signature":"ef"}`:                                                   "ef",
		`{"AcceptRanges":"bytes","Metadata":{"Signature":"12","signature-algorithm":""}}`: "12",
	} {
		if meta, err := parseMetadata([]byte(text)); err != nil || meta["signature"] != want {
			t.Errorf("%s: %v, %v", text, meta, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "k"+metadataSuffix), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Metadata(t.Context(), "k"); err == nil {
		t.Error("broken metadata was taken")
	}
}

// bucket is a store that knows its name and the other buckets.
type bucket struct {
	*memory
	name   string
	others map[string]*bucket
}

func (b *bucket) Bucket() string { return b.name }

func (b *bucket) Other(_ context.Context, name string) (Store, error) {
	if other := b.others[name]; other != nil {
		return other, nil
	}
	return nil, errors.New("access denied")
}

func (b *bucket) Folders(_ context.Context, prefix string) ([]string, error) {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			if name, _, deeper := strings.Cut(rest, "/"); deeper && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// A trail that was moved to another bucket goes on there.
func TestBucketChange(t *testing.T) {
	tr := chainOf(t, hour{}, hour{}, hour{starts: true}, hour{})
	older := &bucket{memory: tr.store, name: testBucket}
	tr.store, tr.bucket = newTrail().store, "new-bucket"
	tr.write(t, 4, hour{})
	newer := &bucket{memory: tr.store, name: "new-bucket", others: map[string]*bucket{testBucket: older}}
	results, s := validate(t, newer, testRing(), Options{})
	if s.Digests != (Count{Valid: 5}) || s.Logs != (Count{Valid: 10}) {
		t.Fatalf("%v", short(results))
	}
	if verdict, _ := s.Verdict("s3://" + testBucket + "/" + tr.logs[0][0]); verdict != Verified {
		t.Error(verdict)
	}
	newer.others = nil
	s = new(Summary)
	for r, err := range Validate(t.Context(), newer, testRing(), Options{}) {
		if s.Add(r); (err != nil) != (r.Status == StatusUnchecked) {
			t.Errorf("%+v %v", r, err)
		}
	}
	if s.Digests != (Count{Valid: 1, Unchecked: 1}) {
		t.Errorf("%+v", s)
	}
}

// A digest in a bucket that it was not written to has been moved.
func TestOtherBucket(t *testing.T) {
	tr := chainOf(t, hour{})
	results, _ := validate(t, &bucket{memory: tr.store, name: "copy"}, testRing(), Options{})
	if !slices.Equal(short(results), []string{"D INVALID: has been moved from its original location"}) {
		t.Error(short(results))
	}
}

// Several accounts, regions and trails in one bucket, one with an
// organization's folder; the search does not walk over deliveries.
func TestDiscover(t *testing.T) {
	tr := newTrail()
	for _, account := range []string{"111122223333", "444455556666"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for _, name := range []string{"one", "two_b"} {
				tr.Trail, tr.previous = Trail{Account: account, Region: region, Name: name, HomeRegion: "eu-west-1"}, nil
				tr.write(t, 0, hour{})
				tr.write(t, 1, hour{})
			}
		}
	}
	store := &bucket{memory: tr.store, name: testBucket}
	_, s := validate(t, store, testRing(), Options{})
	_, plain := validate(t, tr.store, testRing(), Options{})
	if s.Digests.Valid != 16 || len(s.Spans) != 8 || plain.Digests.Valid != 16 {
		t.Errorf("%+v %+v", s, plain)
	}
	_, s = validate(t, store, testRing(), Options{Accounts: []string{"444455556666"}, Regions: []string{"us-east-1"}})
	if s.Digests.Valid != 4 || len(s.Spans) != 2 {
		t.Errorf("%+v", s)
	}
}

func TestLoadPublicKeys(t *testing.T) {
	one := `{"PublicKeyList":[{"Value":"YQo=","ValidityStartTime":"2026-01-01T00:00:00+00:00","ValidityEndTime":1800000000.5,"Fingerprint":"f"}]}`
	ring, err := LoadPublicKeys(strings.NewReader(one + "\n" + strings.ReplaceAll(one, `"f"`, `"g"`)))
	if err != nil || len(ring.keys) != 2 || ring.keys["g"][0].ValidFrom.Year() != 2026 || ring.keys["f"][0].ValidTo.Unix() != 1800000000 {
		t.Errorf("%+v, %v", ring, err)
	}
	for _, text := range []string{"", "{}", "x", `{"PublicKeyList":[{"Value":"%"}]}`, `{"PublicKeyList":[{"ValidityStartTime":"soon"}]}`} {
		if _, err := LoadPublicKeys(strings.NewReader(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestParseName(t *testing.T) {
	for _, key := range []string{
		"", "a/b", "AWSLogs/1/CloudTrail/r/2026/01/01/1_CloudTrail_r_20260101T0000Z_x.json.gz",
		"AWSLogs/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_t_h_20260101T000000Z.json",
		"AWSLogs/1/CloudTrail-Digest/r/2026/01/01/2_CloudTrail-Digest_r_t_h_20260101T000000Z.json.gz",
		"AWSLogs/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_h_20260101T000000Z.json.gz",
		"AWSLogs/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_t_h_20261301T000000Z.json.gz",
	} {
		if name, ok := ParseName(key); ok {
			t.Errorf("%q: %+v", key, name)
		}
	}
	name, ok := ParseName("AWSLogs/AWSLogs/o-1/1/CloudTrail-Digest/r/2026/01/01/1_CloudTrail-Digest_r_a_b__c_h_20260101T000000Z.json.gz")
	if !ok || name.Name != "a_b__c" || name.HomeRegion != "h" {
		t.Errorf("%+v", name)
	}
}

var _ = []any{Store((*Folder)(nil)), Folders((*Folder)(nil)), Buckets((*bucket)(nil)), fs.ErrNotExist}
