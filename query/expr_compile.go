package query

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// kind is what is known about a value before any record is seen.
type kind uint8

const (
	anyKind kind = iota
	nilKind
	boolKind
	textKind
	numberKind
	listKind
)

var kindNames = [...]string{"anything", "nil", "true or false", "text", "a number", "a list"}

// compiled is a part of an expression, ready to run.
type compiled struct {
	eval    evalFunc
	kind    kind
	literal bool // eval needs no record
}

// value returns what a literal evaluates to.
func (p compiled) value() any { return p.eval(&frame{left: maxExprSteps}) }

// compiler turns a syntax tree into functions. The first error stands.
type compiler struct {
	source string
	vars   []string // names of the variables in scope; a name's index is its slot
	slots  int      // the most variables in scope at once
	loops  int      // predicates around the current node
	// done remembers nodes: the parser puts the middle of a < b < c into the
	// tree twice, which doubles the work at each level of nesting.
	done map[ast.Node]compiled
	err  error
}

func (c *compiler) fail(n ast.Node, format string, args ...any) compiled {
	if c.err == nil {
		c.err = exprError(c.source, n.Location().From, format, args...)
	}
	return constant(nil, nilKind)
}

func constant(v any, k kind) compiled {
	return compiled{eval: func(*frame) any { return v }, kind: k, literal: true}
}

func (c *compiler) compile(n ast.Node) compiled {
	if p, ok := c.done[n]; ok {
		return p
	}
	p := c.node(n)
	c.done[n] = p
	return p
}

func (c *compiler) node(n ast.Node) compiled {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(nil, nilKind)
	case *ast.BoolNode:
		return constant(n.Value, boolKind)
	case *ast.IntegerNode:
		return constant(int64(n.Value), numberKind)
	case *ast.FloatNode:
		return constant(whole(n.Value), numberKind)
	case *ast.StringNode:
		return constant(n.Value, textKind)
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ChainNode:
		return c.compile(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.VariableDeclaratorNode:
		return c.declare(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.ArrayNode:
		return c.list(n)
	case *ast.SequenceNode:
		return c.fail(n, "only one test is possible; join tests with && or || instead of ;")
	case *ast.MapNode:
		return c.fail(n, "an object cannot be written here; compare its members one by one")
	case *ast.BytesNode:
		return c.fail(n, "bytes cannot be compared with a record; write the string without b")
	}
	return c.fail(n, "this form is not supported; use comparisons joined with && and ||")
}

func (c *compiler) identifier(n *ast.IdentifierNode) compiled {
	for slot := len(c.vars) - 1; slot >= 0; slot-- {
		if c.vars[slot] == n.Value {
			return compiled{eval: func(f *frame) any { return f.vars[slot] }}
		}
	}
	if n.Value == "$env" {
		return compiled{eval: func(f *frame) any { return f.record }}
	}
	if meant := misspelled(n.Value); meant != "" {
		return c.fail(n, "unknown field %s, did you mean %s?", n.Value, meant)
	}
	name, k := n.Value, anyKind
	if recordFields[name] {
		k = textKind
	}
	return compiled{eval: func(f *frame) any { return normal(f.record[name]) }, kind: k}
}

func (c *compiler) member(n *ast.MemberNode) compiled {
	object, property := c.compile(n.Node), c.compile(n.Property)
	if name, ok := stringLiteral(n.Property); ok {
		return compiled{eval: func(f *frame) any {
			if m, ok := object.eval(f).(map[string]any); ok {
				return normal(m[name])
			}
			return nil
		}}
	}
	return compiled{eval: func(f *frame) any { return member(object.eval(f), property.eval(f)) }}
}

func stringLiteral(n ast.Node) (string, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func (c *compiler) slice(n *ast.SliceNode) compiled {
	bound := func(n ast.Node) evalFunc {
		if n == nil {
			return nil
		}
		return c.compile(n).eval
	}
	value, from, to := c.compile(n.Node), bound(n.From), bound(n.To)
	return compiled{eval: func(f *frame) any { return f.slice(value.eval(f), from, to) }}
}

func (c *compiler) pointer(n *ast.PointerNode) compiled {
	switch {
	case c.loops == 0:
		return c.fail(n, "# stands for an element, which only the condition of any, all, filter and the like has")
	case n.Name == "":
		return compiled{eval: func(f *frame) any { return f.items[len(f.items)-1].value }}
	case n.Name == "index":
		return compiled{eval: func(f *frame) any { return int64(f.items[len(f.items)-1].index) }, kind: numberKind}
	}
	return c.fail(n, "#%s does not exist; # is the element and #index its position", n.Name)
}

func (c *compiler) declare(n *ast.VariableDeclaratorNode) compiled {
	value := c.compile(n.Value)
	slot := len(c.vars)
	c.vars = append(c.vars, n.Name)
	c.slots = max(c.slots, len(c.vars))
	body := c.compile(n.Expr)
	c.vars = c.vars[:slot]
	return compiled{kind: body.kind, eval: func(f *frame) any {
		f.vars[slot] = value.eval(f)
		return body.eval(f)
	}}
}

func (c *compiler) conditional(n *ast.ConditionalNode) compiled {
	cond, yes, no := c.condition(n.Cond), c.compile(n.Exp1), c.compile(n.Exp2)
	k := yes.kind
	if no.kind != k {
		k = anyKind
	}
	return compiled{kind: k, eval: func(f *frame) any {
		if truth(cond.eval(f)) {
			return yes.eval(f)
		}
		return no.eval(f)
	}}
}

func (c *compiler) list(n *ast.ArrayNode) compiled {
	parts := make([]compiled, len(n.Nodes))
	literal := true
	for i, e := range n.Nodes {
		parts[i] = c.compile(e)
		literal = literal && parts[i].literal
	}
	eval := func(f *frame) any {
		if !f.spend(len(parts)) {
			return nil
		}
		values := make([]any, len(parts))
		for i, p := range parts {
			values[i] = p.eval(f)
		}
		return values
	}
	if literal {
		return constant(compiled{eval: eval}.value(), listKind)
	}
	return compiled{eval: eval, kind: listKind}
}

// condition compiles a part whose truth counts, and refuses one that can never
// be true.
func (c *compiler) condition(n ast.Node) compiled {
	p := c.compile(n)
	c.checkResult(n, p.kind)
	return p
}

func (c *compiler) checkResult(n ast.Node, k kind) {
	if slices.Contains([]kind{anyKind, nilKind, boolKind}, k) {
		return
	}
	c.fail(n, "is %s, not true or false; compare it, as in %s", kindNames[k], exampleOf(n))
}

// exampleOf shows how to make a test of a part.
func exampleOf(n ast.Node) string {
	if id, ok := n.(*ast.IdentifierNode); ok {
		return id.Value + " != nil"
	}
	return `eventName == "GitPush"`
}
