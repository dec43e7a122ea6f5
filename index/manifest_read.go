package index

import (
	"encoding/json"
	"strconv"
	"strings"
)

// decode reads the line of a manifest into m. That a process starts with it, and
// that an index of months has thousands of segments, is why the list of them is read
// here: reflection takes twenty microseconds for each. What does not look just as
// encode writes it goes to encoding/json, which decides.
func (m *manifest) decode(line []byte) error {
	if m.decodeOurs(string(line)) {
		return nil
	}
	return json.Unmarshal(line, m)
}

// decodeOurs reads a manifest in encode's form and tells whether it is one.
func (m *manifest) decodeOurs(line string) bool {
	text, segments, ok := readSegments(line)
	if !ok {
		return false
	}
	var rest struct {
		Format     int          `json:"format"`
		Generation uint64       `json:"generation"`
		NextFile   uint64       `json:"nextFile"`
		Ledger     []ledgerFile `json:"ledger"`
		Totals     Totals       `json:"totals"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields() // such as a second list of segments
	if d.Decode(&rest) != nil || d.InputOffset() != int64(len(text)) {
		return false
	}
	m.Format, m.Generation, m.NextFile, m.Segments, m.Ledger, m.Totals = rest.Format, rest.Generation, rest.NextFile, segments, rest.Ledger, rest.Totals
	return true
}

// readSegments reads the list of segments out of a manifest. rest is the manifest
// without it.
func readSegments(line string) (rest string, segments []segmentInfo, ok bool) {
	r := manifestReader{rest: line}
	r.skip(`{"format":`)
	r.number()
	r.skip(`,"generation":`)
	r.number()
	r.skip(`,"nextFile":`)
	r.number()
	head := line[:len(line)-len(r.rest)]
	r.skip(`,"segments":[`)
	if r.bad {
		return "", nil, false
	}
	segments = make([]segmentInfo, 0, strings.Count(r.rest, `{"id":`))
	for more := !strings.HasPrefix(r.rest, "]"); more; more = r.next(',') {
		segments = append(segments, r.segment())
		if r.bad {
			return "", nil, false
		}
	}
	r.skip("]")
	return head + r.rest, segments, !r.bad
}

// manifestReader reads JSON in the one form in which encode writes it. What has
// another one makes it bad, for good.
type manifestReader struct {
	rest string
	bad  bool
}

func (r *manifestReader) segment() (s segmentInfo) {
	r.skip(`{"id":`)
	id := r.number()
	s.ID, r.bad = uint64(id), r.bad || id < 0
	r.skip(`,"date":`)
	s.Date = r.text()
	r.skip(`,"rows":`)
	s.Rows = r.count()
	r.skip(`,"minMicros":`)
	s.Min = r.number()
	r.skip(`,"maxMicros":`)
	s.Max = r.number()
	r.skip(`,"rawBytes":`)
	s.Raw = r.number()
	if strings.HasPrefix(r.rest, `,"versions":`) {
		r.skip(`,"versions":`)
		s.Versions = r.count()
	}
	r.skip(`,"events":`)
	s.Events = r.file()
	r.skip(`,"terms":`)
	s.Terms = r.file()
	r.skip(`,"termsRoot":`)
	s.Root = r.text()
	r.skip(`}`)
	return s
}

func (r *manifestReader) file() (f fileInfo) {
	r.skip(`{"name":`)
	f.Name = r.text()
	r.skip(`,"size":`)
	f.Size = r.number()
	r.skip(`,"sha256":`)
	f.SHA256 = r.text()
	r.skip(`}`)
	return f
}

func (r *manifestReader) skip(text string) {
	rest, ok := strings.CutPrefix(r.rest, text)
	r.rest, r.bad = rest, r.bad || !ok
}

// next goes past a byte, if it is there.
func (r *manifestReader) next(c byte) bool {
	if r.bad || len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// text reads a string of printable ASCII without escapes.
func (r *manifestReader) text() string {
	r.skip(`"`)
	for i := range len(r.rest) {
		switch c := r.rest[i]; {
		case c == '"':
			text := r.rest[:i]
			r.rest = r.rest[i+1:]
			return text
		case c < ' ' || c > '~' || c == '\\':
			r.bad = true
			return ""
		}
	}
	r.bad = true
	return ""
}

// number reads a whole number.
func (r *manifestReader) number() int64 {
	n := len(r.rest) - len(strings.TrimLeft(r.rest, "-0123456789"))
	text := r.rest[:n]
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != text {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads a number that an int holds.
func (r *manifestReader) count() int {
	v := r.number()
	r.bad = r.bad || int64(int(v)) != v
	return int(v)
}
