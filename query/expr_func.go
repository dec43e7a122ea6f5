package query

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// function is a function of the language. call gets between min and max values
// and gives nil for those it cannot use; args is valid during the call.
type function struct {
	min, max int
	kind     kind
	call     func(f *frame, args []any) any
}

// functions are expr's, without those that depend on the clock, that make much
// from little, or that have no use in a test.
var functions = map[string]function{
	"len":         {1, 1, numberKind, callLen},
	"type":        {1, 1, textKind, callType},
	"abs":         {1, 1, numberKind, rounding(math.Abs)},
	"ceil":        {1, 1, numberKind, rounding(math.Ceil)},
	"floor":       {1, 1, numberKind, rounding(math.Floor)},
	"round":       {1, 1, numberKind, rounding(math.Round)},
	"int":         {1, 1, numberKind, callInt},
	"float":       {1, 1, numberKind, callFloat},
	"string":      {1, 1, textKind, callString},
	"lower":       {1, 1, textKind, onText(func(s []string) any { return strings.ToLower(s[0]) })},
	"upper":       {1, 1, textKind, onText(func(s []string) any { return strings.ToUpper(s[0]) })},
	"trim":        {1, 2, textKind, onText(trim)},
	"trimPrefix":  {2, 2, textKind, onText(func(s []string) any { return strings.TrimPrefix(s[0], s[1]) })},
	"trimSuffix":  {2, 2, textKind, onText(func(s []string) any { return strings.TrimSuffix(s[0], s[1]) })},
	"hasPrefix":   {2, 2, boolKind, onText(func(s []string) any { return strings.HasPrefix(s[0], s[1]) })},
	"hasSuffix":   {2, 2, boolKind, onText(func(s []string) any { return strings.HasSuffix(s[0], s[1]) })},
	"indexOf":     {2, 2, numberKind, onText(func(s []string) any { return int64(strings.Index(s[0], s[1])) })},
	"lastIndexOf": {2, 2, numberKind, onText(func(s []string) any { return int64(strings.LastIndex(s[0], s[1])) })},
	"split":       {2, 2, listKind, callSplit},
	"join":        {1, 2, textKind, callJoin},
	"first":       {1, 1, anyKind, func(_ *frame, args []any) any { return member(args[0], int64(0)) }},
	"last":        {1, 1, anyKind, func(_ *frame, args []any) any { return member(args[0], int64(-1)) }},
	"get":         {2, 2, anyKind, func(_ *frame, args []any) any { return member(args[0], args[1]) }},
	"keys":        {1, 1, listKind, callKeys},
	"values":      {1, 1, listKind, callValues},
	"max":         {1, 64, anyKind, func(f *frame, args []any) any { return f.extreme(args, 1) }},
	"min":         {1, 64, anyKind, func(f *frame, args []any) any { return f.extreme(args, -1) }},
	"toJSON":      {1, 1, textKind, callToJSON},
	"fromJSON":    {1, 1, anyKind, callFromJSON},
}

func (c *compiler) callNode(n *ast.CallNode) compiled {
	if id, ok := n.Callee.(*ast.IdentifierNode); ok {
		return c.call(n, id.Value, n.Arguments)
	}
	return c.fail(n, "a field cannot be called; functions stand alone, as in lower(eventName)")
}

func (c *compiler) call(n ast.Node, name string, args []ast.Node) compiled {
	if fold, ok := folds[name]; ok {
		return c.fold(n, name, fold, args)
	}
	fn, ok := functions[name]
	if !ok {
		return c.fail(n, "%s", unknownFunction(name))
	}
	if len(args) < fn.min || len(args) > fn.max {
		return c.fail(n, "%s takes %s", name, count(fn.min, fn.max))
	}
	evals := make([]evalFunc, len(args))
	for i, a := range args {
		evals[i] = c.compile(a).eval
	}
	return compiled{kind: fn.kind, eval: func(f *frame) any { return f.call(fn.call, evals) }}
}

// call keeps the arguments on the frame's stack, so that it does not allocate.
func (f *frame) call(fn func(*frame, []any) any, evals []evalFunc) any {
	if !f.spend(1) {
		return nil
	}
	base := len(f.args)
	for _, e := range evals {
		v := e(f)
		f.args = append(f.args, v)
	}
	v := fn(f, f.args[base:])
	f.args = f.args[:base]
	return v
}

