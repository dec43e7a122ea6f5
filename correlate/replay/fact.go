package replay

import (
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Kind tells what a slot holds.
type Kind uint8

// The kinds of slot, with what owns them and what names them.
const (
	Inline      Kind = iota + 1 // document; user, group or role; policy name
	Attached                    // link; user, group or role; ARN of the managed policy
	Managed                     // document; ARN of the managed policy
	Member                      // link; user; group
	Boundary                    // link whose ARN is the policy; user or role
	Resource                    // document; ARN of a resource, role or endpoint; statement id or ""
	GrantOf                     // KMS grant; ARN of the key; grant id
	OrgAttached                 // link; account, unit or root; policy id
	OrgPolicy                   // document; policy id
	Place                       // link whose ARN is the parent; account
	Opaque                      // anything else of the owner that decides and cannot be read
)

// Slot is one thing that changes write. Owners are compared as texts: the
// caller brings ARNs into one form, without paths and sessions.
type Slot struct {
	Kind  Kind
	Owner string
	Name  string
}

// Presence says whether a slot is filled.
type Presence uint8

// A slot of which nothing is known is Maybe.
const (
	Maybe Presence = iota
	Absent
	Present
)

// Value is what a slot holds. A present document without text has unknown
// content.
type Value struct {
	Presence Presence
	Doc      string // JSON of a document
	ARN      string // of a boundary
	Grant    *policy.Grant
}

// Fact is one write of one change.
type Fact struct {
	ID    string // of the event
	At    time.Time
	Slot  Slot
	Value Value
	// Before is the parent that an account is known to have left; else "".
	Before string
	// RCP marks an organization policy that binds resources.
	RCP bool

	seq int
}
