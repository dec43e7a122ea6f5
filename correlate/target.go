package correlate

import (
	"fmt"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// arnParts is an ARN taken apart. The resource part keeps its own colons.
type arnParts struct {
	partition, service, region, account, resource string
}

// splitARN takes s apart; false when it is no ARN.
func splitARN(s string) (arnParts, bool) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return arnParts{}, false
	}
	var p [4]string
	for i := range p {
		if p[i], rest, ok = strings.Cut(rest, ":"); !ok {
			return arnParts{}, false
		}
	}
	return arnParts{p[0], p[1], p[2], p[3], rest}, true
}

// arnAccount returns the account part of an ARN, or "".
func arnAccount(s string) string {
	a, _ := splitARN(s)
	return a.account
}

// partitionOf returns the partition a region belongs to.
func partitionOf(region string) string { return ingest.Partition(region) }

// isAccountID reports whether s is the twelve digits of an account id.
func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// iamARN builds the ARN of an IAM entity in the event's account.
func (e *Event) iamARN(kind, name string) string {
	return "arn:" + partitionOf(e.Region) + ":iam::" + e.Account + ":" + kind + "/" + name
}

// template says how to build a name or ARN from a record; catalogue.txt
// describes its spelling.
type template struct {
	service, region, account string // of an ARN; service is "" for a bare value
	isAccount                bool   // an account or organizational unit id
	parts                    []part
}

// part is literal text or a hole to fill from one of the record's objects.
type part struct {
	literal string
	from    byte // '(' requestParameters, '@' responseElements, '+' additionalEventData
	path    []string
}

