package s3

import (
	"bytes"
	"context"
	"io"
	"iter"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

const (
	// maxHeld bounds the bytes of bodies that are fetched ahead of the reader
	// or in its hands.
	maxHeld = 64 << 20
	// maxBody is the size up to which an object is fetched ahead. Larger ones
	// are streamed when they are opened.
	maxBody = 16 << 20
	// maxAhead bounds the objects that are fetched ahead, aheadOfTurns how many
	// there are for each request that may run: with few, the first objects are
	// of the first days although the listing has only begun.
	maxAhead     = 512
	aheadOfTurns = 4
	// maxUnopened is how many fetched objects may be handed out without being
	// opened, more than any run has readers: what is over is given up, since
	// its reader has passed it by.
	maxUnopened = 64
	// maxFound bounds how far the listing is ahead of the reader. It is small
	// in memory, lets people know soon how much there is, and is the span in
	// which objects are put in the order of their days.
	maxFound = 32 << 10
	// maxUnsorted bounds what was listed and is not in that order yet.
	maxUnsorted = 4 << 10
)

// body is an object that was fetched ahead, or the error in its place.
type body struct {
	obj  ingest.Object
	data []byte
	err  error
}

// Objects implements ingest.Source. Small objects come when they are fetched, so
// that Open need not wait, and are fetched day by day as far as the listing is
// ahead: a batch of the index then holds few days of many records rather than
// many of few. Otherwise they come in no order. A *CredentialsError is the last
// that comes: what follows is not read, and the run should end.
func (s *Source) Objects(ctx context.Context) iter.Seq2[ingest.Object, error] {
	return func(yield func(ingest.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		a := &ahead{s: s, ctx: ctx, yield: yield, found: make(chan found, maxUnsorted),
			wanted: make(chan ingest.Object, maxAhead), ready: make(chan *body, maxAhead)}
		walked := make(chan struct{})
		go func() {
			defer close(walked)
			defer close(a.found)
			newWalker(s, a.emit).run(ctx)
			s.opts.Stats.Walked.Add(1)
		}()
		whole := a.run()
		cancel()
		close(a.wanted)
		<-walked
		for ; a.pending > 0; a.pending-- {
			s.release((<-a.ready).obj.Size)
		}
		if !whole {
			s.dropAll()
		}
	}
}

// ahead is one pass over the source: it takes what is found, has it fetched and
// hands it out.
type ahead struct {
	s        *Source
	ctx      context.Context
	yield    func(ingest.Object, error) bool
	found    chan found
	queue    byDay // found, to be fetched
	wanted   chan ingest.Object
	fetchers int // that take from wanted
	ready    chan *body
	pending  int            // fetches that have not come back
	next     *ingest.Object // of the queue, as soon as there is room
	unopened []*body        // handed out, the oldest first
	stop     error          // ends the pass
}

func (a *ahead) emit(f found) {
	if f.err == nil && !a.s.known(f.obj) {
		a.s.opts.Stats.Found.Add(1)
		a.s.opts.Stats.FoundBytes.Add(f.obj.Size)
	}
	select {
	case a.found <- f:
	case <-a.ctx.Done():
	}
}

func (s *Source) known(obj ingest.Object) bool { return s.opts.Known != nil && s.opts.Known(obj) }

// run reports whether the reader took everything.
func (a *ahead) run() bool {
	in := a.found
	for {
		if a.next == nil {
			a.next = a.queue.pop()
		}
		if a.next != nil && a.stop == nil && a.room() {
			a.start()
		}
		from := in
		if len(a.queue.list) >= maxFound || a.stop != nil {
			from = nil
		}
		if a.pending == 0 && (a.stop != nil || in == nil && a.next == nil && len(a.queue.list) == 0) {
			return a.end()
		}
		if !a.step(&in, from) {
			return false
		}
	}
}

// step takes one thing that happens, what is found before what is fetched.
func (a *ahead) step(in *chan found, from chan found) bool {
	select {
	case f, ok := <-from:
		return a.take(in, f, ok)
	default:
	}
	a.s.pace.hungry.Store(len(a.ready) == 0)
	defer a.s.pace.hungry.Store(false)
	var giveUp <-chan time.Time
	if a.next != nil && a.pending == 0 {
		timer := time.NewTimer(time.Second)
		defer timer.Stop()
		giveUp = timer.C
	}
	select {
	case f, ok := <-from:
		return a.take(in, f, ok)
	case b := <-a.ready:
		a.pending--
		return a.handOut(b)
	case <-a.s.freed:
	case <-giveUp:
		a.drop(len(a.unopened))
	case <-a.ctx.Done():
		return false
	}
	return true
}

// take is told what is found, or that there is no more.
func (a *ahead) take(in *chan found, f found, ok bool) bool {
	switch {
	case !ok:
		*in = nil
		return true
	case f.err != nil:
		if a.stop = stopping(a.stop, f.err); a.stop != nil {
			return true
		}
		return a.hand(f.obj, f.err)
	case f.obj.Size > maxBody, a.s.known(f.obj):
		return a.hand(f.obj, nil)
	}
	a.queue.push(f)
	return true
}

// room makes room for the next object, or says that there is none.
func (a *ahead) room() bool {
	s := a.s
	if a.pending >= min(aheadOfTurns*int(s.opts.Stats.AtATime.Load()), maxAhead) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held > 0 && s.held+a.next.Size > maxHeld {
		return false
	}
	s.held += a.next.Size
	return true
}

// start has the next object fetched, by one of a few goroutines: making one for
// each object costs more than signing its request does.
func (a *ahead) start() {
	a.wanted <- *a.next // has room for all that are pending, as ready has
	a.next = nil
	a.pending++
	if a.fetchers >= min(a.pending, maxAtATime) {
		return
	}
	a.fetchers++
	go func() {
		for obj := range a.wanted {
			data, err := a.s.fetch(a.ctx, obj)
			a.ready <- &body{obj, data, err}
		}
	}()
}

// handOut hands out an object that was fetched. One that was not because of the
// credentials is left to the next run.
func (a *ahead) handOut(b *body) bool {
	if stop := stopping(nil, b.err); stop != nil {
		a.stop = stop
		a.s.release(b.obj.Size)
		return true
	}
	a.s.keep(b)
	a.unopened = append(a.unopened, b)
	if !a.hand(b.obj, nil) {
		return false
	}
	a.drop(len(a.unopened) - maxUnopened)
	return true
}

func (a *ahead) hand(obj ingest.Object, err error) bool {
	return a.ctx.Err() == nil && a.yield(obj, err)
}

func (a *ahead) end() bool {
	if a.stop != nil {
		return a.hand(ingest.Object{Name: a.s.name(a.s.prefix)}, a.stop)
	}
	return true
}

// drop gives up the n oldest bodies that were handed out and not opened.
func (a *ahead) drop(n int) {
	for _, b := range a.unopened[:max(n, 0)] {
		if a.s.claim(b.obj) != nil {
			a.s.release(b.obj.Size)
		}
	}
	a.unopened = a.unopened[max(n, 0):]
}

// keep holds a body for Open.
func (s *Source) keep(b *body) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.bodies[b.obj.Name]; old != nil {
		s.held -= old.obj.Size
	}
	s.bodies[b.obj.Name] = b
}

// claim takes a body out; the bytes stay held until release.
func (s *Source) claim(obj ingest.Object) *body {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bodies[obj.Name]
	if b == nil || b.obj != obj {
		return nil
	}
	delete(s.bodies, obj.Name)
	return b
}

// release says that n bytes are no longer held.
func (s *Source) release(n int64) {
	s.mu.Lock()
	s.held -= n
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// dropAll gives up everything that was fetched and not opened.
func (s *Source) dropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.bodies {
		s.held -= b.obj.Size
	}
	clear(s.bodies)
}

// Open implements ingest.Source. A *CredentialsError should end the run.
func (s *Source) Open(ctx context.Context, obj ingest.Object) (io.ReadCloser, error) {
	b := s.claim(obj)
	if b == nil && obj.Size > maxBody {
		return s.stream(ctx, obj)
	}
	if b == nil {
		data, err := s.fetch(ctx, obj)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	if b.err != nil {
		s.release(obj.Size)
		return nil, b.err
	}
	return &reader{Reader: *bytes.NewReader(b.data), s: s, size: obj.Size}, nil
}

// reader reads a body that was fetched ahead.
type reader struct {
	bytes.Reader
	s    *Source
	size int64
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.s.release(r.size)
	r.size = 0
	r.Reset(nil)
	return nil
}
