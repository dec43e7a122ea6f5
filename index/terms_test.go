package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// termsSection writes one section and opens it again.
func termsSection(t testing.TB, id uint64, body []byte) (*termsFile, section) {
	t.Helper()
	var file bytes.Buffer
	size, sum, err := writeTerms(&file, []uint64{id}, [][]byte{body})
	if err != nil {
		t.Fatal(err)
	}
	f, err := openTerms("test.terms", bytes.NewReader(file.Bytes()), size, sum)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := f.section(id)
	if !ok {
		t.Fatal("the section is not there")
	}
	return f, s
}

func TestFingerprints(t *testing.T) {
	for i, n := range []int{0, 1, 2, 31, 32, 33, 1000, 70_000, 1, 33, 70_000} {
		spare := eventSpare
		if i >= 8 {
			spare = searchSpare
		}
		var table fingerprints
		want := map[string][]int{}
		for i := range n {
			id := fmt.Sprintf("id-%d", i*i%(n+1)) // some come more than once
			table.add([]byte(id), 3*i)
			want[id] = append(want[id], 3*i)
		}
		body := table.encode(spare)
		f, _ := termsSection(t, sectionEventIDs, body)
		loaded, err := f.fingerprints(sectionEventIDs)
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded.list) != n || !slices.IsSorted(loaded.list) {
			t.Fatalf("%d entries: %d came back, sorted: %v", n, len(loaded.list), slices.IsSorted(loaded.list))
		}
		false1 := 0
		for i := range n + 1000 {
			id := fmt.Sprintf("id-%d", i)
			var found, looked []int
			if err := f.find(sectionEventIDs, []byte(id), func(row int) { found = append(found, row) }); err != nil {
				t.Fatal(err)
			}
			var one fingerprints
			one.add([]byte(id), 7)
			one.join(&loaded, func(_, row int) { looked = append(looked, row) })
			if !slices.Equal(found, looked) {
				t.Fatalf("%d entries, %s: the file gives %v, the table %v", n, id, found, looked)
			}
			for _, row := range want[id] {
				if !slices.Contains(found, row) {
					t.Fatalf("%d entries, %s: row %d is missing in %v", n, id, row, found)
				}
			}
			false1 += len(found) - len(want[id])
		}
		if false1 > 10+n>>(spare-1) {
			t.Errorf("%d entries: %d rows too many in %d searches", n, false1, n+1000)
		}
		if bits := 8 * len(body); n >= 1000 && bits > 40*n {
			t.Errorf("%d entries take %d bits each", n, bits/n)
		}
	}
}

// Two tables are joined as comparing each entry with each does it, whatever their
// sizes and however many bits of the one are known.
func TestJoinFingerprints(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	table := func(n, drop int) *fingerprints {
		f := &fingerprints{drop: drop}
		for row := range n {
			f.list = append(f.list, uint64(rnd.Uint32N(4000)<<20>>drop<<drop)<<32|uint64(row))
		}
		f.sort()
		return f
	}
	pairs := 0
	for _, n := range [][2]int{{0, 9}, {9, 0}, {1, 1}, {1, 3000}, {3000, 1}, {40, 3000}, {3000, 3000}, {3000, 40}} {
		for _, drop := range []int{0, 7, 24} {
			a, b := table(n[0], 0), table(n[1], drop)
			var want, got [][2]int
			for _, x := range a.list {
				for _, y := range b.list {
					if x>>(32+drop) == y>>(32+drop) {
						want = append(want, [2]int{int(uint32(x)), int(uint32(y))})
					}
				}
			}
			a.join(b, func(row, other int) { got = append(got, [2]int{row, other}) })
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("%v, %d bits unknown:\n%.500s", n, drop, diff)
			}
			pairs += len(want)
		}
	}
	if pairs < 1000 {
		t.Errorf("only %d pairs", pairs)
	}
}

// randomTerms makes terms of all shapes: short and long, close to one another
// and far apart, with few rows and many.
func randomTerms(rnd *rand.Rand, n, rows int) map[string][]uint32 {
	want := map[string][]uint32{}
	for i := range n {
		term := []string{
			fmt.Sprintf("arn:aws:s3:::bucket-%d/key/%d", rnd.IntN(20), i),
			fmt.Sprintf("%x", rnd.Uint64()),
			strings.Repeat("x", 1+rnd.IntN(maxTerm)),
			string([]byte{byte(rnd.IntN(256)), byte(rnd.IntN(256))}),
		}[rnd.IntN(4)]
		share := []float64{0, 0, 0.001, 0.02, 0.6}[rnd.IntN(5)]
		var list []uint32
		if share == 0 {
			list = []uint32{uint32(rnd.IntN(rows))}
		} else {
			for r := range rows {
				if rnd.Float64() < share {
					list = append(list, uint32(r))
				}
			}
		}
		if len(list) > 0 {
			want[term] = list
		}
	}
	return want
}

func TestDictionary(t *testing.T) {
	const rows = 3_000
	for seed := range uint64(2) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		want := randomTerms(rnd, 1200, rows)
		byRow := make([][]string, rows)
		for term, list := range want {
			for _, r := range list {
				byRow[r] = append(byRow[r], term, term) // a term twice in a row counts once
			}
		}
		var d dictionary
		d.add([]byte("of the segment before"), 7)
		d.reset()
		for r, terms := range byRow {
			for _, term := range terms {
				d.add([]byte(term), uint32(r))
			}
		}
		body, err := d.encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		f, s := termsSection(t, sectionField, body)
		field, err := f.openField(s.offset, s.size)
		if err != nil {
			t.Fatal(err)
		}
		checkDictionary(t, field, want)
	}
}

