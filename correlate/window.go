package correlate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Ladder returns the search windows that hold unless a caller gives others,
// smallest first.
func Ladder() []time.Duration {
	return []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}

const (
	// skew is how long after the first failure a change may be recorded and
	// still be its cause: both clocks show whole seconds.
	skew = 2 * time.Second
	// settle is how long a changed policy may take to reach every request.
	settle = 60 * time.Second
	// heal is how long a fresh grant may go on being refused.
	heal = 5 * time.Minute
	// quiet ends an episode when no failure follows for so long.
	quiet = 7 * 24 * time.Hour
)

// Window is a duration as playbooks and flags write it: 5m, 1h, 24h, 7d.
type Window time.Duration

// ParseWindow reads a whole number of s, m, h or d.
func ParseWindow(s string) (Window, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("window %q: want a number and s, m, h or d", s)
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 32)
	if err != nil || unit == 0 || n <= 0 || n > int64(10*365*24*time.Hour/unit) {
		return 0, fmt.Errorf("window %q: want a number above 0 and s, m, h or d, at most ten years", s)
	}
	return Window(time.Duration(n) * unit), nil
}

// badWindow stands for text in a playbook that is no window, until the check
// of the playbook reports it with its line.
const badWindow Window = -1

// UnmarshalYAML reads the text form.
func (w *Window) UnmarshalYAML(b []byte) error {
	v, err := ParseWindow(strings.Trim(strings.TrimSpace(string(b)), `"'`))
	if err != nil {
		v = badWindow
	}
	*w = v
	return nil
}

// String returns the text form. A week and more prints in days, less in hours.
func (w Window) String() string {
	d := time.Duration(w)
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d >= time.Minute && d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// sortLadder returns the positive rungs once each, smallest first.
func sortLadder(rungs []time.Duration) []time.Duration {
	rungs = slices.DeleteFunc(slices.Clone(rungs), func(d time.Duration) bool { return d <= 0 })
	slices.Sort(rungs)
	return slices.Compact(rungs)
}

// rung returns the index of the smallest rung that holds lag, or len(ladder).
// A change recorded within the clock skew after the failure has lag 0.
func rung(ladder []time.Duration, lag time.Duration) int {
	for i, w := range ladder {
		if lag <= w {
			return i
		}
	}
	return len(ladder)
}

// spell writes a duration for people: 142 s, 11 min, 3 h 5 min, 2 d 4 h.
func spell(d time.Duration) string {
	if d < 0 {
		return "-" + spell(-d)
	}
	s := int64(d / time.Second)
	switch {
	case s < 180:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600:
		return pair(s/3600, "h", s%3600/60, "min")
	}
	return pair(s/86400, "d", s%86400/3600, "h")
}

func pair(a int64, au string, b int64, bu string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, au)
	}
	return fmt.Sprintf("%d %s %d %s", a, au, b, bu)
}
