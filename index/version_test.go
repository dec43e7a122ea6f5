package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// testdata/index holds a small index of each released version, and beside it
// what it answered when it was made. They are never made again: what was once
// written stays readable.
const oldIndexes = "../testdata/index"

// answers is everything that an index in a folder says.
func answers(t *testing.T, dir string) string {
	t.Helper()
	fsys, err := openOSFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := everything(fsys)
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	for _, e := range dump(t, dir) {
		all = append(all, fmt.Sprintf("%s came in %v", e.Raw, e.Deliveries))
	}
	all = append(all, fmt.Sprintf("%+v", ix.Totals()), strings.Join(ix.Partitions(), " "))
	return strings.Join(all, "\n") + "\n"
}

// makeIndex makes the index of this version out of two runs over records of our
// own, unless there is one.
func makeIndex(t *testing.T, dir string) {
	t.Helper()
	if Exists(dir) {
		return
	}
	target, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("trail", 0o700); err != nil {
		t.Fatal(err)
	}
	read(t, target, 1, write(t, "trail", "a.json.gz", append(odd(), event(1), event(4))...))
	corrected := event(1)[:len(event(1))-1] + `,"sharedEventID":"` + uuid(90) + `","addendum":{"reason":"UPDATED_DATA","originalEventID":"` + uuid(1) + `"}}`
	read(t, target, 1, write(t, "trail", "b.json.gz", event(4), corrected, event(7)))
	for _, name := range []string{lockName, readersName} {
		if err := os.Remove(filepath.Join(target, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldIndexes(t *testing.T) {
	if *update {
		t.Run("make", func(t *testing.T) { makeIndex(t, fmt.Sprintf("%s/v%d", oldIndexes, FormatVersion)) })
	}
	dirs, err := filepath.Glob(oldIndexes + "/v?")
	if err != nil || len(dirs) < FormatVersion {
		t.Fatalf("%v, %v: want an index of each version", dirs, err)
	}
	for _, dir := range dirs {
		if *update && filepath.Base(dir) == fmt.Sprintf("v%d", FormatVersion) {
			if err := os.WriteFile(dir+".answers", []byte(answers(t, dir)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(dir + ".answers")
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(want), answers(t, dir)); diff != "" {
			t.Errorf("%s (-then +now):\n%s", dir, diff)
		}
		v, err := Verify(dir, "", func(err error) { t.Error(err) })
		if err != nil || v.Events < 10 || len(v.Stray) > 0 {
			t.Errorf("%s: %+v, %v", dir, v, err)
		}
		addToOld(t, dir)
	}
}

// addToOld adds to a copy of an old index and merges it: what it held stays.
func addToOld(t *testing.T, dir string) {
	t.Helper()
	added := filepath.Join(t.TempDir(), "ix")
	if err := os.CopyFS(added, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(added, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			err = errors.Join(err, os.Chmod(path, 0o700))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWriter(added)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	readInto(t, w, 1, write(t, t.TempDir(), "c.json.gz", event(4), event(10)))
	if err := w.Merge(true); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range dump(t, added) {
		got[e.Raw] = e.Deliveries
	}
	before := dump(t, dir)
	if len(got) != len(before)+1 {
		t.Errorf("%d events, had %d and added one", len(got), len(before))
	}
	for _, e := range before {
		for _, d := range e.Deliveries {
			if !slices.Contains(got[e.Raw], d) {
				t.Errorf("delivery %s is gone of %s", d, e.Raw)
			}
		}
	}
	if _, err := Verify(added, "", func(err error) { t.Error(err) }); err != nil {
		t.Error(err)
	}
}
