// Package ingest reads CloudTrail deliveries and hands their records on, one
// by one, without copying them.
//
// A delivery is an object of a Source: a file, a standard input, an object in
// a bucket. Its bytes are decompressed, checked as a whole, split into records
// and decoded in a single pass over the text; a Record is a set of spans into
// that text. Whatever happens to an object is written down in its Entry of the
// ledger, whose counts add up: In = Kept + Duplicate + Malformed + Filtered.
//
// What is in a delivery is decided from its content, never from its name.
package ingest
