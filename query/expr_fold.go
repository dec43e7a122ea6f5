package query

import (
	"bytes"
	"encoding/json"

	"github.com/expr-lang/expr/ast"
)

// fold is a function over the elements of a list. test evaluates its condition,
// or mapping, for one of them. What is no list has no elements.
type fold struct {
	kind     kind
	optional bool // without a condition the element itself counts
	mapping  bool // any value will do, not only a truth
	run      func(f *frame, list []any, test evalFunc) any
}

// folds are expr's functions that take a condition over #.
var folds = map[string]fold{
	"all":           {kind: boolKind, run: func(f *frame, l []any, t evalFunc) any { return f.find(l, t, false, 1) < 0 }},
	"any":           {kind: boolKind, run: func(f *frame, l []any, t evalFunc) any { return f.find(l, t, true, 1) >= 0 }},
	"none":          {kind: boolKind, run: func(f *frame, l []any, t evalFunc) any { return f.find(l, t, true, 1) < 0 }},
	"one":           {kind: boolKind, run: func(f *frame, l []any, t evalFunc) any { return f.count(l, t) == 1 }},
	"count":         {kind: numberKind, optional: true, run: func(f *frame, l []any, t evalFunc) any { return int64(f.count(l, t)) }},
	"filter":        {kind: listKind, run: runFilter},
	"map":           {kind: listKind, mapping: true, run: runMap},
	"sum":           {kind: numberKind, mapping: true, optional: true, run: runSum},
	"find":          {run: func(f *frame, l []any, t evalFunc) any { return member(l, position(f.find(l, t, true, 1))) }},
	"findLast":      {run: func(f *frame, l []any, t evalFunc) any { return member(l, position(f.find(l, t, true, -1))) }},
	"findIndex":     {kind: numberKind, run: func(f *frame, l []any, t evalFunc) any { return position(f.find(l, t, true, 1)) }},
	"findLastIndex": {kind: numberKind, run: func(f *frame, l []any, t evalFunc) any { return position(f.find(l, t, true, -1)) }},
}

func (c *compiler) fold(n ast.Node, name string, d fold, args []ast.Node) compiled {
	if len(args) != 2 && !(d.optional && len(args) == 1) {
		return c.fail(n, "%s takes a list and a condition, as in %s(resources, .type == \"AWS::S3::Object\")", name, name)
	}
	list := c.compile(args[0]).eval
	test := evalFunc(func(f *frame) any { return f.items[len(f.items)-1].value })
	if len(args) == 2 {
		test = c.predicate(args[1], d.mapping)
	}
	return compiled{kind: d.kind, eval: func(f *frame) any {
		l, _ := list(f).([]any)
		return d.run(f, l, test)
	}}
}

func (c *compiler) predicate(n ast.Node, mapping bool) evalFunc {
	if p, ok := n.(*ast.PredicateNode); ok {
		n = p.Node
	}
	c.loops++
	defer func() { c.loops-- }()
	if mapping {
		return c.compile(n).eval
	}
	return c.condition(n).eval
}

// at evaluates test for an element.
func (f *frame) at(list []any, i int, test evalFunc) any {
	if !f.spend(1) {
		return nil
	}
	f.items = append(f.items, item{normal(list[i]), i})
	v := test(f)
	f.items = f.items[:len(f.items)-1]
	return v
}

// find returns the position of the first element, or the last when step is -1,
// whose test is want; -1 when there is none.
func (f *frame) find(list []any, test evalFunc, want bool, step int) int {
	i := 0
	if step < 0 {
		i = len(list) - 1
	}
	for ; i >= 0 && i < len(list) && f.left >= 0; i += step {
		if truth(f.at(list, i, test)) == want {
			return i
		}
	}
	return -1
}

// position turns an index into a value, nil when there is none.
func position(i int) any {
	if i < 0 {
		return nil
	}
	return int64(i)
}

func (f *frame) count(list []any, test evalFunc) int {
	n := 0
	for i := 0; i < len(list) && f.left >= 0; i++ {
		if truth(f.at(list, i, test)) {
			n++
		}
	}
	return n
}

func runFilter(f *frame, list []any, test evalFunc) any {
	out := []any{}
	for i := 0; i < len(list) && f.left >= 0; i++ {
		if truth(f.at(list, i, test)) {
			out = append(out, list[i])
		}
	}
	return out
}

func runMap(f *frame, list []any, test evalFunc) any {
	out := []any{}
	for i := 0; i < len(list) && f.left >= 0; i++ {
		out = append(out, f.at(list, i, test))
	}
	return out
}

// runSum adds the numbers and passes over all else.
func runSum(f *frame, list []any, test evalFunc) any {
	var sum any = int64(0)
	for i := 0; i < len(list) && f.left >= 0; i++ {
		if s := f.arithmetic("+", sum, f.at(list, i, test)); s != nil {
			sum = s
		}
	}
	return sum
}

// slice returns the elements of a list, or the characters of a string, from one
// bound up to the other. A bound below 0 counts from the end.
func (f *frame) slice(v any, from, to evalFunc) any {
	var runes []rune
	list, isList := v.([]any)
	text, isText := v.(string)
	if isText && f.text(8*len(text)) {
		runes = []rune(text)
	}
	n := max(len(list), len(runes))
	lo, ok := f.bound(from, 0, n)
	hi, ok2 := f.bound(to, n, n)
	hi = max(lo, hi)
	switch {
	case !ok || !ok2:
		return nil
	case isList:
		return list[lo:hi:hi]
	case isText:
		return string(runes[lo:hi])
	}
	return nil
}

// bound evaluates a bound of a slice of n and clamps it.
func (f *frame) bound(eval evalFunc, missing, n int) (int, bool) {
	if eval == nil {
		return missing, true
	}
	i, ok := toInt(eval(f))
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n), ok
}

// callToJSON gives nil for nil, so that tests of its result are false. Members
// are in the order of their names.
func callToJSON(f *frame, args []any) any {
	if args[0] == nil || !f.spend(f.weight(args[0])) {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(args[0]) != nil {
		return nil
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// weight is what it costs to write v.
func (f *frame) weight(v any) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) / 64
	case []any:
		for _, e := range v {
			n += f.weight(e)
		}
	case map[string]any:
		for k, e := range v {
			n += 1 + len(k)/64 + f.weight(e)
		}
	}
	return n
}

// callFromJSON reads JSON that stands in a string, as policy documents do. What
// is not JSON gives nil.
func callFromJSON(f *frame, args []any) any {
	s, ok := args[0].(string)
	if !ok || !f.text(16*len(s)) {
		return nil
	}
	v, err := decodeJSON([]byte(s))
	if err != nil {
		return nil
	}
	return v
}
