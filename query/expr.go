package query

import (
	"errors"
	"fmt"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
)

// Limits of an expression. Deep nesting would overflow the Go stack, which
// nothing can recover from, so it is refused before the parser sees it.
const (
	maxExprSource  = 64 << 10 // bytes
	maxExprNesting = 250      // brackets, prefix operators and right-associative operators inside each other
	maxExprNodes   = 64 << 10 // no source within the limit has more
)

// Expr is a compiled filter expression: the expr language over the CloudTrail
// names of a record. It is immutable and safe for concurrent use.
//
// A field that is missing is nil, and so is everything inside it. nil equals
// nil and nothing else, !nil is true, len(nil) is 0, and every other test of nil
// is false. An operation on a value of the wrong type gives nil or false in the
// same way: what a record holds never makes an error. The parser is expr's own;
// evaluation is ours, because these rules and a bound on work hold at every
// node.
type Expr struct {
	source string
	eval   evalFunc
	slots  int // variables
	plan   Plan
}

// Compile reads an expression. Its errors are one line that says where the
// mistake is and what to do about it.
func Compile(src string) (e *Expr, err error) {
	if err := checkSource(src); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil {
			e, err = nil, errors.New("expression: cannot be read; write it in a simpler form")
		}
	}()
	config := conf.CreateNew()
	config.MaxNodes = maxExprNodes
	tree, err := parser.ParseWithConfig(src, config)
	if err != nil {
		return nil, parseError(src, err)
	}
	c := &compiler{source: src, done: make(map[ast.Node]compiled)}
	out := c.compile(tree.Node)
	if c.err == nil {
		c.checkResult(tree.Node, out.kind)
	}
	if c.err != nil {
		return nil, c.err
	}
	return &Expr{source: src, eval: out.eval, slots: c.slots, plan: planOf(tree.Node)}, nil
}

// String returns the source of the expression.
func (e *Expr) String() string { return e.source }

// Plan returns what the index can contribute: every record that e matches
// satisfies it.
func (e *Expr) Plan() Plan { return e.plan }

// Match tells whether e is true of a record that DecodeRecord returned. A result
// that is neither true nor false counts as false. The only error is that the
// expression needs more work on this record than is allowed.
func (e *Expr) Match(record map[string]any) (bool, error) {
	f := framePool.Get().(*frame)
	f.start(record, e.slots)
	ok := truth(e.eval(f))
	spent := f.left < 0
	f.reset()
	framePool.Put(f)
	if spent {
		return false, fmt.Errorf("expression: needs more than %d steps on one record; avoid loops inside loops over long lists", maxExprSteps)
	}
	return ok, nil
}

var framePool = sync.Pool{New: func() any { return new(frame) }}
