package s3

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailblame/trailblame/ingest/backoff"
)

const (
	startAtATime = 16
	maxAtATime   = 128
	maxDelay     = 20 * time.Second
)

// pace bounds the requests that run at a time. The bound goes up while the
// reader waits for bodies: by one with each answer until S3 first asks to slow
// down, from then on by one in as many answers as there are requests. It is
// halved when S3 asks to slow down.
type pace struct {
	stats *Stats
	max   float64
	// hungry is set while the reader waits.
	hungry atomic.Bool

	mu        sync.Mutex
	limit     float64
	busy      int
	throttled bool      // once at least
	lowered   time.Time // when limit last went down
	waiting   []chan struct{}
}

func newPace(opts Options) *pace {
	p := &pace{stats: opts.Stats, limit: startAtATime, max: maxAtATime}
	if opts.Concurrency > 0 {
		p.limit, p.max = float64(opts.Concurrency), float64(opts.Concurrency)
	}
	p.stats.AtATime.Store(int64(p.limit))
	return p
}

// begin waits until a request may run. Its start goes to end.
func (p *pace) begin(ctx context.Context) (started time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return started, err
	}
	p.mu.Lock()
	if len(p.waiting) == 0 && p.busy < int(p.limit) {
		p.busy++
		p.mu.Unlock()
		return time.Now(), nil
	}
	turn := make(chan struct{}, 1)
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return time.Now(), nil
	case <-ctx.Done():
		p.leave(turn)
		return started, ctx.Err()
	}
}

// leave gives up a place in the queue, or the turn that has just come.
func (p *pace) leave(turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == turn {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
	p.busy--
	p.next()
}

// end is told how the request that began at started went.
func (p *pace) end(started time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	switch {
	case isThrottle(err):
		p.slower(started)
	case err == nil && len(p.waiting) > 0 && p.hungry.Load():
		p.faster()
	}
	p.stats.AtATime.Store(int64(p.limit))
	p.next()
}

// slower halves the bound, once for all requests that were under way together.
func (p *pace) slower(started time.Time) {
	p.stats.Throttled.Add(1)
	p.throttled = true
	if started.After(p.lowered) {
		p.limit, p.lowered = max(1, p.limit/2), time.Now()
	}
}

func (p *pace) faster() {
	step := 1.0
	if p.throttled {
		step = 1 / p.limit
	}
	p.limit = min(p.limit+step, p.max)
}

func (p *pace) next() {
	for len(p.waiting) > 0 && p.busy < int(p.limit) {
		p.busy++
		p.waiting[0] <- struct{}{}
		p.waiting = p.waiting[1:]
	}
}

// again makes a request until it works, fails for good or was tried often
// enough. It holds a turn of the pace while f runs and none while it waits.
func (s *Source) again(ctx context.Context, f func(context.Context) error) error {
	renewed, doubtful := false, 0
	for try := 1; ; try++ {
		started, err := s.pace.begin(ctx)
		if err != nil {
			return err
		}
		err = f(ctx)
		s.pace.end(started, err)
		if isDoubtful(err) {
			doubtful++
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case isExpired(err) && !renewed && s.credentials != nil:
			s.credentials.Invalidate() // a provider may have newer ones by now
			renewed = true
		case !isTransient(err) || try >= s.opts.Tries || doubtful >= maxDoubtful:
			return s.explain(err, try)
		}
		s.opts.Stats.Retries.Add(1)
		if err := backoff.Sleep(ctx, backoff.Delay(s.opts.Delay, maxDelay, try)); err != nil {
			return err
		}
	}
}

// maxDoubtful is how many doubtful answers one request may have. What other
// errors it met between them does not count: on a bad line they come mixed.
const maxDoubtful = 4

// isDoubtful reports whether an error looks like a wrong setting, which is given
// up sooner.
func isDoubtful(err error) bool { return isUnreachable(err) || isBadAnswer(err) }
