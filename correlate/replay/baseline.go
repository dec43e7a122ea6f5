package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Baseline is the policy state before a trail begins. It covers an owner
// whole or not at all: of a user that it lists, what it does not list is known
// not to be there.
type Baseline struct {
	values   map[Slot]Value
	whole    map[owned]bool
	versions map[version]string
}

type version struct{ arn, id string }

// LoadBaseline reads baselines from files. Each holds one or more JSON values:
// outputs of "aws iam get-account-authorization-details", with documents as
// objects or percent-encoded, or objects from ARN to policy document, null for
// a resource known to have none. Errors name the file and the place in it.
func LoadBaseline(names ...string) (*Baseline, error) {
	b := NewBaseline()
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read baseline: %w", err)
		}
		err = b.Read(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("read baseline %s: %w", name, err)
		}
	}
	return b, nil
}

// NewBaseline returns a baseline that covers nothing.
func NewBaseline() *Baseline {
	return &Baseline{values: map[Slot]Value{}, whole: map[owned]bool{}, versions: map[version]string{}}
}

// Read adds what a reader holds, in the forms that LoadBaseline describes.
func (b *Baseline) Read(r io.Reader) error {
	dec := json.NewDecoder(r)
	n := 0
	for {
		var raw map[string]json.RawMessage
		err := dec.Decode(&raw)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("value %d, near byte %d: %w", n+1, dec.InputOffset(), err)
		}
		n++
		if err := b.add(raw); err != nil {
			return fmt.Errorf("value %d: %w", n, err)
		}
	}
	if n == 0 {
		return errors.New("it is empty; want the output of aws iam get-account-authorization-details, or an object from ARN to policy document")
	}
	return nil
}

// add takes one JSON value in, in whichever form it is.
func (b *Baseline) add(raw map[string]json.RawMessage) error {
	lists := []string{"UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"}
	for _, l := range lists {
		if _, ok := raw[l]; ok {
			return b.addDetails(raw)
		}
	}
	for arn, doc := range raw {
		if !strings.HasPrefix(arn, "arn:") {
			return fmt.Errorf("member %q is neither a list of account authorization details (%s) nor an ARN", arn, strings.Join(lists, ", "))
		}
		if err := b.addDocument(arn, doc); err != nil {
			return err
		}
	}
	return nil
}

// addDocument takes a plain policy document in. A role's is its trust policy.
func (b *Baseline) addDocument(arn string, raw json.RawMessage) error {
	slot := Slot{Kind: Resource, Owner: Entity(arn)}
	switch p := strings.SplitN(arn, ":", 6); {
	case len(p) != 6:
		return fmt.Errorf("%q is not an ARN", arn)
	case p[2] == "iam" && strings.HasPrefix(p[5], "policy/"):
		slot = Slot{Kind: Managed, Owner: arn}
	case p[2] == "organizations":
		slot = Slot{Kind: OrgPolicy, Owner: arn[strings.LastIndexByte(arn, '/')+1:]}
	case p[2] == "iam" && !strings.HasPrefix(p[5], "role/"):
		return fmt.Errorf("%s has no policy document of its own; use the output of aws iam get-account-authorization-details", arn)
	}
	b.whole[owned{slot.Kind, slot.Owner}] = true
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	return b.put(slot, raw)
}

// put stores a document after checking that it is one.
func (b *Baseline) put(slot Slot, raw json.RawMessage) error {
	text, err := documentText(raw)
	if err == nil {
		_, err = policy.Parse([]byte(text))
	}
	if err != nil {
		return fmt.Errorf("policy %s of %s: %w", slot.Name, slot.Owner, err)
	}
	b.values[slot] = Value{Presence: Present, Doc: text}
	return nil
}

// documentText returns a document, given as an object or as a string that
// holds JSON, percent-encoded or not, as JSON text.
func documentText(raw json.RawMessage) (string, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`)) {
		return string(raw), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", err
	}
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "%") {
		u, err := url.PathUnescape(s)
		if err != nil {
			return "", fmt.Errorf("percent-encoded document: %w", err)
		}
		s = u
	}
	return s, nil
}

// covers reports whether the baseline knows all slots of a kind of an owner.
func (b *Baseline) covers(kind Kind, owner string) bool {
	return b != nil && b.whole[owned{kind, owner}]
}

// Value returns what a slot held before the trail; false when the baseline
// does not cover it.
func (b *Baseline) Value(s Slot) (Value, bool) {
	if !b.covers(s.Kind, s.Owner) {
		return Value{}, false
	}
	if v, ok := b.values[s]; ok {
		return v, true
	}
	return Value{Presence: Absent}, true
}

// Version returns the document of one version of a managed policy, or "".
func (b *Baseline) Version(arn, id string) string {
	if b == nil {
		return ""
	}
	return b.versions[version{arn, id}]
}

// Slots calls do for every slot the baseline tells filled.
func (b *Baseline) Slots(do func(Slot, Value)) {
	if b == nil {
		return
	}
	for s, v := range b.values {
		do(s, v)
	}
}

// Entity returns the ARN of a user, group or role without its path: within an
// account the name alone is unique, and not every record shows the path.
func Entity(arn string) string {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[2] != "iam" {
		return arn
	}
	kind, name, ok := strings.Cut(p[5], "/")
	if !ok || kind != "user" && kind != "group" && kind != "role" {
		return arn
	}
	return strings.TrimSuffix(arn, p[5]) + kind + "/" + name[strings.LastIndexByte(name, '/')+1:]
}
