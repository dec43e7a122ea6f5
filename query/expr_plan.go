package query

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/trailblame/trailblame/index"
)

// PlanOp says what a Plan node is.
type PlanOp uint8

// The kinds of Plan nodes.
const (
	PlanAll       PlanOp = iota // every record
	PlanAnd                     // records in all Args
	PlanOr                      // records in any of Args
	PlanTerm                    // records for which Term holds
	PlanEventID                 // records whose eventID is one of IDs
	PlanRequestID               // records whose requestID is one of IDs
)

// Plan is what the index can contribute to an expression: a formula without
// negation that every matching record satisfies, and other records may.
type Plan struct {
	Op   PlanOp
	Args []Plan   // of PlanAnd and PlanOr
	Term Term     // of PlanTerm
	IDs  []string // of PlanEventID and PlanRequestID
}

// maxTermValue is the length of the longest value that the index holds.
const maxTermValue = 2048

// indexedPaths tells which field of the index holds the values of a path.
var indexedPaths = map[string]index.Field{
	"eventName":                index.EventName,
	"eventSource":              index.EventSource,
	"errorCode":                index.ErrorCode,
	"awsRegion":                index.Region,
	"recipientAccountId":       index.Account,
	"userIdentity.accountId":   index.Account,
	"userIdentity.arn":         index.Principal,
	"userIdentity.principalId": index.Principal,
	"userIdentity.invokedBy":   index.Principal,
	"userIdentity.sessionContext.sessionIssuer.arn":      index.Issuer,
	"userIdentity.userName":                              index.UserName,
	"userIdentity.sessionContext.sessionIssuer.userName": index.UserName,
	"userIdentity.accessKeyId":                           index.AccessKey,
	"sourceIPAddress":                                    index.SourceIP,
	"sharedEventID":                                      index.SharedEvent,
}

// planner derives plans. vars are the names that let has taken from fields
// around the current node.
type planner struct{ vars map[string]bool }

func planOf(n ast.Node) Plan {
	p := planner{vars: make(map[string]bool)}
	return p.plan(n)
}

func (p *planner) plan(n ast.Node) Plan {
	switch n := n.(type) {
	case *ast.ChainNode:
		return p.plan(n.Node)
	case *ast.VariableDeclaratorNode:
		outer := p.vars[n.Name]
		p.vars[n.Name] = true
		plan := p.plan(n.Expr)
		p.vars[n.Name] = outer
		return plan
	case *ast.BinaryNode:
		return p.binary(n)
	}
	return Plan{}
}

func (p *planner) binary(n *ast.BinaryNode) Plan {
	switch n.Operator {
	case "&&", "and", "||", "or":
		return p.chain(n)
	case "==":
		left, right := p.leaf(n.Left, n.Right), p.leaf(n.Right, n.Left)
		if left.Op == PlanAll {
			return right
		}
		return left
	case "in":
		return p.in(n)
	case "startsWith":
		if prefix, ok := stringLiteral(n.Right); ok && len(prefix) > 0 {
			return p.lookup(n.Left, []string{prefix}, true)
		}
	}
	return Plan{}
}

// chain plans a chain of the same operator as one node.
func (p *planner) chain(n *ast.BinaryNode) Plan {
	op := opOf(n)
	var args []Plan
	for {
		args = append(args, p.plan(n.Right))
		left, ok := n.Left.(*ast.BinaryNode)
		if !ok || opOf(left) != op {
			args = append(args, p.plan(n.Left))
			break
		}
		n = left
	}
	return join(op, args)
}

// opOf is PlanAll for operators that join nothing.
func opOf(n *ast.BinaryNode) PlanOp {
	switch n.Operator {
	case "&&", "and":
		return PlanAnd
	case "||", "or":
		return PlanOr
	}
	return PlanAll
}

// join joins plans, given last first. And drops what every record satisfies;
// Or of such a plan is one itself.
func join(op PlanOp, args []Plan) Plan {
	out := Plan{Op: op}
	for i := len(args) - 1; i >= 0; i-- {
		switch a := args[i]; {
		case a.Op == PlanAll && op == PlanOr:
			return Plan{}
		case a.Op == PlanAll:
		case a.Op == op:
			out.Args = append(out.Args, a.Args...)
		default:
			out.Args = append(out.Args, a)
		}
	}
	switch len(out.Args) {
	case 0:
		return Plan{}
	case 1:
		return out.Args[0]
	}
	return out
}

