package policy

import (
	"strings"
	"unicode/utf8"
)

// Wildcards are stored as control bytes, so that a star that came out of a
// policy variable or from ${*} stays an ordinary character.
const (
	anyRun  = '\x00' // "*": any characters
	anyOne  = '\x01' // "?": one character
	segment = '\x02' // "*" inside an ARN segment: any characters but a colon
)

const wildcards = "\x00\x01\x02"

// globCost is how many steps one evaluation may spend in matching. It is far
// above what real policies need and keeps hostile ones from taking minutes;
// what is left undecided when it runs out is unknown.
const globCost = 1 << 22

type patternKind uint8

const (
	general patternKind = iota
	everything
	exact
	prefix
)

// pattern is a string of a policy, compiled. Without variables its text is
// ready to compare; with variables it is put together for each request.
type pattern struct {
	kind  patternKind
	text  string
	parts []part // not empty if there are variables
	flaw  string // why the string could not be understood

	// short is the pattern as written, if it is an ARN that was completed.
	short *pattern
}

// part is literal text, followed by a variable unless key is empty.
type part struct {
	text     string
	key      string // lower case
	fallback string
	hasFall  bool
}

// how says which characters of a policy string have a meaning.
type how struct {
	globs     bool // * and ? are wildcards
	variables bool // ${...} is replaced
	fold      bool // compared without regard to case
}

func compilePattern(raw string, h how) pattern {
	if h.fold {
		raw = strings.ToLower(raw)
	}
	if strings.ContainsAny(raw, wildcards) {
		return pattern{flaw: "control characters"}
	}
	parts, flaw := splitVariables(raw, h)
	p := pattern{flaw: flaw, parts: parts}
	p.settle()
	return p
}

func (p *pattern) classify() {
	at := strings.IndexAny(p.text, wildcards)
	switch {
	case at < 0:
		p.kind = exact
	case p.text[at] != anyRun || at != len(p.text)-1:
		p.kind = general
	case at == 0:
		p.kind = everything
	default:
		p.kind = prefix
	}
}

func splitVariables(raw string, h how) (parts []part, flaw string) {
	var text strings.Builder
	for len(raw) > 0 {
		at := -1
		if h.variables {
			at = strings.Index(raw, "${")
		}
		if at < 0 {
			text.WriteString(markGlobs(raw, h.globs))
			break
		}
		text.WriteString(markGlobs(raw[:at], h.globs))
		body, rest, closed := strings.Cut(raw[at+2:], "}")
		if !closed {
			return []part{{text: raw}}, "policy variable without end"
		}
		raw = rest
		switch body {
		case "*", "?", "$":
			text.WriteString(body)
			continue
		}
		v, ok := parseVariable(body)
		if !ok {
			return []part{{text: raw}}, "malformed policy variable ${" + body + "}"
		}
		v.text = text.String()
		text.Reset()
		parts = append(parts, v)
	}
	if text.Len() > 0 || len(parts) == 0 {
		parts = append(parts, part{text: text.String()})
	}
	return parts, ""
}

func parseVariable(body string) (v part, ok bool) {
	key, fallback, hasFall := strings.Cut(body, ",")
	v.key = strings.ToLower(strings.TrimSpace(key))
	if hasFall {
		fallback = strings.TrimSpace(fallback)
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return v, false
		}
		v.fallback, v.hasFall = fallback[1:len(fallback)-1], true
	}
	return v, v.key != "" && !strings.ContainsAny(v.key, " \t${")
}

func markGlobs(s string, globs bool) string {
	if !globs || !strings.ContainsAny(s, "*?") {
		return s
	}
	return strings.NewReplacer("*", string(rune(anyRun)), "?", string(rune(anyOne))).Replace(s)
}

// arnParts is the number of colon-separated parts of an ARN.
const arnParts = 6

// compileResource compiles an entry of Resource or NotResource. A star that
// ends a part of an ARN may reach over colons, one inside a part may not ("IAM
// JSON policy elements: Resource"). An ARN with missing parts is completed
// with stars, which holds for identity-based policies only ("Identify AWS
// resources with ARNs"); short keeps the pattern for the others.
func compileResource(raw string, variables bool) pattern {
	p := compilePattern(raw, how{globs: true, variables: variables})
	if p.flaw != "" || !strings.HasPrefix(raw, "arn:") {
		return p
	}
	if p.parts == nil {
		p.parts = []part{{text: p.text}}
	}
	colons := 0
	for i := range p.parts {
		p.parts[i].text, colons = boundSegments(p.parts[i].text, colons, p.parts[i].key != "")
	}
	p.settle()
	if missing := arnParts - 1 - colons; missing > 0 {
		short := p
		p.short = &short
		p.parts = append(p.parts[:len(p.parts):len(p.parts)], part{text: strings.Repeat(":"+string(rune(anyRun)), missing)})
		if short.parts == nil {
			p.parts = []part{{text: short.text + p.parts[0].text}}
		}
		p.settle()
	}
	return p
}

