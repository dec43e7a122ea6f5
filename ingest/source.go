package ingest

import (
	"context"
	"io"
	"iter"
	"time"
)

// Object identifies one delivery. Name, Size and Version together say whether
// an object is the one that was read before.
type Object struct {
	Name string `json:"object"`
	Size int64  `json:"size"` // compressed, as listed
	// Version changes when the object's content may have: an ETag, or the
	// modification time of a file.
	Version string `json:"version,omitempty"`
}

// Source lists deliveries and opens them. Open may be called by several
// goroutines at once and twice for one object.
type Source interface {
	// Objects yields the deliveries; an error is one of listing, after
	// which the listing may go on with what else there is.
	Objects(ctx context.Context) iter.Seq2[Object, error]
	Open(ctx context.Context, obj Object) (io.ReadCloser, error)
}

// StopError is implemented by errors of a Source behind which nothing more can
// be read, such as expired credentials: they end the run, which a later one
// takes up again.
type StopError interface {
	error
	// StopsRun reports whether the run ends with this error.
	StopsRun() bool
}

// Sink takes the records of one object after another: Begin, a Record for
// each, then End when the object was read whole or Abort when it is to leave no
// trace. A Sink belongs to one goroutine.
type Sink interface {
	Begin(obj Object) error
	// Record takes the record with the given position in the object. r is
	// valid during the call only.
	Record(r *Record, index int) error
	// End takes the entry of the object. Kept and Duplicate are the sink's
	// to fill in, at once or later.
	End(entry *Entry) error
	Abort()
	// Failed takes the entry of an object that could not be read.
	Failed(entry *Entry) error
}

// mtimeVersion is the Version of a local file.
func mtimeVersion(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
