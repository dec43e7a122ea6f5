package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Files of one day come together, whatever account and region they are of, and
// none is left out.
func TestDaysComeTogether(t *testing.T) {
	dir := t.TempDir()
	want := []string{
		"0/loose.json", "a/us/zz.json", "b/1234/05/x.json", "b/file.json",
		"a/us/2026/README", "a/us/2025/12/31/1.gz", "b/eu/2025/12/31/1.gz",
		"a/us/2026/01/01/1.gz", "a/us/2026/01/01/sub/2.gz", "b/eu/2026/01/01/1.gz",
		"a/us/2026/01/02/1.gz", "b/eu/2026/02/03/1.gz", "b/eu/2026/extra/1.gz",
	}
	for _, name := range want {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for obj, err := range src.Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(obj.Name, filepath.ToSlash(dir)+"/"))
	}
	// What is no day comes in front of the days of its year.
	want = []string{
		"0/loose.json", "a/us/zz.json", "b/1234/05/x.json", "b/file.json",
		"a/us/2025/12/31/1.gz", "b/eu/2025/12/31/1.gz",
		"a/us/2026/README", "b/eu/2026/extra/1.gz",
		"a/us/2026/01/01/1.gz", "a/us/2026/01/01/sub/2.gz", "b/eu/2026/01/01/1.gz",
		"a/us/2026/01/02/1.gz", "b/eu/2026/02/03/1.gz",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
