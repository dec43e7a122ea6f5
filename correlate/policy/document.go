package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Document is a parsed policy document. It never changes after Parse and may
// be shared between goroutines.
type Document struct {
	statements []statement
	version    string
	flaw       string

	// byService holds the action patterns of every service that statements
	// name, anyService the statements that may be about any service.
	byService  map[string][]posting
	anyService []int
	every      []int
}

// Versions of the policy language. Variables exist only in the later one.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse reads a policy document: JSON, a JSON string that holds JSON, or
// percent-encoded JSON. Its errors are *ParseError. A document that is valid
// JSON but holds elements this package does not understand parses; the
// statements concerned evaluate to Unknown for the requests they could match,
// and Problems lists them.
func Parse(data []byte) (*Document, error) {
	root, err := readTree(data)
	if err != nil {
		return nil, err
	}
	if root.kind != nodeObject {
		return nil, parseErrorAt(data, 0, "a policy document is a JSON object")
	}
	return compileDocument(root), nil
}

// ParseAny reads a document out of a decoded CloudTrail record, where it is a
// string for most services and an object for some.
func ParseAny(v any) (*Document, error) {
	switch t := v.(type) {
	case string:
		return Parse([]byte(t))
	case []byte:
		return Parse(t)
	case json.RawMessage:
		return Parse(t)
	case nil:
		return nil, parseErrorAt(nil, 0, "document is empty")
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, parseErrorAt(nil, 0, err.Error())
	}
	return Parse(data)
}

// Statements returns how many statements the document has.
func (d *Document) Statements() int { return len(d.statements) }

// Problems lists what in the document was not understood, one sentence each.
func (d *Document) Problems() []string {
	var list []string
	if d.flaw != "" {
		list = append(list, d.flaw)
	}
	for i := range d.statements {
		s := &d.statements[i]
		for _, flaw := range s.flaws() {
			list = append(list, fmt.Sprintf("%s: %s", s.label(), flaw))
		}
	}
	return list
}

// MarshalJSON returns the document in its canonical form.
func (d *Document) MarshalJSON() ([]byte, error) {
	list := make([]any, len(d.statements))
	for i := range d.statements {
		list[i] = d.statements[i].canonical()
	}
	return json.Marshal(map[string]any{"Version": d.version, "Statement": list})
}

func compileDocument(root *node) *Document {
	d := &Document{version: version2008}
	var statements []*node
	seen := map[string]bool{}
	for _, f := range root.fields {
		name := strings.ToLower(f.name)
		if seen[name] {
			d.flaw = "element " + f.name + " appears twice"
		}
		seen[name] = true
		switch name {
		case "version":
			d.version = f.value.text
			if d.version != version2008 && d.version != version2012 {
				d.flaw = "unknown policy version " + quoted(d.version)
			}
		case "id":
		case "statement":
			statements = append(statements, f.value.elements()...)
		default:
			d.flaw = "unknown element " + f.name
		}
	}
	d.statements = make([]statement, len(statements))
	for i, n := range statements {
		d.statements[i] = compileStatement(n, i, d.version != version2008)
	}
	d.index()
	return d
}

// posting is an action pattern of a statement.
type posting struct {
	actionPattern
	statement int
}

func (d *Document) index() {
	d.byService = map[string][]posting{}
	for i := range d.statements {
		s := &d.statements[i]
		d.every = append(d.every, i)
		if s.anyService() {
			d.anyService = append(d.anyService, i)
			continue
		}
		for _, a := range s.actions {
			service := a.service()
			d.byService[service] = append(d.byService[service], posting{a, i})
		}
	}
}

// cursor walks the statements that may be about an action, in their order.
type cursor struct {
	action string
	own    []posting
	any    []int
	at, in int // positions in own and any
}

// about returns the statements that may be about an action in lower case of
// a service; all of them if the action is not known.
func (d *Document) about(service, action string) cursor {
	if action == "" {
		return cursor{any: d.every}
	}
	return cursor{action: action, own: d.byService[service], any: d.anyService}
}

// next returns the index of the next statement, or -1.
func (c *cursor) next() int {
	for c.at < len(c.own) && c.own[c.at].differs(c.action) {
		c.at++
	}
	if c.in < len(c.any) && (c.at == len(c.own) || c.any[c.in] < c.own[c.at].statement) {
		c.in++
		return c.any[c.in-1]
	}
	if c.at == len(c.own) {
		return -1
	}
	found := c.own[c.at].statement
	for c.at < len(c.own) && c.own[c.at].statement == found {
		c.at++
	}
	return found
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
