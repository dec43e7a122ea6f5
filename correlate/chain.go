package correlate

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// Trail is where correlation reads events from. Events come in the order of
// time, then id, account and bytes. After an error the sequence ends. Several
// goroutines read at once.
type Trail interface {
	Events(ctx context.Context, f query.Filter) iter.Seq2[*query.Event, error]
}

// maxHops bounds a role chain; longer ones are cut and cycles end.
const maxHops = 8

// chains finds out who stands behind a session. Answers are kept, so that
// many changes of one session cost one look.
type chains struct {
	trail  Trail
	issued map[string]*Event // by the access key that was handed out
	shared map[string]*Event // by sharedEventID
	// sessions are the session policies that issued keys are bound by.
	sessions map[string]*step
}

func newChains(t Trail) *chains {
	return &chains{trail: t, issued: map[string]*Event{}, shared: map[string]*Event{}, sessions: map[string]*step{}}
}

// trace returns who made e and, outermost first, the identities through which
// they came: the person or service that began, each role session, and at last
// the caller of e. A source identity that no record of the chain explains
// stands in front.
func (c *chains) trace(ctx context.Context, e *Event) (actor string, chain []string, err error) {
	actor = callerARN(e)
	rev := []string{actor}
	source := e.Identity.SourceIdentity
	seen := map[string]bool{}
	for range maxHops {
		key := e.Identity.AccessKeyID
		if !strings.HasPrefix(key, "ASIA") || seen[key] {
			break
		}
		seen[key] = true
		up, err := c.issuer(ctx, key, e.Time)
		if err != nil {
			return actor, nil, err
		}
		if up == nil {
			break
		}
		if up, err = c.fullest(ctx, up); err != nil {
			return actor, nil, err
		}
		e = up
		source = first(e.Identity.SourceIdentity, source)
		if who := callerARN(e); who != rev[len(rev)-1] {
			rev = append(rev, who)
		}
	}
	if source != "" && !endsWithName(rev[len(rev)-1], source) {
		rev = append(rev, "source identity "+source)
	}
	for i := len(rev) - 1; i >= 0; i-- {
		chain = append(chain, rev[i])
	}
	return actor, chain, nil
}

func endsWithName(arn, name string) bool {
	return arn == name || strings.HasSuffix(arn, "/"+name) || strings.HasSuffix(arn, ":"+name)
}

// callerARN names the identity as the record shows it, sessions included.
func callerARN(e *Event) string {
	return first(e.Identity.ARN, e.Identity.InvokedBy, e.Identity.PrincipalID, e.Identity.UserName, e.Identity.AccountID, "unknown")
}

// maxSession is longer than any temporary credential lives; federation tokens
// of users last up to 36 hours.
const maxSession = 37 * time.Hour

// issuer finds the call that handed out an access key in use at a time, or nil.
func (c *chains) issuer(ctx context.Context, key string, used time.Time) (*Event, error) {
	if e, ok := c.issued[key]; ok {
		return e, nil
	}
	keep := func(e *Event) bool {
		if ch, ok := ParseChange(e); ok && ch.Kind == KindSession && !ch.Failed && (ch.Document != "" || ch.DocumentUnknown || len(ch.SessionARN) > 0) {
			c.sessions[key] = newStep(e)
		}
		return true
	}
	e, err := c.best(ctx, query.Is(index.IssuedKey, key), used, keep)
	if err == nil {
		c.issued[key] = e
	}
	return e, err
}

// fullest returns the twin of e in the caller's own account when e, recorded
// in the role owner's, tells only the account that called.
func (c *chains) fullest(ctx context.Context, e *Event) (*Event, error) {
	if e.SharedEventID == "" || e.Identity.ARN != "" {
		return e, nil
	}
	twin, ok := c.shared[e.SharedEventID]
	if !ok {
		var err error
		twin, err = c.best(ctx, query.Is(index.SharedEvent, e.SharedEventID), e.Time, func(t *Event) bool { return t.Identity.ARN != "" })
		if err != nil {
			return e, err
		}
		c.shared[e.SharedEventID] = twin
	}
	if twin != nil {
		return twin, nil
	}
	return e, nil
}

// best returns the first event of a term that want accepts, one with a full
// identity if there is one, from before the credentials were used.
func (c *chains) best(ctx context.Context, t query.Term, used time.Time, want func(*Event) bool) (*Event, error) {
	var found *Event
	f := query.Filter{Where: []query.Term{t}}
	if !used.IsZero() {
		f.From, f.To = used.Add(-maxSession), used.Add(time.Minute)
	}
	for q, err := range c.trail.Events(ctx, f) {
		if err != nil {
			return nil, err
		}
		e, err := ParseEvent(q)
		if err != nil || !want(e) {
			continue
		}
		if found == nil || found.Identity.ARN == "" && e.Identity.ARN != "" {
			found = slim(e)
		}
	}
	return found, nil
}

// slim returns e without its maps, for keeping.
func slim(e *Event) *Event {
	s := *e
	s.Record, s.Params, s.Response, s.Additional, s.Service, s.Detail = nil, nil, nil, nil, nil, nil
	return &s
}