func checkDictionary(t *testing.T, field *fieldReader, want map[string][]uint32) {
	t.Helper()
	if field.terms != len(want) || len(field.seps) < 2 {
		t.Fatalf("%d terms in %d blocks, want %d in several", field.terms, len(field.seps), len(want))
	}
	var last []byte
	err := field.scan(0, len(field.seps), func(term []byte, d *decbuf) bool {
		if n := d.postings(nil, nil); n != len(want[string(term)]) || bytes.Compare(last, term) >= 0 {
			t.Fatalf("%.40q after %.40q has %d rows, want %d", term, last, n, len(want[string(term)]))
		}
		last = append(last[:0], term...)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for term, list := range want {
		got := NewRowSet()
		if err := field.find([]string{term}, adder(got)); err != nil || !slices.Equal(got.ToArray(), list) {
			t.Fatalf("%.40q: %d rows, %v; want %d", term, got.GetCardinality(), err, len(list))
		}
		missing := NewRowSet()
		if err := field.find([]string{term + "\x00"}, adder(missing)); err != nil || !missing.IsEmpty() {
			t.Fatalf("%.40q with one more byte: %d rows, %v", term, missing.GetCardinality(), err)
		}
	}
	// All terms at once, with some that are not there, out of order and twice;
	// what is remembered of the first time answers the second.
	every := NewRowSet()
	asked := []string{"", "\xff\xff"}
	for term, list := range want {
		every.AddMany(list)
		asked = append(asked, term, term+"\x00", term)
	}
	for range 2 {
		got := NewRowSet()
		if err := field.find(asked, adder(got)); err != nil || !got.Equals(every) {
			t.Fatalf("all terms: %d rows, %v; want %d", got.GetCardinality(), err, every.GetCardinality())
		}
	}
	for _, patterns := range [][]string{
		{"*"}, {"a*"}, {"arn:aws:s3:::bucket-1*"}, {"arn:aws:s3:::bucket-1/*"}, {"x*"}, {"\xff*"}, {"~*"}, {},
		{"*1", "*22", "arn:aws:s3:::bucket-*/*7"},
		{"arn:aws:s3:::bucket-2*", "arn:aws:s3:::bucket-2/*", "b*", "arn:aws:s3:::*3", "arn:aws:s3:::*44*", "~*", "!*"},
	} {
		got, all := NewRowSet(), NewRowSet()
		each := map[string]*RowSet{}
		for _, p := range patterns {
			each[p] = NewRowSet()
		}
		err := field.match(groupGlobs(patterns), func(hits []string, d *decbuf) {
			found := NewRowSet()
			d.postings(found, field.long)
			got.Or(found)
			for _, p := range hits {
				each[p].Or(found)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for p, rows := range each {
			alone := NewRowSet()
			for term, list := range want {
				if MatchGlob(p, term) {
					alone.AddMany(list)
				}
			}
			if !rows.Equals(alone) {
				t.Fatalf("%q of %q: %d rows, want %d", p, patterns, rows.GetCardinality(), alone.GetCardinality())
			}
		}
		for term, list := range want {
			if slices.ContainsFunc(patterns, func(p string) bool { return MatchGlob(p, term) }) {
				all.AddMany(list)
			}
		}
		if !got.Equals(all) {
			t.Errorf("patterns %q: %d rows, want %d", patterns, got.GetCardinality(), all.GetCardinality())
		}
	}
}

// FuzzTerms opens a terms section whose checksums are right and whose bytes are
// not, as in an index that somebody forged.
func FuzzTerms(f *testing.F) {
	var d dictionary
	var ids fingerprints
	for i := range 500 {
		d.add(fmt.Appendf(nil, "term-%d", i%90), uint32(i))
		ids.add(fmt.Appendf(nil, "id-%d", i), i)
	}
	body, err := d.encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body, true, uint16(0), byte(0))
	f.Add(ids.encode(eventSpare), false, uint16(1), byte(0xff))
	f.Fuzz(func(t *testing.T, body []byte, terms bool, at uint16, flip byte) {
		body = bytes.Clone(body)
		if len(body) > 0 {
			body[int(at)%len(body)] ^= flip
		}
		rows := NewRowSet()
		if !terms {
			file, _ := termsSection(t, sectionEventIDs, body)
			_ = file.find(sectionEventIDs, []byte("id-7"), func(row int) { rows.Add(uint32(row)) })
			_ = file.each(sectionEventIDs, func(row int) { rows.Add(uint32(row)) })
			return
		}
		file, s := termsSection(t, sectionField, body)
		field, err := file.openField(s.offset, s.size)
		if err != nil {
			return
		}
		_ = field.find([]string{"term-7"}, adder(rows))
		_ = field.match(groupGlobs([]string{"*", "term-1*"}), func(_ []string, d *decbuf) { d.postings(rows, field.long) })
	})
}

func BenchmarkDictionaryEncode(b *testing.B) {
	terms := make([][]byte, 20_000)
	for i := range terms {
		terms[i] = fmt.Appendf(nil, "arn:aws:s3:::bucket-%d/part-%08x", i%13, i*2654435761)
	}
	var d dictionary
	b.ReportAllocs()
	for b.Loop() {
		d.reset()
		for row := range 50_000 {
			d.add(terms[row*7%len(terms)], uint32(row))
		}
		if _, err := d.encode(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func adder(to *RowSet) func(string, *RowSet) { return func(_ string, rows *RowSet) { to.Or(rows) } }