// settle turns a pattern without variables into its text.
func (p *pattern) settle() {
	if len(p.parts) == 1 && p.parts[0].key == "" {
		p.text, p.parts = p.parts[0].text, nil
		p.classify()
	}
}

// boundSegments rewrites the stars of one literal stretch of an ARN. colons
// counts those seen so far; more says that a variable follows.
func boundSegments(text string, colons int, more bool) (string, int) {
	out := []byte(text)
	for i := 0; i < len(out) && colons < arnParts-1; i++ {
		switch {
		case out[i] == ':':
			colons++
		case out[i] == anyRun && (i+1 < len(out) && out[i+1] != ':' || i+1 == len(out) && more):
			out[i] = segment
		}
	}
	return string(out), colons
}

// actionPattern is a pattern of Action or NotAction. It is kept small, because
// an evaluation looks at many of them.
type actionPattern struct {
	text string // lower case; of a prefix, without its star
	kind patternKind
}

func newActionPattern(p pattern) actionPattern {
	if p.kind == prefix {
		return actionPattern{p.text[:len(p.text)-1], prefix}
	}
	return actionPattern{p.text, p.kind}
}

// service returns the prefix before the colon, or "" if it is not fixed.
func (a *actionPattern) service() string {
	service, _, ok := strings.Cut(a.text, ":")
	if !ok || strings.ContainsAny(service, wildcards) {
		return ""
	}
	return service
}

// matches compares with an action in lower case.
func (a *actionPattern) matches(action string, budget *int) tri {
	switch a.kind {
	case everything:
		return yes
	case exact:
		return when(a.text == action)
	case prefix:
		return when(strings.HasPrefix(action, a.text))
	}
	return matchGlob(a.text, action, budget)
}

// differs rules most patterns out by one character: the last one, because
// actions of one service share their beginning.
func (a *actionPattern) differs(action string) bool {
	n := len(a.text)
	switch a.kind {
	case exact:
		return n != len(action) || n > 0 && a.text[n-1] != action[n-1]
	case prefix:
		return n > len(action) || n > 0 && a.text[n-1] != action[n-1]
	}
	return false
}

// matchText compares a pattern without variables with s, minding case.
func matchText(p *pattern, s string, budget *int) tri {
	switch p.kind {
	case everything:
		return yes
	case exact:
		return when(p.text == s)
	case prefix:
		return when(strings.HasPrefix(s, p.text[:len(p.text)-1]))
	}
	return matchGlob(p.text, s, budget)
}

// matchGlob matches with wildcards in time proportional to len(p)*len(s) at
// worst: only the latest star is ever retried, which is enough because a star
// that reached further could not help a later one.
func matchGlob(p, s string, budget *int) tri {
	if strings.IndexByte(p, segment) >= 0 {
		return matchStates(p, s, budget)
	}
	pi, si, star, mark := 0, 0, -1, 0
	for si < len(s) {
		if *budget--; *budget < 0 {
			return maybe
		}
		if pi < len(p) && p[pi] == anyRun {
			star, mark = pi, si
			pi++
			continue
		}
		if n := step(p, pi, s, si); n > 0 {
			pi++
			si += n
			continue
		}
		if star < 0 {
			return no
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		pi, si = star+1, mark
	}
	for pi < len(p) && p[pi] == anyRun {
		pi++
	}
	return when(pi == len(p))
}

// step returns how many bytes of s at si the pattern byte at pi takes.
func step(p string, pi int, s string, si int) int {
	if pi >= len(p) {
		return 0
	}
	if p[pi] == anyOne {
		_, n := utf8.DecodeRuneInString(s[si:])
		return n
	}
	if p[pi] == s[si] {
		return 1
	}
	return 0
}

// matchStates follows all ways to match at once. Stars that stop at a colon
// need it: the latest star is then not always the one to retry.
func matchStates(p, s string, budget *int) tri {
	now, next := make([]bool, len(p)+1), make([]bool, len(p)+1)
	now[0] = true
	for si := 0; ; {
		skipStars(p, now)
		if si == len(s) {
			return when(now[len(p)])
		}
		if *budget -= len(p); *budget < 0 {
			return maybe
		}
		_, width := utf8.DecodeRuneInString(s[si:])
		if !advance(p, s, si, width, now, next) {
			return no
		}
		now, next = next, now
		clear(next)
		si += width
	}
}

// skipStars lets every star match nothing.
func skipStars(p string, states []bool) {
	for i := range len(p) {
		if states[i] && (p[i] == anyRun || p[i] == segment) {
			states[i+1] = true
		}
	}
}

// advance takes one character of s from every state and reports whether any
// state is left.
func advance(p, s string, si, width int, now, next []bool) bool {
	alive := false
	for i := 0; i < len(p); i++ {
		if !now[i] {
			continue
		}
		switch {
		case p[i] == anyRun, p[i] == segment && s[si] != ':':
			next[i], alive = true, true
		case p[i] == anyOne:
			next[i+1], alive = true, true
		case i+width <= len(p) && p[i:i+width] == s[si:si+width]:
			next[i+width], alive = true, true
		}
	}
	return alive
}
