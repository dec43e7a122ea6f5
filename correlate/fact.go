package correlate

import (
	"hash/maphash"
	"strings"
	"time"

	"github.com/trailblame/trailblame/query"
)

// fact is what is kept of one attempt, failed or not, after its record is let
// go: a storm of failures must not hold a storm of records.
type fact struct {
	at     time.Time
	id     string
	object string // interned
	index  int
	res    int32 // into symbols
	refs   int32 // into symbols; 0 is no ref
	place  int32 // into symbols; where the call came from
	key    int32 // into symbols; its access key
	detail *detail
	ok     bool
	// discovery marks the ref discovery of a push, which comes before each
	// push and is an attempt only when nothing follows it.
	discovery bool
}

// detail is what a finding says about its first failure. Facts that do not
// differ share one.
type detail struct {
	code, message, region, account string
	eventName, eventSource         string
	denial                         DenialText
	accessKey, endpoint            string
	sourceIP                       string
	data                           bool         // a data event
	event                          *query.Event // to read its record
}

// groupKey is what failures of one request have in common.
type groupKey struct {
	principal, action, scope string
	layer                    Layer
}

// group holds all failures of one request, in order of time.
type group struct {
	key       groupKey
	principal string // as first seen
	action    string
	book      *Playbook
	facts     []fact
	oks       []fact
	details   map[detailKey]*detail
	native    string
	// scoped is set when single objects below scope stand for it: a success
	// on one says something about all.
	scoped bool
	// via and viaScope are what the calls themselves asked for, when another
	// service refused them a part of it.
	via      passKey
	viaScope string
}

type detailKey struct {
	code, policy string
	effect       Effect
	res          int32
}

// maxDetails bounds the records kept for one group; further failures share the
// nearest earlier one of the same resource, code, effect and policy.
const maxDetails = 256

// symbols gives small numbers to strings that come again and again.
type symbols struct {
	ids  map[string]int32
	text []string
}

func newSymbols() *symbols {
	return &symbols{ids: map[string]int32{"": 0}, text: []string{""}}
}

func (s *symbols) of(t string) int32 {
	if id, ok := s.ids[t]; ok {
		return id
	}
	id := int32(len(s.text))
	t = strings.Clone(t)
	s.ids[t] = id
	s.text = append(s.text, t)
	return id
}

// once lets each event pass one time per (eventID, account). Events without an
// id always pass.
type once struct {
	seed maphash.Seed
	seen map[uint64]struct{}
}

func newOnce() *once {
	return &once{seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

func (o *once) first(e *Event) bool { return o.see(e, e.ID) }

// see is first for an event that has another id.
func (o *once) see(e *Event, id string) bool {
	if id = keyOf(e, id); id == "" {
		return true
	}
	h := maphash.String(o.seed, id)
	if _, dup := o.seen[h]; dup {
		return false
	}
	o.seen[h] = struct{}{}
	return true
}

// eventKey names the event that a record tells of: a correction carries the id
// of what it corrects. It is "" when the record has no id.
func eventKey(e *Event) string { return keyOf(e, e.ID) }

func keyOf(e *Event, id string) string {
	if a := Map(e.Record, "addendum"); a != nil {
		id = first(Str(a, "originalEventID"), id)
	}
	if id == "" {
		return ""
	}
	return id + "\x00" + e.Account
}

// isCorrection reports whether the record corrects an earlier delivery.
func isCorrection(e *Event) bool {
	return Str(e.Record, "addendum", "reason") == "UPDATED_DATA"
}

// correctionsFirst moves corrections to the front of events of one instant, so
// that they are the ones that count.
func correctionsFirst(events []*Event) []*Event {
	var front, back []*Event
	for _, e := range events {
		if isCorrection(e) {
			front = append(front, e)
		} else {
			back = append(back, e)
		}
	}
	return append(front, back...)
}

// callerHints is everything in a record that may tell which service acts.
func callerHints(e *Event) []string {
	return []string{
		e.Principal(), e.Identity.ARN, e.Session(), e.Identity.InvokedBy, e.SourceIP, e.UserAgent,
	}
}
