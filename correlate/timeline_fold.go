package correlate

import "time"

// How storms are folded
//
//   - Events fold when the same principal asked the same of the same scope and
//     was answered alike, with at most foldGap between two of them.
//   - Nothing that matters for cause and effect is hidden in a fold: a change, an
//     event that has a part in the question, and another answer to the same
//     request each end it.
//   - At most maxPending entries wait for an open fold in front of them.
const (
	foldGap      = 10 * time.Minute
	maxPending   = 4096
	maxFoldNames = 1000 // different resources counted in one entry
)

// foldKey is what events of one storm have in common.
type foldKey struct {
	principal, source, name, scope string
	discovery                      bool
}

// foldAnswer is how they were answered.
type foldAnswer struct {
	mark        Mark
	code, state string
	depth       int
}

// storm is an entry that may still grow.
type storm struct {
	entry     *TimelineEntry
	key       foldKey
	answer    foldAnswer
	last      time.Time
	resources map[string]bool
	closed    bool
}

// folder puts alike entries together and yields them in the order of their first
// event.
type folder struct {
	yield   func(*TimelineEntry, error) bool
	off     bool
	stopped bool
	pending []*storm
	open    map[foldKey]*storm
}

// addEach takes the next events.
func (f *folder) addEach(list []moment) {
	for _, m := range list {
		if !f.stopped {
			f.add(m.entry)
		}
	}
}

// add takes the next event's entry. After it, stopped tells whether the reader
// wants no more.
func (f *folder) add(en *TimelineEntry) {
	if f.off || en.Time.IsZero() {
		f.emit(en)
		return
	}
	key := foldKey{en.Principal, en.EventSource, en.EventName, en.scope, en.State == RefDiscovery}
	answer := foldAnswer{en.Mark, en.ErrorCode, en.State, en.Depth}
	s := f.open[key]
	alone := en.Mark == MarkChange || en.About != ""
	if !alone && s != nil && s.answer == answer && en.Time.Sub(s.last) <= foldGap {
		s.take(en)
		f.drain(en.Time.Time)
		return
	}
	if s != nil {
		s.closed = true
	}
	if alone {
		f.closeAll()
	}
	s = &storm{entry: en, key: key, answer: answer, last: en.Time.Time, resources: map[string]bool{}, closed: alone}
	s.name(en)
	f.pending = append(f.pending, s)
	if f.open == nil {
		f.open = map[foldKey]*storm{}
	}
	if !alone {
		f.open[key] = s
	}
	f.drain(en.Time.Time)
}

func (s *storm) take(en *TimelineEntry) {
	s.entry.Count++
	s.entry.Last, s.entry.LastEventID = &en.Time, en.EventID
	if s.entry.Session != en.Session {
		s.entry.Session = ""
	}
	if s.entry.SourceIP != en.SourceIP {
		s.entry.SourceIP = ""
	}
	if s.entry.AccessKey != en.AccessKey {
		s.entry.AccessKey = ""
	}
	s.entry.IssuedKey = ""
	s.last = en.Time.Time
	s.name(en)
}

func (s *storm) name(en *TimelineEntry) {
	if en.Resource != "" && len(s.resources) < maxFoldNames {
		s.resources[en.Resource] = true
	}
}

// drain yields what no later event can change.
func (f *folder) drain(now time.Time) {
	for len(f.pending) > 0 && !f.stopped {
		s := f.pending[0]
		if !s.closed && now.Sub(s.last) <= foldGap && len(f.pending) <= maxPending {
			return
		}
		f.pending = f.pending[1:]
		if f.open[s.key] == s {
			delete(f.open, s.key)
		}
		if n := len(s.resources); n > 1 {
			s.entry.Resource, s.entry.Resources = s.key.scope, n
		}
		f.emit(s.entry)
	}
}

func (f *folder) closeAll() {
	for _, s := range f.pending {
		s.closed = true
	}
	clear(f.open)
}

func (f *folder) flush() {
	f.closeAll()
	f.drain(time.Time{})
}

func (f *folder) emit(en *TimelineEntry) {
	if !f.stopped {
		f.stopped = !f.yield(en, nil)
	}
}
