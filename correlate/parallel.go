package correlate

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"sync"

	"github.com/trailblame/trailblame/query"
)

// batchSize is how many events a worker takes at once: enough that handing
// them over costs little, few enough that memory stays small.
const batchSize = 128

// batch is a run of events on its way through a worker.
type batch[T any] struct {
	in     []*query.Event
	out    []T
	failed error // of the work, behind out
	err    error // of the trail, behind the events
	done   chan struct{}
}

// inOrder lets several workers look at events and yields what they make of
// them in the order of the trail. Events for which work reports false are left
// out. The sequence ends after an error; every goroutine has ended when the
// caller's loop does.
func inOrder[T any](ctx context.Context, events iter.Seq2[*query.Event, error], work func(*query.Event) (T, bool, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		inner, cancel := context.WithCancel(ctx)
		p := pipeline[T]{ctx: inner, work: work, jobs: make(chan *batch[T]), queue: make(chan *batch[T], runtime.GOMAXPROCS(0))}
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for range runtime.GOMAXPROCS(0) {
			wg.Go(p.labour)
		}
		wg.Go(func() { p.read(events) })
		if p.deliver(yield) && ctx.Err() != nil {
			var none T
			yield(none, ctx.Err())
		}
	}
}

type pipeline[T any] struct {
	ctx   context.Context
	work  func(*query.Event) (T, bool, error)
	jobs  chan *batch[T]
	queue chan *batch[T] // in the order of the trail
}

func (p *pipeline[T]) labour() {
	for b := range p.jobs {
		b.out = make([]T, 0, len(b.in))
		for _, q := range b.in {
			v, ok, err := p.work(q)
			if err != nil {
				b.failed = err
				break
			}
			if ok {
				b.out = append(b.out, v)
			}
		}
		close(b.done)
	}
}

// read cuts the trail into batches. A batch is given to a worker before it is
// queued, so that whoever waits for it does not wait for ever.
func (p *pipeline[T]) read(events iter.Seq2[*query.Event, error]) {
	defer close(p.queue)
	defer close(p.jobs)
	b := newBatch[T]()
	for q, err := range events {
		if err != nil {
			b.err = err
			break
		}
		if b.in = append(b.in, q); len(b.in) == batchSize {
			if !p.send(b) {
				return
			}
			b = newBatch[T]()
		}
	}
	if len(b.in) > 0 || b.err != nil {
		p.send(b)
	}
}

func newBatch[T any]() *batch[T] { return &batch[T]{done: make(chan struct{})} }

func (p *pipeline[T]) send(b *batch[T]) bool {
	for _, to := range []chan *batch[T]{p.jobs, p.queue} {
		select {
		case to <- b:
		case <-p.ctx.Done():
			return false
		}
	}
	return true
}

// deliver yields finished batches; false when the caller wants no more or has
// been told of an error.
func (p *pipeline[T]) deliver(yield func(T, error) bool) bool {
	for b := range p.queue {
		<-b.done
		for _, v := range b.out {
			if !yield(v, nil) {
				return false
			}
		}
		if err := cmp.Or(b.failed, b.err); err != nil {
			var none T
			yield(none, err)
			return false
		}
	}
	return true
}

// parse is the work of reading an event and nothing more.
func parse(q *query.Event) (sighting, bool, error) {
	e, byColumns, err := readEvent(q)
	if err != nil || e.Time.IsZero() {
		return sighting{}, false, lost(err)
	}
	return newSighting(q, &asked{e: e, byColumns: byColumns}), true, nil
}
