// Package backoff is how the clients of AWS wait before they ask again.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Delay is how long to wait after the given try, counted from 1: random up to a
// bound that begins with first and doubles with each try, at most longest, so
// that requests which were throttled together do not come back together.
func Delay(first, longest time.Duration, try int) time.Duration {
	bound := longest
	if doubled := first << min(try-1, 16); doubled>>min(try-1, 16) == first {
		bound = min(doubled, longest)
	}
	return time.Duration(1 + rand.Int64N(int64(bound)))
}

// Sleep waits for d, or until ctx ends, which is its error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
