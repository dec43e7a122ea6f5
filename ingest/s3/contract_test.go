package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// The tests of this file, of the faults and of the chaos are the contract: they
// hold for the fake and for a real server, so that the other tests may trust the
// fake.

// put keeps what the keys name, each with a body of its own.
func put(t *testing.T, server *s3fake.Server, keys ...string) {
	t.Helper()
	to := client(t, server)
	var group sync.WaitGroup
	for part := range slices.Chunk(keys, 1+len(keys)/8) {
		group.Go(func() {
			for _, key := range part {
				if err := to.Put(t.Context(), server.Bucket, key, delivery(key)); err != nil {
					t.Errorf("put %q: %v", key, err)
				}
			}
		})
	}
	group.Wait()
}

// wholly checks that a run over what begins with prefix gives the deliveries of
// the keys and nothing else.
func wholly(t *testing.T, server *s3fake.Server, prefix string, opts Options, keys ...string) {
	t.Helper()
	s := newSource(t, server, prefix, opts)
	got := ingestAll(t.Context(), s, ingest.Options{})
	if got.err != nil || len(got.problem) > 0 {
		t.Errorf("%q: %v, %v", prefix, got.err, got.problem)
	}
	var names []string
	for _, obj := range got.read {
		names = append(names, strings.TrimPrefix(obj.Name, s.name("")))
	}
	slices.Sort(names)
	same(t, names, slices.Clone(keys)...)
	if len(got.ids) != len(keys) {
		t.Errorf("%q: %d records from %d objects", prefix, len(got.ids), len(keys))
	}
}

func TestContractListing(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		store := &Store{newSource(t, server, "", Options{})}
		put(t, server, "b", "a/2", "a/1", "a-1", "A")
		if err := client(t, server).Put(t.Context(), server.Bucket, "empty", nil); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for obj, err := range store.Objects(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, obj.Name)
			want := int64(len(delivery(obj.Name)))
			if obj.Name == "empty" {
				want = 0
			}
			if obj.Size != want || !isMD5(obj.Version) {
				t.Errorf("%+v, want %d bytes and an MD5", obj, want)
			}
		}
		if diff := cmp.Diff([]string{"A", "a-1", "a/1", "a/2", "b", "empty"}, keys); diff != "" {
			t.Error("the order of the keys' bytes:", diff)
		}
		if b, err := read(t, store, "empty"); len(b) > 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		if _, err := read(t, store, "nothing"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		got := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{})
		if problem := got.problem[store.s.name("empty")]; len(got.ids) != 5 || len(got.problem) != 1 || problem == "" {
			t.Errorf("%d records, %v; want the empty object to be named", len(got.ids), got.problem)
		}
	})
}

// More keys than fit into a page, in one folder and in many.
func TestContractPages(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		var keys []string
		flat := 1005
		if !server.Real() {
			flat, server.MaxKeys = 105, 10 // a real server has pages of 1000
		}
		for i := range flat {
			keys = append(keys, fmt.Sprintf("flat/%04d", i))
		}
		for i := range 30 {
			keys = append(keys, logKey("111122223333", "eu-west-1", fmt.Sprintf("2026/01/%02d", 1+i), i))
		}
		put(t, server, keys...)
		wholly(t, server, "", Options{}, keys...)
		wholly(t, server, "flat", Options{}, keys[:flat]...)
		store := &Store{newSource(t, server, "", Options{})}
		folders, err := store.Folders(t.Context(), "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/")
		if len(folders) != 30 || folders[29] != "30" || err != nil {
			t.Error(folders, err)
		}
	})
}

