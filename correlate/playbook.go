package correlate

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Playbook is the knowledge about one family of failures: which failures it
// claims, which changes its source names and how soon before the failure they
// count, what else to look at, and what to do next. It decides nothing about
// truth: windows are evidence, and every change is examined whatever its kind.
type Playbook struct {
	ID       string `yaml:"id"`
	Title    string `yaml:"title"`
	Source   string `yaml:"source"` // where its rules come from, in words
	Failures []FailureSelector
	// Windows adds rungs to the ladder, such as 30d.
	Windows []Window `yaml:"windows"`
	Changes []ChangeGroup
	// Evidence lists further events worth a line: credentials, triggers,
	// lifecycle rules. They are never more than related.
	Evidence   []EvidenceGroup
	Frequency  PatternRule
	Spread     PatternRule
	Escalation Escalation
	NextSteps  []NextStep `yaml:"nextSteps"`
}

// FailureSelector claims a failure when each of its lists that is not empty has
// an entry that fits. Entries are globs with '*', compared without case.
type FailureSelector struct {
	Actions      []string `yaml:"actions"`
	EventNames   []string `yaml:"eventNames"`
	EventSources []string `yaml:"eventSources"`
	// ErrorCodes claims these codes; a code listed here counts as a failure
	// even when it is no denial by itself.
	ErrorCodes []string `yaml:"errorCodes"`
	Layers     []string `yaml:"layers"`
	// Callers fits the role or user, the session name, the calling service
	// and the user agent.
	Callers []string `yaml:"callers"`
	// Native lists detail-types of EventBridge state changes.
	Native []string `yaml:"native"`
}

// ChangeGroup is a kind of change that the playbook's source names, with the
// window it names for it.
type ChangeGroup struct {
	Name       string   `yaml:"name"`
	Kinds      []string `yaml:"kinds"`
	EventNames []string `yaml:"eventNames"`
	Layers     []string `yaml:"layers"`
	Window     Window   `yaml:"window"`
}

// EvidenceGroup selects events that are no policy changes but belong into the
// picture. Join names what such an event must share with the failure:
// principal, resource or account.
type EvidenceGroup struct {
	Name         string   `yaml:"name"`
	EventNames   []string `yaml:"eventNames"`
	EventSources []string `yaml:"eventSources"`
	Join         string   `yaml:"join"`
	Window       Window   `yaml:"window"`
	Text         string   `yaml:"text"`
	// Context marks events that explain the circumstances and cannot be a
	// cause, such as the start of a pipeline execution.
	Context bool `yaml:"context"`
}

// PatternRule is a window to watch and, for each pattern seen in it, what the
// pattern speaks for.
type PatternRule struct {
	Window   Window            `yaml:"window"`
	Patterns map[string]string `yaml:"patterns"`
}

// Escalation is how far the search goes when the groups' own windows hold
// nothing.
type Escalation struct {
	Window Window `yaml:"window"`
	Text   string `yaml:"text"`
}

// NextStep is advice with {placeholders}, given when the diagnosis is one of
// When, or always when When is empty.
type NextStep struct {
	When []string `yaml:"when"`
	Text string   `yaml:"text"`
}

// PlaybookError tells where a playbook is wrong. Line counts from 1, 0 when
// the fault has no place.
type PlaybookError struct {
	Name   string
	Line   int
	Reason string
}

// Error implements error.
func (e *PlaybookError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Name, e.Reason)
}

// maxPlaybook bounds a playbook file.
const maxPlaybook = 1 << 20

// LoadPlaybook reads and validates one playbook. Unknown and repeated fields
// are errors; every error is a *PlaybookError that name and line address.
func LoadPlaybook(name string, r io.Reader) (*Playbook, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPlaybook+1))
	if err != nil {
		return nil, fmt.Errorf("read playbook %s: %w", name, err)
	}
	if len(data) > maxPlaybook {
		return nil, &PlaybookError{Name: name, Reason: "larger than 1 MiB"}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlError(name, err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &PlaybookError{Name: name, Reason: "holds no playbook, or more than one"}
	}
	var p Playbook
	if err := yaml.UnmarshalWithOptions(data, &p, yaml.Strict()); err != nil {
		return nil, yamlError(name, err)
	}
	c := playbookCheck{name: name, file: file}
	c.check(&p)
	return &p, c.err
}

// yamlError turns an error of the YAML library into one with a line.
func yamlError(name string, err error) error {
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return &PlaybookError{Name: name, Reason: err.Error()}
	}
	line := 0
	if t := ye.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return &PlaybookError{Name: name, Line: line, Reason: ye.GetMessage()}
}

// playbookCheck collects the first fault of a playbook.
type playbookCheck struct {
	name string
	file *ast.File
	err  error
}

// fault records the first fault, found at a YAML path such as $.changes[0].
func (c *playbookCheck) fault(path, format string, args ...any) {
	if c.err != nil {
		return
	}
	c.err = &PlaybookError{Name: c.name, Line: c.line(path), Reason: strings.TrimPrefix(path, "$.") + ": " + fmt.Sprintf(format, args...)}
}

