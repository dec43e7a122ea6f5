package large

import (
	"fmt"
	"sync"
)

// Write makes the trail below dir and returns its counts and its labels. A
// folder that an error leaves behind is incomplete.
func Write(dir string, o Options) (Stats, []Label, error) {
	if err := o.fill(); err != nil {
		return Stats{}, nil, err
	}
	p, err := newPlan(o)
	if err != nil {
		return Stats{}, nil, err
	}
	stats, err := p.writeDays(dir)
	if err != nil {
		return stats, nil, err
	}
	return stats, p.labels(), nil
}

// writeDays shares the days out to the workers. It stops at the first error.
func (p *plan) writeDays(dir string) (Stats, error) {
	var (
		total Stats
		first error
		mu    sync.Mutex
		wg    sync.WaitGroup
	)
	days := make(chan int)
	for range p.o.Workers {
		wg.Go(func() {
			out := newOutput(dir)
			for n := range days {
				stats, err := p.day(n).write(out)
				mu.Lock()
				total.add(stats)
				if err != nil && first == nil {
					first = fmt.Errorf("write day %d: %w", n, err)
				}
				mu.Unlock()
			}
		})
	}
	failed := func() bool { mu.Lock(); defer mu.Unlock(); return first != nil }
	for n := 0; n < p.o.Days && !failed(); n++ {
		days <- n
	}
	close(days)
	wg.Wait()
	return total, first
}
