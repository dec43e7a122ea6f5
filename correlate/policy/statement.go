package policy

import (
	"fmt"
	"strings"
)

type effect uint8

const (
	effectUnclear effect = iota
	effectAllow
	effectDeny
)

// statement is one compiled statement of a document.
type statement struct {
	// What every evaluation looks at comes first.
	actions   []actionPattern
	hasAction bool
	notAction bool
	actionBad string

	index  int
	sid    string
	effect effect
	flaw   string
	node   *node

	principals   []claim
	hasPrincipal bool
	notPrincipal bool
	principalBad string

	resources   []pattern
	hasResource bool
	notResource bool
	resourceBad string

	conditions []condition
	// byARN is set if a condition on aws:PrincipalArn singles callers out. A
	// role found that way counts as named by its ARN.
	byARN bool
}

func compileStatement(n *node, index int, variables bool) statement {
	s := statement{index: index, node: n}
	if n.kind != nodeObject {
		s.flaw = "statement is not an object"
		return s
	}
	seen := map[string]bool{}
	for _, f := range n.fields {
		name := strings.ToLower(f.name)
		if seen[name] || seen[strings.TrimPrefix(name, "not")] || seen["not"+name] {
			s.flaw = "element " + f.name + " appears twice"
		}
		seen[name] = true
		s.element(name, f, variables)
	}
	if s.effect == effectUnclear && s.flaw == "" {
		s.flaw = "no Effect that is Allow or Deny"
	}
	if !s.hasAction && s.flaw == "" {
		s.flaw = "neither Action nor NotAction"
	}
	return s
}

func (s *statement) element(name string, f field, variables bool) {
	switch name {
	case "sid":
		s.sid = f.value.text
	case "effect":
		s.effect = readEffect(f.value)
	case "principal", "notprincipal":
		s.hasPrincipal, s.notPrincipal = true, name == "notprincipal"
		s.principals, s.principalBad = compilePrincipals(f.value)
	case "action", "notaction":
		s.hasAction, s.notAction = true, name == "notaction"
		s.actions, s.actionBad = compileActions(f.value)
	case "resource", "notresource":
		s.hasResource, s.notResource = true, name == "notresource"
		s.resources, s.resourceBad = compilePatterns(f.value, func(text string) pattern {
			return compileResource(text, variables)
		})
	case "condition":
		s.compileConditions(f.value, variables)
	default:
		s.flaw = "unknown element " + f.name
	}
}

func readEffect(n *node) effect {
	switch n.text {
	case "Allow":
		return effectAllow
	case "Deny":
		return effectDeny
	}
	return effectUnclear
}

func compileActions(n *node) (list []actionPattern, flaw string) {
	patterns, flaw := compilePatterns(n, func(text string) pattern {
		return compilePattern(text, how{globs: true, fold: true})
	})
	for _, p := range patterns {
		list = append(list, newActionPattern(p))
	}
	return list, flaw
}

func compilePatterns(n *node, compile func(string) pattern) (list []pattern, flaw string) {
	texts, complete := n.texts()
	if !complete {
		flaw = "entry that is not text"
	}
	for _, text := range texts {
		p := compile(text)
		if p.flaw != "" {
			flaw = p.flaw
			continue
		}
		list = append(list, p)
	}
	return list, flaw
}

func (s *statement) compileConditions(n *node, variables bool) {
	if n.kind != nodeObject {
		s.flaw = "Condition is not an object"
		return
	}
	seen := map[string]bool{}
	for _, f := range n.fields {
		op := readOperator(f.name)
		if f.value.kind != nodeObject {
			s.flaw = "condition " + f.name + " is not an object"
			continue
		}
		s.noteRepeat(seen, op.name)
		for _, key := range f.value.fields {
			s.noteRepeat(seen, op.name+" "+strings.ToLower(key.name))
			c := compileCondition(op, key.name, key.value, variables)
			s.conditions = append(s.conditions, c)
			s.byARN = s.byARN || c.key == "aws:principalarn" && op.known && !op.negated && op.family != familyNull
		}
	}
}

// noteRepeat marks the statement if a name comes twice: which of the two
// counts is not documented.
func (s *statement) noteRepeat(seen map[string]bool, name string) {
	if seen[name] {
		s.flaw = "condition " + name + " appears twice"
	}
	seen[name] = true
}

// anyService reports whether the statement may be about actions of services
// that it does not name.
func (s *statement) anyService() bool {
	if s.notAction || !s.hasAction || s.actionBad != "" {
		return true
	}
	for i := range s.actions {
		if s.actions[i].service() == "" {
			return true
		}
	}
	return false
}

// label names the statement within its policy.
func (s *statement) label() string {
	if s.sid != "" {
		return fmt.Sprintf("statement %d (%s)", s.index, s.sid)
	}
	return fmt.Sprintf("statement %d", s.index)
}

// flaws lists all that was not understood.
func (s *statement) flaws() []string {
	list := []string{s.flaw, s.principalBad, s.actionBad, s.resourceBad}
	for i := range s.conditions {
		c := &s.conditions[i]
		list = append(list, c.flaw)
		if !c.op.known {
			list = append(list, "unknown condition operator "+c.op.name+", which never matches")
		}
		for j := range c.values {
			list = append(list, c.values[j].pattern.flaw)
		}
	}
	kept := list[:0]
	for _, flaw := range list {
		if flaw != "" {
			kept = append(kept, flaw)
		}
	}
	return kept
}
