package correlate

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"sync"
)

//go:embed playbooks/*.yaml
var embedded embed.FS

// Playbooks returns the playbooks that come with the product, by id.
func Playbooks() ([]*Playbook, error) {
	names, err := fs.Glob(embedded, "playbooks/*.yaml")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("list embedded playbooks: %d found, %w", len(names), err)
	}
	all, errs := make([]*Playbook, len(names)), make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { all[i], errs[i] = loadEmbedded(name) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

func loadEmbedded(name string) (*Playbook, error) {
	f, err := embedded.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open playbook %s: %w", name, err)
	}
	defer f.Close()
	return LoadPlaybook(name, f)
}

// PlaybookSource returns the text of an embedded playbook, comments included.
func PlaybookSource(id string) ([]byte, error) {
	return embedded.ReadFile("playbooks/" + id + ".yaml")
}

// claimant is what playbooks look at in a failure.
type claimant struct {
	action, eventName, eventSource, errorCode string
	layer                                     Layer
	callers                                   []string
	native                                    string
}

// claim returns the playbook that claims c most specifically, or nil. Equal
// claims go to the smaller id.
func claim(books []*Playbook, c *claimant) *Playbook {
	var best *Playbook
	bestScore := -1
	for _, p := range books {
		for i := range p.Failures {
			s, ok := p.Failures[i].specificity(c)
			if !ok || s < bestScore || s == bestScore && p.ID > best.ID {
				continue
			}
			best, bestScore = p, s
		}
	}
	return best
}

// specificity tells whether the selector fits, and how much it asks for. What
// narrows most weighs most: the caller, then the layer, then whole actions.
func (s *FailureSelector) specificity(c *claimant) (int, bool) {
	if (c.native != "") != (len(s.Native) > 0) && len(s.Native)+len(s.Actions)+len(s.EventNames)+len(s.EventSources) > 0 {
		return 0, false
	}
	score := 0
	for _, want := range []struct {
		globs  []string
		have   []string
		weight int
	}{
		{s.Callers, c.callers, 8},
		{s.Native, []string{c.native}, 8},
		{s.Layers, []string{string(c.layer)}, 6},
		{s.ErrorCodes, []string{c.errorCode}, 4},
		{s.Actions, []string{c.action}, 2},
		{s.EventNames, []string{c.eventName}, 2},
		{s.EventSources, []string{c.eventSource}, 1},
	} {
		if len(want.globs) == 0 {
			continue
		}
		n, ok := bestGlob(want.globs, want.have)
		if !ok {
			return 0, false
		}
		score += want.weight * n
	}
	return score, true
}

// bestGlob returns 2 when an entry without '*' fits, 1 when only a glob does.
func bestGlob(globs, have []string) (int, bool) {
	best := 0
	for _, h := range have {
		for _, g := range globs {
			if h == "" && g != "*" || !globFold(g, h) {
				continue
			}
			if !strings.Contains(g, "*") {
				return 2, true
			}
			best = 1
		}
	}
	return best, best > 0
}

// globFold matches s against a pattern with '*', without regard to ASCII case.
// It takes no more than len(pattern)·len(s) steps.
func globFold(pattern, s string) bool {
	return glob(lowerASCII(pattern), lowerASCII(s))
}

// glob matches s against a pattern in which '*' stands for any run.
func glob(pattern, s string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == s
	}
	parts := strings.Split(pattern, "*")
	head, tail := parts[0], parts[len(parts)-1]
	if len(s) < len(head)+len(tail) || !strings.HasPrefix(s, head) || !strings.HasSuffix(s, tail) {
		return false
	}
	s = s[len(head) : len(s)-len(tail)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// extraCodes lists the error codes that the playbooks claim by name.
func extraCodes(books []*Playbook) []string {
	set := map[string]bool{}
	for _, p := range books {
		for _, s := range p.Failures {
			for _, code := range s.ErrorCodes {
				set[code] = true
			}
		}
	}
	return sortedKeys(set)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
