package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Local is the Source of a file, a folder with all below it, or a glob. Only
// regular files are read; a device or a FIFO in a folder is stepped over, and
// links in it are not followed.
type Local struct {
	pattern string
	paths   []string
}

// NewLocal finds the files or folders that pattern names. That nothing is
// there is an error at once, before anything is read.
func NewLocal(pattern string) (*Local, error) {
	if _, err := os.Stat(pattern); err == nil {
		return &Local{pattern, []string{pattern}}, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	paths, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: bad pattern: %w", pattern, err)
	case len(paths) == 0 && strings.ContainsAny(pattern, "*?["):
		return nil, fmt.Errorf("%s: nothing matches", pattern)
	case len(paths) == 0:
		return nil, fmt.Errorf("%s: no such file or folder", pattern)
	}
	slices.Sort(paths)
	return &Local{pattern, paths}, nil
}

// Objects implements Source. Files come in the order of their names, but for
// those in folders named by date, as CloudTrail has them: they come last, day
// by day through all accounts and regions, so that what is put away together
// happened on few days.
func (l *Local) Objects(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for _, root := range l.paths {
			if !walk(ctx, root, yield) {
				return
			}
		}
	}
}

// errEnough ends a walk whose reader has gone away.
var errEnough = errors.New("enough")

func walk(ctx context.Context, root string, yield func(Object, error) bool) bool {
	if target, err := filepath.EvalSymlinks(root); err == nil && target != root {
		if info, err := os.Stat(root); err == nil && info.Mode().IsRegular() {
			return yield(fileObject(root, info), nil)
		}
		root += string(filepath.Separator)
	}
	var years []string
	if !walkTree(ctx, root, root, yield, func(path string) bool {
		if isYear(filepath.Base(path)) {
			years = append(years, path)
			return true
		}
		return false
	}) {
		return false
	}
	for _, day := range calendar(years) {
		if !walkTree(ctx, root, day.path, yield, func(string) bool { return false }) {
			return false
		}
	}
	return true
}

// walkTree yields the files below root, which is in top, but for folders that
// later takes.
func walkTree(ctx context.Context, top, root string, yield func(Object, error) bool, later func(folder string) bool) bool {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if !yield(Object{Name: filepath.ToSlash(path)}, err) {
				return errEnough
			}
			return nil
		case entry.IsDir() && path != root && later(path):
			return fs.SkipDir
		case entry.Type()&fs.ModeSymlink != 0:
			return link(top, path, yield)
		case !entry.Type().IsRegular():
			return nil
		}
		info, err := entry.Info()
		obj := Object{Name: filepath.ToSlash(path)}
		if err == nil {
			obj = fileObject(path, info)
		}
		if !yield(obj, err) {
			return errEnough
		}
		return nil
	})
	return err == nil
}

// link yields what a link in the folder top leads to. What is in top is read in
// its own place; another folder is named rather than followed, since links may
// lead in circles, and to anywhere.
func link(top, path string, yield func(Object, error) bool) error {
	obj := Object{Name: filepath.ToSlash(path)}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		err = errors.New("it is a link that leads nowhere")
	case leadsInto(top, path):
		return nil
	case info.IsDir():
		err = errors.New("it is a link to a folder, which is not followed; name it as a source of its own")
	case !info.Mode().IsRegular():
		return nil
	default:
		obj = fileObject(path, info)
	}
	if !yield(obj, err) {
		return errEnough
	}
	return nil
}

// leadsInto reports whether the link at path leads to something in top.
func leadsInto(top, path string) bool {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if top, err = filepath.EvalSymlinks(top); err != nil {
		return false
	}
	target, err = filepath.Abs(target)
	if err != nil {
		return false
	}
	if top, err = filepath.Abs(top); err != nil {
		return false
	}
	rel, err := filepath.Rel(top, target)
	return err == nil && filepath.IsLocal(rel)
}

func fileObject(path string, info fs.FileInfo) Object {
	return Object{Name: filepath.ToSlash(filepath.Clean(path)), Size: info.Size(), Version: mtimeVersion(info.ModTime())}
}

// Open implements Source.
func (l *Local) Open(_ context.Context, obj Object) (io.ReadCloser, error) {
	f, err := os.Open(filepath.FromSlash(obj.Name))
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, err
	}
	return f, nil
}

// Stdin is the Source of one object named "-". What does not fit in memory is
// kept in a temporary file, since an object may be opened twice.
type Stdin struct {
	r     io.Reader
	spool *os.File
	head  []byte
	size  int64
}

// NewStdin returns a source that reads r to its end.
func NewStdin(r io.Reader) *Stdin { return &Stdin{r: r} }

// Objects implements Source.
func (s *Stdin) Objects(context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		err := s.take()
		yield(Object{Name: "-", Size: s.size}, err)
	}
}

func (s *Stdin) take() error {
	head, err := io.ReadAll(io.LimitReader(s.r, wholeSize))
	s.head, s.size = head, int64(len(head))
	if err != nil || len(head) < wholeSize {
		return err
	}
	if s.spool, err = os.CreateTemp("", "trailblame-stdin-"); err != nil {
		return err
	}
	os.Remove(s.spool.Name()) // the open file is all that is needed
	n, err := io.Copy(s.spool, s.r)
	s.size += n
	return err
}

// Open implements Source.
func (s *Stdin) Open(context.Context, Object) (io.ReadCloser, error) {
	r := io.Reader(strings.NewReader(string(s.head)))
	if s.spool != nil {
		r = io.MultiReader(r, io.NewSectionReader(s.spool, 0, s.size-int64(len(s.head))))
	}
	return io.NopCloser(r), nil
}

// Close gives up the temporary file.
func (s *Stdin) Close() error {
	if s.spool == nil {
		return nil
	}
	return s.spool.Close()
}
