package correlate

import (
	"strings"
	"unicode"
)

// knownPlaceholders are the names a playbook may put in braces.
var knownPlaceholders = map[string]bool{
	"principal": true, "user": true, "role": true, "action": true, "resource": true, "account": true,
	"region": true, "repository": true, "bucket": true, "policy": true, "change": true, "key": true, "targetrole": true,
}

// placeholders lists the {names} in a template.
func placeholders(template string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(template, "{")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names = append(names, name)
		template = after
	}
}

// fill replaces the {names} of a template by shell-safe values. It fails when
// a value is not known, since half a command is worse than none.
func fill(template string, values map[string]string) (string, bool) {
	var b strings.Builder
	for {
		head, rest, ok := strings.Cut(template, "{")
		b.WriteString(head)
		if !ok {
			return b.String(), true
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok || values[name] == "" {
			return "", false
		}
		b.WriteString(shellQuote(values[name]))
		template = after
	}
}

// shellQuote makes s one word for a POSIX shell. Values come out of records
// that anyone may have written, so all but plain characters are quoted, and
// control and formatting characters, which could hide what a command says, are
// dropped.
func shellQuote(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "''"
	}
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r))
	}) < 0
	if plain && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// stepValues are the placeholders' values for one finding.
func stepValues(f *Finding) map[string]string {
	v := map[string]string{
		"principal": f.Failure.Principal,
		"action":    f.Failure.Action,
		"resource":  f.Failure.Resource,
		"account":   f.Failure.Account,
		"region":    f.Failure.Region,
	}
	if !strings.HasPrefix(f.Failure.Principal, "arn:") {
		delete(v, "principal")
	}
	p, _ := splitARN(f.Failure.Principal)
	name := p.resource[strings.LastIndexByte(p.resource, '/')+1:]
	switch {
	case strings.HasPrefix(p.resource, "user/"):
		v["user"] = name
	case strings.HasPrefix(p.resource, "role/"):
		v["role"] = name
	}
	r, _ := splitARN(f.Failure.Resource)
	switch r.service {
	case "codecommit":
		v["repository"] = r.resource
	case "s3":
		v["bucket"], _, _ = strings.Cut(r.resource, "/")
	case "kms":
		v["key"] = f.Failure.Resource
	case "ecr":
		v["repository"] = strings.TrimPrefix(r.resource, "repository/")
	case "iam":
		if strings.HasPrefix(r.resource, "role/") {
			v["targetrole"] = bareName(f.Failure.Resource)
		}
	}
	if f.Failure.Denial.PolicyARN != nil {
		v["policy"] = *f.Failure.Denial.PolicyARN
	}
	if len(f.Candidates) > 0 {
		v["change"] = f.Candidates[0].Change.EventID
	}
	return v
}

// nextSteps fills the playbook's advice for a finding.
func nextSteps(p *Playbook, f *Finding) []string {
	values := stepValues(f)
	steps := []string{}
	for _, s := range p.NextSteps {
		if len(s.When) > 0 && !contains(s.When, string(f.Diagnosis)) {
			continue
		}
		if text, ok := fill(s.Text, values); ok {
			steps = append(steps, text)
		}
	}
	if look := changeStep(f); look != "" {
		steps = append(steps, look)
	}
	return steps
}

// changeStep says what to do about the first candidate. What takes a change back
// depends on what its author wanted, so it is left to people.
func changeStep(f *Finding) string {
	if f.Diagnosis != DiagnosisChange {
		return ""
	}
	c := f.Candidates[0].Change
	text, ok := fill("See the whole change, and have it taken back if it was not meant: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventId,AttributeValue={change}",
		map[string]string{"change": c.EventID})
	if !ok {
		return ""
	}
	return text
}