func TestContractPrefixes(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		keys := []string{
			"prod/a.json", "prod-old/a.json", "prod2",
			logKey("111122223333", "eu-west-1", "2026/01/30", 1), logKey("111122223333", "eu-west-1", "2026/01/31", 2),
			logKey("111122223333", "us-east-1", "2026/02/01", 3), logKey("444455556666", "us-east-1", "2026/02/02", 4),
		}
		put(t, server, keys...)
		wholly(t, server, "", Options{}, keys...)
		wholly(t, server, "prod", Options{}, keys[0])
		wholly(t, server, "prod/", Options{}, keys[0])
		wholly(t, server, "pro", Options{}, keys[:3]...)
		wholly(t, server, "prod2", Options{}, keys[2])
		wholly(t, server, keys[4], Options{}, keys[4])
		wholly(t, server, "AWSLogs", Options{From: utc(1, 31, 0), To: utc(2, 1, 0)}, keys[4], keys[5])
		wholly(t, server, "AWSLogs/", Options{Accounts: []string{"1111*"}}, keys[3:6]...)
		wholly(t, server, "AWSLogs/", Options{Regions: []string{"us-*"}}, keys[5:]...)
		_, errs := list(t, newSource(t, server, "nowhere", Options{}))
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "nothing is there") {
			t.Error(errs)
		}
	})
}

// Keys that have to be escaped somewhere between here and there.
func TestContractKeys(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		keys := []string{
			"a b", "a+b", "a%b", "a%20b", "a%2Fb", "a%2fb+ c", "a&b=c", "a?b#c", "a;b:c@d,e$f!g", "a'b\"c", "(a)*[b]{c}", "a~b^c`d|e",
			"a<b>c", "ü/ß", "日本語/ログ.json", "😀", "e\u0301", "trailing ", " leading", "back\\slash", "x/.hidden", "dots...", "a=b/c=d",
		}
		if !server.Real() { // no server over a file system holds these; S3 does
			keys = append(keys, "double//slash", "/leading", "dots/../x", "dots/./y", "esc\x1bape\x01.json", "new\nline", "\x7f",
				strings.Repeat("long", 255), "a", "a/b")
		}
		put(t, server, keys...)
		wholly(t, server, "", Options{}, keys...)
		for _, key := range keys {
			if !strings.HasSuffix(key, "a") { // "a" is a folder, too
				wholly(t, server, key, Options{}, key)
			}
		}
	})
}

// Bodies in ranges: what is left of an object is asked for from any byte on.
func TestContractRanges(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		body := delivery("range")
		server.Put(server.Bucket, "r", body, nil)
		step := 7
		if full() {
			step = 1
		}
		for at := 0; at < len(body); at += step {
			server.Fault = func(call s3fake.Call) *s3fake.Fault {
				if call.Op == "Get" && call.Nth%2 == 1 {
					return cut(s3fake.CutClose, at)
				}
				return nil
			}
			if got, err := whole(t, newSource(t, server, "", Options{}), "r"); !bytes.Equal(got, body) || err != nil {
				t.Fatalf("broken at %d: %d of %d bytes, %v", at, len(got), len(body), err)
			}
		}
	})
}

// An object that was uploaded in parts has an ETag that is no MD5, and may have
// a checksum of its checksums.
func TestContractParts(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		parts := [][]byte{noise(5 << 20), noise(5<<20 + 7), []byte("end")}
		if err := client(t, server).PutParts(t.Context(), server.Bucket, "parts", parts...); err != nil {
			t.Fatal(err)
		}
		want := bytes.Join(parts, nil)
		for _, op := range []string{"held", "streamed"} {
			s := newSource(t, server, "", Options{Idle: 5e9})
			obj := ingest.Object{}
			for listed, err := range s.Objects(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				obj = listed
			}
			if !strings.HasSuffix(obj.Version, "-3") || isMD5(obj.Version) {
				t.Errorf("the ETag of three parts is %q", obj.Version)
			}
			var body io.ReadCloser
			var err error
			if body, err = s.Open(t.Context(), obj); op == "streamed" {
				body, err = s.stream(t.Context(), obj)
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(body)
			body.Close()
			if !bytes.Equal(got, want) || err != nil {
				t.Errorf("%s: %d of %d bytes, %v", op, len(got), len(want), err)
			}
		}
	})
}

