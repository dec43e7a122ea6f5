package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever in a finding or an explanation names an event names its object too,
// and the record that stands there is that event.
func TestEveryCitationNamesItsObject(t *testing.T) {
	trails, err := filepath.Glob("../../testdata/trails/*-denied")
	if err != nil || len(trails) == 0 {
		t.Fatal("no trail", err)
	}
	for _, trail := range trails {
		_, out, errs := runApp(t, "query", "--source", trail, "--select", "eventID,object", "--format", "ndjson", "-q")
		records := map[string]string{} // by object
		for line := range strings.Lines(out) {
			var r struct{ EventID, Object string }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			records[r.Object] = r.EventID
		}
		_, findings, more := runApp(t, "correlate", trail, "--format", "ndjson", "-q")
		kinds := map[string]int{}
		for line := range strings.Lines(findings) {
			var f any
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			citations(f, "", func(kind, id, object string) {
				kinds[kind]++
				if object == "" || records[object] != id {
					t.Errorf("%s: %s cites %s in %q, where %q is", trail, kind, id, object, records[object])
				}
			})
		}
		if len(records) == 0 || kinds["first"] == 0 || kinds["lastSuccess"] == 0 || kinds["vetoed"] == 0 || kinds["change"] == 0 {
			t.Errorf("%s: %d records, %v; %s%s", trail, len(records), kinds, errs, more)
		}
	}
}

// citations yields every object of JSON that has an eventID, with the key that it
// stands under.
func citations(v any, key string, yield func(kind, id, object string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			citations(e, key, yield)
		}
	case map[string]any:
		if id, ok := v["eventID"].(string); ok {
			object, _ := v["object"].(string)
			yield(key, id, object)
		}
		for k, e := range v {
			citations(e, k, yield)
		}
	}
}