// line finds the line of the deepest part of path that exists.
func (c *playbookCheck) line(path string) int {
	for path != "" && path != "$" {
		if p, err := yaml.PathString(path); err == nil {
			if n, err := p.FilterFile(c.file); err == nil && n != nil && n.GetToken() != nil {
				return n.GetToken().Position.Line
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

func (c *playbookCheck) check(p *Playbook) {
	if !isSlug(p.ID) {
		c.fault("$.id", "want lower-case words joined by '-', have %q", p.ID)
	}
	if p.Title == "" {
		c.fault("$.title", "missing")
	}
	if len(p.Failures) == 0 {
		c.fault("$.failures", "missing: the playbook would claim nothing")
	}
	for i, s := range p.Failures {
		c.selector(fmt.Sprintf("$.failures[%d]", i), s)
	}
	for i, g := range p.Changes {
		c.changeGroup(fmt.Sprintf("$.changes[%d]", i), g)
	}
	for i, g := range p.Evidence {
		c.evidenceGroup(fmt.Sprintf("$.evidence[%d]", i), g)
	}
	c.patterns("$.frequency", p.Frequency, "constant", "intermittent", "single")
	c.patterns("$.spread", p.Spread, "branch", "repository", "principal", "resource", "account", "single")
	for i, w := range p.Windows {
		c.window(fmt.Sprintf("$.windows[%d]", i), w)
	}
	if p.Escalation.Window != 0 {
		c.window("$.escalation.window", p.Escalation.Window)
	}
	for i, s := range p.NextSteps {
		c.nextStep(fmt.Sprintf("$.nextSteps[%d]", i), s)
	}
}

func (c *playbookCheck) window(path string, w Window) {
	switch {
	case w == badWindow:
		c.fault(path, "want a whole number and s, m, h or d, such as 30m")
	case w <= 0:
		c.fault(path, "missing")
	}
}

func (c *playbookCheck) selector(path string, s FailureSelector) {
	for _, l := range s.Layers {
		if !knownLayers[Layer(l)] {
			c.fault(path+".layers", "no such layer %q", l)
		}
	}
	for _, code := range s.ErrorCodes {
		if code == "" || strings.Contains(code, "*") {
			c.fault(path+".errorCodes", "want whole error codes, have %q", code)
		}
	}
}

func (c *playbookCheck) changeGroup(path string, g ChangeGroup) {
	if g.Name == "" {
		c.fault(path+".name", "missing")
	}
	if len(g.Kinds)+len(g.EventNames)+len(g.Layers) == 0 {
		c.fault(path, "selects nothing: give kinds, eventNames or layers")
	}
	c.window(path+".window", g.Window)
	for _, l := range g.Layers {
		if !knownLayers[Layer(l)] {
			c.fault(path+".layers", "no such layer %q", l)
		}
	}
}

func (c *playbookCheck) evidenceGroup(path string, g EvidenceGroup) {
	if g.Name == "" || g.Text == "" {
		c.fault(path, "name and text are needed")
	}
	if len(g.EventNames) == 0 {
		c.fault(path+".eventNames", "missing")
	}
	for _, n := range g.EventNames {
		if strings.Contains(n, "*") {
			c.fault(path+".eventNames", "want whole event names, have %q", n)
		}
	}
	switch g.Join {
	case "principal", "resource", "account":
	default:
		c.fault(path+".join", "want principal, resource or account, have %q", g.Join)
	}
	c.window(path+".window", g.Window)
}

func (c *playbookCheck) patterns(path string, r PatternRule, known ...string) {
	c.window(path+".window", r.Window)
	for name := range r.Patterns {
		if !contains(known, name) {
			c.fault(path+".patterns", "no such pattern %q; there are %s", name, strings.Join(known, ", "))
		}
	}
}

func (c *playbookCheck) nextStep(path string, s NextStep) {
	for _, w := range s.When {
		switch Diagnosis(w) {
		case DiagnosisChange, DiagnosisPropagation, DiagnosisNeverAllowed, DiagnosisUnexplained:
		default:
			c.fault(path+".when", "no such diagnosis %q", w)
		}
	}
	for _, name := range placeholders(s.Text) {
		if !knownPlaceholders[name] {
			c.fault(path+".text", "no such placeholder {%s}", name)
		}
	}
}

var knownLayers = map[Layer]bool{
	LayerIdentity: true, LayerResource: true, LayerSCP: true, LayerRCP: true, LayerBoundary: true,
	LayerSession: true, LayerVPCEndpoint: true, LayerTrust: true, LayerKMS: true, LayerGate: true, LayerUnknown: true,
}

func isSlug(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func anyFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}

// ladder returns the search windows of p over base, smallest first.
func (p *Playbook) ladder(base []time.Duration) []time.Duration {
	all := append([]time.Duration(nil), base...)
	for _, w := range p.Windows {
		all = append(all, time.Duration(w))
	}
	return sortLadder(all)
}
