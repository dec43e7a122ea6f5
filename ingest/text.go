package ingest

import (
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote appends the text of a JSON string token, quotes included, to dst.
// A lone surrogate becomes U+FFFD. The token must have passed the scanner.
func Unquote(dst, token []byte) []byte {
	s := token[1 : len(token)-1]
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			i++
			continue
		}
		if s[i+1] != 'u' {
			dst = append(dst, unescaped(s[i+1]))
			i += 2
			continue
		}
		r := hex4(s[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
				low = hex4(s[i+2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func hex4(s []byte) rune {
	var r rune
	for _, c := range s[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}

// AppendQuoted appends text as a JSON string token in the one spelling that
// the index rebuilds: the two-character escapes where JSON has them, \u00xx in
// lower case for other control characters, everything else as it is.
func AppendQuoted(dst, text []byte) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}

// eventTimeLayout is how CloudTrail writes eventTime.
const eventTimeLayout = "2006-01-02T15:04:05Z"

// ParseTime reads an event time. Canonical tells that t, printed in
// CloudTrail's own layout, gives text again. A time outside the years 1 to
// 9999 is no time.
func ParseTime(text []byte) (t time.Time, canonical, ok bool) {
	if t, ok = parseEventTime(text); ok {
		return t, true, true
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false, false
	}
	return t, false, true
}

// parseEventTime reads exactly CloudTrail's layout, without allocating.
func parseEventTime(s []byte) (time.Time, bool) {
	if len(s) != len(eventTimeLayout) || s[4] != '-' || s[7] != '-' || s[10] != 'T' ||
		s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return time.Time{}, false
	}
	year, ok1 := decimal(s[0:4])
	month, ok2 := decimal(s[5:7])
	day, ok3 := decimal(s[8:10])
	hour, ok4 := decimal(s[11:13])
	minute, ok5 := decimal(s[14:16])
	second, ok6 := decimal(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || year < 1 || month < 1 || month > 12 ||
		day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day
}

func decimal(s []byte) (n int, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// AppendEventTime appends t in CloudTrail's layout.
func AppendEventTime(dst []byte, t time.Time) []byte {
	return t.AppendFormat(dst, eventTimeLayout)
}
