package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeLayouts are the absolute forms, all UTC unless they say otherwise.
var timeLayouts = [...]string{
	time.RFC3339Nano, // takes seconds without a fraction too
	time.DateOnly,
	"2006-01-02T15:04",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
}

const timeHelp = "write 2026-01-02, 2026-01-02T15:04, 2026-01-02T15:04:05Z, or a time before now such as 90m, 24h, 30d, 2w"

// timeUnits are those of the relative forms. Only months and years are missing:
// they have no fixed length.
var timeUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// ParseTime reads a point in time: RFC 3339, a date (its first moment), a date
// with hours and minutes, all UTC unless an offset stands there; now; or a
// number of minutes, hours, days or weeks before now, as in 90m, 24h, 30d, 2w or
// T-45d. The result is UTC, between the years 1 and 9999. Errors are one line
// that says what to write.
func ParseTime(s string, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return time.Time{}, fmt.Errorf("the time is empty; %s", timeHelp)
	}
	if strings.EqualFold(text, "now") {
		return now.UTC(), nil
	}
	if back, ok := relativePart(text); ok {
		return before(s, back, now)
	}
	return absoluteTime(s, text)
}

// relativePart returns the number and unit of a form that counts back from now.
func relativePart(text string) (string, bool) {
	for _, prefix := range [...]string{"T-", "t-", "now-", "-"} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return rest, true
		}
	}
	return text, !strings.ContainsAny(text, "-:+/. ")
}

func before(s, back string, now time.Time) (time.Time, error) {
	digits := strings.TrimLeft(back, "0123456789")
	count, unitText := back[:len(back)-len(digits)], digits
	switch {
	case unitText == "M":
		return time.Time{}, fmt.Errorf("time %q: M could be minutes or months; write %sm for minutes, or months in days, such as 30d", s, count)
	case count == "" || unitText == "" && len(count) != 0:
		return time.Time{}, fmt.Errorf("time %q is not understood; %s", s, timeHelp)
	}
	unit, ok := timeUnits[unitText[0]]
	if !ok || len(unitText) != 1 {
		return time.Time{}, fmt.Errorf("time %q: unknown unit %q; use m (minutes), h, d or w", s, unitText)
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n > int64(maxBack/unit) {
		return time.Time{}, fmt.Errorf("time %q is more than 200 years back; write a date such as 2026-01-02", s)
	}
	return inRange(s, now.Add(-time.Duration(n)*unit))
}

// maxBack bounds the relative forms, well inside what a Duration holds.
const maxBack = 200 * 365 * 24 * time.Hour

func absoluteTime(s, text string) (time.Time, error) {
	outOfRange := false
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, strings.ToUpper(text))
		if err == nil {
			return inRange(s, t)
		}
		outOfRange = outOfRange || strings.Contains(err.Error(), "out of range")
	}
	if outOfRange {
		return time.Time{}, fmt.Errorf("time %q: there is no such day or time of day; %s", s, timeHelp)
	}
	return time.Time{}, fmt.Errorf("time %q is not understood; %s", s, timeHelp)
}

// inRange refuses years that CloudTrail's own form of a time cannot write.
func inRange(s string, t time.Time) (time.Time, error) {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		return time.Time{}, fmt.Errorf("time %q is outside the years 1 to 9999", s)
	}
	return t, nil
}
