package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Links in a folder are read, or named: nothing is passed over. What they lead
// to in the folder itself is read once, and circles end.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	top, outside := t.TempDir(), t.TempDir()
	write := func(dir, name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(rec(name)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, target := range map[string]string{
		"to-file":        write(outside, "a.json"),
		"to-folder":      filepath.Dir(write(outside, "in/b.json")),
		"to-nothing":     filepath.Join(outside, "gone"),
		"to-itself":      filepath.Join(top, "to-itself"),
		"to-the-top":     top,
		"to-a-neighbour": write(top, "2026/01/02/c.json"),
		"2026/01/02/up":  filepath.Join(top, "2026"),
		"to-a-device":    os.DevNull,
	} {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	src, err := NewLocal(top)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for obj, err := range src.Objects(t.Context()) {
		name, _ := filepath.Rel(top, filepath.FromSlash(obj.Name))
		got = append(got, strings.TrimSuffix(fmt.Sprintf("%s %v", filepath.ToSlash(name), err), " <nil>"))
	}
	slices.Sort(got)
	want := []string{
		"2026/01/02/c.json",
		"to-file",
		"to-folder it is a link to a folder, which is not followed; name it as a source of its own",
		"to-itself it is a link that leads nowhere",
		"to-nothing it is a link that leads nowhere",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
