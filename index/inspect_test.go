package index

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What the parts of the files take adds up to the files, of each segment and of
// all; the terms of all segments are those of each, summed.
func TestInspect(t *testing.T) {
	in, dir := duplicated(t), filepath.Join(t.TempDir(), "ix")
	read(t, dir, 1, filepath.Join(in, "f0.json.gz"))
	read(t, dir, 1, in)
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	segments := ix.Sizes()
	if len(segments) < 5 {
		t.Fatalf("%d segments", len(segments))
	}
	var onDisk, parts int64
	for _, s := range segments {
		for _, name := range []string{s.EventsFile, s.TermsFile} {
			if name == "" {
				continue
			}
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			onDisk += info.Size()
		}
	}
	columns, sections, err := ix.Parts()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(columns, sections...) {
		parts += p.Bytes
		if p.Bytes < 0 {
			t.Errorf("%s takes %d bytes", p.Name, p.Bytes)
		}
	}
	if parts != onDisk {
		t.Errorf("parts of %d bytes, files of %d", parts, onDisk)
	}
	for _, name := range []string{"event_name", "user_identity.session_context.attributes.mfa_authenticated", partFooter, "eventName", partEventIDs, partSums} {
		if !strings.Contains(fmt.Sprint(columns, sections), "{"+name+" ") {
			t.Errorf("no part %s", name)
		}
	}
	terms := 0
	for f := range NumFields {
		terms += sameTerms(t, ix, f)
	}
	if terms < 20 {
		t.Errorf("only %d terms", terms)
	}
}

// sameTerms compares the merged terms of a field with a plain sum over the
// segments, and returns how many there are.
func sameTerms(t *testing.T, ix *Index, f Field) int {
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, date := range ix.Partitions() {
		list, err := ix.Segments(date)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if err := s.Terms(f, func(c TermCount) bool { want[c.Term] += c.Count; return true }); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := ""
	for c, err := range ix.Terms(f) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Term <= last {
			t.Errorf("%s: %q comes after %q", f, c.Term, last)
		}
		got[c.Term], last = c.Count, c.Term
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-sum +merged):\n%s", f, diff)
	}
	return len(got)
}

// One segment alone is inspected and verified; damage elsewhere is not its own.
func TestOneSegment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 1, duplicated(t))
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	all := ix.Sizes()
	one, other := all[0], all[1]
	if Holder(filepath.Join(dir, one.EventsFile)) != dir || Holder(t.TempDir()) != "" {
		t.Error("a segment's index was not found")
	}
	flipByte(t, filepath.Join(dir, other.EventsFile))
	problems := func(segment string) (list []string, v *Verification) {
		v, err := Verify(dir, segment, func(err error) { list = append(list, err.Error()) })
		if err != nil {
			t.Fatal(err)
		}
		return list, v
	}
	if list, v := problems(one.EventsFile); len(list) > 0 || v.Files != 2 || v.Events != int64(one.Rows) || v.Bytes != one.EventsBytes+one.TermsBytes {
		t.Errorf("%v, %+v", list, v)
	}
	if list, _ := problems(filepath.Join(dir, other.TermsFile)); len(list) != 1 || !strings.Contains(list[0], other.EventsFile) {
		t.Errorf("%v", list)
	}
	for _, name := range []string{"99", "x", "a.parquet"} {
		if _, err := Verify(dir, name, func(error) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := ix.Narrow("1"); err != nil {
		t.Fatal(err)
	}
	if list := ix.Sizes(); len(list) != 1 || list[0].ID != 1 {
		t.Errorf("%+v", list)
	}
}

func flipByte(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0x10
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
