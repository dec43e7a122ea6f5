package policy

import "strings"

// compare is the question an operator asks of two operands.
type compare uint8

const (
	equal compare = iota
	like
	less
	lessEqual
	greater
	greaterEqual
)

// quantifier says how an operator treats the values of a multivalued key.
type quantifier uint8

const (
	oneValue quantifier = iota
	allValues
	anyValue
)

// operator is a condition operator with its prefix and suffix.
type operator struct {
	name     string // canonical spelling, with prefix and suffix
	family   family
	compare  compare
	fold     bool
	negated  bool
	ifExists bool
	over     quantifier
	known    bool
}

var operators = map[string]operator{
	"stringequals":              {name: "StringEquals"},
	"stringnotequals":           {name: "StringNotEquals", negated: true},
	"stringequalsignorecase":    {name: "StringEqualsIgnoreCase", fold: true},
	"stringnotequalsignorecase": {name: "StringNotEqualsIgnoreCase", fold: true, negated: true},
	"stringlike":                {name: "StringLike", compare: like},
	"stringnotlike":             {name: "StringNotLike", compare: like, negated: true},
	"numericequals":             {name: "NumericEquals", family: familyNumber},
	"numericnotequals":          {name: "NumericNotEquals", family: familyNumber, negated: true},
	"numericlessthan":           {name: "NumericLessThan", family: familyNumber, compare: less},
	"numericlessthanequals":     {name: "NumericLessThanEquals", family: familyNumber, compare: lessEqual},
	"numericgreaterthan":        {name: "NumericGreaterThan", family: familyNumber, compare: greater},
	"numericgreaterthanequals":  {name: "NumericGreaterThanEquals", family: familyNumber, compare: greaterEqual},
	"dateequals":                {name: "DateEquals", family: familyDate},
	"datenotequals":             {name: "DateNotEquals", family: familyDate, negated: true},
	"datelessthan":              {name: "DateLessThan", family: familyDate, compare: less},
	"datelessthanequals":        {name: "DateLessThanEquals", family: familyDate, compare: lessEqual},
	"dategreaterthan":           {name: "DateGreaterThan", family: familyDate, compare: greater},
	"dategreaterthanequals":     {name: "DateGreaterThanEquals", family: familyDate, compare: greaterEqual},
	"bool":                      {name: "Bool", family: familyBool},
	"binaryequals":              {name: "BinaryEquals", family: familyBinary},
	"ipaddress":                 {name: "IpAddress", family: familyIP},
	"notipaddress":              {name: "NotIpAddress", family: familyIP, negated: true},
	// ArnEquals takes wildcards too: it and ArnLike behave the same.
	"arnequals":    {name: "ArnEquals", family: familyARN, compare: like},
	"arnlike":      {name: "ArnLike", family: familyARN, compare: like},
	"arnnotequals": {name: "ArnNotEquals", family: familyARN, compare: like, negated: true},
	"arnnotlike":   {name: "ArnNotLike", family: familyARN, compare: like, negated: true},
	"null":         {name: "Null", family: familyNull},
}

// readOperator reads an operator name in any case. One it does not know is
// returned with known false and never matches.
func readOperator(raw string) operator {
	name := strings.ToLower(raw)
	over, prefix := oneValue, ""
	if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		name, over, prefix = rest, allValues, "ForAllValues:"
	} else if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		name, over, prefix = rest, anyValue, "ForAnyValue:"
	}
	base, ifExists := strings.CutSuffix(name, "ifexists")
	op, known := operators[base]
	if !known || ifExists && op.family == familyNull {
		return operator{name: raw}
	}
	op.name = prefix + op.name
	if ifExists {
		op.name += "IfExists"
	}
	op.over, op.ifExists, op.known = over, ifExists, true
	return op
}

// how says how the operator's values are to be compiled.
func (op operator) how(variables bool) how {
	return how{globs: op.compare == like, variables: variables, fold: op.fold}
}

// holds compares one value of the request with one value of the policy,
// leaving negation aside. Both operands are valid.
func (op operator) holds(policy operand, request operand, budget *int) tri {
	switch op.family {
	case familyNumber:
		return when(op.compare.accepts(request.number.Cmp(policy.number)))
	case familyDate:
		return when(op.compare.accepts(request.time.Compare(policy.time)))
	case familyBool:
		return when(policy.truth == request.truth)
	case familyIP:
		return when(inside(policy.block, request.block))
	case familyARN:
		return matchARN(policy.text, request.text, budget)
	}
	if op.compare == like {
		return matchGlob(policy.text, request.text, budget)
	}
	return when(policy.text == request.text)
}

// accepts reads the sign of request minus policy.
func (c compare) accepts(sign int) bool {
	switch c {
	case less:
		return sign < 0
	case lessEqual:
		return sign <= 0
	case greater:
		return sign > 0
	case greaterEqual:
		return sign >= 0
	}
	return sign == 0
}
