package query

// maxExprSteps bounds the work that one record may cost: about as many
// comparisons, or as many times 64 bytes looked at or made.
const maxExprSteps = 4 << 20

// evalFunc evaluates a part of an expression.
type evalFunc func(f *frame) any

// frame is the state of one evaluation. Values in it are nil, bool, string,
// int64, float64, []any or map[string]any.
type frame struct {
	record map[string]any
	vars   []any
	items  []item
	args   []any // of the calls under way
	left   int   // steps left; below 0 the result is void
}

// item is the element that a predicate looks at.
type item struct {
	value any
	index int
}

// spend takes n steps, and tells whether they were left.
func (f *frame) spend(n int) bool {
	if f.left >= 0 {
		f.left -= n
	}
	return f.left >= 0
}

// text takes the steps for looking at, or making, n bytes.
func (f *frame) text(n int) bool { return f.spend(1 + n/64) }

// start prepares the evaluation of an expression with so many variables.
func (f *frame) start(record map[string]any, slots int) {
	f.record, f.left = record, maxExprSteps
	f.vars = append(f.vars[:0], make([]any, slots)...)
}

// reset drops what the frame refers to.
func (f *frame) reset() {
	clear(f.vars[:cap(f.vars)])
	clear(f.items[:cap(f.items)])
	clear(f.args[:cap(f.args)])
	f.record, f.vars, f.items, f.args = nil, f.vars[:0], f.items[:0], f.args[:0]
}
