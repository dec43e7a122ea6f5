// Package score holds what the product finds in labelled scenarios against the
// truth. It reads each scenario the way the program does: deliveries on disk,
// ingested into an index, correlated from there.
package score
