package bundled

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const committed = "../../../testdata/trails"

// record is what the tests look at in a delivered record.
type record struct {
	EventID      string
	EventTime    time.Time
	EventName    string
	AwsRegion    string
	ErrorCode    string
	ErrorMessage string
	UserIdentity struct {
		ARN, AccessKeyID, UserName string
		SessionContext             struct{ SessionIssuer struct{ ARN string } }
	}
	RequestParameters   json.RawMessage
	ResponseElements    json.RawMessage
	AdditionalEventData struct{ DataTransferred bool }

	raw    json.RawMessage
	object string
}

// does tells whether the record's request and response hold every text given.
func (r record) does(texts ...string) bool {
	all := string(r.RequestParameters) + string(r.ResponseElements)
	for _, t := range texts {
		if !strings.Contains(all, t) {
			return false
		}
	}
	return true
}

// objects returns the objects of a trail by key.
func objects(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		found[filepath.ToSlash(key)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no objects under %s", dir)
	}
	return found
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() {
		t.Errorf("the gzip header holds the time %v", z.ModTime)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// records returns every delivery of a committed trail, by time and ID.
func records(t *testing.T, name string) []record {
	t.Helper()
	var all []record
	for key, body := range objects(t, filepath.Join(committed, name)) {
		var envelope struct{ Records []json.RawMessage }
		if err := json.Unmarshal(gunzip(t, body), &envelope); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if len(envelope.Records) == 0 {
			t.Errorf("%s: no records", key)
		}
		for i, raw := range envelope.Records {
			r := record{raw: raw, object: key}
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatalf("%s#%d: %v", key, i, err)
			}
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b record) int {
		if c := a.EventTime.Compare(b.EventTime); c != 0 {
			return c
		}
		return strings.Compare(a.EventID+a.object, b.EventID+b.object)
	})
	return all
}

// once drops second deliveries.
func once(all []record) []record {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(r record) bool {
		again := seen[r.EventID]
		seen[r.EventID] = true
		return again
	})
}

// The compressor belongs to the toolchain, so a later one may pack the same
// text differently: the text is held to the byte everywhere, the packed bytes
// with the toolchain that made the committed files.
func TestCommittedTrailsAreTheGeneratedOnes(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, s := range stories {
		want := objects(t, filepath.Join(dir, s.name))
		got := objects(t, filepath.Join(committed, s.name))
		for key := range got {
			if want[key] == nil {
				t.Errorf("%s: %s is not generated", s.name, key)
			}
		}
		for key, body := range want {
			switch {
			case got[key] == nil:
				t.Errorf("%s: %s is missing", s.name, key)
			case !bytes.Equal(gunzip(t, got[key]), gunzip(t, body)):
				t.Errorf("%s: the records of %s differ", s.name, key)
			case !bytes.Equal(got[key], body) && strings.HasPrefix(runtime.Version(), "go1.26"):
				t.Errorf("%s: the packed bytes of %s differ", s.name, key)
			}
		}
	}
}

var keyForm = regexp.MustCompile(`^AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/(\d{4})/(\d\d)/(\d\d)/(\d{12})_CloudTrail_([a-z0-9-]+)_(\d{8}T\d{4}Z)_[A-Za-z0-9]{16}\.json\.gz$`)

func TestObjectsAreDeliveredAsCloudTrailDoes(t *testing.T) {
	for _, s := range stories {
		for key, body := range objects(t, filepath.Join(committed, s.name)) {
			m := keyForm.FindStringSubmatch(key)
			if m == nil {
				t.Fatalf("%s: %s is no key of CloudTrail's", s.name, key)
			}
			if m[1] != m[6] || m[2] != m[7] || m[3]+m[4]+m[5] != m[8][:8] {
				t.Errorf("%s: the parts of %s disagree", s.name, key)
			}
			if !bytes.HasPrefix(gunzip(t, body), []byte(`{"Records":[{"eventVersion":"1.11","userIdentity":`)) {
				t.Errorf("%s: %s does not begin as a log file", s.name, key)
			}
		}
		for _, r := range once(records(t, s.name)) {
			m := keyForm.FindStringSubmatch(r.object)
			at, _ := time.Parse("20060102T1504Z", m[8])
			if lag := at.Sub(r.EventTime); lag < 0 || lag > 20*time.Minute {
				t.Errorf("%s: %s delivered after %v", s.name, r.EventID, lag)
			}
			if r.AwsRegion != m[2] {
				t.Errorf("%s: a record of %s in %s", s.name, r.AwsRegion, r.object)
			}
		}
	}
}

// A reader that takes the order inside an object for the order of time must
// fail on these trails.
func TestRecordsAreOutOfOrder(t *testing.T) {
	for _, s := range stories {
		sorted := 0
		all := objects(t, filepath.Join(committed, s.name))
		for _, body := range all {
			var envelope struct {
				Records []struct{ EventTime time.Time }
			}
			if err := json.Unmarshal(gunzip(t, body), &envelope); err != nil {
				t.Fatal(err)
			}
			if slices.IsSortedFunc(envelope.Records, func(a, b struct{ EventTime time.Time }) int {
				return a.EventTime.Compare(b.EventTime)
			}) {
				sorted++
			}
		}
		if sorted > len(all)/2 {
			t.Errorf("%s: %d of %d objects are in order", s.name, sorted, len(all))
		}
	}
}

// always are the keys that every record has.
var always = []string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName",
	"awsRegion", "sourceIPAddress", "userAgent", "requestParameters",
	"responseElements", "requestID", "eventID", "readOnly", "eventType",
	"managementEvent", "recipientAccountId", "eventCategory",
}

func TestRecordsAreComplete(t *testing.T) {
	for _, s := range stories {
		all := records(t, s.name)
		bodies := map[string]string{}
		for _, r := range all {
			var keys map[string]json.RawMessage
			if err := json.Unmarshal(r.raw, &keys); err != nil {
				t.Fatal(err)
			}
			for _, k := range always {
				if len(keys[k]) == 0 || string(keys[k]) == `""` {
					t.Errorf("%s: %s has no %s", s.name, r.EventID, k)
				}
			}
			if b, ok := bodies[r.EventID]; ok && b != string(r.raw) {
				t.Errorf("%s: two bodies of %s", s.name, r.EventID)
			}
			bodies[r.EventID] = string(r.raw)
		}
		if n := len(bodies); n < 300 || n > 600 {
			t.Errorf("%s: %d records", s.name, n)
		}
		if len(bodies) == len(all) {
			t.Errorf("%s: no record is delivered twice", s.name)
		}
	}
}
