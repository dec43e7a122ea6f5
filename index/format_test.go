package index

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
)

var update = flag.Bool("update", false, "write the golden files, and the index of this version when there is none")

// notes reads bytes one field after another and writes down what each is. It
// follows the description of the format, not the code that reads it.
type notes struct {
	strings.Builder
	t  *testing.T
	b  []byte
	at int
}

func (n *notes) title(format string, args ...any) { fmt.Fprintf(n, "# "+format+"\n", args...) }

// take returns the next bytes and says what they are.
func (n *notes) take(size int, meaning string) []byte {
	n.t.Helper()
	if size < 0 || n.at+size > len(n.b) {
		n.t.Fatalf("%s: %d bytes at %d of %d\n%s", meaning, size, n.at, len(n.b), n)
	}
	b := n.b[n.at : n.at+size]
	for i := 0; i == 0 || i < size; i += 12 {
		if i > 0 {
			meaning = ""
		}
		line := fmt.Sprintf("%04x  % -36x  %s", n.at+i, b[i:min(i+12, size)], meaning)
		n.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	n.at += size
	return b
}

func (n *notes) uvarint(meaning string) int {
	n.t.Helper()
	v, size := binary.Uvarint(n.b[n.at:])
	n.take(size, fmt.Sprintf("%s: %d", meaning, v))
	return int(v)
}

func (n *notes) u32(meaning string) int {
	n.t.Helper()
	v := binary.LittleEndian.Uint32(n.b[n.at:])
	n.take(4, fmt.Sprintf("%s: %d", meaning, v))
	return int(v)
}

func (n *notes) u64(meaning string) int {
	n.t.Helper()
	v := binary.LittleEndian.Uint64(n.b[n.at:])
	n.take(8, fmt.Sprintf("%s: %d", meaning, v))
	return int(v)
}

func (n *notes) text(meaning string) {
	n.t.Helper()
	size := n.uvarint(meaning + ", length")
	n.take(size, fmt.Sprintf("%s: %q", meaning, n.b[n.at:n.at+size]))
}

// Every byte of a small terms file, with its meaning. When this changes, old
// indexes can no longer be read: FormatVersion must change with it.
func TestTermsFileBytes(t *testing.T) {
	var events fingerprints
	events.add([]byte(uuid(1)), 0)
	events.add([]byte(uuid(2)), 1)
	var names dictionary
	for row := range uint32(40) {
		names.add([]byte("GetObject"), row)
	}
	names.add([]byte("PutObject"), 40)
	names.add([]byte("PutObjectAcl"), 7)
	names.add([]byte("PutObjectAcl"), 41)
	body, err := names.encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	deliveries := encodeDeliveries([]delivery{{3, 0, "b.json.gz", 7}, {3, 1, "b.json.gz", 9}})
	var file bytes.Buffer
	sums := appendSums(nil, []uint32{0xdeadbeef})
	_, root, err := writeTerms(&file, []uint64{sectionEventIDs, sectionDeliveries, sectionSums, sectionField + uint64(EventName)},
		[][]byte{events.encode(eventSpare), deliveries, sums, body})
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{t: t, b: file.Bytes()}
	n.fingerprints()
	n.deliveries()
	n.title("section %d: block sums of the Parquet file", sectionSums)
	n.take(4, "CRC-32C of its first 16 KiB")
	n.dictionary(len(body))
	n.directoryAndTail()
	fmt.Fprintf(n, "# root, in the manifest: %x\n", root)
	golden(t, "terms.txt", n.String())
}

func (n *notes) fingerprints() {
	n.title("section %d: fingerprints of event ids", sectionEventIDs)
	count := n.uvarint("entries")
	rowBits := n.uvarint("bits of a row")
	kept := n.uvarint("bits of a fingerprint")
	buckets := n.uvarint("of them the bucket's number")
	for i := range 1<<buckets + 1 {
		n.u32(fmt.Sprintf("entries before bucket %d", i))
	}
	n.take((count*(kept-buckets+rowBits)+7)/8, fmt.Sprintf("entries of %d bits", kept-buckets+rowBits))
}

func (n *notes) deliveries() {
	n.title("section %d: further deliveries", sectionDeliveries)
	for range n.uvarint("objects") {
		n.text("object")
	}
	for range n.uvarint("deliveries") {
		n.uvarint("segment of the event")
		n.uvarint("row of the event")
		n.uvarint("object number")
		n.uvarint("position in the object")
	}
}

func (n *notes) dictionary(size int) {
	n.title("section %d: dictionary of %s", sectionField+int(EventName), EventName)
	end := n.at + size
	at := func(back int) int { return int(binary.LittleEndian.Uint32(n.b[end-back:])) }
	start, long, index := n.at, at(8), at(4)
	var sizes []int
	for _, part := range []string{"lengths", "letters", "postings"} {
		plain, packed := n.uvarint("plain length of the block's "+part), n.uvarint("packed length")
		if plain != packed {
			n.t.Fatalf("the block is packed: make it smaller")
		}
		sizes = append(sizes, plain)
	}
	if n.at+sizes[0]+sizes[1]+sizes[2] != start+long {
		n.t.Fatalf("%d bytes in front of the long postings, parts of %d", long, sizes)
	}
	for ends := n.at + sizes[0]; n.at < ends; {
		n.uvarint("shared with the term before")
		n.uvarint("letters of its own")
	}
	n.take(sizes[1], "letters")
	for ends := n.at + sizes[2]; n.at < ends; {
		n.postings(n.uvarint("rows"))
	}
	if index > long {
		n.take(index-long, "long postings")
	}
	for range at(12) {
		n.text("separator")
		n.uvarint("offset of the block")
	}
	for _, name := range []string{"terms", "blocks", "offset of the long postings", "offset of the index"} {
		n.u32(name)
	}
}

func (n *notes) postings(rows int) {
	if rows <= 16 {
		for range rows {
			n.uvarint("row, from the one before")
		}
		return
	}
	head := n.uvarint("length<<2 | form")
	if head>>2 > 128 {
		n.uvarint("offset among the long postings")
		return
	}
	n.take(head>>2, []string{"deltas", "packed deltas", "roaring bitmap"}[head&3])
}

func (n *notes) directoryAndTail() {
	n.title("directory")
	at := n.at
	for range n.uvarint("sections") {
		n.uvarint("section")
		n.uvarint("offset")
		n.uvarint("length")
	}
	length := n.at
	n.title("sums")
	for range (length + 64<<10 - 1) / (64 << 10) {
		n.take(4, "CRC-32C of a block of the above")
	}
	n.title("tail")
	if got := n.u64("length of what the sums cover"); got != length {
		n.t.Errorf("length %d, want %d", got, length)
	}
	if got := n.u64("offset of the directory"); got != at {
		n.t.Errorf("directory at %d, want %d", got, at)
	}
	n.u32("format version")
	n.take(4, "CRC-32C of sums and tail so far")
	n.take(8, `magic "TBTERMS\n"`)
	if n.at != len(n.b) {
		n.t.Errorf("%d bytes are left", len(n.b)-n.at)
	}
}

// A record's template: its text, with two bytes in place of each value that a
// column holds.
func TestTemplateBytes(t *testing.T) {
	var d ingest.Decoder
	rec, err := d.Decode([]byte(`{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","readOnly":true, "unknown":[1],"eventName":"\u0041"}`), false)
	if err != nil {
		t.Fatal(err)
	}
	var r rows
	r.beginObject("o")
	r.append(rec, 0)
	n := &notes{t: t, b: r.templates.text(0)}
	for n.at < len(n.b) {
		if n.b[n.at] == 1 {
			n.take(2, "the value of "+strings.Join(ingest.Columns[n.b[n.at+1]-0x20].Path, "."))
			continue
		}
		size := bytes.IndexByte(n.b[n.at:], 1)
		if size < 0 {
			size = len(n.b) - n.at
		}
		n.take(size, string(n.b[n.at:n.at+size]))
	}
	golden(t, "template.txt", n.String())
}

// The manifest and CURRENT are text.
func TestManifestBytes(t *testing.T) {
	m := newMemFS()
	man := &manifest{Format: 1, Generation: 2, NextFile: 4,
		Segments: []segmentInfo{{ID: 1, Date: "2026-03-01", Rows: 2, Min: 1772359200000000, Max: 1772362800000000, Raw: 700, Versions: 1,
			Events: fileInfo{"events/date=2026-03-01/00000001.parquet", 9000, strings.Repeat("ab", 32)},
			Terms:  fileInfo{"terms/00000001.terms", 500, strings.Repeat("cd", 32)}, Root: strings.Repeat("ef", 32)}},
		Ledger: []ledgerFile{{fileInfo{"ledger/00000002.ndjson.gz", 120, strings.Repeat("01", 32)}, 1}},
		Totals: Totals{Objects: 1, Bytes: 300, Counts: ingest.Counts{In: 3, Kept: 2, Duplicate: 1}}}
	if err := commit(m, man); err != nil {
		t.Fatal(err)
	}
	golden(t, "manifest.txt", string(m.names[manifestName(2)].data)+string(m.names[currentName].data))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got):\n%s", path, diff)
	}
}
