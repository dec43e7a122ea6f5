package index

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
)

// fileSystem is what the index needs of a folder. Names are slash-separated and
// relative to it. Tests put a file system in its place that forgets what was
// not synced.
type fileSystem interface {
	// create makes a new file; one that exists is an error.
	create(name string) (file, error)
	// open opens a regular file for reading. Links are not followed.
	open(name string) (reader, error)
	rename(from, to string) error
	remove(name string) error
	mkdirAll(name string) error
	// list returns the names of all files below dir, folders excepted; none
	// when dir does not exist.
	list(dir string) ([]string, error)
	// syncDir makes the names in dir durable.
	syncDir(dir string) error
}

type file interface {
	io.Writer
	Sync() error
	Close() error
}

type reader interface {
	io.ReaderAt
	io.Closer
	size() int64
}

// osFS is the real folder.
type osFS struct {
	root *os.Root

	mu    sync.Mutex
	terms *os.Root // the folder of terms, of which a query opens every file; nil when not open
}

func openOSFS(dir string) (*osFS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &osFS{root: root}, nil
}

func (o *osFS) create(name string) (file, error) {
	return o.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

type osReader struct {
	*os.File
	length int64
}

func (r osReader) size() int64 { return r.length }

func (o *osFS) open(name string) (reader, error) {
	f, err := o.openFile(name)
	if err != nil {
		return nil, corrupt(name, 0, "cannot be opened: %v", plainError(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, corrupt(name, 0, "cannot be opened: %v", plainError(err))
	}
	return osReader{f, info.Size()}, nil
}

func (o *osFS) openFile(name string) (*os.File, error) {
	if base, ok := strings.CutPrefix(name, termsDir+"/"); ok {
		if terms := o.openTerms(); terms != nil {
			if f, err := terms.OpenFile(base, os.O_RDONLY|noFollow, 0); err == nil {
				return f, nil
			}
		}
	}
	return o.root.OpenFile(name, os.O_RDONLY|noFollow, 0)
}

// openTerms returns the folder of terms, nil when there is none.
func (o *osFS) openTerms() *os.Root {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.terms == nil {
		o.terms, _ = o.root.OpenRoot(termsDir)
	}
	return o.terms
}

// plainError strips the path from an error whose message names the file anyway.
func plainError(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (o *osFS) rename(from, to string) error { return o.root.Rename(from, to) }
func (o *osFS) remove(name string) error     { return o.root.Remove(name) }
func (o *osFS) mkdirAll(name string) error   { return o.root.MkdirAll(name, 0o700) }

func (o *osFS) list(dir string) ([]string, error) {
	var names []string
	err := fs.WalkDir(o.root.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == dir {
			return fs.SkipAll
		}
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func (o *osFS) syncDir(dir string) error {
	f, err := o.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

// readAll reads a small file whole.
func readAll(fsys fileSystem, name string, limit int64) ([]byte, error) {
	f, err := fsys.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.size() > limit {
		return nil, corrupt(name, limit, "larger than %d bytes", limit)
	}
	b := make([]byte, f.size())
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, corrupt(name, 0, "cannot be read: %v", plainError(err))
	}
	return b, nil
}

// writeDurably writes a new file and syncs it. On an error nothing is left of
// it: bytes whose sync failed must not be trusted again.
func writeDurably(fsys fileSystem, name string, write func(w io.Writer) error) error {
	f, err := fsys.create(name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, plainError(err))
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		fsys.remove(name)
		return fmt.Errorf("write %s: %w", name, plainError(err))
	}
	return nil
}

// cleanName tells whether a name from a manifest stays inside the folder.
func cleanName(name string) bool {
	return name != "" && path.Clean(name) == name && !path.IsAbs(name) && !strings.HasPrefix(name, "..") && !strings.Contains(name, "\\")
}