func (p *planner) leaf(field, value ast.Node) Plan {
	if text, ok := stringLiteral(value); ok {
		return p.lookup(field, []string{text}, false)
	}
	return Plan{}
}

func (p *planner) in(n *ast.BinaryNode) Plan {
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(list.Nodes) == 0 {
		return Plan{}
	}
	values := make([]string, len(list.Nodes))
	for i, e := range list.Nodes {
		if values[i], ok = stringLiteral(e); !ok {
			return Plan{}
		}
	}
	return p.lookup(n.Left, values, false)
}

// lookup plans that the value of field is one of values, or begins with it.
func (p *planner) lookup(field ast.Node, values []string, prefix bool) Plan {
	path, ok := p.path(field)
	if !ok {
		return Plan{}
	}
	terms := make([]string, len(values))
	for i, v := range values {
		if !indexed(v) {
			return Plan{}
		}
		if terms[i] = v; prefix {
			terms[i] += "*"
		}
	}
	f, ok := indexedPaths[path]
	switch {
	case ok:
		return Plan{Op: PlanTerm, Term: Is(f, terms...)}
	case path == "eventID" && !prefix:
		return Plan{Op: PlanEventID, IDs: terms}
	case path == "requestID" && !prefix:
		return Plan{Op: PlanRequestID, IDs: terms}
	case strings.HasPrefix(path, "addendum."):
		// Few records have one. A state change's own keys are no columns.
		return Plan{Op: PlanTerm, Term: Is(index.Outcome, index.OutcomeAddendum, index.OutcomeNative)}
	}
	return Plan{}
}

// indexed tells whether the index finds every record with the value. It holds
// none that are empty or too long, its '*' cannot be escaped, and it keeps bytes
// that are not UTF-8 where a decoded record has U+FFFD.
func indexed(v string) bool {
	return v != "" && len(v) <= maxTermValue && !strings.ContainsAny(v, "*\uFFFD")
}

// path returns the names of a member access, joined by dots.
func (p *planner) path(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.ChainNode:
		return p.path(n.Node)
	case *ast.IdentifierNode:
		return n.Value, !p.vars[n.Value]
	case *ast.MemberNode:
		name, ok := stringLiteral(n.Property)
		if !ok || strings.Contains(name, ".") {
			return "", false
		}
		if id, isEnv := n.Node.(*ast.IdentifierNode); isEnv && id.Value == "$env" {
			return name, !p.vars["$env"]
		}
		object, ok := p.path(n.Node)
		return object + "." + name, ok
	}
	return "", false
}

// String returns the plan as --explain prints it.
func (p Plan) String() string {
	switch p.Op {
	case PlanAnd:
		return joined(p.Args, " and ")
	case PlanOr:
		return joined(p.Args, " or ")
	case PlanTerm:
		names := make([]string, len(p.Term.Fields))
		for i, f := range p.Term.Fields {
			names[i] = f.String()
		}
		return strings.Join(names, "|") + " is " + quoted(p.Term.Values)
	case PlanEventID:
		return "eventID is " + quoted(p.IDs)
	case PlanRequestID:
		return "requestID is " + quoted(p.IDs)
	}
	return "all"
}

func joined(args []Plan, op string) string {
	parts := make([]string, len(args))
	for i, a := range args {
		if parts[i] = a.String(); a.Op == PlanAnd || a.Op == PlanOr {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, op)
}

// quoted lists values as they stand in an expression. Long lists are cut.
func quoted(values []string) string {
	const most = 8
	var b strings.Builder
	for i, v := range values {
		switch {
		case i == most:
			return b.String() + " or " + strconv.Itoa(len(values)-most) + " more"
		case i > 0:
			b.WriteString(" or ")
		}
		b.WriteString(strconv.Quote(v))
	}
	return b.String()
}

// EventIDExpr returns the expression that an event with this eventID satisfies,
// in all its versions, and so do the records that correct it.
func EventIDExpr(eventID string) string {
	id := strconv.Quote(eventID)
	return "(eventID == " + id + " || addendum.originalEventID == " + id + ")"
}
