package index

import "strings"

// GlobPrefix returns what pattern begins with before its first '*', and whether
// it has one.
func GlobPrefix(pattern string) (prefix string, glob bool) {
	i := strings.IndexByte(pattern, '*')
	if i < 0 {
		return pattern, false
	}
	return pattern[:i], true
}

// MatchGlob tells whether text matches pattern, in which '*' stands for any run
// of characters and everything else for itself. It takes time proportional to
// the product of the lengths at worst.
func MatchGlob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || len(text) < len(first)+len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
