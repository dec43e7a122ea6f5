package correlate

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// onset is what the trail tells of an episode by itself, whatever else is found.
type onset struct {
	around *around
	record []byte // of the first failure
	err    error
	done   chan struct{}
}

// onsetsAhead is how many episodes are read about while findings are made of those
// in front of them.
const onsetsAhead = 8

// onsets reads about episodes, ahead and several at once; next yields what was read
// in their order, stop ends it.
func (en *engine) onsets(ctx context.Context, eps []*episode) (next func() (*onset, error), stop func()) {
	inner, cancel := context.WithCancel(ctx)
	queue, slots := make(chan *onset, onsetsAhead), make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(queue)
		for _, ep := range eps {
			o := &onset{done: make(chan struct{})}
			select {
			case slots <- struct{}{}:
			case <-inner.Done():
				return
			}
			wg.Go(func() {
				en.read(inner, ep, o)
				close(o.done)
				<-slots
			})
			select {
			case queue <- o:
			case <-inner.Done():
				return
			}
		}
	})
	next = func() (*onset, error) {
		o, ok := <-queue
		if !ok {
			return nil, ctx.Err()
		}
		<-o.done
		return o, o.err
	}
	return next, func() { cancel(); wg.Wait() }
}

// read reads about an episode, whatever else goes on.
func (en *engine) read(ctx context.Context, ep *episode, o *onset) {
	if o.around, o.err = en.n.around(ctx, ep, time.Duration(ep.book.Spread.Window)); o.err == nil {
		o.record, o.err = ep.first().detail.event.Record()
	}
}