func count(lo, hi int) string {
	switch {
	case lo != hi:
		return fmt.Sprintf("%d to %d values", lo, hi)
	case lo == 1:
		return "one value"
	}
	return fmt.Sprintf("%d values", lo)
}

func unknownFunction(name string) string {
	switch name {
	case "now", "date", "duration", "timezone":
		return name + ` is not available; compare eventTime as text, as in eventTime >= "2026-01-02", or use --from and --to`
	}
	known := slices.Sorted(maps.Keys(functions))
	known = append(known, slices.Sorted(maps.Keys(folds))...)
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return fmt.Sprintf("unknown function %s, did you mean %s?", name, k)
		}
	}
	return fmt.Sprintf("unknown function %s; there are %s", name, strings.Join(known, ", "))
}

// onText lifts a function of strings. Its work is a few times their length.
func onText(fn func(s []string) any) func(*frame, []any) any {
	return func(f *frame, args []any) any {
		var buf [2]string
		total := 0
		for i, a := range args {
			s, ok := a.(string)
			if !ok {
				return nil
			}
			buf[i] = s
			total += len(s)
		}
		if !f.text(4 * total) {
			return nil
		}
		return fn(buf[:len(args)])
	}
}

func trim(s []string) any {
	if len(s) == 1 {
		return strings.TrimSpace(s[0])
	}
	return strings.Trim(s[0], s[1])
}

func callLen(f *frame, args []any) any {
	switch v := args[0].(type) {
	case nil:
		return int64(0)
	case string:
		if f.text(len(v)) {
			return int64(utf8.RuneCountInString(v))
		}
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	}
	return nil
}

func callType(_ *frame, args []any) any {
	switch args[0].(type) {
	case nil:
		return "nil"
	case bool:
		return "bool"
	case string:
		return "string"
	case int64:
		return "int"
	case float64:
		return "float"
	case []any:
		return "array"
	}
	return "map"
}

func rounding(fn func(float64) float64) func(*frame, []any) any {
	return func(_ *frame, args []any) any {
		if n, ok := args[0].(int64); ok && (n >= 0 || fn(-0.5) != 0.5) {
			return n // only abs changes an integer
		}
		if x, ok := toFloat(args[0]); ok {
			return whole(fn(x))
		}
		return nil
	}
}

func callInt(f *frame, args []any) any {
	switch v := callFloat(f, args).(type) {
	case int64:
		return v
	case float64:
		if n, ok := whole(math.Trunc(v)).(int64); ok {
			return n
		}
	}
	return nil
}

// callFloat reads numbers from strings too.
func callFloat(_ *frame, args []any) any {
	switch v := args[0].(type) {
	case int64, float64:
		return v
	case string:
		v = strings.TrimSpace(v)
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			return whole(x)
		}
	}
	return nil
}

// callString gives strings as they are, and the JSON text of all else but nil.
func callString(f *frame, args []any) any {
	if s, ok := args[0].(string); ok {
		return s
	}
	return callToJSON(f, args)
}

func callSplit(f *frame, args []any) any {
	s, ok := args[0].(string)
	sep, ok2 := args[1].(string)
	if !ok || !ok2 || !f.text(len(s)) || !f.spend(strings.Count(s, sep)+1) {
		return nil
	}
	parts := strings.Split(s, sep)
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list
}

// callJoin joins the strings of a list, if it holds nothing else.
func callJoin(f *frame, args []any) any {
	list, _ := args[0].([]any)
	sep := ""
	if len(args) == 2 {
		sep, _ = args[1].(string)
	}
	parts := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok || !f.text(len(s)+len(sep)) {
			return nil
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, sep)
}

func callKeys(f *frame, args []any) any {
	m, ok := args[0].(map[string]any)
	if !ok || !f.spend(8*len(m)) {
		return nil
	}
	list := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, k)
	}
	return list
}

func callValues(f *frame, args []any) any {
	m, ok := args[0].(map[string]any)
	if !ok || !f.spend(8*len(m)) {
		return nil
	}
	list := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[k])
	}
	return list
}

// extreme returns the greatest (sign 1) or least number or string of args, or
// of the list that is the only one of them.
func (f *frame) extreme(args []any, sign int) any {
	if list, ok := args[0].([]any); ok && len(args) == 1 {
		args = list
	}
	var best any
	for _, v := range args {
		if !f.spend(1) {
			return nil
		}
		v = normal(v)
		if c, ok := f.order(v, best); best == nil || ok && c*sign > 0 {
			best = v
		}
	}
	return best
}
