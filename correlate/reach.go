package correlate

import (
	"slices"
	"time"
)

// Reach is how long before the first failure something can be that its finding
// uses for its candidates, its evidence, its frequency or its spread: the longest
// window of the run and of its playbooks. Whoever gives a run a part of a trail
// must let that part begin so much earlier.
func (o *Options) Reach() (time.Duration, error) {
	books := o.Playbooks
	if books == nil {
		var err error
		if books, err = Playbooks(); err != nil {
			return 0, err
		}
	}
	reach := append(Ladder(), o.Windows...)
	for _, p := range books {
		windows := append([]Window{p.Escalation.Window, p.Frequency.Window, p.Spread.Window}, p.Windows...)
		for _, g := range p.Changes {
			windows = append(windows, g.Window)
		}
		for _, g := range p.Evidence {
			windows = append(windows, g.Window)
		}
		for _, w := range windows {
			reach = append(reach, time.Duration(w))
		}
	}
	return slices.Max(reach), nil
}
