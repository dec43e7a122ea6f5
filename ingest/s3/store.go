package s3

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailblame/trailblame/ingest"
)

// Store gives the objects of a bucket by their keys, for readers that know what
// they want: digests and the log files that these name. All of Source's guards
// are in place; of its options, those that choose objects are not heeded. It
// may be used by several goroutines at once.
type Store struct{ s *Source }

// NewStore returns the objects of a bucket. It makes no request yet.
func NewStore(ctx context.Context, bucket string, opts Options) (*Store, error) {
	s, err := New(ctx, Scheme+bucket, opts)
	return &Store{s}, err
}

// Bucket is the name of the bucket.
func (t *Store) Bucket() string { return t.s.bucket }

// Other returns the store of another bucket, reached in the same way.
func (t *Store) Other(ctx context.Context, bucket string) (*Store, error) {
	return NewStore(ctx, bucket, t.s.opts)
}

// Close gives up the connections that are idle.
func (t *Store) Close() error { return t.s.Close() }

// Objects yields all objects whose keys begin with prefix, in the order of the
// keys' bytes, named by their keys alone. It ends after an error.
func (t *Store) Objects(ctx context.Context, prefix string) iter.Seq2[ingest.Object, error] {
	return func(yield func(ingest.Object, error) bool) {
		for l := (&listing{source: t.s, prefix: prefix}); !l.done; {
			p, err := l.read(ctx)
			if err != nil {
				yield(ingest.Object{Name: prefix}, err)
				return
			}
			for _, obj := range p.objects {
				if !yield(obj, nil) {
					return
				}
			}
		}
	}
}

// List yields the keys of Objects.
func (t *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for obj, err := range t.Objects(ctx, prefix) {
			if !yield(obj.Name, err) {
				return
			}
		}
	}
}

// Folders returns what follows prefix up to the next slash, for each such name
// once, without the slash.
func (t *Store) Folders(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for l := (&listing{source: t.s, prefix: prefix, folded: true}); !l.done; {
		p, err := l.read(ctx)
		if err != nil {
			return nil, err
		}
		for _, folder := range p.folders {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(folder, prefix), "/"))
		}
	}
	return names, nil
}

// Get opens an object as it is stored, still compressed. What is read to its
// end is whole. The error for an object that is not there is fs.ErrNotExist.
func (t *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := t.head(ctx, key)
	if err != nil {
		return nil, err
	}
	obj := ingest.Object{Name: t.s.name(key), Size: *out.ContentLength, Version: version(out.ETag, out.LastModified)}
	return t.s.Open(ctx, obj)
}

// Metadata returns what whoever uploaded an object noted beside it, under names
// in lower case without "x-amz-meta-".
func (t *Store) Metadata(ctx context.Context, key string) (map[string]string, error) {
	out, err := t.head(ctx, key)
	if err != nil {
		return nil, err
	}
	notes := map[string]string{}
	for name, value := range out.Metadata {
		notes[strings.ToLower(name)] = value
	}
	return notes, nil
}

func (t *Store) head(ctx context.Context, key string) (out *s3.HeadObjectOutput, err error) {
	err = t.s.again(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*t.s.opts.Idle)
		defer cancel()
		out, err = t.s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &t.s.bucket, Key: &key, RequestPayer: t.s.payer()})
		if err == nil && (out.ContentLength == nil || *out.ContentLength < 0) {
			err = badAnswer("the server does not say how long the object is")
		}
		return err
	})
	return out, err
}

// Is makes errors about what is not there fs.ErrNotExist.
func (r *requestError) Is(target error) bool {
	return target == fs.ErrNotExist && status(r.err) == http.StatusNotFound
}
