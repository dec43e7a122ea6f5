// Package trail builds believable CloudTrail records and delivers them as
// gzip objects in the key layout CloudTrail uses.
//
// A Cloud is one account at work; every method of it appends one record.
// What is random in a record (its IDs, its delay, its place in an object) is
// drawn from a generator keyed by the seed and the record's own time, call
// and caller, never from one shared sequence: a record more leaves the bytes
// of all others alone, and event IDs quoted elsewhere stay valid.
package trail
