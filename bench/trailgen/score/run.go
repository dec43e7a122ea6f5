package score

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/trailblame/trailblame/bench/trailgen/scenario"
	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/correlate/replay"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// Case is one scenario with what was found in it.
type Case struct {
	Label    scenario.Label
	Findings []*correlate.Finding
}

// Run makes n scenarios of a seed, correlates each and returns them in order.
// Scenarios are kept in no place.
func Run(ctx context.Context, seed uint64, n int) ([]Case, error) {
	cases, errs := make([]Case, n), make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				cases[i], errs[i] = one(ctx, seed, i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return cases, errors.Join(errs...)
}

// one makes and correlates a scenario.
func one(ctx context.Context, seed uint64, n int) (c Case, err error) {
	dir, err := os.MkdirTemp("", "scenario-")
	if err != nil {
		return c, err
	}
	defer func() { err = cmp.Or(err, os.RemoveAll(dir)) }()
	if c.Label, err = scenario.Make(dir, seed, n); err != nil {
		return c, err
	}
	opts := correlate.Options{}
	if c.Label.Baseline == "file" {
		if opts.Baseline, err = replay.LoadBaseline(filepath.Join(dir, "baseline.json")); err != nil {
			return c, err
		}
	}
	if c.Findings, err = correlated(ctx, dir, opts); err != nil {
		err = fmt.Errorf("scenario %s: %w", c.Label.Name, err)
	}
	return c, err
}

// correlated ingests the trail below dir and correlates it.
func correlated(ctx context.Context, dir string, opts correlate.Options) ([]*correlate.Finding, error) {
	src, err := ingest.NewLocal(filepath.Join(dir, "trail"))
	if err != nil {
		return nil, err
	}
	w, err := index.OpenWriter(filepath.Join(dir, "index"))
	if err != nil {
		return nil, err
	}
	err = ingest.Run(ctx, []ingest.Source{src}, ingest.Options{Workers: 1, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink})
	if err == nil {
		err = w.Finish()
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		return nil, err
	}
	ix, err := index.Open(filepath.Join(dir, "index"))
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	var all []*correlate.Finding
	for f, err := range correlate.Run(ctx, query.NewEngine(ix), opts) {
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}
