package ingest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What gzip does with damage, and what an ingest makes of it: the bytes in
// front of the damage come out before any error does, and must not be taken for
// the object.
func TestHostileGzip(t *testing.T) {
	text := `{"Records":[` + rec("a") + `,` + rec("b") + `]}`
	zip := gzipped(text)
	flip := func(i int) []byte {
		b := bytes.Clone(zip)
		b[i] ^= 0x10
		return b
	}
	bomb := gzipped(`{"Records":[` + rec("a") + strings.Repeat(" ", 8<<20) + `]}`)
	for name, c := range map[string]struct {
		content []byte
		status  Status
		in      int64
		problem string
	}{
		"empty file":                 {nil, StatusDamaged, 0, "the file is empty"},
		"one member":                 {zip, StatusRead, 2, ""},
		"two members":                {append(bytes.Clone(zip), gzipped(rec("c"))...), StatusRead, 3, ""},
		"zeros behind":               {append(bytes.Clone(zip), make([]byte, 512)...), StatusDamaged, 0, "bytes follow the end"},
		"junk behind":                {append(bytes.Clone(zip), "junk and more junk"...), StatusDamaged, 0, "bytes follow the end"},
		"cut off in the header":      {zip[:5], StatusDamaged, 0, "unexpected EOF"},
		"cut off in the body":        {zip[:len(zip)/2], StatusDamaged, 0, "ends too early"},
		"without its last byte":      {zip[:len(zip)-1], StatusDamaged, 0, "ends too early"},
		"second member cut off":      {append(bytes.Clone(zip), zip[:20]...), StatusDamaged, 0, "ends too early"},
		"wrong checksum":             {flip(len(zip) - 6), StatusDamaged, 0, "checksum mismatch"},
		"wrong length":               {flip(len(zip) - 1), StatusDamaged, 0, "checksum mismatch"},
		"plain text":                 {[]byte(text), StatusRead, 2, ""},
		"compressed twice":           {gzipped(string(zip)), StatusRead, 2, ""},
		"compressed three times":     {gzipped(string(gzipped(string(zip)))), StatusDamaged, 0, "compressed three times"},
		"more than a record may be":  {gzipped(`{"Records":[{"eventVersion":"1","eventID":"` + strings.Repeat("x", 2<<20) + `"}]}`), StatusRead, 1, ""}, // named as malformed,
		"more than an object may be": {bomb, StatusDamaged, 0, "--max-object-size"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "object.gz")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			var entry *Entry
			src, err := NewLocal(path)
			if err != nil {
				t.Fatal(err)
			}
			sink := &texts{}
			limits := Limits{Object: 4 << 20, Record: 1 << 20}
			err = Run(t.Context(), []Source{src}, Options{Limits: limits, NewSink: func() Sink { return sink }, Done: func(e *Entry) { entry = e }})
			if err != nil {
				t.Fatal(err)
			}
			if entry.Status != c.status || entry.In != c.in || !strings.Contains(entry.Problem, c.problem) || (c.problem == "") != (entry.Problem == "") {
				t.Errorf("%+v", entry)
			}
			if n := int64(len(sink.records)); c.status == StatusDamaged && n != 0 {
				t.Errorf("%d records of a damaged object were handed on", n)
			}
		})
	}
}

// Parsers of JSON disagree about these; ours takes one side: keys are told
// apart by case, the last of equal keys counts, text is kept as it is, and what
// is no JSON is malformed.
func TestHostileJSON(t *testing.T) {
	const head = `{"eventVersion":"1","eventName":"n","awsRegion":"r",`
	for name, c := range map[string]struct {
		record string
		column Column
		want   string // the token; empty for malformed
	}{
		"equal keys":              {head + `"eventID":"A","eventID":"B"}`, EventID, `"B"`},
		"equal keys but for case": {head + `"eventID":"A","EVENTID":"B"}`, EventID, `"A"`},
		"key in another case":     {head + `"eventid":"A"}`, EventID, "-"},
		"key with an escape":      {head + `"event\u0049D":"A"}`, EventID, `"A"`},
		"bytes that are no text":  {head + "\"eventID\":\"\xff\xfe\"}", EventID, "\"\xff\xfe\""},
		"lone surrogate":          {head + `"eventID":"\ud800"}`, EventID, `"\ud800"`},
		"control character":       {head + "\"eventID\":\"\x01\"}", EventID, ""},
		"line break in a string":  {head + "\"eventID\":\"a\nb\"}", EventID, ""},
		"DEL and C1":              {head + "\"eventID\":\"\x7f\u009b\"}", EventID, "\"\x7f\u009b\""},
		"1e400":                   {head + `"requestParameters":1e400}`, RequestParameters, `1e400`},
		"2^53+1":                  {head + `"requestParameters":9007199254740993}`, RequestParameters, `9007199254740993`},
		"leading zero":            {head + `"requestParameters":01}`, RequestParameters, ""},
		"NaN":                     {head + `"requestParameters":NaN}`, RequestParameters, ""},
		"unknown escape":          {head + `"eventID":"\q"}`, EventID, ""},
		"a payload":               {head + `"eventID":"${jndi:ldap://x}"}`, EventID, `"${jndi:ldap://x}"`},
		"bidi and zero width":     {head + "\"eventID\":\"\u202e\u200b\U000e0041\"}", EventID, "\"\u202e\u200b\U000e0041\""},
		"too deep for a record":   {head + `"requestParameters":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, RequestParameters, ""},
		"cut off":                 {head + `"eventID":"A"`, EventID, ""},
		"deep":                    {head + `"requestParameters":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}`, RequestParameters, strings.Repeat("[", 900) + strings.Repeat("]", 900)},
		"too deep":                {head + `"requestParameters":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, RequestParameters, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			f := &found{}
			s := splitter{win: window{buf: []byte(c.record)}, maxRecord: 1 << 20, visit: visitFunc{f, func(r *Record) {
				if string(r.Raw) != c.record {
					t.Errorf("the record became %.200q", r.Raw)
				}
				token := r.Token(c.column)
				if token == nil {
					token = []byte("-")
				}
				got = append(got, string(token))
			}}}
			if err := s.run(); err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(got) > 0 || len(f.Bad) == 0 {
					t.Errorf("%.200q, %d malformed", got, len(f.Bad))
				}
				return
			}
			if len(got) != 1 || got[0] != c.want || len(f.Bad) > 0 {
				t.Errorf("%.200q, %d malformed, want %.200q", got, len(f.Bad), c.want)
			}
		})
	}
}

// What stands behind a record that is whole takes nothing from it and is named.
func TestJunkBehindARecord(t *testing.T) {
	for _, junk := range []string{"}x", "xyz", "]", `{"eventVersion":`} {
		f := &found{}
		s := splitter{win: window{buf: []byte(rec("a") + junk)}, maxRecord: 1 << 20, visit: f}
		err := s.run()
		if len(f.Records) != 1 || err == nil && len(f.Bad) == 0 {
			t.Errorf("%q: %d records, %d malformed, %v", junk, len(f.Records), len(f.Bad), err)
		}
	}
}
