package large

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// record is what the tests look at.
type record struct {
	EventID, EventTime, EventSource, EventName, AwsRegion string
	ErrorCode, ErrorMessage, RecipientAccountID           string
	UserIdentity                                          struct{ Type, Arn string }
}

// objects reads a trail: compressed bytes by key.
func objects(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err == nil {
			found[filepath.ToSlash(key)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no objects")
	}
	return found
}

func unzip(t *testing.T, body []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// records reads the records of one object.
func records(t *testing.T, key string, body []byte) []record {
	t.Helper()
	var o struct{ Records []record }
	if err := json.Unmarshal(unzip(t, body), &o); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if len(o.Records) == 0 {
		t.Fatalf("%s: no records", key)
	}
	return o.Records
}

var small = Options{Events: 40_000, Seed: 11, Days: 4, Causes: 6, Denials: 900, Workers: 1}

func TestBytesDoNotDependOnTheWorkers(t *testing.T) {
	one, three := t.TempDir(), t.TempDir()
	_, labels, err := Write(one, small)
	if err != nil {
		t.Fatal(err)
	}
	o := small
	o.Workers = 3
	_, again, err := Write(three, o)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(labels, again) {
		t.Error("the labels differ")
	}
	want, got := objects(t, one), objects(t, three)
	if len(want) != len(got) {
		t.Fatalf("%d objects with one worker, %d with three", len(want), len(got))
	}
	for key, body := range want {
		if !bytes.Equal(body, got[key]) {
			t.Errorf("%s differs", key)
		}
	}
}

func TestAnotherSeedMakesAnotherTrail(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	o := small
	if _, _, err := Write(a, o); err != nil {
		t.Fatal(err)
	}
	o.Seed++
	if _, _, err := Write(b, o); err != nil {
		t.Fatal(err)
	}
	other := objects(t, b)
	for key := range objects(t, a) {
		if other[key] != nil {
			t.Fatalf("%s is in both", key)
		}
	}
}

var keyShape = regexp.MustCompile(`^AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/(\d{4}/\d\d/\d\d)/(\d{12})_CloudTrail_([a-z0-9-]+)_(\d{8}T\d{4}Z)_[A-Za-z0-9]{16}\.json\.gz$`)

// TestTrail checks one trail against its counts, its layout and its labels.
func TestTrail(t *testing.T) {
	dir := t.TempDir()
	stats, labels, err := Write(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	seen, total, disorder := map[string]record{}, 0, 0
	for key, body := range objects(t, dir) {
		list := records(t, key, body)
		total += len(list)
		disorder += checkObject(t, key, list)
		for _, r := range list {
			if old, ok := seen[r.EventID]; ok && old != r {
				t.Fatalf("%s: two records with one id", r.EventID)
			}
			seen[r.EventID] = r
		}
	}
	if len(seen) != small.Events || stats.Events != small.Events {
		t.Errorf("%d unique records, counted %d, want %d", len(seen), stats.Events, small.Events)
	}
	if total != stats.Events+stats.Duplicates || stats.Duplicates == 0 {
		t.Errorf("%d records, counted %d and %d duplicates", total, stats.Events, stats.Duplicates)
	}
	if disorder == 0 {
		t.Error("every object is in order")
	}
	checkLabels(t, labels, seen)
}

// checkObject checks layout and delivery; it returns 1 for an unsorted object.
func checkObject(t *testing.T, key string, list []record) (disorder int) {
	t.Helper()
	m := keyShape.FindStringSubmatch(key)
	if m == nil || m[1] != m[4] || m[2] != m[5] {
		t.Fatalf("%s: not AWS's layout", key)
	}
	delivered, err := time.Parse("20060102T1504Z", m[6])
	if err != nil || delivered.Format("2006/01/02") != m[3] {
		t.Fatalf("%s: time and folder differ (%v)", key, err)
	}
	for i, r := range list {
		at, err := time.Parse(time.RFC3339, r.EventTime)
		if err != nil || r.AwsRegion != m[2] || r.RecipientAccountID != m[1] {
			t.Fatalf("%s: %+v does not belong here (%v)", key, r, err)
		}
		// Ten minutes at most, but a record that comes again may be hours old.
		if late := delivered.Sub(at); late < 0 || late > day24 {
			t.Fatalf("%s: %s delivered after %s", key, r.EventTime, late)
		}
		if i > 0 && r.EventTime < list[i-1].EventTime {
			disorder = 1
		}
	}
	return disorder
}

// checkLabels checks that the denials of the trail are those of the labels and
// that each label's story is in it.
func checkLabels(t *testing.T, labels []Label, seen map[string]record) {
	t.Helper()
	denied, labelled := 0, 0
	for _, r := range seen {
		if strings.Contains(r.ErrorCode, "Denied") {
			denied++
		}
	}
	causes := 0
	for _, l := range labels {
		labelled += l.Failures
		first, ok := seen[l.FirstFailure]
		if !ok || first.EventTime != l.FirstTime || !strings.Contains(first.ErrorMessage, l.Action) {
			t.Errorf("%s: first failure %+v", l.Mechanism, first)
		}
		if l.Culprit == nil {
			continue
		}
		causes++
		change, ok := seen[*l.Culprit]
		if !ok || change.EventTime != *l.ChangeTime || change.ErrorCode != "" || change.EventTime >= first.EventTime {
			t.Errorf("%s: culprit %+v", l.Mechanism, change)
		}
		checkBefore(t, l, seen)
	}
	if denied != labelled || causes != small.Causes {
		t.Errorf("%d denials, %d labelled; %d causes, want %d", denied, labelled, causes, small.Causes)
	}
}

// checkBefore checks that the principal was served before the change and not
// between the first denial and the last.
func checkBefore(t *testing.T, l Label, seen map[string]record) {
	t.Helper()
	name := l.Principal[strings.LastIndex(l.Principal, "/"):]
	before := 0
	for _, r := range seen {
		if !strings.Contains(r.UserIdentity.Arn+"/", name+"/") || r.RecipientAccountID != l.Account {
			continue
		}
		if r.ErrorCode == "" && r.EventTime < *l.ChangeTime {
			before++
		}
		if r.ErrorCode == "" && r.EventSource != "codecommit.amazonaws.com" && r.EventTime >= l.FirstTime && r.EventTime <= l.LastTime {
			t.Errorf("%s: %s succeeds among the denials", l.Mechanism, r.EventID)
		}
	}
	if before == 0 {
		t.Errorf("%s: %s was never served before the change", l.Mechanism, l.Principal)
	}
}

func TestGzipRatioIsThatOfRealTrails(t *testing.T) {
	stats, _, err := Write(t.TempDir(), Options{Events: 100_000, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if r := stats.Ratio(); r < 5 || r > 9 {
		t.Errorf("gzip makes it %.1f times smaller, want 5 to 9", r)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, o := range map[string]Options{
		"too few":          {Events: 9},
		"one day":          {Events: 10_000, Days: 1},
		"denials only":     {Events: 10_000, Denials: 20_000},
		"negative workers": {Events: 10_000, Workers: -1},
	} {
		if _, _, err := Write(t.TempDir(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
