package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entries is a Sink that keeps the entries and, by object, the records that
// were not taken back.
type entries struct {
	kept    map[string][]string
	current Object
	records []string
	ended   []*Entry
}

func (s *entries) Begin(obj Object) error { s.current, s.records = obj, nil; return nil }
func (s *entries) Abort()                 { s.records = nil }
func (s *entries) Failed(*Entry) error    { return nil }
func (s *entries) Record(r *Record, _ int) error {
	id, _ := r.Text(EventID, nil)
	s.records = append(s.records, string(id))
	return nil
}

func (s *entries) End(e *Entry) error {
	if e.Name != s.current.Name {
		return fmt.Errorf("the entry of %s ends %s", e.Name, s.current.Name)
	}
	s.ended = append(s.ended, e)
	s.kept[e.Name] = s.records
	return nil
}

// Of every form of damage the whole records in front of it come out, under a
// name of their own, and only when they are asked for.
func TestSalvage(t *testing.T) {
	a, b := rec("a"), rec("b")
	text := `{"Records":[` + a + `,` + b + `,` + rec("c") + `]}`
	zip := gzipped(text)
	sum := bytes.Clone(zip)
	sum[len(sum)-8] ^= 1
	large := `{"Records":[` + a + `,` + b + `,{"eventVersion":"1","x":"` + strings.Repeat("x", checkedSize) + `"`
	for name, c := range map[string]struct {
		content []byte
		limits  Limits
		want    string
	}{
		"plain text cut off":          {[]byte(text[:len(text)-20]), DefaultLimits, "a b"},
		"cut off behind the list":     {[]byte(text[:len(text)-1] + `,"x":{"y":`), DefaultLimits, "a b c"},
		"gzip cut off in its trailer": {zip[:len(zip)-3], DefaultLimits, "a b c"},
		"wrong checksum":              {sum, DefaultLimits, "a b c"},
		"bytes behind":                {append(bytes.Clone(zip), "junk"...), DefaultLimits, "a b c"},
		"larger than the limit":       {[]byte(text), Limits{Object: int64(len(text)) - 5, Record: 1 << 20}, ""},
		"large":                       {[]byte(large), DefaultLimits, "a b"},
		"whole":                       {zip, DefaultLimits, ""},
		"empty":                       {nil, DefaultLimits, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "object")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, salvage := range []bool{false, true} {
				sink := &entries{kept: map[string][]string{}}
				var told *Entry
				src, err := NewLocal(path)
				if err != nil {
					t.Fatal(err)
				}
				err = Run(context.Background(), []Source{src}, Options{Limits: c.limits, Salvage: salvage, NewSink: func() Sink { return sink }, Done: func(e *Entry) { told = e }})
				if err != nil {
					t.Fatal(err)
				}
				got, want := sink.kept[SalvagedPrefix+filepath.ToSlash(path)], strings.Fields(c.want)
				if !salvage {
					want = nil
				}
				if strings.Join(got, " ") != strings.Join(want, " ") || told.Salvaged != int64(len(want)) {
					t.Errorf("salvage %v: %v, want %v; %+v", salvage, got, want, told)
				}
				if (name == "whole") != (told.Status == StatusRead) || (name == "whole") != (len(sink.kept[filepath.ToSlash(path)]) > 0) {
					t.Errorf("salvage %v: %+v, kept %v", salvage, told, sink.kept)
				}
			}
		})
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	zip.Write([]byte(text))
	zip.Close()
	return b.Bytes()
}
