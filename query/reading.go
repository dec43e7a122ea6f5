package query

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// reading is one answer on its way. Its segments are read ahead: while the
// events of one are handed out, the next ones are being searched and unpacked.
type reading struct {
	q    *Engine
	f    Filter
	told func(*Event, error) // of an event that could not be decided, or nil
	quit chan struct{}
	stop atomic.Bool
	wg   sync.WaitGroup
}

func newReading(q *Engine, f Filter) *reading {
	return &reading{q: q, f: f, told: f.Undecided, quit: make(chan struct{})}
}

// ahead tells whether other goroutines read. What Explain counts must not depend
// on how far they came.
func (r *reading) ahead() bool { return r.q.stats == nil }

// end stops what still reads ahead and waits for it.
func (r *reading) end() {
	r.stop.Store(true)
	close(r.quit)
	r.wg.Wait()
}

// day is the segments of one date that may have events, by where the first of
// them can be.
type day struct {
	ready   chan struct{} // closed when the rest is set
	streams []*stream
	err     error
}

// aheadOfDays is how many days are being opened before their turn comes.
const aheadOfDays = 2

// days yields the days of the answer. Those behind are being opened meanwhile.
func (r *reading) days() iter.Seq[*day] {
	dates := slices.DeleteFunc(slices.Clone(r.q.ix.Partitions()), func(date string) bool { return !r.f.covers(date) })
	if r.f.Latest {
		slices.Reverse(dates)
	}
	return func(yield func(*day) bool) {
		ahead := 0
		if r.ahead() {
			ahead = aheadOfDays
		}
		var opened []*day
		for len(dates) > 0 || len(opened) > 0 {
			for len(dates) > 0 && len(opened) <= ahead {
				opened = append(opened, r.open(dates[0]))
				dates = dates[1:]
			}
			if !yield(opened[0]) {
				return
			}
			opened = opened[1:]
		}
	}
}

// aheadOfDay is how many segments of a day are read before their turn comes.
const aheadOfDay = 2

func (r *reading) open(date string) *day {
	r.q.stats.partition()
	d := &day{ready: make(chan struct{})}
	work := func() {
		defer close(d.ready)
		if d.streams, d.err = r.streams(date); r.ahead() {
			for _, s := range d.streams[:min(len(d.streams), aheadOfDay)] {
				s.start()
			}
		}
	}
	if r.ahead() {
		r.wg.Go(work)
	} else {
		work()
	}
	return d
}

func (r *reading) streams(date string) ([]*stream, error) {
	cursors, err := r.q.cursors(r.f, date)
	list := make([]*stream, len(cursors))
	for i, c := range cursors {
		list[i] = newStream(r, c)
	}
	return list, err
}

// merge yields the events of a day in order.
func (r *reading) merge(ctx context.Context, d *day, yield func(*Event, error) bool) bool {
	<-d.ready
	if d.err != nil {
		return yield(nil, d.err) && false
	}
	defer func() {
		for _, s := range d.streams {
			s.leave()
		}
	}()
	for {
		if err := ctx.Err(); err != nil {
			return yield(nil, err) && false
		}
		best, err := r.first(d.streams)
		if err != nil {
			return yield(nil, err) && false
		}
		if best == nil {
			return true
		}
		if !yield(best.take(), nil) {
			return false
		}
	}
}

// first returns the stream with the event that comes first, nil when all are at
// their end. A segment is opened when the merge comes to its first event, or one
// segment earlier when it is read ahead.
func (r *reading) first(streams []*stream) (*stream, error) {
	direction := r.f.direction()
	var best *stream
	for _, s := range streams {
		if s.done {
			continue
		}
		if best != nil && !s.asked && direction*s.cursor.from.Compare(best.head().Time) > 0 {
			if r.ahead() {
				s.start()
			}
			break
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
		if s.done {
			continue
		}
		if best == nil {
			best = s
			continue
		}
		if err := tell(s.head(), best.head()); err != nil {
			return nil, err
		}
		if direction*Compare(s.head(), best.head()) < 0 {
			best = s
		}
	}
	return best, nil
}
