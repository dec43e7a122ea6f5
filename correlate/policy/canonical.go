package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// The canonical form of a statement writes equal things equally: element
// names and operators in AWS's spelling, lists sorted and without repeats, a
// list of one as its element, accounts as their number, booleans and numbers
// as text. It is a JSON value that can be shown as well as compared.

var elementNames = map[string]string{
	"sid": "Sid", "effect": "Effect", "principal": "Principal", "notprincipal": "NotPrincipal",
	"action": "Action", "notaction": "NotAction", "resource": "Resource", "notresource": "NotResource",
	"condition": "Condition",
}

var principalNames = map[string]string{
	"aws": "AWS", "service": "Service", "federated": "Federated", "canonicaluser": "CanonicalUser",
}

func (s *statement) canonical() any {
	if s.node.kind != nodeObject {
		return plain(s.node)
	}
	out := make(map[string]any, len(s.node.fields))
	for _, f := range s.node.fields {
		name := strings.ToLower(f.name)
		shown := known(elementNames, f.name)
		switch name {
		case "principal", "notprincipal":
			out[shown] = canonicalPrincipal(f.value)
		case "condition":
			out[shown] = canonicalCondition(f.value)
		default:
			out[shown] = canonicalList(f.value, func(text string) string { return text })
		}
	}
	return out
}

func known(names map[string]string, name string) string {
	if shown, ok := names[strings.ToLower(name)]; ok {
		return shown
	}
	return name
}

// canonicalList writes a list of texts; anything else is kept as it is.
func canonicalList(n *node, each func(string) string) any {
	texts, complete := n.texts()
	if !complete {
		return plain(n)
	}
	for i := range texts {
		texts[i] = each(texts[i])
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if len(texts) == 1 {
		return texts[0]
	}
	list := make([]any, len(texts))
	for i := range texts {
		list[i] = texts[i]
	}
	return list
}

// canonicalPrincipal writes "*" and {"AWS":"*"} alike, as AWS treats them.
func canonicalPrincipal(n *node) any {
	if n.kind != nodeObject {
		n = &node{kind: nodeObject, fields: []field{{"AWS", n}}}
	}
	out := make(map[string]any, len(n.fields))
	for _, f := range n.fields {
		out[known(principalNames, f.name)] = canonicalList(f.value, canonicalAccount)
	}
	if len(out) == 1 && out["AWS"] == "*" {
		return "*"
	}
	return out
}

// canonicalAccount writes arn:aws:iam::111122223333:root as 111122223333: AWS
// stores the one where the other was given.
func canonicalAccount(text string) string {
	if a := splitARN(text); a.service == "iam" && a.resource == "root" && isAccount(a.account) {
		return a.account
	}
	return text
}

func canonicalCondition(n *node) any {
	if n.kind != nodeObject {
		return plain(n)
	}
	out := make(map[string]any, len(n.fields))
	for _, f := range n.fields {
		op := readOperator(f.name)
		if f.value.kind != nodeObject {
			out[op.name] = plain(f.value)
			continue
		}
		keys := make(map[string]any, len(f.value.fields))
		for _, key := range f.value.fields {
			keys[key.name] = canonicalList(key.value, op.canonicalValue)
		}
		out[op.name] = keys
	}
	return out
}

func (op operator) canonicalValue(text string) string {
	if op.known && (op.family == familyBool || op.family == familyNull) && isBool(text) {
		return strings.ToLower(text)
	}
	return text
}

func plain(n *node) any {
	switch n.kind {
	case nodeNull:
		return nil
	case nodeList:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = plain(item)
		}
		return list
	case nodeObject:
		out := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			out[f.name] = plain(f.value)
		}
		return out
	}
	return n.text
}

// fingerprint is the text by which canonical values are compared. Actions and
// condition keys lose their case, which the canonical form keeps to be shown.
func fingerprint(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(folded("", v)); err != nil {
		return ""
	}
	return b.String()
}

func folded(element string, v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		if element == "Action" || element == "NotAction" {
			return foldedTexts(v)
		}
		return v
	}
	out := make(map[string]any, len(m))
	for name, value := range m {
		switch element {
		case "": // the statement
			out[name] = folded(name, value)
		case "Condition":
			out[name] = folded("operator", value)
		case "operator":
			out[strings.ToLower(name)] = value
		default:
			out[name] = value
		}
	}
	return out
}

// foldedTexts folds a list of actions, which may then hold repeats.
func foldedTexts(v any) any {
	switch t := v.(type) {
	case string:
		return strings.ToLower(t)
	case []any:
		var texts []string
		for _, item := range t {
			if text, ok := item.(string); ok {
				texts = append(texts, strings.ToLower(text))
			}
		}
		slices.Sort(texts)
		if texts = slices.Compact(texts); len(texts) == 1 {
			return texts[0]
		}
		return texts
	}
	return v
}
