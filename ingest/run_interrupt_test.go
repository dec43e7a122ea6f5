package ingest

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync/atomic"
	"testing"
)

// endingSource ends the caller's context and fails with its error before the
// run's own context can know of it.
type endingSource struct{ caller *endedContext }

func (s endingSource) Objects(context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) { yield(Object{Name: "x"}, nil) }
}

func (s endingSource) Open(context.Context, Object) (io.ReadCloser, error) {
	s.caller.ended.Store(true)
	return nil, context.Canceled
}

// endedContext has ended, but has not told those derived from it yet.
type endedContext struct {
	context.Context
	ended atomic.Bool
}

func (c *endedContext) Err() error {
	if c.ended.Load() {
		return context.Canceled
	}
	return nil
}

// An object whose reading was interrupted is not one that cannot be read.
func TestInterruptedIsNotUnreadable(t *testing.T) {
	caller := &endedContext{Context: t.Context()}
	err := Run(caller, []Source{endingSource{caller}}, Options{Workers: 1, Limits: DefaultLimits, NewSink: func() Sink { return nil },
		Done: func(e *Entry) { t.Errorf("told as %s", e.Status) }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the interrupt", err)
	}
}
