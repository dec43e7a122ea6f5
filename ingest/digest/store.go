package digest

import (
	"context"
	"io"
	"iter"
)

// Store holds digests and the deliveries they list, by key. It may be used by
// several goroutines at once.
//
// An adapter for S3 maps List to ListObjectsV2, Get to GetObject and Metadata
// to the user metadata of HeadObject (without `x-amz-meta-`, in lower case),
// turns NoSuchKey, NoSuchBucket and 404 into an error that wraps
// fs.ErrNotExist, and implements Buckets and Folders as well.
type Store interface {
	// List yields the keys that begin with prefix, in any order. It ends
	// after an error.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Get opens an object as stored, still compressed. The error for an
	// object that is not there wraps fs.ErrNotExist.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Metadata returns an object's user metadata; nil when none was kept.
	Metadata(ctx context.Context, key string) (map[string]string, error)
}

// Buckets is implemented by a Store that knows which bucket it is. Without it
// the bucket names in digests are taken as they are.
type Buckets interface {
	Bucket() string
	// Other returns the store of another bucket: trails move.
	Other(ctx context.Context, bucket string) (Store, error)
}

// Folders is implemented by a Store that can list one level of keys. It spares
// walking over all deliveries to find the digests beside them.
type Folders interface {
	// Folders returns what follows prefix up to the next slash, for each
	// such name once, without the slash.
	Folders(ctx context.Context, prefix string) ([]string, error)
}

// bucketOf returns the store's own bucket, or "".
func bucketOf(s Store) string {
	if b, ok := s.(Buckets); ok {
		return b.Bucket()
	}
	return ""
}