func parseTemplates(s string) ([]template, error) {
	var out []template
	for _, alt := range strings.Split(s, "|") {
		t, err := parseTemplate(alt)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func parseTemplate(s string) (template, error) {
	var t template
	if rest, ok := strings.CutPrefix(s, "account:"); ok {
		t.isAccount, s = true, rest
	} else if head, _, _ := strings.Cut(s, "{"); strings.Contains(head, ":") {
		p := strings.SplitN(s, ":", 4)
		if len(p) != 4 {
			return t, fmt.Errorf("%q is no ARN template", s)
		}
		t.service, t.region, t.account, s = p[0], p[1], p[2], p[3]
	}
	for s != "" {
		lit, rest, ok := strings.Cut(s, "{")
		if lit != "" {
			t.parts = append(t.parts, part{literal: lit})
		}
		if !ok {
			break
		}
		hole, tail, closed := strings.Cut(rest, "}")
		if !closed || hole == "" {
			return t, fmt.Errorf("open hole in %q", s)
		}
		t.parts = append(t.parts, holePart(hole))
		s = tail
	}
	return t, nil
}

func holePart(hole string) part {
	p := part{from: '('}
	if hole[0] == '@' || hole[0] == '+' {
		p.from, hole = hole[0], hole[1:]
	}
	p.path = strings.Split(hole, ".")
	return p
}

// expand fills the first template that the record has everything for.
func expand(e *Event, ts []template) []string {
	for i := range ts {
		if out := ts[i].expand(e); len(out) > 0 {
			return out
		}
	}
	return nil
}

// expand returns one value, or one for each element of a list in the record.
func (t *template) expand(e *Event) []string {
	if t.isAccount {
		return t.accounts(e)
	}
	columns := make([][]string, len(t.parts))
	rows := 0
	for i, p := range t.parts {
		columns[i] = p.values(e)
		if len(columns[i]) == 0 {
			return nil
		}
		rows = max(rows, len(columns[i]))
	}
	out := make([]string, 0, rows)
	for r := range rows {
		var b strings.Builder
		for i := range columns {
			v := columns[i][min(r, len(columns[i])-1)]
			if strings.HasPrefix(v, "arn:") && t.service != "" {
				b.Reset() // the record names the whole ARN already
				b.WriteString(v)
				break
			}
			b.WriteString(v)
		}
		out = append(out, t.finish(e, b.String()))
	}
	return out
}

func (p part) values(e *Event) []string {
	if p.literal != "" {
		return []string{p.literal}
	}
	m := e.Params
	switch p.from {
	case '@':
		m = e.Response
	case '+':
		m = e.Additional
	}
	vs := leaves(m, p.path)
	if len(vs) == 0 && len(p.path) == 1 && p.path[0] == "userName" && e.ErrorCode == "" && e.Identity.Type == "IAMUser" {
		return nonEmpty(e.Identity.UserName) // acting on oneself
	}
	return vs
}

// accounts returns the ARN of an account's root for an account id, and the ids
// of organizational units and roots as they are.
func (t *template) accounts(e *Event) []string {
	var ids []string
	if len(t.parts) == 1 && t.parts[0].literal == "A" {
		ids = nonEmpty(e.Account)
	} else {
		ids = t.parts[0].values(e)
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id
		if isAccountID(id) {
			out[i] = "arn:" + partitionOf(e.Region) + ":iam::" + id + ":root"
		}
	}
	return out
}

// finish makes an ARN of the template's resource part.
func (t *template) finish(e *Event, resource string) string {
	if t.service == "" {
		return resource
	}
	region, account := t.region, t.account
	if region == "R" {
		region = e.Region
	}
	if account == "A" {
		account = e.Account
	}
	switch t.service {
	case "kms":
		if arn := e.keyARN(); arn != "" {
			return arn
		}
		resource = strings.Replace(resource, "key/alias/", "alias/", 1)
	case "sqs":
		if q := queueFromURL(resource); q != "" {
			account, resource, _ = strings.Cut(q, ":")
		}
	case "lambda":
		resource = functionResource(resource)
	}
	if strings.HasPrefix(resource, "arn:") {
		return resource
	}
	return e.asListed("arn:" + partitionOf(e.Region) + ":" + t.service + ":" + region + ":" + account + ":" + resource)
}

// asListed returns the entry of resources[] that is arn but for its account: a
// call may reach into another account, and the list says into which.
func (e *Event) asListed(arn string) string {
	a, _ := splitARN(arn)
	for _, r := range e.Resources {
		if b, ok := splitARN(r.ARN); ok && a.service == b.service && a.resource == b.resource {
			return r.ARN
		}
	}
	return arn
}

// keyARN returns the KMS key that resources[] lists, which the request may
// name by id or alias only.
func (e *Event) keyARN() string {
	for _, r := range e.Resources {
		if a, ok := splitARN(r.ARN); ok && a.service == "kms" && strings.HasPrefix(a.resource, "key/") {
			return r.ARN
		}
	}
	return ""
}

// queueFromURL returns account:name for the URL of a queue.
func queueFromURL(s string) string {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		return ""
	}
	p := strings.Split(rest, "/")
	if len(p) < 3 {
		return ""
	}
	return p[len(p)-2] + ":" + p[len(p)-1]
}

// functionResource reads the ways to name a function: NAME, NAME:QUALIFIER and
// ACCOUNT:function:NAME.
func functionResource(s string) string {
	if i := strings.LastIndex(s, ":function:"); i > 0 {
		return s[i+1:]
	}
	return s
}

// leaves returns all texts below path, going through lists on the way.
func leaves(v any, path []string) []string {
	switch v := v.(type) {
	case []any:
		var out []string
		for _, el := range v {
			out = append(out, leaves(el, path)...)
		}
		return out
	case map[string]any:
		if len(path) > 0 {
			return leaves(v[path[0]], path[1:])
		}
		for _, k := range []string{"items", "item", "content"} {
			if in, ok := v[k]; ok {
				return leaves(in, nil)
			}
		}
		return nil
	}
	if len(path) > 0 {
		return nil
	}
	return nonEmpty(text(v))
}

// nonEmpty returns s as a list, empty when s says nothing.
func nonEmpty(s string) []string {
	if s == "" || s == hidden {
		return nil
	}
	return []string{s}
}

// hidden stands in records where AWS withholds a value.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
