package query

import (
	"slices"
	"time"

	"github.com/trailblame/trailblame/index"
)

// Filter selects events. Its parts are joined by and; the zero Filter selects
// everything.
type Filter struct {
	// From and To bound eventTime, half-open: From ≤ t < To. A zero time
	// leaves its side open. An event without a usable time matches only
	// when both are zero.
	From, To time.Time
	// Where lists terms that must all hold.
	Where []Term
	// Any lists sets of terms: if there are any, one of them must hold. It asks
	// many questions in one pass.
	Any []Set
	// Expr is a compiled expression that must be true, or nil.
	Expr *Expr
	// Undecided is told each event on which Expr needs more work than is
	// allowed; the event is left out and the query goes on. When nil, such an
	// event ends the query with an error. It is called from the goroutine that
	// iterates, and may keep the event.
	Undecided func(*Event, error)
	// Latest turns the order round: the latest event comes first.
	Latest bool
	// Uncited leaves Object and Index of events empty, which spares reading them
	// where nobody asks for more than records. Undecided is told them nevertheless.
	Uncited bool
	// Only asks for columns in place of records, which is far less work, or is
	// nil. It must hold EventID and RecipientAccountID.
	Only *Projection
	// Keep leaves out the events for which it returns false; nil leaves none out.
	// It is asked last, and of events with Values only: their columns are read as
	// it asks for them, and the others only of events that it keeps. Several
	// goroutines call it at once. It must not hold on to the values.
	Keep func(at time.Time, v *Values) bool
}

// Term holds when any of Fields has any of Values. A value may contain '*',
// which matches any run of characters; all else is literal and case-sensitive.
type Term struct {
	Fields []index.Field
	Values []string
}

// inexact tells whether the index gives for the term events that may not hold it.
func (t Term) inexact() bool { return slices.Contains(t.Fields, index.SharedEvent) }

func (f *Filter) inexact() bool {
	return slices.ContainsFunc(f.Where, Term.inexact) ||
		slices.ContainsFunc(f.Any, func(set Set) bool { return slices.ContainsFunc(set.Where, Term.inexact) })
}

// Set holds for an event when all of its terms do, of which there is at least
// one, and From ≤ eventTime < To; a zero time leaves its side open.
type Set struct {
	From, To time.Time
	Where    []Term
}

// within tells whether t lies between from and to, as Filter has it.
func within(t, from, to time.Time) bool {
	if t.IsZero() {
		return from.IsZero() && to.IsZero()
	}
	return !t.Before(from) && (to.IsZero() || t.Before(to))
}

// meets tells whether times from first to last may be between from and to.
func meets(first, last, from, to time.Time) bool {
	return !last.Before(from) && (to.IsZero() || first.Before(to))
}

// Is returns the term that holds when field has one of values.
func Is(field index.Field, values ...string) Term {
	return Term{Fields: []index.Field{field}, Values: values}
}
