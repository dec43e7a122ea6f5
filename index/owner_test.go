//go:build unix

package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Whatever the umask, what an index is made of is its owner's alone.
func TestPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "above", "ix")
	read(t, dir, 2, duplicated(t))
	seen := map[bool]int{}
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		seen[entry.IsDir()]++
		return err
	})
	if err != nil || seen[true] < 8 || seen[false] < 10 {
		t.Errorf("%v folders and files, %v", seen, err)
	}
}

// Another's index is read with a warning, and never written to.
func TestForeignIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 1, duplicated(t))
	before := tree(t, dir)
	own := userID
	userID = func() int { return own() + 1 }
	defer func() { userID = own }()
	if _, err := OpenWriter(dir); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("writer: %v", err)
	}
	if after := tree(t, dir); !slices.Equal(before, after) {
		t.Errorf("the writer left %v", after)
	}
	warned(t, dir, "belongs to user")
}

// The same with a folder that really is somebody else's.
func TestForeignFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: NO FOLDER OF ANOTHER USER TESTED: only root can make one")
	}
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 1, duplicated(t))
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWriter(dir); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("writer: %v", err)
	}
	warned(t, dir, "belongs to user 12345")
}

// A folder that others can write to is refused, unless it is empty and can be
// made private.
func TestOthersWrite(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod(t, empty, 0o777)
	read(t, empty, 1, duplicated(t))
	if info, err := os.Stat(empty); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	chmod(t, empty, 0o770)
	if _, err := OpenWriter(empty); err == nil || !strings.Contains(err.Error(), "can be written to by others") {
		t.Errorf("writer: %v", err)
	}
	warned(t, empty, "can be written to by others")
	chmod(t, empty, 0o500) // read-only
	if got, err := tryDump(empty); err != nil || len(got) == 0 {
		t.Errorf("read-only: %d events, %v", len(got), err)
	}
}

// A pipe or a link in the place of a lock holds nobody up, and is not used.
func TestOddLocks(t *testing.T) {
	for _, name := range []string{lockName, readersName} {
		for what, put := range map[string]func(path string) error{
			"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"a link":   func(path string) error { return os.Symlink("/etc/passwd", path) },
			"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		} {
			dir := filepath.Join(t.TempDir(), "ix")
			read(t, dir, 1, duplicated(t))
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			if err := put(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			if got, err := tryDump(dir); err != nil || len(got) == 0 {
				t.Errorf("%s is %s: reader: %v", name, what, err)
			}
			if w, err := OpenWriter(dir); err == nil {
				w.Close()
				t.Errorf("%s is %s: the writer went on", name, what)
			} else if !strings.Contains(err.Error(), name) {
				t.Errorf("%s is %s: %v", name, what, err)
			}
		}
	}
}

// Folders of the index that lead out of it are not followed.
func TestLinksOut(t *testing.T) {
	for _, name := range []string{eventsDir, termsDir, ledgerDir, stagingDir} {
		dir, outside := filepath.Join(t.TempDir(), "ix"), t.TempDir()
		read(t, dir, 1, duplicated(t))
		moved := filepath.Join(outside, name)
		if err := os.Rename(filepath.Join(dir, name), moved); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(moved, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		before := tree(t, outside)
		var damage *CorruptError
		if _, err := tryDump(dir); name != ledgerDir && name != stagingDir && !errors.As(err, &damage) {
			t.Errorf("%s: reader: %v", name, err)
		}
		w, err := OpenWriter(dir)
		if err == nil {
			w.Close()
			t.Errorf("%s: the writer went on", name)
		}
		if after := tree(t, outside); !slices.Equal(before, after) {
			t.Errorf("%s: the writer followed the link:\n%v\n%v", name, before, after)
		}
	}
}

func chmod(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
}

func warned(t *testing.T, dir, about string) {
	t.Helper()
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if text := strings.Join(ix.Warnings(), "\n"); !strings.Contains(text, about) {
		t.Errorf("warnings: %q", text)
	}
	v, err := Verify(dir, "", func(err error) { t.Error(err) })
	if err != nil || !strings.Contains(strings.Join(v.Warnings, "\n"), about) {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

// tree lists the files of a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		list = append(list, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
