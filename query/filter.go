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
	// Any lists sets of terms, none of them empty: if there are any, all terms
	// of one of them must hold. It asks many questions in one pass.
	Any [][]Term
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
		slices.ContainsFunc(f.Any, func(set []Term) bool { return slices.ContainsFunc(set, Term.inexact) })
}

// Is returns the term that holds when field has one of values.
func Is(field index.Field, values ...string) Term {
	return Term{Fields: []index.Field{field}, Values: values}
}
