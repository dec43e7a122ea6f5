package scenario

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// record is what the tests look at.
type record struct {
	EventID, EventName, EventSource, ErrorCode, ErrorMessage string
	EventTime                                                time.Time
	UserIdentity                                             struct {
		Arn            string
		SessionContext struct{ SessionIssuer struct{ Arn string } }
	}
}

// principal is the user or the session's role.
func (r record) principal() string {
	if a := r.UserIdentity.SessionContext.SessionIssuer.Arn; a != "" {
		return a
	}
	return r.UserIdentity.Arn
}

// files reads everything below dir by name.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		found[strings.TrimPrefix(path, dir)], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(found), err)
	}
	return found
}

// trailOf reads the unique records of a scenario by ID.
func trailOf(t *testing.T, dir string) map[string]record {
	t.Helper()
	seen := map[string]record{}
	for name, body := range files(t, filepath.Join(dir, "trail")) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(name, err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(name, err)
		}
		var o struct{ Records []record }
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(name, err)
		}
		for _, r := range o.Records {
			if old, ok := seen[r.EventID]; ok && old != r {
				t.Fatalf("%s: two records with the id %s", name, r.EventID)
			}
			seen[r.EventID] = r
		}
	}
	return seen
}

func readLabel(t *testing.T, dir string) Label {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "label.json"))
	if err != nil {
		t.Fatal(err)
	}
	var l Label
	if err := json.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEqualSeedsMakeEqualScenarios(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := Write(dir, 9, len(mechanisms)); err != nil {
			t.Fatal(err)
		}
	}
	want, got := files(t, a), files(t, b)
	if len(want) != len(got) {
		t.Fatalf("%d files and %d", len(want), len(got))
	}
	for name, body := range want {
		if !bytes.Equal(body, got[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestLabelsHold checks every label against the records of its trail.
func TestLabelsHold(t *testing.T) {
	dir := t.TempDir()
	n := 5 * len(mechanisms)
	if err := Write(dir, 4, n); err != nil {
		t.Fatal(err)
	}
	met := map[string]int{}
	for i := range n {
		name := build(4, i).label.Name
		l := readLabel(t, filepath.Join(dir, name))
		checkLabel(t, l, trailOf(t, filepath.Join(dir, name)))
		_, err := os.Stat(filepath.Join(dir, name, "baseline.json"))
		if (err == nil) != (l.Baseline == "file") {
			t.Errorf("%s: baseline %s, file: %v", name, l.Baseline, err)
		}
		for _, v := range []string{"mechanism " + l.Mechanism, "style " + l.Style, "baseline " + l.Baseline, "spread " + l.Spread, "window " + l.Window} {
			met[v]++
		}
		for d := range l.Decoys {
			met["decoy "+d]++
		}
	}
	checkVariety(t, met)
}

// checkVariety wants every value of every dimension.
func checkVariety(t *testing.T, met map[string]int) {
	t.Helper()
	var want []string
	for _, m := range mechanisms {
		want = append(want, "mechanism "+m.name)
	}
	for _, d := range decoys {
		want = append(want, "decoy "+d.name)
	}
	for _, r := range rungs {
		want = append(want, "window "+r.name)
	}
	want = append(want, "style arn", "style type", "style bare", "style encoded", "baseline trail", "baseline file", "baseline unknown",
		"spread branch", "spread repository", "spread principal", "spread resource", "spread account")
	for _, v := range want {
		if met[v] == 0 {
			t.Errorf("no scenario with %s", v)
		}
	}
}

func checkLabel(t *testing.T, l Label, seen map[string]record) {
	t.Helper()
	first, ok := seen[l.FirstFailure]
	if !ok || first.ErrorCode == "" || first.principal() != l.Principal {
		t.Fatalf("%s: first failure %+v", l.Name, first)
	}
	checkMessage(t, l, first)
	if l.Culprit == nil {
		if l.Window != "" || l.Gap != 0 {
			t.Errorf("%s: a window without a culprit", l.Name)
		}
		return
	}
	change, ok := seen[*l.Culprit]
	if !ok || change.ErrorCode != "" || int(first.EventTime.Sub(change.EventTime).Seconds()) != l.Gap {
		t.Fatalf("%s: culprit %+v, first failure %s", l.Name, change, first.EventTime)
	}
	for _, id := range l.Also {
		if _, ok := seen[id]; !ok {
			t.Errorf("%s: no %s", l.Name, id)
		}
	}
	checkAttempts(t, l, seen, first, change)
}

func checkMessage(t *testing.T, l Label, first record) {
	t.Helper()
	has := func(s string) bool { return strings.Contains(first.ErrorMessage, s) }
	wrong := false
	switch {
	case l.Layer == "none" || l.Layer == "gate":
	case l.Style == "arn":
		wrong = !has("policy: arn:aws:") && !has("boundary: arn:aws:")
	case l.Style == "type":
		wrong = !has(l.Action) || !has("because no ") && !has("explicit deny in ")
	case l.Style == "bare":
		wrong = (has("because no ") || has("explicit deny")) && l.Mechanism != "masked-missing-key"
	case l.Style == "encoded":
		wrong = !has("Encoded authorization failure message: ")
	}
	if wrong {
		t.Errorf("%s: %s message %q", l.Name, l.Style, first.ErrorMessage)
	}
}

// checkAttempts checks that the same call of the principal succeeds before the
// change, is not made between change and failure, and fails from then on.
func checkAttempts(t *testing.T, l Label, seen map[string]record, first, change record) {
	t.Helper()
	before, failures := 0, 0
	for _, r := range seen {
		if r.EventName != first.EventName || r.EventSource != first.EventSource || r.principal() != l.Principal {
			continue
		}
		switch {
		case r.EventTime.Before(change.EventTime):
			before++
			if r.ErrorCode != "" {
				t.Errorf("%s: %s fails before the change", l.Name, r.EventID)
			}
		case r.EventTime.Before(first.EventTime.Add(-time.Second)) && r.EventID != change.EventID:
			t.Errorf("%s: an attempt between change and failure", l.Name)
		case r.ErrorCode != "":
			failures++
		}
	}
	if before == 0 && l.Mechanism != "grant-propagating" {
		t.Errorf("%s: never worked", l.Name)
	}
	if failures < l.Failures {
		t.Errorf("%s: %d failures, label says %d", l.Name, failures, l.Failures)
	}
}

// TestDecoysAreNearer checks that decoys do stand between the cause and the
// failure, where a guess by time alone would take them.
func TestDecoysAreNearer(t *testing.T) {
	fooled, causes := 0, 0
	for i := range 6 * len(mechanisms) {
		s := build(2, i)
		if s.label.Culprit == nil {
			continue
		}
		causes++
		writes := []string{"PutUserPolicy", "PutRolePolicy", "AttachRolePolicy"}
		for _, e := range s.c.Events {
			if slices.Contains(writes, e.Name) && e.Time.After(s.tc) && e.Time.Before(s.tf) {
				fooled++
				break
			}
		}
	}
	if fooled*2 < causes {
		t.Errorf("only %d of %d scenarios have a decoy nearer than the cause", fooled, causes)
	}
}
