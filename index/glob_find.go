package index

import (
	"bytes"
	"slices"
	"strings"
)

// globs are patterns that begin alike, so that their terms stand together. They
// are looked for as one: who asks for many roles under any path has a pattern
// for each of them, and all begin with the account.
type globs struct {
	prefix  string
	tails   map[string]bool // what follows the '*' of patterns that have one
	lengths []int           // of the tails
	others  []string        // patterns with more than one
}

// groupGlobs puts patterns together, in the order of their prefixes.
func groupGlobs(patterns []string) []globs {
	var list []globs
	for _, p := range patterns {
		prefix, _ := GlobPrefix(p)
		i, ok := slices.BinarySearchFunc(list, prefix, func(g globs, prefix string) int { return strings.Compare(g.prefix, prefix) })
		if !ok {
			list = slices.Insert(list, i, globs{prefix: prefix, tails: map[string]bool{}})
		}
		list[i].add(p)
	}
	return list
}

func (g *globs) add(pattern string) {
	tail := pattern[len(g.prefix)+1:]
	if strings.Contains(tail, "*") {
		g.others = append(g.others, pattern)
		return
	}
	g.tails[tail] = true
	if !slices.Contains(g.lengths, len(tail)) {
		g.lengths = append(g.lengths, len(tail))
	}
}

// match tells whether any of the patterns matches a term.
func (g *globs) match(term []byte) bool {
	if !bytes.HasPrefix(term, []byte(g.prefix)) {
		return false
	}
	rest := term[len(g.prefix):]
	for _, n := range g.lengths {
		if n <= len(rest) && g.tails[string(rest[len(rest)-n:])] {
			return true
		}
	}
	return slices.ContainsFunc(g.others, func(p string) bool { return MatchGlob(p, string(term)) })
}

// behind tells whether all that the patterns may match comes before a term.
func (g *globs) behind(term []byte) bool {
	return string(term) > g.prefix && !bytes.HasPrefix(term, []byte(g.prefix))
}

// match adds the rows of all terms that match a pattern. Each block that may
// hold some is read once.
func (f *fieldReader) match(list []globs, rows *RowSet) error {
	matches := func(t []byte) bool {
		for i := range list {
			if list[i].prefix > string(t) {
				break
			}
			if list[i].match(t) {
				return true
			}
		}
		return false
	}
	for k := 0; len(list) > 0; k++ {
		if k = max(k, f.first(list[0].prefix)); k >= len(f.seps) {
			break
		}
		err := f.scan(k, k+1, func(t []byte, d *decbuf) bool {
			if matches(t) {
				d.postings(rows, f.long)
			} else {
				d.postings(nil, nil)
			}
			for len(list) > 0 && list[0].behind(t) {
				list = list[1:]
			}
			return len(list) > 0
		})
		if err != nil {
			return err
		}
	}
	return nil
}
