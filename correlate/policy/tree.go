package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const (
	// MaxDocument is the largest document Parse reads, in bytes. The largest
	// policy any AWS service stores is far below it.
	MaxDocument = 1 << 20

	// maxDepth bounds nesting. A valid policy needs six levels.
	maxDepth = 24

	// maxWraps bounds how often a document may be quoted or percent-encoded.
	// CloudTrail does each at most once.
	maxWraps = 3
)

// ParseError is a syntax error of a policy document, with its place.
type ParseError struct {
	Offset int    // bytes before the error, in the decoded text
	Line   int    // from 1
	Column int    // bytes, from 1
	Reason string // what is wrong there
}

// Error says where the document is broken and why.
func (e *ParseError) Error() string {
	return fmt.Sprintf("parse policy: line %d, column %d (offset %d): %s", e.Line, e.Column, e.Offset, e.Reason)
}

func parseErrorAt(text []byte, offset int, reason string) *ParseError {
	offset = max(0, min(offset, len(text)))
	before := text[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	return &ParseError{
		Offset: offset,
		Line:   line,
		Column: offset - bytes.LastIndexByte(before, '\n'),
		Reason: reason,
	}
}

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeText
	nodeBool
	nodeNumber
	nodeList
	nodeObject
)

// node is one JSON value. Objects keep their members in order and keep
// repeated names, because a repeated name makes a statement ambiguous.
type node struct {
	kind   nodeKind
	text   string // nodeText, nodeBool and nodeNumber, as AWS compares them
	items  []*node
	fields []field
}

type field struct {
	name  string
	value *node
}

func (n *node) scalar() bool {
	return n.kind == nodeText || n.kind == nodeBool || n.kind == nodeNumber
}

// elements reads a single value as a list of one, as AWS does everywhere.
func (n *node) elements() []*node {
	if n.kind == nodeList {
		return n.items
	}
	return []*node{n}
}

// texts returns the scalar elements of n, and whether that was all of them.
func (n *node) texts() (list []string, complete bool) {
	complete = true
	for _, e := range n.elements() {
		if !e.scalar() {
			complete = false
			continue
		}
		list = append(list, e.text)
	}
	return list, complete
}

// readTree decodes a document that may be wrapped as a JSON string, as
// percent-encoded text, or both.
func readTree(data []byte) (*node, error) {
	for range maxWraps {
		data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
		if len(data) > MaxDocument {
			return nil, parseErrorAt(data, MaxDocument, fmt.Sprintf("document is larger than %d bytes", MaxDocument))
		}
		switch {
		case len(data) == 0:
			return nil, parseErrorAt(data, 0, "document is empty")
		case data[0] == '%':
			return readEncoded(data)
		case data[0] != '"':
			return readJSON(data)
		}
		var inner string
		if err := json.Unmarshal(data, &inner); err != nil {
			return nil, syntaxError(data, err)
		}
		data = []byte(inner)
	}
	return nil, parseErrorAt(data, 0, "document is quoted too often")
}

// readEncoded reads percent-encoded text. IAM encodes by RFC 3986, where a
// plus sign is itself; form encoding, where it is a space, is the second try.
func readEncoded(data []byte) (*node, error) {
	plain, err := url.PathUnescape(string(data))
	if err != nil {
		return nil, parseErrorAt(data, 0, "bad percent-encoding: "+err.Error())
	}
	if strings.HasPrefix(plain, "%") {
		return nil, parseErrorAt(data, 0, "document is percent-encoded twice")
	}
	tree, err := readJSON([]byte(plain))
	if err == nil || !bytes.ContainsRune(data, '+') {
		return tree, err
	}
	if form, formErr := url.QueryUnescape(string(data)); formErr == nil {
		if tree, formErr := readJSON([]byte(form)); formErr == nil {
			return tree, nil
		}
	}
	return nil, err
}

func readJSON(data []byte) (*node, error) {
	// The whole text is checked first: only this check places errors exactly.
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, syntaxError(data, err)
	}
	r := reader{dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	root, err := r.value(0)
	if err != nil {
		return nil, parseErrorAt(data, int(r.dec.InputOffset()), err.Error())
	}
	return root, nil
}

func syntaxError(data []byte, err error) error {
	var syntax *json.SyntaxError
	switch {
	case !errors.As(err, &syntax):
		return parseErrorAt(data, 0, err.Error())
	case int(syntax.Offset) >= len(data) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return parseErrorAt(data, len(data), "document ends too early")
	}
	return parseErrorAt(data, int(syntax.Offset)-1, syntax.Error())
}

type reader struct{ dec *json.Decoder }

func (r *reader) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case string:
		return &node{kind: nodeText, text: t}, nil
	case bool:
		return &node{kind: nodeBool, text: fmt.Sprint(t)}, nil
	case json.Number:
		return &node{kind: nodeNumber, text: t.String()}, nil
	case json.Delim:
		if t == '[' {
			return r.list(depth)
		}
		return r.object(depth)
	}
	return &node{kind: nodeNull}, nil
}

func (r *reader) list(depth int) (*node, error) {
	n := &node{kind: nodeList}
	for r.dec.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.Token()
	return n, err
}

func (r *reader) object(depth int) (*node, error) {
	n := &node{kind: nodeObject}
	for r.dec.More() {
		name, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.fields = append(n.fields, field{name.(string), value})
	}
	_, err := r.dec.Token()
	return n, err
}
