// Package scenario writes many small trails, each with a label that says what
// broke and which change broke it.
//
// The truth holds by construction: every scenario is written by hand rules
// that know which change denies which request, never by an evaluator of
// policies, so that an evaluator can be tested against it.
package scenario
