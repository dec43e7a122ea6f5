package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
)

// Options steer Run.
type Options struct {
	// Workers is the number of objects read at the same time, at least 1.
	Workers int
	Limits  Limits
	// Known tells objects that need no reading because the index holds
	// them. It may be nil.
	Known func(Object) bool
	// Verify tells what digests say of an object whose decompressed content
	// has a SHA-256, from any worker; see Entry.Integrity. It may be nil.
	Verify func(obj Object, sum [sha256.Size]byte) string
	// Salvage keeps the whole records in front of the damage of an object,
	// under a name that says so. The object stays damaged.
	Salvage bool
	// NewSink makes the sink of one worker.
	NewSink func() Sink
	// Done is told each entry as soon as the object has been read, from any
	// worker. It may be nil.
	Done func(*Entry)
	// Progress counts as the run goes on. It may be nil.
	Progress *Progress
}

// Progress counts what a run has done so far; its fields may be read at any
// time.
type Progress struct {
	Objects, Skipped, Bytes, Records atomic.Int64
}

// Run reads every object of the sources that is not known yet and hands its
// records to the workers' sinks. It returns when all is read, with the first
// error of a sink, of a listing, or of ctx. An object that cannot be read is no
// error of the run: its entry tells, through Sink.End when it was read and
// through Done in any case.
func Run(ctx context.Context, sources []Source, opts Options) error {
	callerEnded := ctx.Err
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	jobs := make(chan job)
	go func() {
		defer close(jobs)
		list(ctx, sources, opts, jobs)
	}()
	var workers sync.WaitGroup
	for range max(opts.Workers, 1) {
		workers.Go(func() { work(ctx, cancel, callerEnded, opts, jobs) })
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return nil
}

// job is an object to read, or the listing error that stands in its place.
type job struct {
	src Source
	obj Object
	err error
}

func list(ctx context.Context, sources []Source, opts Options, jobs chan<- job) {
	for _, src := range sources {
		for obj, err := range src.Objects(ctx) {
			if err == nil && opts.Known != nil && opts.Known(obj) {
				opts.Progress.Skipped.Add(1)
				continue
			}
			select {
			case jobs <- job{src, obj, err}:
			case <-ctx.Done():
				return
			}
		}
	}
}

func work(ctx context.Context, cancel context.CancelCauseFunc, callerEnded func() error, opts Options, jobs <-chan job) {
	reader := newObjectReader(opts.Limits)
	reader.verify = opts.Verify
	if opts.Salvage {
		reader.salvage = func(obj Object) bool { return opts.Known == nil || !opts.Known(obj) }
	}
	sink := opts.NewSink()
	for j := range jobs {
		entry, err := j.read(ctx, reader, sink)
		if err == nil && (entry.Status == StatusDamaged || entry.Status == StatusUnreadable) {
			// A source that holds the caller's context may see its end before ctx does,
			// which is no fault of the object.
			if err = callerEnded(); err == nil {
				err = sink.Failed(entry)
			}
		}
		if err != nil {
			cancel(err)
			return
		}
		opts.Progress.Objects.Add(1)
		opts.Progress.Bytes.Add(entry.Size)
		opts.Progress.Records.Add(entry.In)
		if opts.Done != nil {
			opts.Done(entry)
		}
	}
}

func (j job) read(ctx context.Context, reader *objectReader, sink Sink) (*Entry, error) {
	var stop StopError
	if errors.As(j.err, &stop) && stop.StopsRun() {
		return nil, j.err
	}
	if j.err != nil {
		return &Entry{Object: j.obj, Status: StatusUnreadable, Problem: j.err.Error()}, nil //nolint:nilerr // the entry tells it
	}
	return reader.read(ctx, j.src, j.obj, sink)
}
