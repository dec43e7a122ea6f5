package main

import (
	"strconv"
	"strings"
)

// unescaped undoes %XX, \uXXXX and &#NN; for ASCII, also where they are escaped
// again, and tells where each byte of the result, and its end, stands in s.
func unescaped(s string) (plain string, at []int) {
	out := make([]byte, 0, len(s))
	at = make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		c, n := s[i], 1
		switch c {
		case '%':
			c, n = percentEscape(s[i:])
		case '&':
			c, n = entity(s[i:])
		case '\\':
			n = len(s[i:]) - len(strings.TrimLeft(s[i:], `\`))
			if escaped, ok := unicodeEscape(s[i+n:]); ok {
				c, n = escaped, n+5
				break
			}
			for k := range n - 1 { // a run of backslashes, looked at once
				out, at = append(out, '\\'), append(at, i+k)
			}
			i, n = i+n-1, 1
		}
		out, at = append(out, c), append(at, i)
		i += n
	}
	return string(out), append(at, len(s))
}

// percentEscape reads %XX, %25XX and so on.
func percentEscape(s string) (byte, int) {
	n := 1
	for strings.HasPrefix(s[n:], "25") && len(s) >= n+4 {
		n += 2
	}
	if len(s) >= n+2 {
		if v, err := strconv.ParseUint(s[n:n+2], 16, 8); err == nil && v < 0x80 {
			return byte(v), n + 2
		}
	}
	return s[0], 1
}

// unicodeEscape reads the uXXXX behind backslashes.
func unicodeEscape(s string) (byte, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[1:5], 16, 16)
	return byte(v), err == nil && v < 0x80
}

func entity(s string) (byte, int) {
	digits, base := strings.TrimPrefix(s, "&#"), 10
	if len(digits) == len(s) {
		return s[0], 1
	}
	if hex := strings.TrimLeft(digits, "xX"); len(hex) < len(digits) {
		digits, base = hex, 16
	}
	number, _, ok := strings.Cut(digits[:min(len(digits), 8)], ";")
	v, err := strconv.ParseUint(number, base, 8)
	if !ok || err != nil || v >= 0x80 {
		return s[0], 1
	}
	return byte(v), strings.IndexByte(s, ';') + 1
}
