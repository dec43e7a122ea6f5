package policy

import "strings"

// condition is one key of one operator of a Condition block.
type condition struct {
	op     operator
	key    string // lower case
	shown  string // as the policy spells it
	values []conditionValue
	flaw   string
}

// conditionValue is a value of the policy: read once if it has no variables.
type conditionValue struct {
	pattern pattern
	operand operand
}

func compileCondition(op operator, key string, value *node, variables bool) condition {
	c := condition{op: op, key: strings.ToLower(key), shown: key}
	texts, complete := value.texts()
	if !complete {
		c.flaw = "condition value that is neither text, number nor boolean"
	}
	for _, text := range texts {
		p := compilePattern(text, op.how(variables))
		v := conditionValue{pattern: p}
		if p.parts == nil {
			v.operand = op.read(p.text)
		}
		c.values = append(c.values, v)
	}
	return c
}

// read reads a compiled value. A lone star is accepted where an ARN is
// expected; it matches every ARN.
func (op operator) read(text string) operand {
	if op.family == familyARN && text == string(rune(anyRun)) {
		return operand{valid: true, text: text}
	}
	return readOperand(op.family, text)
}

// holds evaluates the condition for a request.
func (e *evaluation) holds(c *condition) tri {
	if !c.op.known {
		return no
	}
	if c.flaw != "" {
		return e.doubtFlaw(c.flaw)
	}
	found := e.context.find(c.key)
	if c.op.family == familyNull {
		return e.holdsNull(c, found)
	}
	switch found.known {
	case KeyUnknown:
		return e.doubtKey(c.shown)
	case KeyAbsent:
		return when(c.op.holdsWithout())
	}
	return e.holdsValues(c, found)
}

// holdsWithout is the result for a request that lacks the key.
func (op operator) holdsWithout() bool {
	switch {
	case op.ifExists || op.over == allValues:
		return true
	case op.over == anyValue:
		return false
	}
	return op.negated
}

func (e *evaluation) holdsNull(c *condition, found entry) tri {
	if found.known == KeyUnknown {
		return e.doubtKey(c.shown)
	}
	absent := found.known == KeyAbsent
	result := no
	for i := range c.values {
		want, state := e.resolve(c, &c.values[i])
		if state == yes {
			state = when(want.valid && want.truth == absent)
		}
		result = either(result, state)
	}
	return result
}

func (e *evaluation) holdsValues(c *condition, found entry) tri {
	switch c.op.over {
	case allValues:
		result := yes
		for _, v := range found.values {
			if v != "" { // an empty string counts as no value here
				result = both(result, e.holdsOne(c, v))
			}
		}
		return result
	case anyValue:
		result := no
		for _, v := range found.values {
			if v != "" {
				result = either(result, e.holdsOne(c, v))
			}
		}
		return result
	}
	if found.multi {
		return no
	}
	return e.holdsOne(c, found.values[0])
}

// holdsOne compares one value of the request with all values of the policy:
// any of them for a plain operator, none of them for a negated one. A value
// that cannot be read or resolved makes a negated operator false.
func (e *evaluation) holdsOne(c *condition, value string) tri {
	if c.op.fold {
		value = strings.ToLower(value)
	}
	request := readOperand(c.op.family, value)
	if !request.valid {
		return no
	}
	if e.budget -= len(c.values); e.budget < 0 {
		return e.doubt(causeEffort, "")
	}
	matched, usable := no, yes
	for i := range c.values {
		want, state := e.resolve(c, &c.values[i])
		if state == yes && !want.valid {
			state = no
		}
		usable = both(usable, state)
		if state == yes {
			state = e.spend(c.op.holds(want, request, &e.budget))
		}
		matched = either(matched, state)
		if matched == yes {
			break
		}
	}
	if c.op.negated {
		return both(usable, matched.not())
	}
	return matched
}

// resolve returns a policy value with its variables replaced. It answers no
// if a variable has no value, and maybe if that cannot be known.
func (e *evaluation) resolve(c *condition, v *conditionValue) (operand, tri) {
	if v.pattern.flaw != "" {
		return operand{}, e.doubtFlaw(v.pattern.flaw)
	}
	if v.pattern.parts == nil {
		return v.operand, yes
	}
	text, state := e.expand(&v.pattern)
	if state != yes {
		return operand{}, state
	}
	if c.op.fold {
		text = strings.ToLower(text)
	}
	return c.op.read(text), yes
}

// expand puts the text of a pattern with variables together.
func (e *evaluation) expand(p *pattern) (string, tri) {
	var text strings.Builder
	for i := range p.parts {
		part := &p.parts[i]
		text.WriteString(part.text)
		if part.key == "" {
			continue
		}
		found := e.context.find(part.key)
		switch {
		case found.known == KeyUnknown:
			return "", e.doubtKey(part.key)
		case found.known == KeyPresent && !found.multi:
			if strings.ContainsAny(found.values[0], wildcards) {
				return "", e.doubtFlaw("control characters in " + part.key)
			}
			text.WriteString(found.values[0])
		case part.hasFall:
			text.WriteString(part.fallback)
		default:
			return "", no
		}
	}
	return text.String(), yes
}
