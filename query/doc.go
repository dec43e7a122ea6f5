// Package query finds events in an index.
//
// A Filter is answered in two steps: the index names candidates, from the terms
// of the filter and from what its expression implies, and the expression is
// then evaluated on each candidate's record. An Engine that scans skips the
// first step; both give the same answer, always.
package query