// Checksums of each kind are asked for, and for a server that is not to be
// asked they are not.
func TestContractChecksums(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		var keys []string
		for _, kind := range []string{"", "CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"} {
			key := "sum-" + kind
			if err := client(t, server).PutWith(t.Context(), server.Bucket, key, delivery(key), nil, kind); err != nil {
				t.Fatal(kind, err)
			}
			keys = append(keys, key)
			s := newSource(t, server, "", Options{})
			p, err := s.get(t.Context(), key, ingest.Object{Size: int64(len(delivery(key)))}, 0)
			if err != nil {
				t.Fatal(kind, err)
			}
			p.Close()
			if kind != "" && p.sum == nil {
				t.Errorf("%s: no checksum came", kind)
			}
		}
		wholly(t, server, "", Options{}, keys...)
		t.Setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
		wholly(t, server, "", Options{}, keys...)
		t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
		wholly(t, server, "", Options{PathStyle: true}, keys...)
	})
}

func TestContractMetadata(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		notes := map[string]string{"signature": "00ff", "signature-algorithm": "SHA256withRSA"}
		if err := client(t, server).PutWith(t.Context(), server.Bucket, "digest", []byte("{}"), notes, ""); err != nil {
			t.Fatal(err)
		}
		store := &Store{newSource(t, server, "", Options{})}
		got, err := store.Metadata(t.Context(), "digest")
		if diff := cmp.Diff(notes, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// Credentials that are not right end the run, in a listing and at an object.
func TestContractCredentials(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		put(t, server, "a")
		for name, env := range map[string][2]string{
			"key id": {"AWS_ACCESS_KEY_ID", "AKIDWRONG"}, "secret": {"AWS_SECRET_ACCESS_KEY", "wrong"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Setenv(env[0], env[1])
				s := newSource(t, server, "", Options{})
				_, errs := list(t, s)
				var refused *CredentialsError
				if len(errs) != 1 || !errors.As(errs[0], &refused) {
					t.Error("listing:", errs)
				}
				_, err := s.Open(t.Context(), ingest.Object{Name: s.name("a"), Size: int64(len(delivery("a")))})
				if !errors.As(err, &refused) || !strings.Contains(refused.Error(), "credentials not accepted") {
					t.Error("object:", err)
				}
				if err != nil {
					tidy(t, err.Error())
				}
			})
		}
		_, errs := list(t, newSource(t, server, "", Options{NoSignRequest: true}))
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "access denied") {
			t.Error("anonymous:", errs)
		}
	})
}

func TestContractNoBucket(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		s, err := New(t.Context(), "s3://trailblame-no-such-bucket", Options{EndpointURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, errs := list(t, s); len(errs) != 1 || !strings.Contains(errs[0].Error(), "no such bucket") {
			t.Error(errs)
		}
	})
}

// A run reads what the last one did not, and what changed since.
func TestContractResume(t *testing.T) {
	eachServer(t, func(t *testing.T, server *s3fake.Server) {
		keys := fill(server, 20)
		read := map[ingest.Object]bool{}
		known := func(obj ingest.Object) bool { return read[obj] }
		runs := func(want int) {
			t.Helper()
			stats := new(Stats)
			got := ingestAll(t.Context(), newSource(t, server, "", Options{Known: known, Stats: stats}), ingest.Options{Known: known})
			if len(got.ids) != want || got.err != nil || len(got.problem) > 0 || stats.Gets.Load() != int64(want) {
				t.Errorf("%d records with %d requests, want %d; %v, %v", len(got.ids), stats.Gets.Load(), want, got.err, got.problem)
			}
			for _, obj := range got.read {
				read[obj] = true
			}
		}
		runs(20)
		runs(0)
		server.Put(server.Bucket, keys[3], delivery("new"), nil)
		server.Delete(server.Bucket, keys[4])
		put(t, server, keys[5]+".late")
		runs(2)
		runs(0)
	})
}
