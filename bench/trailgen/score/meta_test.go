package score

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/scenario"
	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/correlate/replay"
)

// twin makes another trail of a trail's records that must get the same answer.
// text is applied to the records and the baseline alike; back turns an eventID
// of the twin into that of the original.
type twin struct {
	text  func(string) string
	more  func(records []string) []string
	files int // over which the records are spread
	back  func(string) string
}

func same(s string) string { return s }

// TestTwinsGetTheSameAnswer: when things happened, what they are called, in
// which order those of one second come, how they are delivered and what else
// went on makes no difference.
func TestTwinsGetTheSameAnswer(t *testing.T) {
	mechanisms, _ := scenario.Mechanisms()
	step := 4
	if testing.Short() {
		step = 13
	}
	tried := 0
	for n := 0; n < len(mechanisms); n += step {
		t.Run(mechanisms[n], func(t *testing.T) {
			dir := t.TempDir()
			label, err := scenario.Make(dir, 5, n)
			if err != nil {
				t.Fatal(err)
			}
			records, base := recordsOf(t, dir), ""
			if b, err := os.ReadFile(filepath.Join(dir, "baseline.json")); err == nil {
				base = string(b)
			}
			want := answer(t, records, base, twin{text: same, back: same, files: 1})
			if !strings.Contains(want, label.Action) && label.Layer != "none" {
				t.Fatalf("%s is not in the answer: %s", label.Action, want)
			}
			for name, tw := range twins(records) {
				if got := answer(t, records, base, tw); got != want {
					t.Errorf("%s: %s\nwant %s", name, got, want)
				}
			}
		})
		tried++
	}
	if tried < 3 {
		t.Fatalf("only %d mechanisms were tried", tried)
	}
}

func twins(records []string) map[string]twin {
	fresh, old := map[string]string{}, map[string]string{}
	var pairs []string
	for _, r := range records {
		id := eventID.FindStringSubmatch(r)[1]
		h := fmt.Sprintf("%x", sha256.Sum256([]byte(id)))
		fresh[id] = h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
		old[fresh[id]] = id
		pairs = append(pairs, `"eventID":"`+id, `"eventID":"`+fresh[id])
	}
	ids := strings.NewReplacer(pairs...)
	names := strings.NewReplacer("111122223333", "222233334444", "morgan", "zoe", "jo-", "kim-", "worker-", "runner-",
		"reports-", "figures-", "payments-", "ledger-", "Freeze", "Hold", "Base", "Core", "Builders", "Makers", "WorkAccess", "Access")
	return map[string]twin{
		"shifted": {text: func(s string) string { return stamp.ReplaceAllStringFunc(s, shifted) }, back: same, files: 1},
		"renamed": {text: names.Replace, back: same, files: 1},
		"other ids, so another order within a second": {text: ids.Replace, back: func(id string) string { return old[id] }, files: 1},
		"spread over files":                           {text: same, back: same, files: 7},
		"delivered twice":                             {text: same, back: same, files: 2, more: func(r []string) []string { return append(r, r...) }},
		"among noise":                                 {text: same, back: same, files: 1, more: noisy},
	}
}

var (
	stamp   = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	eventID = regexp.MustCompile(`"eventID":"([^"]+)"`)
)

func shifted(s string) string {
	at, _ := time.Parse(time.RFC3339, s)
	return at.AddDate(0, 0, -40).Format(time.RFC3339)
}

// noisy adds what others do with other things at the same times.
func noisy(records []string) []string {
	out := slices.Clone(records)
	for i, r := range records {
		at := stamp.FindString(r[strings.Index(r, `"eventTime"`):])
		for j, call := range []string{
			`"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","requestParameters":null`,
			`"eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","requestParameters":{"userName":"noise","policyName":"p","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`,
		} {
			out = append(out, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDANOISE","arn":"arn:aws:iam::111122223333:user/busy","accountId":"111122223333","userName":"busy"},"eventTime":"%s",%s,"awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"x","responseElements":null,"eventID":"ffffffff-0000-4000-800%d-%012d","eventType":"AwsApiCall","recipientAccountId":"111122223333"}`, at, call, j, i))
		}
	}
	return out
}

// answer correlates a twin and writes down what must not differ.
func answer(t *testing.T, records []string, base string, tw twin) string {
	t.Helper()
	dir := t.TempDir()
	list := slices.Clone(records)
	for i := range list {
		list[i] = tw.text(list[i])
	}
	if tw.more != nil {
		list = tw.more(list)
	}
	per := (len(list) + tw.files - 1) / tw.files
	n := 0
	for part := range slices.Chunk(list, per) {
		write(t, filepath.Join(dir, "trail", fmt.Sprintf("%d.json", n)), `{"Records":[`+strings.Join(part, ",")+`]}`)
		n++
	}
	opts := correlate.Options{}
	if base != "" {
		write(t, filepath.Join(dir, "baseline.json"), tw.text(base))
		var err error
		if opts.Baseline, err = replay.LoadBaseline(filepath.Join(dir, "baseline.json")); err != nil {
			t.Fatal(err)
		}
	}
	found, err := correlated(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %d %s %s", f.Failure.Action, f.Failure.Count, f.Failure.Spread.Pattern, f.Diagnosis)
		for _, c := range f.Candidates {
			fmt.Fprintf(&b, "; %s %d %s %s", c.Level, c.Score, c.Change.EventName, tw.back(c.Change.EventID))
		}
		out = append(out, b.String())
	}
	slices.Sort(out) // findings of one second come in the order of their ids
	return strings.Join(out, "\n")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// recordsOf reads the records of a scenario, each once.
func recordsOf(t *testing.T, dir string) []string {
	t.Helper()
	seen, out := map[string]bool{}, []string{}
	err := filepath.WalkDir(filepath.Join(dir, "trail"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return err
		}
		text, err := io.ReadAll(z)
		if err != nil {
			return err
		}
		var box struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &box); err != nil {
			return err
		}
		for _, r := range box.Records {
			if !seen[string(r)] {
				seen[string(r)] = true
				out = append(out, string(r))
			}
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%d records, %v", len(out), err)
	}
	return out
}
