package digest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testBucket = "trail-bucket"
	testPrint  = "0123456789abcdef0123456789abcdef"
)

var testTrail = Trail{Account: "111122223333", Region: "eu-west-1", Name: "my_trail", HomeRegion: "eu-west-1"}

var signer = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// memory is a Store of a map.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	meta    map[string]map[string]string
	faults  map[string]error
	heads   int
}

func (m *memory) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(m.objects)) {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

func (m *memory) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := m.faults[key]; err != nil {
		return nil, err
	}
	b, ok := m.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Metadata(_ context.Context, key string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heads++
	return m.meta[key], nil
}

// hour is what a test wants of one digest.
type hour struct {
	starts  bool // a new chain
	skip    bool // no digest of this hour at all
	missing bool // the digest was deleted
	edit    func(*memory, string)
	lie     func(doc map[string]any) // before signing
}

// trail writes a chain of digests, oldest first, into a new store.
type trail struct {
	Trail
	store  *memory
	bucket string
	prefix string
	epoch  time.Time
	keys   []string
	logs   [][]string

	previous map[string]any
}

func newTrail() *trail {
	return &trail{
		Trail: testTrail, bucket: testBucket, epoch: time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC),
		store: &memory{objects: map[string][]byte{}, meta: map[string]map[string]string{}, faults: map[string]error{}},
	}
}

func chainOf(t testing.TB, hours ...hour) *trail {
	tr := newTrail()
	for i, h := range hours {
		if !h.skip {
			tr.write(t, i, h)
		}
	}
	return tr
}

func (tr *trail) folder(kind string) string {
	return fmt.Sprintf("%sAWSLogs/%s/%s/%s/", tr.prefix, tr.Account, kind, tr.Region)
}

func (tr *trail) write(t testing.TB, i int, h hour) {
	t.Helper()
	start := tr.epoch.Add(time.Duration(i) * time.Hour)
	end := start.Add(time.Hour)
	key := fmt.Sprintf("%s%s/%s_CloudTrail-Digest_%s_%s_%s_%s", tr.folder(digestFolder), end.Format("2006/01/02"),
		tr.Account, tr.Region, tr.Name, tr.HomeRegion, end.Format(nameTime))
	if tr.Backfill {
		key += backfillTag
	}
	key += nameSuffix
	doc := map[string]any{
		"awsAccountId": tr.Account, "digestStartTime": start.Format(time.RFC3339), "digestEndTime": end.Format(time.RFC3339),
		"digestS3Bucket": tr.bucket, "digestS3Object": key, "digestPublicKeyFingerprint": testPrint,
		"digestSignatureAlgorithm": "SHA256withRSA", "previousDigestS3Bucket": nil, "previousDigestS3Object": nil,
		"previousDigestHashValue": nil, "previousDigestSignature": nil, "logFiles": tr.deliver(start),
	}
	if !h.starts {
		maps.Copy(doc, tr.previous)
	}
	if h.lie != nil {
		h.lie(doc)
	}
	content, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	signature := sign(t, content)
	if !h.missing {
		tr.store.objects[key] = zip(content)
		tr.store.meta[key] = map[string]string{"signature": signature, "signature-algorithm": "SHA256withRSA"}
	}
	sum := sha256.Sum256(content)
	tr.previous = map[string]any{
		"previousDigestS3Bucket": tr.bucket, "previousDigestS3Object": key,
		"previousDigestHashValue": hex.EncodeToString(sum[:]), "previousDigestSignature": signature,
	}
	tr.keys = append(tr.keys, key)
	if h.edit != nil {
		h.edit(tr.store, key)
	}
}

// deliver writes two log objects and returns their entries.
func (tr *trail) deliver(at time.Time) []any {
	var entries []any
	var keys []string
	for i := range 2 {
		key := fmt.Sprintf("%s%s/%s_CloudTrail_%s_%s_%016d.json.gz", tr.folder("CloudTrail"), at.Format("2006/01/02"),
			tr.Account, tr.Region, at.Format("20060102T1504Z"), i)
		content := fmt.Appendf(nil, `{"Records":[{"eventID":"%s-%d"}]}`, at.Format(time.RFC3339), i)
		sum := sha256.Sum256(content)
		tr.store.objects[key] = zip(content)
		entries = append(entries, map[string]any{
			"s3Bucket": tr.bucket, "s3Object": key, "hashValue": hex.EncodeToString(sum[:]), "hashAlgorithm": "SHA-256",
		})
		keys = append(keys, key)
	}
	tr.logs = append(tr.logs, keys)
	return entries
}

func sign(t testing.TB, content []byte) string {
	t.Helper()
	d, err := Parse(content)
	if err != nil {
		return "00" // a digest without its form has no signature to speak of
	}
	sum := sha256.Sum256([]byte(d.StringToSign()))
	raw, err := rsa.SignPKCS1v15(nil, signer(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func zip(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(content)
	w.Close()
	return b.Bytes()
}

func testRing() *KeyRing {
	ring := new(KeyRing)
	ring.Add(PublicKey{Fingerprint: testPrint, Value: x509.MarshalPKCS1PublicKey(&signer().PublicKey)})
	return ring
}

// validate returns the lines and the summary of a run, and fails on an error.
func validate(t testing.TB, store Store, keys KeySource, opts Options) ([]Result, *Summary) {
	t.Helper()
	var results []Result
	s := new(Summary)
	for r, err := range Validate(t.Context(), store, keys, opts) {
		if err != nil {
			t.Fatalf("%s: %v", r.Object, err)
		}
		results = append(results, r)
		s.Add(r)
	}
	return results, s
}

// short gives each result as "D valid", "L INVALID: …" or "gap …", leaving out
// valid logs.
func short(results []Result) []string {
	var lines []string
	for _, r := range results {
		switch {
		case r.Kind == KindGap:
			lines = append(lines, "gap: "+string(r.Reason))
		case r.Kind == KindDigest || r.Status != StatusValid:
			_, status, _ := cutLast(r.Text(), "\t")
			lines = append(lines, strings.ToUpper(string(r.Kind[:1]))+" "+status)
		}
	}
	return lines
}
