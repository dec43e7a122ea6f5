package query

import (
	"strconv"
	"time"
)

// Event is one event that a query found.
type Event struct {
	// Raw is the record byte for byte as it was delivered, on one line (line
	// breaks between JSON tokens are spaces). The caller may keep it. It may be
	// nil when Filter.Only asks for columns; see Record.
	Raw []byte
	// Values holds the columns that Filter.Only asks for, nil where Raw is
	// given: of a state change, and of an event without a usable time.
	Values *Values
	// Time is eventTime, UTC; zero when the record has no usable one.
	Time time.Time
	// ID is eventID, Account is recipientAccountId; either may be empty.
	ID, Account string
	// Object names the delivery the event came from, Index its position in
	// it, from 0. Of several deliveries the smallest name stands.
	Object string
	Index  int

	at place // where Record reads
}

// Source cites the delivery: object#index.
func (e *Event) Source() string {
	return e.Object + "#" + strconv.Itoa(e.Index)
}
