package index

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// files lists an index's files, the empty ones apart.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil && info.Size() > 0 {
				list = append(list, path)
			}
		}
		return err
	})
	if err != nil || len(list) < 5 {
		t.Fatal(list, err)
	}
	return list
}

// tryDump reads all of an index, or returns the damage that kept it from that.
func tryDump(dir string) (all []string, err error) {
	ix, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			rows, err := s.Reader()
			if err != nil {
				return nil, err
			}
			for i := range s.Rows() {
				raw, err := rows.AppendRaw(nil, i)
				if err != nil {
					return nil, err
				}
				all = append(all, string(raw))
			}
			rows.Close()
			for f := range NumFields {
				if err := s.Terms(f, func(TermCount) bool { return true }); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// Every flipped bit is found by verify, and no answer ever differs.
func TestBitFlips(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 2, duplicated(t))
	want, err := tryDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	flips := 300
	if full() {
		flips = 20_000
	}
	names := files(t, dir)
	rng := rand.New(rand.NewPCG(3, 4))
	answered := 0
	for range flips {
		name := names[rng.IntN(len(names))]
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at, bit := rng.IntN(len(b)), byte(1)<<rng.IntN(8)
		b[at] ^= bit
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		problems := 0
		if _, err := Verify(dir, "", func(error) { problems++ }); err != nil && problems == 0 {
			problems++
		}
		if problems == 0 {
			t.Errorf("%s: bit flipped at %d, verify found nothing", name, at)
		}
		got, err := tryDump(dir)
		var damage *CorruptError
		switch {
		case err == nil:
			answered++
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: bit flipped at %d changes the answer:\n%s", name, at, diff)
			}
		case !errors.As(err, &damage):
			t.Errorf("%s: bit flipped at %d: %v is no CorruptError", name, at, err)
		}
		b[at] ^= bit
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d flips over %d files, all found; %d left the answer as it was", flips, len(names), answered)
}

// Files that are cut, grown, swapped, missing, or no files at all.
func TestDamagedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 2, duplicated(t))
	want, err := tryDump(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := files(t, dir)
	for _, name := range names {
		saved, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, damage := range map[string]func() error{
			"cut":      func() error { return os.WriteFile(name, saved[:len(saved)/2], 0o600) },
			"emptied":  func() error { return os.WriteFile(name, nil, 0o600) },
			"grown":    func() error { return os.WriteFile(name, append(slices.Clone(saved), 0), 0o600) },
			"removed":  func() error { return os.Remove(name) },
			"replaced": func() error { return os.WriteFile(name, another(t, names, name), 0o600) },
			"a link":   func() error { os.Remove(name); return os.Symlink("/etc/passwd", name) },
			"a folder": func() error { os.Remove(name); return os.Mkdir(name, 0o700) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			problems := 0
			if _, err := Verify(dir, "", func(error) { problems++ }); err != nil {
				problems++
			}
			if problems == 0 {
				t.Errorf("%s %s: verify found nothing", filepath.Base(name), what)
			}
			if got, err := tryDump(dir); err == nil {
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s changes the answer:\n%s", filepath.Base(name), what, diff)
				}
			}
			os.RemoveAll(name)
			if err := os.WriteFile(name, saved, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// another returns the bytes of a file beside name.
func another(t *testing.T, names []string, name string) []byte {
	t.Helper()
	i := slices.Index(names, name)
	b, err := os.ReadFile(names[(i+1)%len(names)])
	if err != nil {
		t.Fatal(err)
	}
	return b
}
