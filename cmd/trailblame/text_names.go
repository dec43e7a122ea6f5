package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// shortName says an ARN in words: "user alice", "role Deploy (session ci-4711)",
// "bucket/key". Of a principal id with a name, AROA…:alice, the name is left.
// Anything else is returned as it is.
func shortName(arn string) string {
	part := strings.SplitN(arn, ":", 6)
	switch {
	case len(part) == 2 && part[1] != "" && !strings.Contains(part[0], " "):
		return part[1]
	case len(part) < 6 || part[0] != "arn":
		return arn
	}
	kind, name, found := strings.Cut(part[5], "/")
	if !found {
		if part[5] == "root" {
			return "root of " + part[4]
		}
		if kind, name, found = strings.Cut(part[5], ":"); !found || part[2] == "s3" {
			return part[5]
		}
	}
	if part[2] == "s3" {
		return part[5]
	}
	switch kind {
	case "user", "group", "role", "policy", "key", "function", "secret", "instance-profile":
		return kind + " " + name[strings.LastIndexByte(name, '/')+1:]
	case "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		return fmt.Sprintf("role %s (session %s)", role, session)
	}
	return kind + " " + name
}

// clock writes an instant for people, in UTC.
func clock(t correlate.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// clockAfter writes t like clock, without the date if that is the date of from.
func clockAfter(from, t correlate.Time) string {
	text := clock(t)
	if day, _, ok := strings.Cut(clock(from), " "); ok && !t.IsZero() {
		text = strings.TrimPrefix(text, day+" ")
	}
	return text
}

// duration writes a length of time for people, in its two largest units.
func duration(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := fmt.Sprintf("%d %s", d/u.size, u.name)
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0 s"
}

// before says how long before the first failure a change was made.
func before(lagSeconds int64) string {
	lag := time.Duration(lagSeconds) * time.Second
	switch {
	case lag == 0:
		return "in the same second"
	case lag < 0:
		return duration(-lag) + " after the first failure"
	}
	return duration(lag) + " before"
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// someOf joins the first few names, and says how many more there are.
func someOf(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}
