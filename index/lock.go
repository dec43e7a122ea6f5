package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LockedError says that another writer holds the index.
type LockedError struct {
	Dir    string
	Holder string // what the holder wrote about itself
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s: another writer (%s) holds the index; wait for it to end", e.Dir, e.Holder)
}

// takeLock takes the writer's lock of dir. The file is never removed: a new one
// beside an old one would be two locks.
func takeLock(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, plainError(err))
	}
	ok := false
	if err = regular(f); err == nil {
		ok, err = lockFile(f)
	}
	switch {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	case !ok:
		defer f.Close()
		var text [64]byte
		n, _ := f.Read(text[:])
		return nil, &LockedError{Dir: dir, Holder: strings.TrimSpace(string(text[:n]))}
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "process %-20d\n", os.Getpid()), 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close())
	}
	return f, nil
}

// A reader shares the lock on READERS as long as it is open, so that a writer
// does not remove files under it. Where the file is missing or cannot be opened
// the reader goes on without: the worst that can happen is an error.
func shareReaders(dir string) *os.File {
	f, err := os.OpenFile(filepath.Join(dir, readersName), os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil
	}
	// A writer that removes files holds the lock for a moment.
	for range 200 {
		if regular(f) != nil {
			break
		}
		ok, err := shareFile(f)
		if ok {
			return f
		}
		if err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.Close()
	return nil
}

// withoutReaders calls remove while nobody reads the index in dir, and reports
// whether it could.
func withoutReaders(dir string, remove func() error) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, readersName), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", readersName, plainError(err))
	}
	defer f.Close()
	if err := regular(f); err != nil {
		return false, err
	}
	ok, err := lockFile(f)
	if !ok || err != nil {
		return false, err
	}
	return true, remove()
}
