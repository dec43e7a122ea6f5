package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// likeEachOther are records of which the ones behind follow an outline of the
// ones in front, or nearly do.
var likeEachOther = []string{
	`{"eventName":"A","eventID":"1"}`,
	`{"eventName":"B","eventID":"2"}`,
	`{"eventName":"B\u0020","eventID":"\"2"}`,
	`{"eventName":null,"eventID":"3"}`,
	`{"eventName":"C","eventID":null}`,
	`{"eventName":nul,"eventID":"4"}`,
	`{"eventName":{"a":["b\n"]},"eventID":4.5e1}`,
	`{"eventName":"D","eventID":"5"`,
	`{"eventName":"D","eventID":"5"},{"eventName":"D"}`,
	`{"eventName":"E","eventID":"6","eventName":"F"}`,
	`{"eventName":"G","eventID":"7","eventName":"H"}`,
	`{"eventName":"I","eventID":"8","new":1}`,
	`{"eventName":"I","eventID":"8","new":2}`,
	`{"eventName":"I","eventID":"8","new":"é"}`,
	"{\"eventName\":\"J\",\"eventID\":\"\xff\"}",
	"{\n\"eventName\":\"J\",\r\n\"eventID\":\"9\"}",
	`{ "eventName":"K", "eventID":"9"}`,
	`{"eventName":"L","userIdentity":{"type":"x","sessionContext":{"attributes":{"creationDate":"y"}}}}`,
	`{"eventName":"L","userIdentity":{"type":"x","sessionContext":{"attributes":{"creationDate":"z"}},"arn":"a"}}`,
	`{"eventName":"L","userIdentity":{"type":"x","sessionContext":{"attributes":{}}}}`,
	`{"eventName":"L","userIdentity":null}`,
	`{"eventName":"L","userIdentity":"x"}`,
	`{"eventName":"M","requestParameters":{"bucketName":"b","roleArn":"r"},"responseElements":{"accessKeyId":"k"}}`,
	`{"eventName":"N","requestParameters":{"keyId":"c","names":["arn:a"]},"responseElements":null}`,
	`{"eventName":"N","requestParameters":null,"responseElements":{"credentials":{"accessKeyId":"k"}}}`,
	`{"source":"x","detail-type":"y","detail":{"a":1}}`,
	`{"source":"x","detail-type":"z","detail":{"a":1}}`,
	`{}`,
	`{}`,
	`{"eventName":`,
	`{`,
}

// decoded is what decoding a text leaves behind.
type decoded struct {
	Record Record
	Text   string // with line breaks replaced
	End    int
	Err    string
}

func decodeWith(d *decoder, text string, t *tree) decoded {
	d.b = []byte(text)
	end, err := d.decode(0, t)
	if err != nil {
		return decoded{Text: string(d.b), End: end, Err: err.Error()}
	}
	return decoded{Record: copyOf(&d.rec), Text: string(d.b), End: end}
}

func copyOf(r *Record) Record {
	c := *r
	c.Raw, c.Order = bytes.Clone(r.Raw), append([]Column{}, r.Order...)
	c.names, c.issued = append([]span{}, r.names...), append([]span{}, r.issued...)
	return c
}

// same compares all but the outline.
func (a *decoded) same(b *decoded) bool {
	r, s := &a.Record, &b.Record
	return a.Text == b.Text && a.End == b.End && a.Err == b.Err && bytes.Equal(r.Raw, s.Raw) && slices.Equal(r.Order, s.Order) &&
		r.Native == s.Native && r.InvalidUTF8 == s.InvalidUTF8 && r.tokens == s.tokens && r.env == s.env &&
		slices.Equal(r.names, s.names) && slices.Equal(r.issued, s.issued)
}

// around returns the text of a record with a mark in place of each token that is
// not null.
func around(r *Record) string {
	var b strings.Builder
	at := 0
	for _, c := range r.Order {
		if token := r.Token(c); string(token) != "null" {
			fmt.Fprintf(&b, "%s\x01%d\x01", r.Raw[at:r.Offset(c)], c)
			at = r.Offset(c) + len(token)
		}
	}
	b.Write(r.Raw[at:])
	return b.String()
}

// checkOutlines decodes texts one after another with outlines and each by itself,
// and returns how many followed an outline of one before.
func checkOutlines(t *testing.T, texts []string) (followed int) {
	t.Helper()
	for _, tree := range []*tree{recordTree, nativeTree} {
		d := decoder{outlines: &outlines{}}
		seen := map[uint32]string{}
		for _, text := range texts {
			var alone decoder
			want, got := decodeWith(&alone, text, tree), decodeWith(&d, text, tree)
			if !got.same(&want) {
				t.Fatalf("%q decoded behind others:\n%+v\nalone:\n%+v", text, got, want)
			}
			number := got.Record.Outline
			if number == 0 {
				continue
			}
			if before, ok := seen[number]; ok {
				followed++
				if now := around(&got.Record); now != before {
					t.Fatalf("outline %d stands for %q and %q", number, before, now)
				}
			}
			seen[number] = around(&got.Record)
		}
	}
	return followed
}

// A record is the same whether it is decoded by itself or by an outline of
// records before it, and one outline stands for one text.
func TestOutlines(t *testing.T) {
	if n := checkOutlines(t, likeEachOther); n == 0 {
		t.Errorf("%d records followed an outline", n)
	}
	twice := append(append([]string{}, likeEachOther...), likeEachOther...)
	if n := checkOutlines(t, twice); n < 40 {
		t.Errorf("%d records followed an outline, the second time all that can should", n)
	}
}

func FuzzOutlines(f *testing.F) {
	f.Add(strings.Join(likeEachOther, "\x00"))
	f.Add(rec("a") + "\x00" + rec("b") + "\x00" + rec("é"))
	f.Fuzz(func(t *testing.T, texts string) {
		var list []string
		for _, text := range strings.Split(texts, "\x00") {
			if strings.HasPrefix(text, "{") { // what else never gets to the decoder
				list = append(list, text)
			}
		}
		checkOutlines(t, append(list, list...))
	})
}

// Records made to have ever other outlines, long ones too, take a bounded number.
func TestOutlinesAreBounded(t *testing.T) {
	d := decoder{outlines: &outlines{}}
	for n := range 3 * maxPieces {
		var b strings.Builder
		for k := range 8 {
			fmt.Fprintf(&b, `,"x%d":%d,"%s":"y"`, k, n>>(5*k)&31, Columns[k].Path[0])
		}
		decodeWith(&d, "{"+b.String()[1:]+"}", recordTree)
	}
	decodeWith(&d, `{"`+strings.Repeat("x", 10*maxPieceText)+`":1,"eventName":"y"}`, recordTree)
	if d.outlines.count != maxPieces {
		t.Errorf("%d pieces", d.outlines.count)
	}
	var text int
	var walk func(*piece)
	walk = func(p *piece) {
		text += len(p.text)
		for _, next := range p.followers {
			walk(next)
		}
	}
	walk(&d.outlines.roots[recordTree.number])
	if text > maxPieces*maxPieceText {
		t.Errorf("%d bytes of pieces", text)
	}
}
