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
	tails   map[string]string // patterns with one '*', by what follows it
	lengths []int             // of the tails
	others  []string          // patterns with more than one
}

// groupGlobs puts patterns together, in the order of their prefixes.
func groupGlobs(patterns []string) []globs {
	var list []globs
	for _, p := range patterns {
		prefix, _ := GlobPrefix(p)
		i, ok := slices.BinarySearchFunc(list, prefix, func(g globs, prefix string) int { return strings.Compare(g.prefix, prefix) })
		if !ok {
			list = slices.Insert(list, i, globs{prefix: prefix, tails: map[string]string{}})
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
	g.tails[tail] = pattern
	if !slices.Contains(g.lengths, len(tail)) {
		g.lengths = append(g.lengths, len(tail))
	}
}

// match appends the patterns that match a term.
func (g *globs) match(term []byte, to []string) []string {
	if !bytes.HasPrefix(term, []byte(g.prefix)) {
		return to
	}
	rest := term[len(g.prefix):]
	for _, n := range g.lengths {
		if n > len(rest) {
			continue
		}
		if pattern, ok := g.tails[string(rest[len(rest)-n:])]; ok {
			to = append(to, pattern)
		}
	}
	for _, p := range g.others {
		if MatchGlob(p, string(term)) {
			to = append(to, p)
		}
	}
	return to
}

// behind tells whether all that the patterns may match comes before a term.
func (g *globs) behind(term []byte) bool {
	return string(term) > g.prefix && !bytes.HasPrefix(term, []byte(g.prefix))
}

// match calls visit for each term that matches some patterns, which must take the
// postings from d. Each block that may hold such terms is read once.
func (f *fieldReader) match(list []globs, visit func(patterns []string, d *decbuf)) error {
	var hits []string
	for k := 0; len(list) > 0; k++ {
		if k = max(k, f.first(list[0].prefix)); k >= len(f.seps) {
			break
		}
		err := f.scan(k, k+1, func(t []byte, d *decbuf) bool {
			hits = hits[:0]
			for i := range list {
				if list[i].prefix > string(t) {
					break
				}
				hits = list[i].match(t, hits)
			}
			if len(hits) > 0 {
				visit(hits, d)
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
