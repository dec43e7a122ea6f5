package digest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// metadataSuffix names the file beside an object that keeps its metadata.
const metadataSuffix = ".metadata.json"

// maxMetadata is far above the 2 KiB of user metadata that S3 allows.
const maxMetadata = 1 << 20

// Folder is the Store of a local copy of a bucket: keys are the paths below
// it. A copy does not keep metadata; save that of the newest digest of each
// trail and region as KEY.metadata.json, either as {"signature": "…"} or as
// `aws s3api head-object` prints it.
type Folder struct {
	// Prefix is what the copy left out in front of its paths, such as
	// "audit/" when only that part of the bucket was copied.
	Prefix string
	root   *os.Root
}

// NewFolder opens the copy below dir. Nothing outside of dir is ever read,
// whatever keys a digest names and wherever links in dir lead.
func NewFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root}, nil
}

// Close gives up the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Key returns the key of a file in the folder, and whether it is in it.
func (f *Folder) Key(file string) (string, bool) {
	base, err := filepath.Abs(f.root.Name())
	if err != nil {
		return "", false
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", false
	}
	rel, err := filepath.Rel(base, file)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return f.Prefix + filepath.ToSlash(rel), true
}

// List implements Store.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		start, ok := f.start(prefix)
		if !ok {
			return
		}
		err := fs.WalkDir(f.root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
			key := f.Prefix + name
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && name == start && errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case entry.Type().IsRegular() && strings.HasPrefix(key, prefix) && !strings.HasSuffix(key, metadataSuffix):
				if !yield(key, nil) {
					return errEnough
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield("", err)
		}
	}
}

// errEnough ends a walk whose reader has gone away.
var errEnough = errors.New("enough")

// start is the folder at which a walk for prefix begins.
func (f *Folder) start(prefix string) (string, bool) {
	if strings.HasPrefix(f.Prefix, prefix) {
		return ".", true
	}
	rel, ok := strings.CutPrefix(prefix, f.Prefix)
	if !ok {
		return "", false
	}
	dir := path.Dir(rel + "x")
	return dir, fs.ValidPath(dir)
}

// Folders implements the interface of that name.
func (f *Folder) Folders(_ context.Context, prefix string) ([]string, error) {
	if rest, ok := strings.CutPrefix(f.Prefix, prefix); ok && rest != "" {
		name, _, _ := strings.Cut(rest, "/")
		return []string{name}, nil
	}
	start, ok := f.start(prefix)
	if !ok {
		return nil, nil
	}
	entries, err := fs.ReadDir(f.root.FS(), start)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// Get implements Store.
func (f *Folder) Get(_ context.Context, key string) (io.ReadCloser, error) {
	name, ok := strings.CutPrefix(key, f.Prefix)
	if !ok || !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q is outside of the folder: %w", key, fs.ErrNotExist)
	}
	// Opening a FIFO would wait for a writer.
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a file: %w", key, fs.ErrNotExist)
	}
	return f.root.Open(filepath.FromSlash(name))
}

// Metadata implements Store.
func (f *Folder) Metadata(ctx context.Context, key string) (map[string]string, error) {
	body, err := f.Get(ctx, key+metadataSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxMetadata))
	if err != nil {
		return nil, err
	}
	meta, err := parseMetadata(text)
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", key, metadataSuffix, err)
	}
	return meta, nil
}

func parseMetadata(text []byte) (map[string]string, error) {
	var head struct{ Metadata map[string]string }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Metadata == nil {
		if err := json.Unmarshal(text, &head.Metadata); err != nil {
			return nil, err
		}
	}
	lower := make(map[string]string, len(head.Metadata))
	for name, value := range head.Metadata {
		lower[strings.TrimPrefix(strings.ToLower(name), "x-amz-meta-")] = value
	}
	return lower, nil
}
