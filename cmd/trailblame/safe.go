package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How trailblame shows text that came out of a record
//
//   - A record is written by whoever called AWS. Nothing of it reaches people
//     raw: not in results, not in errors, not in progress.
//   - Whatever a reader cannot see, or what moves the cursor or turns the
//     direction of text, is shown as an escape: \x1b, \u202e, \U000e0041. That is
//     every control character (line breaks and tabs too), bidi control,
//     zero-width, filler and tag character, every space but the ASCII one,
//     private and unassigned characters, and bytes that are not UTF-8 (\xff).
//   - Escapes are unambiguous: a backslash in front of something that would
//     read as an escape is doubled, every other backslash stands for itself.
//   - JSON uses its own \uXXXX for the same characters, so that a parser gets
//     the very string that the record held.
//   - Colour comes from us alone, in the eight sequences of style.go, and never
//     carries meaning that the words do not.

// safe returns s as people may see it.
func safe(s string) string {
	if isPlain(s) && !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = appendEscape(out, 'x', rune(s[i]), 2)
		case hidden(r):
			out = appendHidden(out, r)
		case r == '\\' && readsAsEscape(s[i+1:]):
			out = append(out, `\\`...)
		default:
			out = append(out, s[i:i+n]...)
		}
		i += n
	}
	return string(out)
}

// isPlain tells whether s is printable ASCII throughout.
func isPlain[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// hidden tells whether a reader would not see r for what it is. Go calls
// letters, marks, numbers, punctuation, symbols and the ASCII space printable;
// some of those show nothing all the same.
func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < 0x20 || r == 0x7f
	}
	return !strconv.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r) || r == '\u17b4' || r == '\u17b5' || r == '\u2800'
}

// readsAsEscape tells whether a backslash in front of rest would be taken for
// the beginning of an escape.
func readsAsEscape(rest string) bool {
	if rest == "" {
		return false
	}
	if strings.IndexByte(`xuU\`, rest[0]) >= 0 {
		return true
	}
	r, n := utf8.DecodeRuneInString(rest)
	return r == utf8.RuneError && n == 1 || hidden(r)
}

func appendHidden(out []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		return appendEscape(out, 'x', r, 2)
	case r <= 0xffff:
		return appendEscape(out, 'u', r, 4)
	}
	return appendEscape(out, 'U', r, 8)
}

// appendEscape appends a backslash, kind, and r in so many hexadecimal digits.
func appendEscape(out []byte, kind byte, r rune, digits int) []byte {
	out = append(out, '\\', kind)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		out = append(out, "0123456789abcdef"[r>>shift&15])
	}
	return out
}

// appendSafeJSON appends JSON text to out with every hidden character inside
// its strings as \uXXXX. It stays the same JSON; of white space between tokens
// only line breaks and spaces are left. Bytes that are not UTF-8, which no JSON
// may hold, become \ufffd.
func appendSafeJSON(out, json []byte) []byte {
	if isPlain(json) {
		return append(out, json...)
	}
	inString, escaped := false, false
	for i := 0; i < len(json); {
		r, n := utf8.DecodeRune(json[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, `\ufffd`...)
		case !inString && (r == '\t' || r == '\r'):
			out = append(out, ' ')
		case !inString && r == '\n':
			out = append(out, '\n')
		case hidden(r):
			out = appendJSONEscape(out, r)
		default:
			out = append(out, json[i:i+n]...)
		}
		switch {
		case escaped:
			escaped = false
		case r == '"':
			inString = !inString
		case r == '\\':
			escaped = inString
		}
		i += n
	}
	return out
}

func appendJSONEscape(out []byte, r rune) []byte {
	if r <= 0xffff {
		return appendEscape(out, 'u', r, 4)
	}
	r -= 0x10000
	out = appendEscape(out, 'u', 0xd800+r>>10, 4)
	return appendEscape(out, 'u', 0xdc00+r&0x3ff, 4)
}
