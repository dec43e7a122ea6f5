package index

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A reader that is told where frames stand gives the values that one gives who
// looks for them, and each way of telling something else is found.
func TestFrames(t *testing.T) {
	raw := manyRecords(groupRows + 5000)
	for i, r := range raw {
		raw[i] = fmt.Appendf(r[:len(r)-1], `,"sourceIPAddress":"host-%d.example.com"}`, i*7%3001)
	}
	w := writeRecords(t, raw)
	told := slices.Clone(w.seg.parquet.frames)
	seg := finished(t, w)
	f, blocks, err := seg.events()
	if err != nil {
		t.Fatal(err)
	}
	dictionaries, frames := 0, 0
	untold := &footer{first: f.first, chunks: slices.Clone(f.chunks)}
	for i := range untold.chunks {
		if list := f.chunks[i].frames; list != nil {
			dictionaries, frames = dictionaries+1, frames+len(list.ends)-1
		} else if f.chunks[i].dictionary != 0 {
			t.Errorf("nothing is told of the dictionary of chunk %d", i)
		}
		untold.chunks[i].frames = nil
	}
	if dictionaries < 10 || frames < dictionaries+5 {
		t.Fatalf("%d frames of %d dictionaries", frames, dictionaries)
	}
	a, b := newRows(seg, f, blocks), newRows(seg, untold, blocks)
	defer a.Close()
	defer b.Close()
	for row := 0; row < seg.Rows(); row += 37 {
		got, err := a.AppendRaw(nil, row)
		want, err2 := b.AppendRaw(nil, row)
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("row %d: %v", row, err)
		}
	}
	// Whatever else the section tells is refused, by its own form or beside the pages.
	for i := range told {
		other := slices.Clone(told)
		other[i] ^= 1
		forged := &footer{first: f.first, chunks: slices.Clone(untold.chunks)}
		err := forged.readFrames(&decbuf{file: "forged", b: other})
		if err == nil {
			r := newRows(seg, forged, blocks)
			err = r.checkFrames()
			r.Close()
		}
		if err == nil {
			t.Errorf("byte %d of %d is another one", i, len(told))
		}
	}
}

// A file is read right wherever a part of it begins and ends, and no block passes
// whose bytes are not those of its sum.
func TestBlockReader(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	data := make([]byte, 5*blockSize+1234)
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	var s blockSummer
	s.w = &bytes.Buffer{}
	s.Write(data)
	r := &blockReader{name: "a file", r: bytes.NewReader(data), size: int64(len(data)), block: blockSize, sums: s.finish()}
	cache := &blockCache{r: r}
	read := func(offset, size int) (got, viewed []byte, err error) {
		got = make([]byte, size)
		_, err = r.ReadAt(got, int64(offset))
		viewed, err2 := cache.view(int64(offset), int64(size))
		return got, viewed, errors.Join(err, err2)
	}
	var parts [][2]int
	for _, at := range []int{0, 1, blockSize - 1, blockSize, blockSize + 1, 3 * blockSize, 5 * blockSize, len(data) - 1} {
		for _, size := range []int{1, 2, blockSize - 1, blockSize, blockSize + 1, 2 * blockSize, 2*blockSize + 2, len(data) - at} {
			if at+size <= len(data) {
				parts = append(parts, [2]int{at, size})
			}
		}
	}
	for range 500 {
		at := rnd.IntN(len(data))
		parts = append(parts, [2]int{at, 1 + rnd.IntN(len(data)-at)})
	}
	for _, p := range parts {
		got, viewed, err := read(p[0], p[1])
		if want := data[p[0] : p[0]+p[1]]; err != nil || !bytes.Equal(got, want) || !bytes.Equal(viewed, want) {
			t.Fatalf("%d bytes from %d on: %v", p[1], p[0], err)
		}
	}
	for k := range 6 {
		at := k*blockSize + rnd.IntN(min(blockSize, len(data)-k*blockSize))
		data[at] ^= 4
		cache.reset(r)
		for _, p := range parts {
			touched := p[0] < min((k+1)*blockSize, len(data)) && p[0]+p[1] > k*blockSize
			var damage *CorruptError
			if _, _, err := read(p[0], p[1]); touched != errors.As(err, &damage) || touched && damage.Offset != int64(k*blockSize) {
				t.Fatalf("%d bytes from %d on, byte %d damaged: %v", p[1], p[0], at, err)
			}
		}
		var found []error
		r.verify(func(err error) error { found = append(found, err); return nil })
		if len(found) != 1 {
			t.Fatalf("block %d damaged: %v", k, found)
		}
		data[at] ^= 4
	}
}
