package index

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// manifestLine is a manifest as it is written, with what every field can hold.
func manifestLine(t testing.TB) string {
	t.Helper()
	m, _ := smallIndex()
	ix, err := open("mem", m)
	if err != nil {
		t.Fatal(err)
	}
	man := *ix.manifest
	odd := segmentInfo{ID: 1<<63 - 1, Date: unknownDate, Rows: 1 << 30, Min: -5, Max: 1 << 60, Versions: 3}
	man.Segments = append(append([]segmentInfo{}, man.Segments...), segmentInfo{}, odd)
	b, _, err := man.encode()
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(line)
}

// What is read by hand is what encoding/json reads; whatever is written in another
// form is left to it.
func sameManifest(t *testing.T, line []byte) (byHand bool) {
	t.Helper()
	var got, want manifest
	gotErr, wantErr := got.decode(line), json.Unmarshal(line, &want)
	if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\ngives %+v, %v\ninstead of %+v, %v", line, got, gotErr, want, wantErr)
	}
	return (&manifest{}).decodeOurs(string(line))
}

func TestManifestDecode(t *testing.T) {
	line := manifestLine(t)
	if !sameManifest(t, []byte(line)) {
		t.Errorf("what is written is not read by hand: %s", line)
	}
	for _, change := range [][2]string{
		{`"rows":`, `"rows":0`}, {`"rows":`, `"rows":+`}, {`"rows":1`, `"rows":1.0`}, {`"rows":`, `"rows":99999999999999999999`}, {`"id":`, `"id":-`},
		{`"date":"`, `"date":"\u0061`}, {`"date":"`, `"date":"é`}, {`"date":`, `"day":`}, {`"date":`, `"date":null,"date":`}, {`,"rows"`, ` ,"rows"`},
		{`"totals"`, `"segments":[{}],"totals"`}, {`"totals"`, `"Segments":null,"totals"`}, {`"totals"`, `"more":1,"totals"`},
		{`"segments":[`, `"segments":[],"segments":[`}, {`"segments":[`, `"segments":[null,`}, {`"format":`, `"format":7,"format":`}, {`},{`, `},`}, {`]`, ``},
	} {
		other := strings.Replace(line, change[0], change[1], 1)
		if other == line {
			t.Errorf("%q is not there", change[0])
		}
		if sameManifest(t, []byte(other)) {
			t.Errorf("%q in place of %q is read by hand", change[1], change[0])
		}
	}
	for cut := range line {
		sameManifest(t, []byte(line[:cut]))
	}
	sameManifest(t, []byte(line+"}"))
	sameManifest(t, []byte(line+" "))
}

func FuzzManifestDecode(f *testing.F) {
	f.Add([]byte(manifestLine(f)))
	f.Add([]byte(`{"format":1,"generation":2,"nextFile":3,"segments":[],"ledger":null}`))
	f.Fuzz(func(t *testing.T, line []byte) { sameManifest(t, line) })
}
