package query

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 15, 5, time.FixedZone("", 3600)) // 11:30:15 UTC
	for s, want := range map[string]string{
		"2026-01-02":                "2026-01-02T00:00:00Z",
		" 2026-01-02 ":              "2026-01-02T00:00:00Z",
		"2024-02-29":                "2024-02-29T00:00:00Z",
		"2026-01-02T15:04":          "2026-01-02T15:04:00Z",
		"2026-01-02 15:04":          "2026-01-02T15:04:00Z",
		"2026-01-02T15:04:05":       "2026-01-02T15:04:05Z",
		"2026-01-02T15:04:05Z":      "2026-01-02T15:04:05Z",
		"2026-01-02t15:04:05z":      "2026-01-02T15:04:05Z",
		"2026-01-02T15:04:05.25Z":   "2026-01-02T15:04:05.25Z",
		"2026-01-02T15:04:05+02:00": "2026-01-02T13:04:05Z",
		"2026-01-02T15:04-01:00":    "2026-01-02T16:04:00Z",
		"9999-12-31T23:59:59Z":      "9999-12-31T23:59:59Z",
		"now":                       "2026-03-10T11:30:15.000000005Z",
		"NOW":                       "2026-03-10T11:30:15.000000005Z",
		"90m":                       "2026-03-10T10:00:15.000000005Z",
		"30s":                       "2026-03-10T11:29:45.000000005Z",
		"24h":                       "2026-03-09T11:30:15.000000005Z",
		"30d":                       "2026-02-08T11:30:15.000000005Z",
		"2w":                        "2026-02-24T11:30:15.000000005Z",
		"0d":                        "2026-03-10T11:30:15.000000005Z",
		"T-45d":                     "2026-01-24T11:30:15.000000005Z",
		"now-1h":                    "2026-03-10T10:30:15.000000005Z",
		"-1h":                       "2026-03-10T10:30:15.000000005Z",
	} {
		got, err := ParseTime(s, now)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v, %v; want %s", s, got, err, want)
		}
	}
}

func TestParseTimeErrors(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]string{
		"":                          "empty",
		"yesterday":                 "not understood",
		"12":                        "not understood",
		"20260102":                  "not understood",
		"1.5h":                      "not understood",
		"2026-13-01":                "no such day",
		"2026-02-29":                "no such day",
		"2026-02-30T10:00":          "no such day",
		"2026-01-02T25:00":          "no such day",
		"2026-01-02T15:04:60Z":      "no such day",
		"5M":                        "write 5m for minutes",
		"T-5M":                      "months in days",
		"M":                         "minutes or months",
		"1y":                        "unknown unit",
		"5min":                      "unknown unit",
		"1h30m":                     "unknown unit",
		"h":                         "not understood",
		"T-":                        "not understood",
		"--5d":                      "not understood",
		"T-5":                       "not understood",
		"99999999999999999999d":     "200 years",
		"100000d":                   "200 years",
		"0001-01-01":                "years 1 to 9999",
		"0000-01-01":                "years 1 to 9999",
		"9999-12-31T23:59:59-01:00": "years 1 to 9999",
		"10000-01-01":               "not understood",
		"2026-01-02\x1b[31m":        "not understood",
		"2026-01-02\n":              "",
	} {
		got, err := ParseTime(s, now)
		if want == "" {
			if err != nil {
				t.Errorf("ParseTime(%q): %v", s, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("ParseTime(%q) = %v, %v; want an error with %q", s, got, err, want)
		}
	}
}

// FuzzParseTime looks for panics, and for times that a trail cannot hold.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"now", "24h", "T-45d", "5M", "2026-01-02", "2026-01-02T15:04:05.25+02:00", "9223372036854775807w", "-", "\x1b"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s, now)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") || !got.IsZero() {
				t.Errorf("ParseTime(%q) = %v, %v", s, got, err)
			}
			return
		}
		if y := got.Year(); y < 1 || y > 9999 || got.Location() != time.UTC {
			t.Errorf("ParseTime(%q) = %v", s, got)
		}
		if again, err := ParseTime(got.Format(time.RFC3339Nano), now); err != nil || !again.Equal(got) {
			t.Errorf("ParseTime(%q) = %v, which reads as %v, %v", s, got, again, err)
		}
	})
}
