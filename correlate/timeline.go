package correlate

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// TimelineSchema names the JSON form of a timeline's entries.
const TimelineSchema = "trailblame.timeline/1"

// Mark says what an entry of a timeline is.
type Mark string

// The marks. A call that several would fit has the first of them.
const (
	MarkFailure  Mark = "failure"  // refused, or a state change to failed
	MarkChange   Mark = "change"   // changed who may do what
	MarkSession  Mark = "session"  // handed out credentials
	MarkPipeline Mark = "pipeline" // a state change of a pipeline or a build
	MarkError    Mark = "error"    // failed for another reason
	MarkCall     Mark = "call"     // any other call
)

// TimelineEntry is one line of a timeline: an event, or a storm of alike events
// that nothing on the timeline interrupts. Texts come out of records as they are
// and must be made safe before people see them.
type TimelineEntry struct {
	Schema string `json:"schema"`
	Time   Time   `json:"time"`            // of the first event; "" when it has none
	Last   *Time  `json:"last"`            // of the last event of a storm, else null
	Count  int    `json:"count"`           // of events
	Mark   Mark   `json:"mark"`            //
	About  string `json:"about,omitempty"` // its part in the finding or question: "first failure", "cause", …
	// EventID and Object cite the first event, LastEventID the last of a storm.
	EventID     string `json:"eventID"`
	LastEventID string `json:"lastEventID,omitempty"`
	EventName   string `json:"eventName"`
	EventSource string `json:"eventSource"`
	// Principal is stable over sessions; Session is the session's name.
	Principal string `json:"principal"`
	Session   string `json:"session,omitempty"`
	// Resource is what the call asked for, or a change's target; Resources
	// and Principals count how many different ones a storm has.
	Resource     string `json:"resource,omitempty"`
	Resources    int    `json:"resources,omitempty"`
	Action       string `json:"action,omitempty"`
	ErrorCode    string `json:"errorCode,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	// State is that of a pipeline or build; of a push that only asks for the
	// repository's references, which is no attempt of its own, RefDiscovery.
	State     string `json:"state,omitempty"`
	Account   string `json:"account"`
	Region    string `json:"region"`
	SourceIP  string `json:"sourceIP,omitempty"`
	AccessKey string `json:"accessKey,omitempty"`
	// IssuedKey is the key of the session that the call handed out. Depth is
	// how many such calls lie between the event and what was asked for.
	IssuedKey string `json:"issuedKey,omitempty"`
	Depth     int    `json:"depth,omitempty"`
	Object    string `json:"object"`

	scope string // resources that one storm may have in common
}

// RefDiscovery is the state of the first of the two records of a push.
const RefDiscovery = "asks for refs"

// TimelineOptions say what a timeline holds. The zero options hold every
// failure, change and state change of a pipeline in the trail.
type TimelineOptions struct {
	// Filter selects events. With neither terms nor an expression, only
	// failures, changes and pipelines are left, unless All is set.
	Filter query.Filter
	All    bool
	// Around is the eventID of an event: the timeline holds, from Window
	// before it to Window after it, what its principal did, what touched its
	// resource, and every change and pipeline; around a change also everything
	// that was refused. Filter then applies to these.
	Around string
	// At is a time in place of an event; Filter selects as ever.
	At time.Time
	// Finding is a finding to show: its failures and the successes of the
	// same principal, the changes that were considered, and from Window before
	// the earliest to Window after the latest of them what Around would hold.
	Finding *Finding
	// Window is for Around, At and Finding; 0 stands for DefaultTimelineWindow.
	Window time.Duration
	// FollowSessions adds what the sessions did that selected events handed
	// out, and the sessions of those.
	FollowSessions bool
	// NoFold keeps alike events apart.
	NoFold bool
}

// DefaultTimelineWindow is how far around an event a timeline looks.
const DefaultTimelineWindow = 30 * time.Minute

// Timeline is a timeline that can be read.
type Timeline struct {
	// Origin is the instant that relative times count from: of the finding's
	// first failure, of the event or time asked for; zero when there is none.
	Origin time.Time
	trail  Trail
	opts   TimelineOptions
	parts  []query.Filter // whose union it is
	about  map[string]string
	depths map[string]int // of sessions, by their access key
}

// NewTimeline finds out what a timeline is made of. It fails when the event of
// Around is not in the trail, with ErrNoEvent, and when the trail fails.
func NewTimeline(ctx context.Context, trail Trail, opts TimelineOptions) (*Timeline, error) {
	if opts.Window == 0 {
		opts.Window = DefaultTimelineWindow
	}
	t := &Timeline{trail: trail, opts: opts, about: map[string]string{}, depths: map[string]int{}}
	var err error
	switch {
	case opts.Finding != nil:
		t.aroundFinding(opts.Finding)
	case opts.Around != "":
		err = t.aroundEvent(ctx)
	case !opts.At.IsZero():
		t.Origin = opts.At
		t.parts = t.selection(narrowed(opts.Filter, opts.At.Add(-opts.Window), opts.At.Add(opts.Window)))
	default:
		t.parts = t.selection(opts.Filter)
	}
	if err == nil && opts.FollowSessions {
		err = t.follow(ctx)
	}
	return t, err
}

// selection is what a filter selects, or of it what is worth a line when it
// selects nothing in particular.
func (t *Timeline) selection(f query.Filter) []query.Filter {
	if t.opts.All || len(f.Where) > 0 || f.Expr != nil {
		return []query.Filter{f}
	}
	return []query.Filter{
		with(f, query.Is(index.Outcome, index.OutcomeDenied, index.OutcomeNative)),
		with(f, query.Is(index.EventName, timelineChanges()...)),
	}
}

// timelineChanges are the names of events that change access. Sessions, which
// are as many as requests, are not among them.
func timelineChanges() []string {
	return slices.DeleteFunc(ChangeEventNames(), func(n string) bool { return sessionCalls[n] })
}

// with returns f with one more term.
func with(f query.Filter, t query.Term) query.Filter {
	f.Where = append(slices.Clone(f.Where), t)
	return f
}

// narrowed returns f narrowed to a span, both ends included.
func narrowed(f query.Filter, from, to time.Time) query.Filter {
	if f.From.Before(from) {
		f.From = from
	}
	if to = to.Add(time.Second); f.To.IsZero() || to.Before(f.To) {
		f.To = to
	}
	return f
}

// Entries yields the timeline in the order of time. Memory is bounded by what a
// storm can hold back. An error is the last thing yielded.
func (t *Timeline) Entries(ctx context.Context) iter.Seq2[*TimelineEntry, error] {
	return func(yield func(*TimelineEntry, error) bool) {
		f := folder{yield: yield, off: t.opts.NoFold}
		var now []moment // the events of one instant
		for m, err := range inOrder(ctx, union(ctx, t.trail, t.parts), t.moment) {
			if err != nil {
				f.addEach(onceEach(now))
				f.flush()
				if !f.stopped {
					yield(nil, err)
				}
				return
			}
			if len(now) > 0 && !now[0].e.Time.Equal(m.e.Time) {
				if f.addEach(onceEach(now)); f.stopped {
					return
				}
				now = now[:0]
			}
			if t.worth(m) {
				now = append(now, m)
			}
		}
		f.addEach(onceEach(now))
		f.flush()
	}
}

// moment is an event with its entry.
type moment struct {
	e     *Event
	entry *TimelineEntry
}

// worth tells whether an event that the index offered is on the timeline: it
// marks more as denials than are.
func (t *Timeline) worth(m moment) bool {
	f := &t.opts.Filter
	particular := t.opts.Around != "" || t.opts.Finding != nil || len(f.Where) > 0 || f.Expr != nil
	return particular || t.opts.All || m.entry.Depth > 0 || m.entry.Mark != MarkCall && m.entry.Mark != MarkError
}

// moment reads one event.
func (t *Timeline) moment(q *query.Event) (moment, bool, error) {
	e, err := ParseEvent(q)
	if err != nil {
		return moment{}, false, lost(err) // or no JSON; ingest keeps none
	}
	r, failed := FailureOf(e)
	en := &TimelineEntry{
		Schema: TimelineSchema, Time: Time{e.Time}, Count: 1, EventID: e.ID, EventName: e.Name, EventSource: e.EventSource,
		Principal: first(r.Principal, e.Principal()), Session: e.Session(), Resource: r.Resource, Action: r.Action,
		ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage, Account: e.Account, Region: e.Region, SourceIP: e.SourceIP,
		AccessKey: e.Identity.AccessKeyID, IssuedKey: issuedKey(e), Object: q.Source(), scope: first(r.ResourceParent, r.Resource),
		About: t.about[e.ID], Depth: t.depths[e.Identity.AccessKeyID],
	}
	if r.Discovery && !failed {
		en.State = RefDiscovery
	}
	if en.Resource == "*" {
		en.Resource, en.scope = "", ""
	}
	en.mark(e, failed)
	return moment{e, en}, true, nil
}

// mark says what an event is.
func (en *TimelineEntry) mark(e *Event, failed bool) {
	change, isChange := ParseChange(e)
	switch {
	case e.Native:
		en.State = first(Str(e.Detail, "state"), Str(e.Detail, "build-status"), Str(e.Detail, "completed-phase-status"))
		en.Mark = MarkPipeline
		if failed {
			en.Mark = MarkFailure
		}
		if en.Resource == "" && len(e.Resources) > 0 {
			en.Resource, en.scope = e.Resources[0].ARN, e.Resources[0].ARN
		}
	case failed && (IsDenial(e) || refusedLine(e)):
		en.Mark = MarkFailure
	case failed:
		en.Mark = MarkError
	case isChange && change.Kind != KindSession:
		en.Mark = MarkChange
		if change.Target != "" {
			en.Resource, en.scope = change.Target, change.Target
		}
	case en.IssuedKey != "" || sessionCalls[e.Name]:
		en.Mark = MarkSession
	default:
		en.Mark = MarkCall
	}
}

// issuedKey is the id of the temporary key that a call handed out.
func issuedKey(e *Event) string {
	if key := Str(e.Response, "credentials", "accessKeyId"); strings.HasPrefix(key, "ASIA") {
		return key
	}
	return ""
}

// onceEach leaves out, of the events of one instant, what tells of an event that
// another record tells of too: delivered with other bytes, recorded in two
// accounts, or corrected; then the correction stays. All of these have one time.
func onceEach(now []moment) []moment {
	if len(now) < 2 {
		return now
	}
	seen := map[string]bool{}
	again := make([]bool, len(now))
	for _, corrections := range []bool{true, false} {
		for i, m := range now {
			if isCorrection(m.e) != corrections {
				continue
			}
			for _, k := range m.names() {
				again[i] = again[i] || seen[k]
				seen[k] = true
			}
		}
	}
	kept := now[:0]
	for i, m := range now {
		if !again[i] {
			kept = append(kept, m)
		}
	}
	return kept
}

// names are what another record of the same event has in common with it.
func (m *moment) names() []string {
	var names []string
	if k := eventKey(m.e); k != "" {
		names = append(names, k)
	}
	if id := m.e.SharedEventID; id != "" {
		names = append(names, "shared\x00"+id+"\x00"+m.e.Name)
	}
	return names
}

// union yields the events of several filters once each, in order.
func union(ctx context.Context, trail Trail, filters []query.Filter) iter.Seq2[*query.Event, error] {
	if len(filters) == 1 {
		return trail.Events(ctx, filters[0])
	}
	return func(yield func(*query.Event, error) bool) {
		u := merge{}
		defer u.stop()
		for _, f := range filters {
			u.open(trail.Events(ctx, f))
		}
		for {
			e, err := u.next()
			if err != nil {
				yield(nil, err)
				return
			}
			if e == nil || !yield(e, nil) {
				return
			}
		}
	}
}

// merge is several streams of events in order.
type merge struct {
	heads []*query.Event // nil at the end of a stream
	pulls []func() (*query.Event, error, bool)
	stops []func()
	err   error
}

func (u *merge) open(events iter.Seq2[*query.Event, error]) {
	pull, stop := iter.Pull2(events)
	u.pulls, u.stops, u.heads = append(u.pulls, pull), append(u.stops, stop), append(u.heads, nil)
	u.pull(len(u.pulls) - 1)
}

func (u *merge) pull(i int) {
	e, err, ok := u.pulls[i]()
	if err != nil {
		u.err = err
	}
	if u.heads[i] = e; !ok {
		u.heads[i] = nil
	}
}

// next returns the least event and steps over it in every stream; nil at the end.
func (u *merge) next() (*query.Event, error) {
	var best *query.Event
	for _, e := range u.heads {
		if e != nil && (best == nil || query.Compare(e, best) < 0) {
			best = e
		}
	}
	for i, e := range u.heads {
		if u.err == nil && e != nil && query.Compare(e, best) == 0 {
			u.pull(i)
		}
	}
	return best, u.err
}

func (u *merge) stop() {
	for _, stop := range u.stops {
		stop()
	}
}
