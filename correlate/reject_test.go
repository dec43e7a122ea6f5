package correlate

import (
	"context"
	"testing"
)

// What is rejected unread must be what a close look would find out of reach,
// and must not be a change that the findings could name.
func TestRejectAgreesWithTheCloseLook(t *testing.T) {
	checked := 0
	check := func(trail Trail) {
		en, eps, err := prepare(context.Background(), trail, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, ep := range eps {
			sub := en.subject(ep)
			for _, s := range en.h.steps {
				if !s.evidence && sub.reject(s) {
					checked++
					if g := en.h.gripOf(s, sub); g.is != no {
						t.Errorf("%s on %s is rejected for %s, but %s", s.ev.Name, s.target, sub.action, g.text)
					}
				}
			}
		}
	}
	s, _ := pushScene(t)
	check(s.trail())
	for _, folder := range []string{"invictus-slice", "stratus"} {
		t.Run(folder, func(t *testing.T) { check(loadTrail(t, shared(t, folder))) })
	}
	if checked == 0 {
		t.Error("nothing was rejected")
	}
}
