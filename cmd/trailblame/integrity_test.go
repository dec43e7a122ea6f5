package main

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/ingest/digest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// signedTrail is a bundled trail with one digest over all its objects but the
// last, signed with a key of our own.
type signedTrail struct {
	objects   map[string][]byte
	digest    string
	signature string
	keys      string // file with the public key
}

const digestKey = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/11/111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260311T180000Z.json.gz"

func newSignedTrail(t *testing.T) *signedTrail {
	t.Helper()
	const root = "../../testdata/trails/push-denied"
	s := &signedTrail{objects: map[string][]byte{}, digest: digestKey, keys: filepath.Join(t.TempDir(), "keys.json")}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		key, _ := filepath.Rel(root, path)
		s.objects[filepath.ToSlash(key)], err = os.ReadFile(path)
		return err
	})
	names := s.names()
	if err != nil || len(names) < 20 {
		t.Fatal(len(names), err)
	}
	var logs []any
	for _, key := range names[:len(names)-1] {
		zip, err := gzip.NewReader(bytes.NewReader(s.objects[key]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(zip)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		logs = append(logs, map[string]any{"s3Bucket": "trail-bucket", "s3Object": key, "hashValue": hex.EncodeToString(sum[:]), "hashAlgorithm": "SHA-256"})
	}
	s.sign(t, logs)
	return s
}

func (s *signedTrail) names() []string {
	var names []string
	for key := range s.objects {
		names = append(names, key)
	}
	slices.Sort(names)
	return names
}

func (s *signedTrail) sign(t *testing.T, logs []any) {
	t.Helper()
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]any{
		"awsAccountId": "111122223333", "digestStartTime": "2026-03-11T17:00:00Z", "digestEndTime": "2026-03-11T18:00:00Z",
		"digestS3Bucket": "trail-bucket", "digestS3Object": s.digest, "digestPublicKeyFingerprint": "00ff",
		"previousDigestS3Bucket": nil, "previousDigestS3Object": nil, "previousDigestHashValue": nil, "previousDigestSignature": nil, "logFiles": logs,
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := digest.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(d.StringToSign()))
	raw, err := rsa.SignPKCS1v15(nil, signer, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	s.signature = hex.EncodeToString(raw)
	s.objects[s.digest] = gzipped(t, content)
	keys, _ := json.Marshal(map[string]any{"PublicKeyList": []any{map[string]any{"Fingerprint": "00ff", "Value": x509.MarshalPKCS1PublicKey(&signer.PublicKey)}}})
	if err := os.WriteFile(s.keys, keys, 0o600); err != nil {
		t.Fatal(err)
	}
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	zip.Write(content)
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bucket puts the trail into a bucket, folder into a copy of one.
func (s *signedTrail) bucket(t *testing.T) (url string) {
	t.Helper()
	server := s3fake.New("trail-bucket")
	t.Cleanup(server.Close)
	for key, body := range s.objects {
		header := http.Header{}
		if key == s.digest {
			header.Set("X-Amz-Meta-Signature", s.signature)
		}
		server.Put("trail-bucket", key, body, header)
	}
	return server.URL
}

func (s *signedTrail) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for key, body := range s.objects {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	meta, _ := json.Marshal(map[string]string{"signature": s.signature})
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(s.digest+".metadata.json")), meta, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// outcome is what the program did.
type outcome struct {
	out, errs string
	code      int
}

func runBinary(t *testing.T, bin string, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func (o outcome) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("status %d, want %d\n%s%.2000s", o.code, code, o.errs, o.out)
	}
	for _, text := range texts {
		if !strings.Contains(o.out+o.errs, text) {
			t.Errorf("no %q in\n%s%.2000s", text, o.errs, o.out)
		}
	}
}

// Digests are checked in a bucket and in a copy of it alike, and what they say
// of an object goes with the events from it.
func TestDigestsOfATrail(t *testing.T) {
	bin, s := builtOnce(t), newSignedTrail(t)
	for name, places := range map[string]func() (source string, flags []string){
		"bucket": func() (string, []string) {
			return "s3://trail-bucket", []string{"--endpoint-url", s.bucket(t), "--public-keys", s.keys}
		},
		"folder": func() (string, []string) { return s.folder(t), []string{"--public-keys", s.keys} },
	} {
		t.Run(name, func(t *testing.T) {
			at, flags := places()
			run := func(args ...string) outcome { return runBinary(t, bin, append(args, flags...)...) }
			run("verify", "--digests", at).want(t, 0, "1/1 digest files valid", "Digest file\ts3://trail-bucket/"+s.digest+"\tvalid")
			run("verify", "--digests", at, "--format", "ndjson").want(t, 0, `{"kind":"summary","digests":{"valid":1,"invalid":0}`)
			index := filepath.Join(t.TempDir(), "ix")
			run("ingest", at, "--verify-digests", "--index", index).want(t, 0, "1 not covered", " 0 broken")
			runBinary(t, bin, "correlate", "--index", index).want(t, 0, `"integrity":"verified"`)
			runBinary(t, bin, "correlate", "--index", index, "--format", "text").want(t, 0, "the object of the first failure is verified")
			runBinary(t, bin, "inspect", "--index", index).want(t, 0, "0 broken, 1 not covered")
		})
	}
}

// An object that was changed is read and marked; one that was removed is
// counted. Neither passes as if nothing were wrong.
func TestTamperedTrail(t *testing.T) {
	bin, s := builtOnce(t), newSignedTrail(t)
	names := s.names()
	var failing string
	for _, key := range names {
		if zip, err := gzip.NewReader(bytes.NewReader(s.objects[key])); err == nil {
			if text, _ := io.ReadAll(zip); bytes.Contains(text, []byte(`"GitPush"`)) && bytes.Contains(text, []byte("AccessDenied")) {
				failing = key
				s.objects[key] = gzipped(t, append(text, ' '))
				break
			}
		}
	}
	removed := names[1]
	delete(s.objects, removed)
	if names[0] != s.digest || failing == "" || removed == failing {
		t.Fatalf("failing %q, removed %q", failing, removed)
	}
	dir, index := s.folder(t), filepath.Join(t.TempDir(), "ix")
	runBinary(t, bin, "verify", "--digests", dir, "--public-keys", s.keys).want(t, 1, failing+"\tINVALID: hash value doesn't match", removed+"\tINVALID: not found")
	runBinary(t, bin, "ingest", dir, "--verify-digests", "--public-keys", s.keys, "--index", index).want(t, 3,
		failing+": broken: ", "1 objects that digests list are not there")
	runBinary(t, bin, "correlate", "--index", index).want(t, 0, `"integrity":"broken"`)
	// A digest that is not signed by the key covers nothing.
	s.signature = strings.Repeat("00", 256)
	dir, index = s.folder(t), filepath.Join(t.TempDir(), "ix")
	runBinary(t, bin, "ingest", dir, "--verify-digests", "--public-keys", s.keys, "--index", index).want(t, 3, "signature verification failed", "0 verified, 0 broken")
}
