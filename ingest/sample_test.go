package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sharedFolder returns a folder of documents and samples that do not come with
// the repository.
func sharedFolder(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("TRAILBLAME_SHARED")
	if root == "" {
		root = "../../shared"
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: NO SAMPLE OF AN ENVELOPE TESTED: %v; set TRAILBLAME_SHARED to the folder that holds %s", err, name)
	}
	return dir
}

// Every record that a sample holds comes out, byte for byte, in whatever it is
// wrapped; what holds none has a name in the ledger.
func TestSamplesGiveTheirRecords(t *testing.T) {
	dir := sharedFolder(t, "facts/samples")
	files, records := 0, 0
	for _, folder := range []string{"envelopes", "eventbridge", "records"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			t.Run(folder+"/"+d.Name(), func(t *testing.T) { records += sample(t, path) })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 || records < 400 {
		t.Fatalf("%d files with %d records: there are more samples than that", files, records)
	}
}

func sample(t *testing.T, path string) int {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var reader otherReader
	reader.text(content)
	got, entry := readAllOf(t, path)
	slices.Sort(got)
	slices.Sort(reader.records)
	if diff := cmp.Diff(reader.records, got); diff != "" {
		t.Errorf("records (-another reader +ours):\n%s", diff)
	}
	if entry.Malformed != int64(reader.broken) {
		t.Errorf("%d malformed, another reader finds %d: %v", entry.Malformed, reader.broken, entry.Bad)
	}
	if entry.In == 0 && len(entry.Others) == 0 {
		t.Errorf("nothing in it has a name: %+v", entry)
	}
	return len(got)
}

// readAllOf reads one file as ingest does and returns its records.
func readAllOf(t *testing.T, path string) (records []string, entry *Entry) {
	t.Helper()
	src, err := NewLocal(path)
	if err != nil {
		t.Fatal(err)
	}
	sink := &texts{}
	err = Run(context.Background(), []Source{src}, Options{Limits: DefaultLimits, NewSink: func() Sink { return sink }, Done: func(e *Entry) { entry = e }})
	if err != nil || entry == nil {
		t.Fatalf("entry %v, error %v", entry, err)
	}
	return sink.records, entry
}

// texts is a Sink that keeps the text of the records.
type texts struct {
	checkOnly
	records []string
}

func (s *texts) Record(r *Record, _ int) error {
	s.records = append(s.records, string(r.Raw))
	return nil
}

// otherReader finds records in its own way, with encoding/json.
type otherReader struct {
	records []string
	broken  int // texts that a log event carries as JSON and that are not
}

func (o *otherReader) text(b []byte) {
	if zip, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if b, err = io.ReadAll(zip); err != nil {
			return
		}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	for first := true; ; first = false {
		var v json.RawMessage
		err := dec.Decode(&v)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && first, err == nil && (v[0] >= '0' && v[0] <= '9'):
			o.lines(b)
			return
		case err != nil:
			o.broken++
			return
		}
		o.value(v, false)
	}
}

// lines takes text that is no JSON: log lines with a time in front.
func (o *otherReader) lines(b []byte) {
	for line := range strings.Lines(string(b)) {
		if _, message, ok := strings.Cut(line, " {"); ok {
			o.value(json.RawMessage(strings.TrimSpace("{"+message)), false)
		}
	}
}

func (o *otherReader) value(v json.RawMessage, message bool) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	var text string
	switch {
	case json.Unmarshal(v, &object) == nil:
		o.object(v, object)
	case json.Unmarshal(v, &list) == nil:
		for _, v := range list {
			o.value(v, false)
		}
	case json.Unmarshal(v, &text) != nil:
	case strings.HasPrefix(text, "H4sI"):
		packed, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			o.text(packed)
		}
	case !strings.HasPrefix(text, "{"):
	case json.Valid([]byte(text)):
		o.value(json.RawMessage(text), false)
	case message:
		o.broken++
	}
}

func (o *otherReader) object(v json.RawMessage, object map[string]json.RawMessage) {
	has := func(keys ...string) bool {
		for _, k := range keys {
			if object[k] == nil {
				return false
			}
		}
		return true
	}
	native := has("source", "detail", "region") && (has("detail-type") || has("detailType"))
	if native && !strings.Contains(string(object["detail-type"])+string(object["detailType"]), "via CloudTrail") ||
		has("eventSource", "eventName", "awsRegion") && !has("insightDetails") && !has("timeWindow") {
		o.records = append(o.records, oneLine(v))
		return
	}
	for k, v := range object {
		o.value(v, k == "message" || k == "CloudTrailEvent")
	}
}

// oneLine writes a record as it is kept: line breaks stand between tokens only,
// for JSON has none inside strings.
func oneLine(v []byte) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(string(v)) }
