package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// mechanism is one way in which a request comes to fail.
type mechanism struct {
	name   string
	build  func(s *story)
	maxGap float64 // seconds
}

const week = 7 * 86400

var mechanisms = []mechanism{
	{"inline-deny", inlineDeny, week},
	{"inline-deleted", deleteInline, week},
	{"statement-removed", statementRemoved, week},
	{"policy-version", policyVersion, week},
	{"default-version", defaultVersion, week},
	{"deny-attached", attachDeny, week},
	{"detach", detach, week},
	{"group-deny-attached", groupAttachDeny, week},
	{"group-joined", joinGroup, week},
	{"group-removal", groupRemoval, week},
	{"boundary", boundary, week},
	{"scp-attach", scpAttach, week},
	{"scp-edit", scpEdit, week},
	{"rcp-attach", rcpAttach, week},
	{"move-account", moveAccount, week},
	{"bucket-policy", bucketPolicy, week},
	{"secret-policy", secretPolicy, week},
	{"queue-policy", queuePolicy, week},
	{"image-policy", imagePolicy, week},
	{"function-permission", functionPermission, week},
	{"key-policy", keyPolicy, week},
	{"key-behind-object", keyBehindObject, week},
	{"grant-revoke", grantRevoke, week},
	{"trust-edit", trustEdit, week},
	// The session lives an hour and has to hold all failures.
	{"session-policy", sessionPolicy, 600},
	{"vpc-endpoint", endpointPolicy, week},
	{"permission-set", permissionSet, week},
	{"approval-rule", approvalRule, week},
	{"approval-template", approvalTemplate, week},
	{"condition-references", referencesEdit, week},
	{"condition-null-guard", nullGuard, week},
	{"condition-source-ip", sourceIP, week},
	// A grant takes a minute at most to be effective.
	{"grant-propagating", propagating, 50},
	{"never-allowed", neverAllowed, week},
	{"masked-missing-key", masked, week},
	{"throttling", throttled, week},
	{"key-disabled", keyDisabled, week},
	{"expired-credentials", expired, week},
	{"denied-before", stillDenied, week},
	{"cause-unseen", blindSpot, week},
}

// deliveryPeriod is how long an object stays open. It is longer than AWS's, so
// that thousands of scenarios stay a matter of seconds.
const deliveryPeriod = 15 * time.Minute

// build tells the n-th scenario.
func build(seed uint64, n int) *story {
	m := mechanisms[n%len(mechanisms)]
	s := newStory(seed, n, m.maxGap)
	s.label.Mechanism = m.name
	s.label.Name = fmt.Sprintf("%04d-%s", n, m.name)
	m.build(s)
	s.tell()
	return s
}

// Write writes n scenarios below dir, each in a folder of its own with the
// trail, its label and, where the story has one, a baseline; labels.ndjson
// holds all labels.
func Write(dir string, seed uint64, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "labels.ndjson"))
	if err != nil {
		return err
	}
	defer f.Close()
	all := json.NewEncoder(f)
	for i := range n {
		s := build(seed, i)
		if err := s.write(filepath.Join(dir, s.label.Name)); err != nil {
			return fmt.Errorf("write %s: %w", s.label.Name, err)
		}
		if err := all.Encode(s.label); err != nil {
			return err
		}
	}
	return f.Close()
}

// Mechanisms lists the ways to fail in the order in which scenarios take turns;
// the bool tells whether a change is to blame.
func Mechanisms() (names []string, blamed map[string]bool) {
	blamed = map[string]bool{}
	for i, m := range mechanisms {
		names = append(names, m.name)
		blamed[m.name] = build(1, i).label.Culprit != nil
	}
	return names, blamed
}

// Make writes the n-th scenario of a seed into a folder, as Write does, and
// returns its label.
func Make(dir string, seed uint64, n int) (Label, error) {
	s := build(seed, n)
	return s.label, s.write(dir)
}

// write writes the scenario into its folder.
func (s *story) write(dir string) error {
	for _, c := range []*trail.Cloud{s.c, s.org, s.other} {
		files, err := c.Objects(deliveryPeriod)
		if err != nil {
			return err
		}
		if err := trail.Write(filepath.Join(dir, "trail"), files); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(s.label, "", "  ")
	if err != nil {
		return err
	}
	if s.label.Baseline == "file" {
		if err := os.WriteFile(filepath.Join(dir, "baseline.json"), []byte(trail.Text(s.before.details(s.c))+"\n"), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "label.json"), append(text, '\n'), 0o644)
}
