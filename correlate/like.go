package correlate

import (
	"hash/maphash"
	"sync"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// A storm of failures is one failure many times. What was made of an event is kept
// for those like it: of one template, with the same text in every column but those
// that tell events apart and matter for nothing else.

// likenesses hands out memories of events. It is safe for concurrent use.
type likenesses struct {
	mu   sync.Mutex
	free []*likeness
}

func (l *likenesses) take() *likeness {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		m := l.free[n-1]
		l.free = l.free[:n-1]
		return m
	}
	return &likeness{seed: maphash.MakeSeed(), kept: map[uint64]model{}}
}

func (l *likenesses) give(m *likeness) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, m)
}

// likeness is a memory of events. It belongs to one goroutine.
type likeness struct {
	seed         maphash.Seed
	kept         map[uint64]model
	asked, found int
}

// model is an event and what was made of it.
type model struct {
	v *query.Values
	a *asked
}

// maxModels bounds the models that are kept.
const maxModels = 512

// The columns in which events may differ and yet be alike. S3 names each request in
// additionalEventData a second time; see asksPlainly.
var (
	ownID    = query.NewPart(ingest.EventID)
	ownNames = query.NewPart(ingest.EventID, ingest.AdditionalEventData)
)

func tellsApart(v *query.Values) *query.Projection {
	if v.Text(ingest.EventSource) == s3Source && v.Text(ingest.ErrorCode) != "" {
		return ownNames
	}
	return ownID
}

const s3Source = "s3.amazonaws.com"

// find returns what was made of an event like q, or nil.
func (l *likeness) find(q *query.Event) *asked {
	if q.Values == nil || !l.pays() {
		return nil
	}
	l.asked++
	but := tellsApart(q.Values)
	if m, ok := l.kept[q.Values.Hash(l.seed, but)]; ok && m.v.Like(q.Values, but) {
		l.found++
		return m.a
	}
	return nil
}

// pays tells whether events are alike often enough, as far as is known.
func (l *likeness) pays() bool { return l.asked < keptSettles || l.found > l.asked/4 }

// keep keeps what was made of q, if others can be like it.
func (l *likeness) keep(q *query.Event, a *asked) {
	if !a.byColumns || a.e.ID != q.ID || !l.pays() {
		return
	}
	but := tellsApart(q.Values)
	if but == ownNames && (a.e.EventSource != s3Source || a.e.ErrorCode == "" || !asksPlainly(a.e)) {
		return
	}
	if len(l.kept) >= maxModels {
		clear(l.kept)
	}
	l.kept[q.Values.Hash(l.seed, but)] = model{q.Values, a}
}
