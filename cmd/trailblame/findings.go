package main

import (
	"context"
	"iter"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// findings makes findings of an index, each with what the index holds around it
// and what digests say of the objects that it rests on.
type findings struct {
	ix        *index.Index
	coverage  *query.Coverage
	integrity func(citation string) string
}

func newFindings(ix *index.Index) (*findings, error) {
	coverage, err := query.NewCoverage(ix)
	if err != nil {
		return nil, err
	}
	integrity, err := objectIntegrity(ix)
	if err != nil {
		return nil, err
	}
	return &findings{ix, coverage, integrity}, nil
}

// run correlates. It ends after an error.
func (n *findings) run(ctx context.Context, opts correlate.Options) iter.Seq2[*correlate.Finding, error] {
	opts.Coverage = around(n.coverage)
	return func(yield func(*correlate.Finding, error) bool) {
		for f, err := range correlate.Run(ctx, query.NewEngine(n.ix), opts) {
			if err == nil {
				markIntegrity(f, n.integrity)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// explain explains one event, and the finding that it is part of.
func (n *findings) explain(ctx context.Context, question string, opts correlate.Options) (*correlate.Explanation, error) {
	opts.Coverage = around(n.coverage)
	x, err := correlate.Explain(ctx, query.NewEngine(n.ix), question, opts)
	if err == nil && x.Finding != nil {
		markIntegrity(x.Finding, n.integrity)
	}
	return x, err
}
