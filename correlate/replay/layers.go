package replay

import (
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Layers says what each layer by itself answers to a question's request in the
// state of an instant, as if some changes had not happened. c is the case that
// was opened for the question; it may be nil, and then nothing narrows what is
// not known. Of several requests the first that is refused is meant.
func (h *History) Layers(q *Question, c *Case, at time.Time, without ...string) []policy.LayerAnswer {
	if len(q.Requests) == 0 {
		return nil
	}
	skip := make(map[string]bool, len(without))
	for _, id := range without {
		skip[id] = true
	}
	if c == nil {
		v := h.look(&q.Subject, cut{at, skip}, at)
		return policy.ByLayer(v.open(nil), q.Requests[0])
	}
	i := c.refused()
	v := h.look(&q.Subject, cut{at, skip}, c.since())
	return policy.ByLayer(v.narrowed(c.pins[i], c.said), q.Requests[i])
}

// refused is the number of the request that the state at the denial denies.
func (c *Case) refused() int {
	for i, r := range c.q.Requests {
		if policy.Evaluate(c.now.narrowed(c.pins[i], c.said), r).Value == policy.Deny {
			return i
		}
	}
	return 0
}
