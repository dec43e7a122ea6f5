package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/trailblame/trailblame/ingest"
)

// Single numbers are found where unpacking all of them finds them.
func TestHybrid(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, width := range []int{1, 3, 8, 13, 20} {
		for _, n := range []int{1, 7, 8, 9, 100, 3000} {
			numbers := make([]int32, n)
			for i := range numbers {
				if numbers[i] = rnd.Int32N(1 << width); i > 0 && rnd.IntN(40) > 0 && i%500 > 100 {
					numbers[i] = numbers[i-1] // runs
				}
			}
			e := rle.Encoding{BitWidth: width}
			packed, err := e.EncodeInt32(nil, numbers)
			if err != nil {
				t.Fatal(err)
			}
			if err := checkRuns(packed, width, n); err != nil {
				t.Fatal(err)
			}
			h, ones := hybrid{packed, width}, 0
			for i, want := range numbers {
				if v, ok := h.at(i); !ok || int32(v) != want {
					t.Fatalf("width %d, number %d of %d: %d, %v instead of %d", width, i, n, v, ok, want)
				}
				if width > 1 {
					continue
				}
				if before, one := h.ones(i); before != ones || one != (want == 1) {
					t.Fatalf("%d of %d: %d ones in front, %v; want %d, %d", i, n, before, one, ones, want)
				}
				ones += int(want)
			}
			if _, ok := h.at(n + 8); ok {
				t.Fatalf("width %d: there is a number behind the last of %d", width, n)
			}
		}
	}
}

func TestPageHeader(t *testing.T) {
	for _, want := range []format.PageHeader{
		{Type: format.DictionaryPage, UncompressedPageSize: 1 << 20, CompressedPageSize: 77, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: 12345})},
		{Type: format.DataPageV2, UncompressedPageSize: 3, CompressedPageSize: 2, DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: 300, NumNulls: 20, NumRows: 300, Encoding: format.DeltaLengthByteArray, DefinitionLevelsByteLength: 40, IsCompressed: thrift.New(false)})},
		{Type: format.DataPageV2, DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: 1, Encoding: format.RLEDictionary, IsCompressed: thrift.New(true)})},
	} {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), &want)
		if err != nil {
			t.Fatal(err)
		}
		got, size, err := readPageHeader(append(b, "behind"...))
		if err != nil || size != len(b) {
			t.Fatalf("%d bytes of %d: %v", size, len(b), err)
		}
		v2, values := want.DataPageHeaderV2.V, int(want.DictionaryPageHeader.V.NumValues)
		if want.DataPageHeaderV2.Valid {
			values = int(v2.NumValues)
		}
		if exp := (pageHeader{kind: want.Type, plain: int(want.UncompressedPageSize), packed: int(want.CompressedPageSize),
			data: want.DataPageHeaderV2.Valid, values: values, nulls: int(v2.NumNulls), encoding: v2.Encoding,
			levels: int(v2.DefinitionLevelsByteLength), compressed: v2.IsCompressed.V}); got != exp {
			t.Errorf("%+v instead of %+v", got, exp)
		}
		for cut := range b {
			if _, _, err := readPageHeader(b[:cut]); err == nil {
				t.Errorf("a header cut off after %d of %d bytes was read", cut, len(b))
			}
		}
	}
	var index format.OffsetIndex
	for i := range 40 {
		index.PageLocations = append(index.PageLocations, format.PageLocation{Offset: int64(i) << 33, CompressedPageSize: int32(i), FirstRowIndex: int64(100 * i)})
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &index)
	if err != nil {
		t.Fatal(err)
	}
	for row := range int64(40 * 100) {
		at := row / 100
		want := page{offset: at << 33, size: at, first: 100 * at, end: 100 * (at + 1)}
		if got, err := findPage(b, row, 40*100); err != nil || got != want {
			t.Fatalf("row %d: %+v, %v", row, got, err)
		}
	}
	for cut := range b {
		if p, err := findPage(b[:cut], 0, 40*100); err == nil {
			t.Errorf("a list cut off after %d of %d bytes has %+v", cut, len(b), p)
		}
	}
	if p, err := findPage(b, 40*100, 40*100); err == nil {
		t.Errorf("a row behind the last one is in %+v", p)
	}
}

// A dictionary of several frames gives each of its values, in any order, and
// unpacks no frame that was not asked for.
func TestPageDictionary(t *testing.T) {
	for _, n := range []int{1, 2, 3000, 20_011} {
		values := column{}
		for i := range n {
			values.set(i, fmt.Appendf(nil, "arn:aws:sts::%012d:assumed-role/role-%d/session", i*7919, i))
		}
		var file bytes.Buffer
		w := newParquetWriter(&file)
		w.begin(layout.of[ingest.UserARN])
		size := 0
		for i := range n {
			w.page.dictionary = append(w.page.dictionary, uint32(i+1))
			size += 4 + len(values.value(uint32(i+1)))
		}
		start := file.Len()
		w.dictionaryPage(&values, size)
		page := file.Bytes()[start:]
		h, at, err := readPageHeader(page)
		if err != nil || h.values != n || h.plain != size {
			t.Fatalf("%+v, %v", h, err)
		}
		var d pageDictionary
		if err := d.setPage(page[at:], h.values, h.plain); err != nil {
			t.Fatal(err)
		}
		if frames := len(d.at); n > 3000 && frames < 10 {
			t.Fatalf("%d values in %d frames", n, frames)
		}
		for i := range n {
			id := (i*7001 + n/2) % n
			got, err := d.value(nil, uint32(id))
			if err != nil || !bytes.Equal(got, values.value(uint32(id+1))) {
				t.Fatalf("value %d of %d: %q, %v", id, n, got, err)
			}
			if i == 0 && n > 3000 && len(d.plain) > 2*namesFrame {
				t.Errorf("one value unpacks %d bytes", len(d.plain))
			}
		}
		if _, err := d.value(nil, uint32(n)); err == nil {
			t.Error("there is a value behind the last")
		}
	}
}
