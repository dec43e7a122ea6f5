package correlate

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed catalogue.txt
var catalogueText string

// entry is one line of the catalogue: an event that may be a change, and where
// its parts stand in the record.
type entry struct {
	service, name string
	kind          Kind
	op            Op
	who, on       []template
	policy, doc   []template
	conditions    []condition
	effective     []string // path that must be true for the change to act
	inert         bool
}

// condition asks for a request parameter, with a value when one is given.
type condition struct {
	path  []string
	value string
}

// catalogue is the parsed table, by service and event name.
var catalogue = sync.OnceValue(func() map[string][]*entry {
	entries, err := parseCatalogue(catalogueText)
	if err != nil {
		panic(err) // embedded text, read by a test
	}
	m := make(map[string][]*entry, len(entries))
	for _, e := range entries {
		key := e.service + " " + e.name
		m[key] = append(m[key], e)
	}
	return m
})

// catalogueFor returns the entries for an event, best first.
func catalogueFor(e *Event) []*entry {
	s := e.service()
	return catalogue()[s+" "+plainName(s, e.Name)]
}

// ChangeEventNames returns the eventNames that ParseChange knows, sorted, each
// once. Lambda puts an API date behind its names, so those end in '*'.
func ChangeEventNames() []string {
	set := map[string]bool{}
	for _, list := range catalogue() {
		for _, e := range list {
			name := e.name
			if e.service == "lambda" {
				name += "*"
			}
			set[name] = true
		}
	}
	var names []string
	for n := range set {
		if strings.HasSuffix(n, "*") || !set[n+"*"] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// plainName drops the API date that Lambda puts behind its event names, as in
// AddPermission20150331v2.
func plainName(service, name string) string {
	if service != "lambda" {
		return name
	}
	s := name
	if i := strings.LastIndexByte(s, 'v'); i > 0 && i < len(s)-1 && digits(s[i+1:]) {
		s = s[:i]
	}
	if len(s) > 8 && digits(s[len(s)-8:]) {
		return s[:len(s)-8]
	}
	return name
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// parseCatalogue reads the layout that the head of catalogue.txt describes.
func parseCatalogue(s string) ([]*entry, error) {
	var out []*entry
	service := ""
	for i, line := range strings.Split(s, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			service = line[1:]
		default:
			e, err := parseEntry(strings.Fields(line))
			if err != nil {
				return nil, fmt.Errorf("catalogue line %d: %w", i+1, err)
			}
			e.service = service
			out = append(out, e)
		}
	}
	return out, nil
}

func parseEntry(f []string) (*entry, error) {
	if len(f) < 3 {
		return nil, fmt.Errorf("%d words", len(f))
	}
	e := &entry{kind: Kind(f[0]), op: Op(f[1]), name: f[2]}
	if _, ok := kindLayers[e.kind]; !ok {
		return nil, fmt.Errorf("unknown kind %q", e.kind)
	}
	if !slices.Contains([]Op{OpPut, OpAdd, OpRemove, OpReplace, OpToggle}, e.op) {
		return nil, fmt.Errorf("unknown operation %q", e.op)
	}
	for _, slot := range f[3:] {
		if err := e.setSlot(slot); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (en *entry) setSlot(slot string) error {
	key, value, _ := strings.Cut(slot, "=")
	var err error
	switch key {
	case "who":
		en.who, err = parseTemplates(value)
	case "on":
		en.on, err = parseTemplates(value)
	case "policy":
		en.policy, err = parseTemplates(value)
	case "doc":
		en.doc, err = parseTemplates(value)
	case "if":
		for _, c := range strings.Split(value, "|") {
			path, want, _ := strings.Cut(c, ":")
			en.conditions = append(en.conditions, condition{strings.Split(path, "."), want})
		}
	case "effective":
		en.effective = strings.Split(value, ".")
	case "inert":
		en.inert = true
	default:
		err = fmt.Errorf("unknown slot %q", slot)
	}
	return err
}

// applies reports whether the event is such a change.
func (en *entry) applies(ev *Event) bool {
	for _, c := range en.conditions {
		v := walk(ev.Params, c.path)
		if v != nil && (c.value == "" || text(v) == c.value) {
			return true
		}
	}
	return len(en.conditions) == 0
}
