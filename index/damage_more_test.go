package index

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// damaged checks that verify finds what was done to an index, and that the
// index answers with want or an error.
func damaged(t *testing.T, dir, what string, want []string) {
	t.Helper()
	problems := 0
	if _, err := Verify(dir, "", func(error) { problems++ }); err != nil {
		problems++
	}
	if problems == 0 {
		t.Errorf("%s: verify found nothing", what)
	}
	if got, err := tryDump(dir); err == nil {
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s changes the answer:\n%s", what, diff)
		}
	}
}

// Files that end too early, wherever that is, or that lost a page.
func TestCutAndZeroed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 2, duplicated(t))
	want, err := tryDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	cases := 60
	if full() {
		cases = 2000
	}
	names := files(t, dir)
	rng := rand.New(rand.NewPCG(11, 12))
	done := map[string]int{}
	for range cases {
		name := names[rng.IntN(len(names))]
		saved, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, what := slices.Clone(saved), "cut"
		switch at := rng.IntN(len(b)); rng.IntN(8) {
		case 0:
			what = "zeroed"
			at -= at % 4096
			clear(b[at:min(at+4096, len(b))])
		case 1:
			what = "grown"
			b = append(b, b[at:]...)
		default:
			b = b[:at]
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		damaged(t, dir, filepath.Base(name)+" "+what, want)
		done[what]++
		if err := os.WriteFile(name, saved, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(done) != 3 {
		t.Errorf("%v", done)
	}
	t.Logf("%v", done)
}

// Files in the place of others of their kind: of another segment, and of an
// earlier state of the index.
func TestSwappedFiles(t *testing.T) {
	dir, in := filepath.Join(t.TempDir(), "ix"), duplicated(t)
	read(t, dir, 1, filepath.Join(in, "f0.json.gz"), filepath.Join(in, "f1.json.gz"))
	before := map[string][]byte{}
	for _, name := range files(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = b
	}
	read(t, dir, 1, in)
	want, err := tryDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	names, cases := files(t, dir), 0
	for _, name := range names {
		saved, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		swap := func(what string, b []byte) {
			if bytes.Equal(b, saved) {
				return
			}
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			damaged(t, dir, filepath.Base(name)+" is "+what, want)
			cases++
		}
		for _, other := range names {
			if filepath.Ext(other) == filepath.Ext(name) {
				b, err := os.ReadFile(other)
				if err != nil {
					t.Fatal(err)
				}
				swap(filepath.Base(other), b)
			}
		}
		for old, b := range before {
			if old == name || strings.HasPrefix(filepath.Base(name), manifestStem) && strings.HasPrefix(filepath.Base(old), manifestStem) {
				swap("an older "+filepath.Base(old), b)
			}
		}
		if err := os.WriteFile(name, saved, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Both files of two segments, so that each pair fits together.
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, b := ix.Sizes()[0], ix.Sizes()[1]
	ix.Close()
	exchange(t, filepath.Join(dir, a.EventsFile), filepath.Join(dir, b.EventsFile))
	exchange(t, filepath.Join(dir, a.TermsFile), filepath.Join(dir, b.TermsFile))
	damaged(t, dir, "two segments exchanged", want)
	if cases < 50 {
		t.Errorf("only %d cases", cases)
	}
	t.Logf("%d cases", cases+1)
}

func exchange(t *testing.T, a, b string) {
	t.Helper()
	if err := errors.Join(os.Rename(a, a+".x"), os.Rename(b, a), os.Rename(a+".x", b)); err != nil {
		t.Fatal(err)
	}
}

// Every bit of what vouches for the rest: CURRENT, the manifest, and the sums
// and tails of terms files.
func TestEveryBitOfTheSums(t *testing.T) {
	m, want := smallIndex()
	base, err := open("mem", m)
	if err != nil {
		t.Fatal(err)
	}
	flips, mended := 0, 0
	for _, name := range []string{currentName, manifestName(base.manifest.Generation)} {
		data := m.names[name].data
		stride := 1
		if !full() {
			stride = 1 + len(data)*8/2000
		}
		for bit := 0; bit < 8*len(data); bit += stride {
			b := slices.Clone(data)
			b[bit/8] ^= 1 << (bit % 8)
			c := m.changed(name, b)
			man, warning, err := loadManifest(c)
			switch {
			case err != nil:
			case warning == "":
				t.Errorf("%s: bit %d flipped, nothing found", name, bit)
			case man.hash != base.manifest.hash:
				t.Errorf("%s: bit %d flipped, another manifest", name, bit)
			default:
				mended++
			}
			flips++
		}
	}
	if got, err := everything(m.changed(currentName, []byte("MANIFEST"))); err != nil || !slices.Equal(got, want) {
		t.Errorf("without CURRENT: %v", err)
	}
	for _, info := range base.manifest.Segments {
		data := m.names[info.Terms.Name].data
		from := len(data) - termsTailSize - 4
		for bit := 8 * from; bit < 8*len(data); bit++ {
			b := slices.Clone(data)
			b[bit/8] ^= 1 << (bit % 8)
			if s, err := openSegment(m.changed(info.Terms.Name, b), info); err == nil {
				s.Close()
				t.Errorf("%s: bit %d flipped, nothing found", info.Terms.Name, bit)
			}
			flips++
		}
	}
	if flips < 1000 || mended == 0 {
		t.Errorf("%d flips, %d mended", flips, mended)
	}
	t.Logf("%d flips, all found; %d of CURRENT mended from the manifest", flips, mended)
}

// What a newer version wrote is told from damage, by whoever opens it.
func TestNewerVersion(t *testing.T) {
	m, _ := smallIndex()
	base, err := open("mem", m)
	if err != nil {
		t.Fatal(err)
	}
	newer := *base.manifest
	newer.Generation++
	newer.Format = FormatVersion + 1
	manifest := m.changed(lockName, nil)
	if err := commit(manifest, &newer); err != nil {
		t.Fatal(err)
	}
	info := base.manifest.Segments[0]
	data := slices.Clone(m.names[info.Terms.Name].data)
	data[len(data)-termsTailSize+16]++
	sealed := resealed(data, nil)
	terms := *base.manifest
	terms.Generation++
	terms.Segments = slices.Clone(terms.Segments)
	terms.Segments[0].Root = hex.EncodeToString(sha(sealed.end))
	segment := m.changed(info.Terms.Name, slices.Concat(sealed.body, sealed.end))
	if err := commit(segment, &terms); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]*memFS{"manifest": manifest, "without CURRENT": manifest.changed(currentName, []byte("x")), "terms": segment} {
		_, readErr := everything(c)
		_, writeErr := newWriter("", c)
		if what == "terms" {
			writeErr = readErr // a writer opens the days that it writes to
		}
		for _, err := range []error{readErr, writeErr} {
			var damage *CorruptError
			if err == nil || errors.As(err, &damage) || !strings.Contains(err.Error(), "use a newer one") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// A manifest under the name of another one is refused.
func TestManifestOfAnotherName(t *testing.T) {
	m, _ := smallIndex()
	base, err := open("mem", m)
	if err != nil {
		t.Fatal(err)
	}
	name := manifestName(base.manifest.Generation)
	c := m.changed(manifestName(77), m.names[name].data)
	delete(c.names, name)
	delete(c.names, currentName)
	if _, err := everything(c); err == nil {
		t.Error("no error")
	}
}
