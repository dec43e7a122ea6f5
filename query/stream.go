package query

// stream is the events of one segment, in order, as one goroutine may find them
// and another take them.
type stream struct {
	r      *reading
	cursor *cursor
	asked  bool // the merge has come to it
	done   bool // nothing is left

	found   []found      // taken over, not yet handed out
	batches chan []found // nil until somebody reads ahead
	err     error        // behind what was found; set before batches is closed

	batch []found // being gathered
}

// found is an event, or one that could not be decided and why.
type found struct {
	event   *Event
	tooMuch error
}

// Bounds of a batch. The first ones are small: who wants a single event should
// not wait for many.
const (
	batchEvents = 64
	batchBytes  = 256 << 10
)

func newStream(r *reading, c *cursor) *stream {
	s := &stream{r: r, cursor: c}
	if r.told != nil {
		c.filter.Undecided = func(e *Event, tooMuch error) { s.batch = append(s.batch, found{e, tooMuch}) }
	}
	return s
}

// start reads ahead, if that has not begun yet. It is called by whoever owns
// the stream: the goroutine that opens the day, then the one that merges it.
func (s *stream) start() {
	if s.batches != nil || s.asked {
		return
	}
	s.batches = make(chan []found, 1)
	s.r.wg.Go(s.run)
}

func (s *stream) run() {
	defer close(s.batches)
	defer s.cursor.close()
	for limit := 1; ; limit = min(2*limit, batchEvents) {
		batch, err := s.gather(limit)
		if len(batch) > 0 {
			select {
			case s.batches <- batch:
			case <-s.r.quit:
				return
			}
		}
		if s.err = err; err != nil || s.cursor.done || s.r.stop.Load() {
			return
		}
	}
}

// gather finds up to limit events. Those found before an error come with it.
func (s *stream) gather(limit int) ([]found, error) {
	s.batch = nil
	for size := 0; len(s.batch) < limit && size < batchBytes && !s.r.stop.Load(); {
		if err := s.cursor.fill(); err != nil {
			return s.batch, err
		}
		if s.cursor.done {
			break
		}
		e := s.cursor.head
		s.cursor.head = nil
		s.batch = append(s.batch, found{event: e})
		size += len(e.Raw)
	}
	return s.batch, nil
}

// fill makes the next event the head, or sets done.
func (s *stream) fill() error {
	if s.r.ahead() {
		s.start()
	}
	s.asked = true
	for {
		for len(s.found) > 0 {
			f := &s.found[0]
			if f.tooMuch == nil {
				return nil
			}
			s.r.told(f.event, f.tooMuch)
			s.found = s.found[1:]
		}
		if err := s.more(); err != nil || s.done {
			return err
		}
	}
}

// more takes over what was found next. What was found before an error goes first.
func (s *stream) more() error {
	if s.batches == nil {
		if s.done = s.cursor.done || s.err != nil; !s.done {
			s.found, s.err = s.gather(1)
			return nil
		}
		return s.err
	}
	batch, ok := <-s.batches
	if s.found = batch; !ok {
		s.done = true
		return s.err
	}
	return nil
}

// head is the next event, after fill.
func (s *stream) head() *Event { return s.found[0].event }

func (s *stream) take() *Event {
	e := s.found[0].event
	s.found = s.found[1:]
	return e
}

// leave gives up what the merge itself reads from.
func (s *stream) leave() {
	if s.batches == nil {
		s.cursor.close()
	}
}
