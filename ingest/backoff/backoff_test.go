package backoff

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	const first, longest = 100 * time.Millisecond, 20 * time.Second
	for try, bound := range map[int]time.Duration{1: first, 2: 2 * first, 5: 16 * first, 9: longest, 100: longest} {
		most := time.Duration(0)
		for range 1000 {
			d := Delay(first, longest, try)
			if d <= 0 || d > bound {
				t.Fatalf("try %d: %v, more than %v", try, d, bound)
			}
			most = max(most, d)
		}
		if most < bound/2 {
			t.Errorf("try %d: never more than %v of %v", try, most, bound)
		}
	}
	if d := Delay(30*24*time.Hour, longest, 40); d > longest {
		t.Errorf("after overflow %v", d)
	}
}

func TestSleep(t *testing.T) {
	if err := Sleep(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
