package query

import (
	"math"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (c *compiler) unary(n *ast.UnaryNode) compiled {
	p := c.compile(n.Node)
	switch n.Operator {
	case "!", "not":
		if p.literal { // of a field, ! asks whether it is missing
			c.checkResult(n.Node, p.kind)
		}
		return compiled{kind: boolKind, eval: func(f *frame) any { return not(p.eval(f)) }}
	case "-":
		return compiled{kind: numberKind, literal: p.literal, eval: func(f *frame) any { return f.arithmetic("-", int64(0), p.eval(f)) }}
	case "+":
		return compiled{kind: numberKind, literal: p.literal, eval: func(f *frame) any { return f.arithmetic("+", int64(0), p.eval(f)) }}
	}
	return c.fail(n, "operator %s is not supported", n.Operator)
}

// not is true of nil and false, and false of everything else.
func not(v any) bool { return v == nil || v == false }

func (c *compiler) binary(n *ast.BinaryNode) compiled {
	switch n.Operator {
	case "&&", "and":
		return c.chain(n, []string{"&&", "and"}, false)
	case "||", "or":
		return c.chain(n, []string{"||", "or"}, true)
	case "matches":
		return c.matches(n)
	case "in":
		return c.in(n)
	}
	l, r := c.compile(n.Left), c.compile(n.Right)
	switch op := n.Operator; op {
	case "==":
		return c.test(l, r, equalTo(l, r))
	case "!=":
		same := equalTo(l, r)
		return c.test(l, r, func(f *frame) bool { return !same(f) })
	case "<", "<=", ">", ">=":
		return c.test(l, r, ordered(op, l.eval, r.eval))
	case "contains", "startsWith", "endsWith":
		return c.test(l, r, textual(op, l.eval, r.eval))
	case "+", "-", "*", "/", "%", "**", "^":
		return compiled{kind: resultOf(op, l, r), literal: l.literal && r.literal, eval: func(f *frame) any {
			return f.arithmetic(op, l.eval(f), r.eval(f))
		}}
	case "..":
		return compiled{kind: listKind, eval: func(f *frame) any { return f.sequence(l.eval(f), r.eval(f)) }}
	case "??":
		return compiled{eval: func(f *frame) any {
			if v := l.eval(f); v != nil {
				return v
			}
			return r.eval(f)
		}}
	}
	return c.fail(n, "operator %s is not supported", n.Operator)
}

// test wraps a comparison. It pays for it before its operands are evaluated, so
// that nothing goes on when the steps are used up.
func (c *compiler) test(_, _ compiled, hold func(f *frame) bool) compiled {
	return compiled{kind: boolKind, eval: func(f *frame) any { return f.spend(1) && hold(f) }}
}

// chain joins conditions; one that is equal to stop decides. A chain of
// thousands is one node, not a tree as deep.
func (c *compiler) chain(n *ast.BinaryNode, ops []string, stop bool) compiled {
	var nodes []ast.Node
	for {
		nodes = append(nodes, n.Right)
		left, ok := n.Left.(*ast.BinaryNode)
		if !ok || left.Operator != ops[0] && left.Operator != ops[1] {
			nodes = append(nodes, n.Left)
			break
		}
		n = left
	}
	parts := make([]evalFunc, len(nodes))
	for i := range nodes {
		parts[i] = c.condition(nodes[len(nodes)-1-i]).eval
	}
	return compiled{kind: boolKind, eval: func(f *frame) any {
		for _, p := range parts {
			if truth(p(f)) == stop {
				return stop
			}
		}
		return !stop
	}}
}

func equalTo(l, r compiled) func(f *frame) bool {
	if l.literal && !r.literal {
		l, r = r, l
	}
	if r.literal {
		if text, ok := r.value().(string); ok {
			return func(f *frame) bool {
				s, ok := l.eval(f).(string)
				return ok && s == text
			}
		}
	}
	return func(f *frame) bool { return f.equal(l.eval(f), r.eval(f)) }
}

func ordered(op string, l, r evalFunc) func(f *frame) bool {
	less, equal := op[0] == '<', len(op) == 2
	return func(f *frame) bool {
		c, ok := f.order(l(f), r(f))
		return ok && (c == 0 && equal || c != 0 && (c < 0) == less)
	}
}

func textual(op string, l, r evalFunc) func(f *frame) bool {
	check := map[string]func(s, part string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix,
	}[op]
	return func(f *frame) bool {
		s, ok := l(f).(string)
		part, ok2 := r(f).(string)
		return ok && ok2 && f.text(len(s)+len(part)) && check(s, part)
	}
}

// in looks a literal list of strings up in a set.
func (c *compiler) in(n *ast.BinaryNode) compiled {
	l, r := c.compile(n.Left), c.compile(n.Right)
	if r.literal {
		if set, ok := stringSet(r.value()); ok {
			return c.test(l, r, func(f *frame) bool {
				s, ok := l.eval(f).(string)
				return ok && set[s]
			})
		}
	}
	return c.test(l, r, func(f *frame) bool { return f.contains(r.eval(f), l.eval(f)) })
}

func stringSet(v any) (map[string]bool, bool) {
	list, ok := v.([]any)
	set := make(map[string]bool, len(list))
	for _, v := range list {
		s, isString := v.(string)
		ok = ok && isString
		set[s] = true
	}
	return set, ok
}

// maxPattern bounds a regular expression that a record provides.
const maxPattern = 1 << 10

func (c *compiler) matches(n *ast.BinaryNode) compiled {
	l, r := c.compile(n.Left), c.compile(n.Right)
	if !r.literal {
		return c.test(l, r, func(f *frame) bool {
			s, ok := l.eval(f).(string)
			pattern, ok2 := r.eval(f).(string)
			if !ok || !ok2 || len(pattern) > maxPattern || !f.spend(100*len(pattern)) {
				return false
			}
			re, err := regexp.Compile(pattern)
			return err == nil && f.regexp(re, len(pattern), s)
		})
	}
	pattern, ok := r.value().(string)
	if !ok {
		return c.fail(n.Right, "matches needs a regular expression in quotes")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return c.fail(n.Right, "matches needs an RE2 pattern: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return c.test(l, r, func(f *frame) bool {
		s, ok := l.eval(f).(string)
		return ok && f.regexp(re, len(pattern), s)
	})
}

// regexp pays for the worst case, which is the product of the lengths. A byte
// costs far more time here than in a comparison.
func (f *frame) regexp(re *regexp.Regexp, pattern int, s string) bool {
	return f.spend(1+len(s)/8*(1+pattern/16)) && re.MatchString(s)
}

func resultOf(op string, l, r compiled) kind {
	if op == "+" && (l.kind != numberKind || r.kind != numberKind) {
		return anyKind
	}
	return numberKind
}

// arithmetic gives nil unless both sides are numbers, or strings to be joined.
func (f *frame) arithmetic(op string, l, r any) any {
	if s, ok := l.(string); ok {
		t, ok := r.(string)
		if op != "+" || !ok || !f.text(len(s)+len(t)) {
			return nil
		}
		return s + t
	}
	a, aInt := l.(int64)
	b, bInt := r.(int64)
	if aInt && bInt {
		if v, ok := integers(op, a, b); ok {
			return v
		}
	}
	x, ok := toFloat(l)
	y, ok2 := toFloat(r)
	if !ok || !ok2 || op == "%" {
		return nil
	}
	return whole(floats(op, x, y))
}

// integers computes exactly, or says that it cannot.
func integers(op string, a, b int64) (v int64, ok bool) {
	switch op {
	case "+":
		v = a + b
		return v, (v > a) == (b > 0)
	case "-":
		v = a - b
		return v, (v < a) == (b > 0)
	case "*":
		if a == 0 || b == 0 {
			return 0, true
		}
		v = a * b
		return v, v/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	case "%":
		if b != 0 {
			return a % b, true
		}
	}
	return 0, false
}

func floats(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	}
	return math.Pow(x, y)
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// sequence is the list a, a+1, … b.
func (f *frame) sequence(a, b any) any {
	from, ok := a.(int64)
	to, ok2 := b.(int64)
	if !ok || !ok2 {
		return nil
	}
	if to < from {
		return []any{}
	}
	if n := uint64(to) - uint64(from); n >= maxExprSteps || !f.spend(int(n)+1) {
		f.left = -1
		return nil
	}
	list := make([]any, 0, to-from+1)
	for v := from; ; v++ {
		if list = append(list, v); v == to {
			return list
		}
	}
}
