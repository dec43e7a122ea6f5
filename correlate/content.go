package correlate

import (
	"encoding/json"
	"strings"

	"github.com/trailblame/trailblame/correlate/policy"
)

// clause is one statement of a policy document.
type clause struct {
	raw     json.RawMessage // as written, on one line
	canon   string          // equal for equal statements, without Sid
	allow   bool
	actions []string // as written; empty for NotAction
	plain   bool     // no NotAction, NotResource or NotPrincipal
	probe   *policy.Document
}

// document is a policy document taken apart.
type document struct {
	clauses []clause
	whole   *policy.Document
}

// documents parses and keeps documents by their text.
type documents map[string]*document

// of returns the document, or nil when the text is none.
func (d documents) of(text string) *document {
	if doc, ok := d[text]; ok {
		return doc
	}
	doc := parseDocument(text)
	d[text] = doc
	return doc
}

func parseDocument(text string) *document {
	whole, err := policy.Parse([]byte(text))
	if err != nil {
		return nil
	}
	data, err := json.Marshal(whole)
	if err != nil {
		return nil
	}
	var shape struct {
		Version   string
		Statement []map[string]any
	}
	if json.Unmarshal(data, &shape) != nil {
		return nil
	}
	doc := &document{whole: whole}
	for _, s := range shape.Statement {
		c, ok := newClause(shape.Version, s)
		if !ok {
			return nil
		}
		doc.clauses = append(doc.clauses, c)
	}
	return doc
}

// newClause keeps a statement and a twin of it that denies: whether that twin
// denies a request tells whether the statement matches it.
func newClause(version string, s map[string]any) (clause, bool) {
	raw, err := json.Marshal(s)
	if err != nil {
		return clause{}, false
	}
	effect, _ := s["Effect"].(string)
	c := clause{raw: raw, allow: effect == "Allow", plain: true}
	for k := range s {
		if strings.HasPrefix(k, "Not") {
			c.plain = false
		}
	}
	c.actions = Strs(s, "Action")
	twin := map[string]any{}
	for k, v := range s {
		if k != "Sid" {
			twin[k] = v
		}
	}
	canon, err := json.Marshal(twin)
	if err != nil {
		return clause{}, false
	}
	c.canon = string(canon)
	twin["Effect"] = "Deny"
	probe, err := json.Marshal(map[string]any{"Version": version, "Statement": []any{twin}})
	if err != nil {
		return clause{}, false
	}
	c.probe, err = policy.Parse(probe)
	return c, err == nil
}

// diffClauses returns the statements that b has more and less than a. Either
// may be nil, which is a document without statements.
func diffClauses(a, b *document) (added, removed []clause) {
	count := map[string]int{}
	if a != nil {
		for _, c := range a.clauses {
			count[c.canon]++
		}
	}
	if b != nil {
		for _, c := range b.clauses {
			if count[c.canon] > 0 {
				count[c.canon]--
				continue
			}
			added = append(added, c)
		}
	}
	if a != nil {
		for _, c := range a.clauses {
			if count[c.canon] > 0 {
				count[c.canon]--
				removed = append(removed, c)
			}
		}
	}
	return added, removed
}

// statementDiff writes the difference as findings show it. A statement that
// kept its Sid, or the only one that went for the only one that came, is
// changed rather than removed and added.
func statementDiff(added, removed []clause) []StatementDiff {
	diff := []StatementDiff{}
	used := make([]bool, len(removed))
	for _, a := range added {
		d := StatementDiff{Op: "added", Statement: a.raw}
		for i, r := range removed {
			if !used[i] && (sid(a) != "" && sid(a) == sid(r) || len(added) == 1 && len(removed) == 1 && a.allow == r.allow) {
				used[i] = true
				d.Op, d.Before = "changed", r.raw
				break
			}
		}
		diff = append(diff, d)
	}
	for i, r := range removed {
		if !used[i] {
			diff = append(diff, StatementDiff{Op: "removed", Statement: r.raw})
		}
	}
	return diff
}

// presentDiff writes the statements of a document whose predecessor is not
// known. One that must be new, since the request passed before, is added.
func presentDiff(clauses []clause, fresh *clause) []StatementDiff {
	diff := []StatementDiff{}
	for _, c := range clauses {
		op := "present"
		if fresh != nil && c.canon == fresh.canon {
			op = "added"
		}
		diff = append(diff, StatementDiff{Op: op, Statement: c.raw})
	}
	return diff
}

func sid(c clause) string {
	var s struct{ Sid string }
	if json.Unmarshal(c.raw, &s) != nil {
		return ""
	}
	return s.Sid
}

// probeAll is a request as the policies see it, once for each ref or resource.
type probeAll struct {
	requests []*policy.Request
	keys     map[string]tri // answers by statement and layer
}

// match tells whether the statement matches the failing request. With several
// refs or resources one that matches is enough for a denial.
func (p *probeAll) match(c *clause, onResource bool) tri {
	key := c.canon
	if onResource {
		key = "r" + key
	}
	if t, ok := p.keys[key]; ok {
		return t
	}
	best := no
	for _, r := range p.requests {
		best = max(best, matchClause(c, r, onResource))
	}
	p.keys[key] = best
	return best
}

// matchClause tells whether one statement matches one request.
func matchClause(c *clause, r *policy.Request, onResource bool) tri {
	set := policy.Set{}
	stack := policy.Stack{Policies: []policy.Policy{{Doc: c.probe}}}
	if onResource {
		set.Resource = stack
	} else {
		set.Identity = stack
	}
	return explicitDeny(&set, r)
}

// any returns the best match among statements of one effect.
func (p *probeAll) any(list []clause, allow, onResource bool) (tri, *clause) {
	best, at := no, (*clause)(nil)
	for i := range list {
		if list[i].allow != allow {
			continue
		}
		if t := p.match(&list[i], onResource); t > best {
			best, at = t, &list[i]
		}
	}
	return best, at
}

// actionPoints tells how closely a statement names the action.
func actionPoints(c *clause, action string) (int, string) {
	best, text := 0, ""
	for _, a := range c.actions {
		switch {
		case strings.EqualFold(a, action):
			return pointsActionExact, "a changed statement names " + action
		case globFold(a, action) && a != "*" && best < pointsActionService:
			best, text = pointsActionService, "a changed statement covers "+action+" by "+a
		case a == "*" && best < pointsActionAny:
			best, text = pointsActionAny, "a changed statement covers every action"
		}
	}
	return best, text
}

// namesResource reports whether the statement's Resource names the resource
// or its parent rather than everything.
func namesResource(c *clause, resources []string) bool {
	var s struct{ Resource any }
	if json.Unmarshal(c.raw, &s) != nil {
		return false
	}
	for _, pattern := range Strs(map[string]any{"r": s.Resource}, "r") {
		if strings.Trim(pattern, "*") == "" || strings.Count(pattern, "*") > 2 {
			continue
		}
		for _, r := range resources {
			if glob(pattern, r) || pattern == r+"/*" {
				return true
			}
		}
	}
	return false
}
