package index

import (
	"fmt"
	"os"
)

// An index belongs to whoever owns its folder. What others can write to, or
// have written, is read with a warning; it is never written to, since files of
// ours among theirs would lock them out of their own index.

// prepareFolder makes the folder of an index, or makes sure that the one that
// is there is its user's alone.
func prepareFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create index %s: %w", dir, plainError(err))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("open index %s: %w", dir, plainError(err))
	}
	if uid, foreign := foreignOwner(info); foreign {
		return fmt.Errorf("%s belongs to user %d, and only its owner may write to an index; use another --index, or run as that user", dir, uid)
	}
	if !othersWrite(info) {
		return nil
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) == 0 {
		return os.Chmod(dir, 0o700)
	}
	return fmt.Errorf("%s can be written to by others; make it private with chmod 700, or use another --index", dir)
}

// doubts tells why a reader may not trust the folder of an index.
func doubts(dir string) (warnings []string) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	if uid, foreign := foreignOwner(info); foreign {
		warnings = append(warnings, fmt.Sprintf("%s belongs to user %d, who can make it say anything", dir, uid))
	}
	if othersWrite(info) {
		warnings = append(warnings, dir+" can be written to by others, who can make it say anything")
	}
	return warnings
}

// regular tells whether f is a plain file, and not a pipe or a folder in its
// place.
func regular(f *os.File) error {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.Name())
	}
	return err
}
