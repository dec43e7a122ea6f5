package digest

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func remove(m *memory, key string) { delete(m.objects, key) }

// garble flips a bit in the content of a digest that leaves it JSON.
func garble(m *memory, key string) {
	var content bytes.Buffer
	if err := inflate(&content, bytes.NewReader(m.objects[key]), maxDigestBytes); err != nil {
		panic(err)
	}
	m.objects[key] = zip(bytes.Replace(content.Bytes(), []byte(`"logFiles":[{`), []byte(`"logFiles" :[{`), 1))
}

func move(m *memory, key string) {
	to := strings.Replace(key, "AWSLogs/", "copy/AWSLogs/", 1)
	m.objects[to], m.meta[to] = m.objects[key], m.meta[key]
	delete(m.objects, key)
}

// Each hour list is oldest first, each line list newest first.
func TestChains(t *testing.T) {
	const valid = "D valid"
	for _, test := range []struct {
		name  string
		hours []hour
		want  []string
	}{
		{"whole", []hour{{}, {}, {}}, []string{valid, valid, valid}},
		{"stopped and started again", []hour{{}, {skip: true}, {starts: true}}, []string{valid, "gap: no log files were delivered", valid}},
		{"two chains that touch", []hour{{}, {starts: true}}, []string{valid, valid}},
		{"missing", []hour{{}, {missing: true}, {}, {missing: true}, {}}, []string{
			valid, "D INVALID: not found", "gap: no valid digest", valid, "D INVALID: not found", "gap: no valid digest", valid}},
		{"garbled", []hour{{}, {edit: garble}, {}}, []string{
			valid, "D INVALID: signature verification failed", "gap: no valid digest", valid}},
		{"garbled newest", []hour{{}, {edit: garble}}, []string{"D INVALID: signature verification failed", valid}},
		{"nothing valid", []hour{{edit: garble}}, []string{"D INVALID: signature verification failed"}},
		{"no gzip", []hour{{}, {edit: func(m *memory, key string) { m.objects[key] = []byte("{}") }}, {}}, []string{
			valid, "D INVALID: invalid format", "gap: no valid digest", valid}},
		{"no JSON", []hour{{}, {edit: func(m *memory, key string) { m.objects[key] = zip([]byte("x")) }}}, []string{"D INVALID: invalid format", valid}},
		{"bytes behind", []hour{{}, {edit: func(m *memory, key string) { m.objects[key] = append(m.objects[key], 'x') }}}, []string{"D INVALID: invalid format", valid}},
		{"key missing", []hour{{}, {lie: func(doc map[string]any) { delete(doc, "digestEndTime") }}}, []string{"D INVALID: invalid format", valid}},
		{"signature member missing", []hour{{lie: func(doc map[string]any) { delete(doc, "previousDigestSignature") }}}, []string{"D INVALID: invalid format"}},
		{"moved newest", []hour{{}, {edit: move}}, []string{"D INVALID: has been moved from its original location", valid}},
		{"moved in the middle", []hour{{}, {edit: move}, {}}, []string{
			valid, "D INVALID: not found", "D INVALID: has been moved from its original location", "gap: no valid digest", valid}},
		{"unknown key", []hour{{lie: func(doc map[string]any) { doc["digestPublicKeyFingerprint"] = "ff" }}}, []string{
			"D INVALID: public key not found in region eu-west-1 for fingerprint ff"}},
		{"bad key", []hour{{lie: func(doc map[string]any) { doc["digestPublicKeyFingerprint"] = "bad" }}}, []string{
			"D INVALID: Unable to load PKCS #1 key with fingerprint bad"}},
		{"a link to itself", []hour{{}, {lie: func(doc map[string]any) { doc["previousDigestS3Object"] = doc["digestS3Object"] }}}, []string{valid, valid}},
		{"a link to nowhere", []hour{{}, {lie: func(doc map[string]any) { doc["previousDigestS3Object"] = "../../etc/passwd" }}}, []string{valid, valid}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ring := testRing()
			ring.Add(PublicKey{Fingerprint: "bad", Value: []byte("a\n")})
			results, _ := validate(t, chainOf(t, test.hours...).store, ring, Options{})
			if diff := cmp.Diff(test.want, short(results)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLogs(t *testing.T) {
	for _, test := range []struct {
		name   string
		edit   func(m *memory, key string)
		reason Reason
	}{
		{"valid", func(*memory, string) {}, ""},
		{"changed", func(m *memory, key string) { m.objects[key] = zip([]byte("{}")) }, ReasonHash},
		{"deleted", remove, ReasonNotFound},
		{"no gzip", func(m *memory, key string) { m.objects[key] = []byte("{}") }, ReasonFormat},
		{"empty", func(m *memory, key string) { m.objects[key] = nil }, ReasonFormat},
		{"cut", func(m *memory, key string) { m.objects[key] = m.objects[key][:len(m.objects[key])-3] }, ReasonFormat},
		{"bytes behind", func(m *memory, key string) { m.objects[key] = append(m.objects[key], "xx"...) }, ReasonTrailing},
		{"second member", func(m *memory, key string) { m.objects[key] = append(m.objects[key], zip(nil)...) }, ReasonTrailing},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := chainOf(t, hour{}, hour{})
			key := tr.logs[1][1]
			test.edit(tr.store, key)
			results, s := validate(t, tr.store, testRing(), Options{})
			want := Verified
			if test.reason != "" {
				want = Broken
			}
			if verdict, reason := s.Verdict(key); verdict != want || reason != test.reason {
				t.Errorf("verdict %s %q", verdict, reason)
			}
			if verdict, _ := s.Verdict(tr.logs[0][0]); verdict != Verified {
				t.Errorf("other log: %s", verdict)
			}
			if s.Covered != 4 || s.OK() != (test.reason == "") || !s.Complete() {
				t.Errorf("summary %+v", s)
			}
			r := results[slices.IndexFunc(results, func(r Result) bool { return strings.HasSuffix(r.Object, key) })]
			line := "Log file\ts3://" + testBucket + "/" + key + "\tvalid"
			if test.reason != "" {
				line = strings.TrimSuffix(line, "valid") + "INVALID: " + string(test.reason)
			}
			if r.Text() != line || !strings.HasSuffix(r.Digest, tr.keys[1]) {
				t.Errorf("got %q of %s, want %q", r.Text(), r.Digest, line)
			}
		})
	}
}

// Logs of a digest that is not valid are vouched for by nobody.
func TestInvalidDigestCoversNothing(t *testing.T) {
	tr := chainOf(t, hour{edit: garble})
	_, s := validate(t, tr.store, testRing(), Options{})
	if verdict, _ := s.Verdict(tr.logs[0][0]); verdict != NotCovered || s.Covered != 0 {
		t.Errorf("%s, %d covered", verdict, s.Covered)
	}
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "No valid digests found in range\n\n0/1 digest files valid, 1/1 digest files INVALID\n"; text.String() != want {
		t.Errorf("got %q", text.String())
	}
}

// Without any metadata the newest digest cannot be verified, the others can,
// from the signatures that the chain itself holds.
func TestOnlyTheNewestNeedsMetadata(t *testing.T) {
	tr := chainOf(t, hour{}, hour{}, hour{})
	newest := tr.store.meta[tr.keys[2]]
	clear(tr.store.meta)
	results, _ := validate(t, tr.store, testRing(), Options{})
	if diff := cmp.Diff([]string{"D INVALID: signature verification failed", "D valid", "D valid"}, short(results)); diff != "" {
		t.Error(diff)
	}
	tr.store.meta[tr.keys[2]] = newest
	tr.store.heads = 0
	results, _ = validate(t, tr.store, testRing(), Options{})
	if diff := cmp.Diff([]string{"D valid", "D valid", "D valid"}, short(results)); diff != "" {
		t.Error(diff)
	}
	if tr.store.heads != 1 {
		t.Errorf("asked for metadata %d times", tr.store.heads)
	}
}

func TestPreviousHash(t *testing.T) {
	tr := chainOf(t, hour{}, hour{lie: func(doc map[string]any) { doc["previousDigestHashValue"] = strings.Repeat("ab", 32) }})
	results, _ := validate(t, tr.store, testRing(), Options{})
	if last := results[3]; last.Status != StatusValid || last.Detail == "" {
		t.Errorf("got %+v", last)
	}
}

func TestRange(t *testing.T) {
	hours := make([]hour, 10*24)
	tr := chainOf(t, hours...)
	at := func(day, h int) time.Time { return time.Date(2026, 2, day, h, 0, 0, 0, time.UTC) }
	results, s := validate(t, tr.store, testRing(), Options{From: at(3, 6), To: at(3, 9)})
	// One hour later than To, in which the last digest may end, and the one
	// that ends with From.
	if s.Digests.Valid != 5 || !results[0].To.Equal(at(3, 10)) || !s.Spans[0].From.Equal(at(3, 5)) {
		t.Errorf("%+v", s)
	}
	// Without metadata the digest behind the range, of the next month here,
	// gives the signature of the newest in it.
	clear(tr.store.meta)
	to := time.Date(2026, 1, 31, 22, 0, 0, 0, time.UTC)
	results, s = validate(t, tr.store, testRing(), Options{From: to.Add(-time.Hour), To: to})
	if s.Digests != (Count{Valid: 3}) || !results[0].To.Equal(to.Add(time.Hour)) {
		t.Errorf("%+v", s)
	}
	if _, s := validate(t, tr.store, testRing(), Options{}); s.Digests.Valid != len(hours)-1 || s.Logs.Valid != 2*len(hours)-2 {
		t.Errorf("%+v", s)
	}
}

func TestFilters(t *testing.T) {
	tr := chainOf(t, hour{})
	for _, test := range []struct {
		opts Options
		want int
	}{
		{Options{Accounts: []string{tr.Account}, Regions: []string{tr.Region}, Trails: []string{tr.Name}}, 1},
		{Options{Prefix: "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/"}, 1},
		{Options{Prefix: "elsewhere"}, 0},
		{Options{Accounts: []string{"444455556666"}}, 0},
		{Options{Regions: []string{"us-east-1"}}, 0},
		{Options{Trails: []string{"other"}}, 0},
	} {
		if results, _ := validate(t, tr.store, testRing(), test.opts); len(short(results)) != test.want {
			t.Errorf("%+v: %v", test.opts, short(results))
		}
	}
}

// Backfill digests are chains of their own, with a key from when they were made.
func TestBackfill(t *testing.T) {
	tr := chainOf(t, hour{})
	tr.Backfill, tr.previous = true, nil
	tr.write(t, 0, hour{})
	made := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	tr.store.meta[tr.keys[1]][backfillTime] = made.Format(time.RFC3339)
	var asked []KeyQuery
	results, s := validate(t, tr.store, keyFunc(func(q KeyQuery) ([]byte, error) {
		asked = append(asked, q)
		return x509.MarshalPKIXPublicKey(&signer().PublicKey)
	}), Options{})
	if s.Digests.Valid != 2 || len(s.Spans) != 2 || !strings.HasPrefix(results[3].Text(), "(backfill) Digest file\ts3://") {
		t.Errorf("%v", results)
	}
	if q := asked[1]; !q.From.Equal(made.Add(-time.Hour)) || !q.To.Equal(made.Add(time.Hour)) {
		t.Errorf("asked %+v", q)
	}
	if q := asked[0]; !q.From.Equal(tr.epoch) || !q.To.Equal(tr.epoch.Add(3*time.Hour)) {
		t.Errorf("asked %+v", q)
	}
}

type keyFunc func(KeyQuery) ([]byte, error)

func (f keyFunc) PublicKey(_ context.Context, q KeyQuery) ([]byte, error) { return f(q) }

// What cannot be read is neither valid nor invalid, and the rest goes on.
func TestUnreadable(t *testing.T) {
	broken := errors.New("connection reset")
	tr := chainOf(t, hour{}, hour{}, hour{})
	tr.store.faults[tr.keys[1]], tr.store.faults[tr.logs[2][0]] = broken, broken
	s := new(Summary)
	faults := 0
	for r, err := range Validate(t.Context(), tr.store, testRing(), Options{}) {
		s.Add(r)
		if (r.Status == StatusUnchecked) != errors.Is(err, broken) {
			t.Errorf("%+v: %v", r, err)
		}
		if err != nil {
			faults++
		}
	}
	if want := (Count{Valid: 2, Unchecked: 1}); s.Digests != want || faults != 2 || s.Complete() || !s.OK() || len(s.Gaps) != 1 {
		t.Errorf("%d faults, %+v", faults, s)
	}
	if verdict, _ := s.Verdict("s3://x/" + tr.logs[2][0]); verdict != NotCovered {
		t.Error(verdict)
	}
}

func TestCancel(t *testing.T) {
	tr := chainOf(t, hour{}, hour{}, hour{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range Validate(ctx, tr.store, testRing(), Options{}) {
		n++
		cancel()
		last = err
	}
	if n != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d results, %v", n, last)
	}
	for range Validate(t.Context(), tr.store, testRing(), Options{}) {
		break
	}
}

// Decompression ends at the limit.
func TestLargeLog(t *testing.T) {
	tr := chainOf(t, hour{})
	tr.store.objects[tr.logs[0][0]] = zip(make([]byte, 1<<20))
	faults := 0
	for r, err := range Validate(t.Context(), tr.store, testRing(), Options{MaxObject: 1 << 10}) {
		if errors.Is(err, errTooLarge) && r.Status == StatusUnchecked {
			faults++
		}
	}
	if faults != 1 {
		t.Errorf("%d faults", faults)
	}
}
