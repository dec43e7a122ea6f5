package main

import (
	"fmt"
	"sync"

	"github.com/trailblame/trailblame/query"
)

// maxNamedEvents is how many events of one kind of trouble are named.
const maxNamedEvents = 20

// complaints names events that a run had to leave out, and counts them.
type complaints struct {
	app  *app
	mu   sync.Mutex
	n    int
	last string // what was named last; the streams of a union meet it together
}

// tell names an event and why it was left out.
func (c *complaints) tell(e *query.Event, err error) {
	id := e.ID
	if id == "" {
		id = "without an id"
	}
	c.note(fmt.Sprintf("event %s (%s)", id, e.Source()), err)
}

// note names something that was left out.
func (c *complaints) note(what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if what == c.last {
		return
	}
	c.last = what
	if c.n++; c.n <= maxNamedEvents {
		c.app.complain("%s: left out: %v", what, err)
	}
}

// finish says how many were not named, and whether there was any.
func (c *complaints) finish() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if more := c.n - maxNamedEvents; more > 0 {
		c.app.complain("%d more left out for reasons like these", more)
	}
	return c.n > 0
}
