package large

import (
	"fmt"
	"math"
	"runtime"
	"time"
)

// Options say what trail to make. Only Workers changes nothing in its bytes.
type Options struct {
	Events int    // unique records, duplicates not counted
	Seed   uint64 // equal seeds make equal trails
	Start  time.Time
	Days   int // 0: grows with Events, from 3 to 90
	// Causes is how many changes that break something are planted. 0: one in
	// 100,000 records, and at least three.
	Causes int
	// Denials is how many denials there are in all, half of them from planted
	// causes and half in storms of requests that were never allowed. 0: one
	// record in a hundred.
	Denials int
	Workers int // 0: one a core
}

// Stats counts what was written.
type Stats struct {
	Events     int // unique records
	Duplicates int // records delivered a second time
	Objects    int
	Raw        int64 // bytes before compression
	Gzip       int64 // bytes on disk
}

// Ratio is how many times smaller gzip made the trail.
func (s Stats) Ratio() float64 { return float64(s.Raw) / float64(s.Gzip) }

func (s *Stats) add(o Stats) {
	s.Events += o.Events
	s.Duplicates += o.Duplicates
	s.Objects += o.Objects
	s.Raw += o.Raw
	s.Gzip += o.Gzip
}

// Bounds of what the generator was tried with.
const (
	minEvents = 10_000
	maxEvents = 200_000_000
)

// fill checks the options and sets what was left open.
func (o *Options) fill() error {
	if o.Events < minEvents || o.Events > maxEvents {
		return fmt.Errorf("events: %d is not between %d and %d", o.Events, minEvents, maxEvents)
	}
	if o.Days < 0 || o.Causes < 0 || o.Denials < 0 || o.Workers < 0 {
		return fmt.Errorf("days, causes, denials and workers cannot be negative")
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	}
	if o.Days == 0 {
		o.Days = min(90, int(math.Round(3*math.Pow(float64(o.Events)/minEvents, 0.37))))
	}
	if o.Days < 2 {
		return fmt.Errorf("days: a cause and what was before it need 2 days, not %d", o.Days)
	}
	if o.Causes == 0 {
		o.Causes = max(3, o.Events/100_000)
	}
	if o.Denials == 0 {
		o.Denials = o.Events / 100
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return nil
}
