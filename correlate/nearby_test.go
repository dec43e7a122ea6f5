package correlate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Looking near the failures first finds what looking everywhere does.
func TestNearbyIsEnough(t *testing.T) {
	const day = 24 * 3600
	defer func(d time.Duration) { nearby = d }(nearby)
	near, found, spared := nearby, 0, 0
	for seed := range uint64(20) {
		var reads [2]int
		var all [2][]*Finding
		for i := range all {
			nearby = []time.Duration{near, quiet}[i]
			rnd := rand.New(rand.NewPCG(seed, 3))
			s := newScene(t)
			attempt := func(at int, refused obj) { s.object(at, buildRole, fmt.Sprintf("a/%d", rnd.IntN(3)), refused) }
			for at := -9 * day; at < 9*day; at += 1 + rnd.IntN(day/4) {
				attempt(at, nil)
			}
			for range 1 + rnd.IntN(3) { // hours in which attempts fail, and some pass
				at := rnd.IntN(2*day) - day
				for range 1 + rnd.IntN(20) {
					if attempt(at, denied("Access Denied")); rnd.IntN(5) == 0 {
						attempt(at+rnd.IntN(60), nil)
					}
					at += rnd.IntN(1800)
				}
			}
			trail := s.trail()
			all[i] = findAll(t, trail, Options{Attempts: true})
			reads[i] = int(trail.reads.Load())
		}
		if diff := cmp.Diff(all[1], all[0]); diff != "" {
			t.Fatalf("seed %d (-everywhere +near):\n%s", seed, diff)
		}
		found += len(all[0])
		spared += reads[1] - reads[0]
	}
	if found < 50 || spared < 100 {
		t.Errorf("%d findings compared, %d events not read", found, spared)
	}
	t.Logf("%d findings compared, %d events not read", found, spared)
}
