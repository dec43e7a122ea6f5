package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Texts come back whichever is asked for first, unpacked up to the block where they
// end; and any reader of zstd unpacks the frame as a whole.
func TestTextFrames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var long []byte
	for i := range 9000 {
		long = fmt.Appendf(long, `{"bucketName":"bucket-%d","key":"%x"}`, i%50, rnd.Uint64()>>(i%60))
	}
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	var writer textFrames
	for name, c := range map[string]struct {
		texts       []byte
		block, want int
	}{
		"documents": {long[:130_000], 32 << 10, 3},
		"ids":       {long[:33_000], 8 << 10, 4},
		"short":     {long[:5000], 8 << 10, 1},
		"empty":     {nil, 8 << 10, 1},
		"noise":     {noise, 8 << 10, 8},
		"alike":     {bytes.Repeat([]byte("a"), 60_000), 8 << 10, 7},
		"very long": {bytes.Repeat(long, 6), 32 << 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			frame, err := writer.append([]byte("in front"), c.texts, c.block)
			if err != nil {
				t.Fatal(err)
			}
			frame = frame[len("in front"):]
			if again, err := writer.append(nil, c.texts, c.block); err != nil || !bytes.Equal(frame, again) {
				t.Errorf("%v: another frame of the same texts", err)
			}
			if all, err := decoder.DecodeAll(frame, nil); err != nil || !bytes.Equal(all, c.texts) {
				t.Fatalf("%d bytes of %d: %v", len(all), len(c.texts), err)
			}
			var p packedTexts
			if err := p.set(frame, len(c.texts)); err != nil {
				t.Fatal(err)
			}
			if got := len(p.blocks) - 1; c.want > 0 && got != c.want {
				t.Fatalf("%d blocks instead of %d", got, c.want)
			}
			var got []byte
			for range 40 {
				end := rnd.IntN(len(c.texts) + 1)
				if got, err = p.unpack(got, end); err != nil || len(got) < end || !bytes.HasPrefix(c.texts, got) {
					t.Fatalf("%d bytes for %d: %v", len(got), end, err)
				}
				if len(got) > end+2*c.block && len(c.texts) <= partWindow {
					t.Errorf("%d bytes are unpacked for %d", len(got), end)
				}
			}
			if err := p.set(frame[:len(frame)-1], len(c.texts)); err == nil {
				t.Error("a frame that is cut off has texts")
			}
			if err := p.set(append(bytes.Clone(frame), 0), len(c.texts)); err == nil {
				t.Error("a frame with more behind it has texts")
			}
		})
	}
}

// A reader of single rows unpacks parts of pages, and gives what one gives who reads
// all rows.
func TestSingleTexts(t *testing.T) {
	raw := manyRecords(12_000)
	seg := finished(t, writeRecords(t, raw))
	rnd := rand.New(rand.NewPCG(9, 10))
	parts := 0
	for range 300 {
		rows, err := seg.Reader()
		if err != nil {
			t.Fatal(err)
		}
		from := rnd.IntN(seg.Rows())
		for _, row := range []int{from, min(from+rnd.IntN(400), seg.Rows()-1), max(0, from-rnd.IntN(400))} {
			got, err := rows.AppendRaw(nil, row)
			if err != nil {
				t.Fatal(err)
			}
			key, err := rows.Key(row)
			if err != nil || !bytes.Equal(got, raw[key.Position]) {
				t.Fatalf("row %d: %.200s, %v", row, got, err)
			}
			for _, c := range rows.columns {
				if c != nil && len(c.data) > 0 && len(c.data) < c.packed.size {
					parts++
				}
			}
		}
		rows.Close()
	}
	if parts < 300 {
		t.Errorf("%d pages were unpacked in part", parts)
	}
}
