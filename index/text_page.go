package index

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The texts of a page are a frame of zstd behind that of their lengths. Its blocks
// are of one size, a quarter of a page's: they share a window and tables of letters,
// so that they cost next to nothing, and a reader of one text unpacks them only up
// to the one where it ends. To a reader of Parquet that is one compressed page.
const blocksOfPage = 4

// textFrames writes frames of several blocks.
type textFrames struct {
	encoder *zstd.Encoder
	buf     bytes.Buffer
}

// append appends a frame of texts in blocks of about size bytes.
func (t *textFrames) append(dst, texts []byte, size int) ([]byte, error) {
	blocks := max(1, len(texts)/size)
	if blocks == 1 {
		return textEncoder().EncodeAll(texts, dst), nil
	}
	if t.encoder == nil {
		t.encoder = pageEncoder(zstd.SpeedFastest, zstd.WithEncoderConcurrency(1))
	}
	t.buf.Reset()
	t.encoder.ResetContentSize(&t.buf, int64(len(texts)))
	each := (len(texts) + blocks - 1) / blocks
	for len(texts) > each {
		if _, err := t.encoder.Write(texts[:each]); err != nil {
			return nil, err
		}
		if err := t.encoder.Flush(); err != nil { // ends the block
			return nil, err
		}
		texts = texts[each:]
	}
	if _, err := t.encoder.Write(texts); err != nil {
		return nil, err
	}
	err := t.encoder.Close()
	return append(dst, t.buf.Bytes()...), err
}

// packedTexts is the texts of a page while only a part of them is unpacked.
type packedTexts struct {
	frame  []byte
	size   int   // plain
	blocks []int // where each block begins in frame, and the last one ends
	part   []byte
}

// set makes t the texts that a frame holds, which it copies.
func (t *packedTexts) set(frame []byte, size int) error {
	blocks, sum, err := appendBlocks(t.blocks[:0], frame)
	if err == nil && blocks[len(blocks)-1]+sum != len(frame) {
		err = fmt.Errorf("a page has more than its texts")
	}
	t.frame, t.size, t.blocks = append(t.frame[:0], frame...), size, blocks
	return err
}

// largestBlock is the most that a block of zstd holds.
const largestBlock = 128 << 10

// unpack unpacks the texts, at least up to end, into dst.
func (t *packedTexts) unpack(dst []byte, end int) ([]byte, error) {
	blocks := len(t.blocks) - 1
	each := max(1, (t.size+blocks-1)/blocks)
	if n := max(1, (end+each-1)/each); n < blocks && t.size <= partWindow {
		t.begin(n)
		if cap(dst) < t.size+largestBlock+unpackSlack {
			dst = make([]byte, 0, t.size+largestBlock+unpackSlack)
		}
		plain, err := pageDecoder().DecodeAll(t.part, dst[:0])
		if err != nil || len(plain) > t.size {
			return dst, fmt.Errorf("a page does not unpack: %w", err)
		}
		if dst = plain; len(dst) >= end {
			return dst, nil
		}
	}
	return unpackPage(dst, t.frame, t.size)
}

// partWindow is the window of a part of a frame: a page's texts, but for long ones.
const partWindow = 1 << 20

// begin makes part a frame of the first n blocks (RFC 8878, 3.1.1): without the size
// of what it holds, and the window instead.
func (t *packedTexts) begin(n int) {
	t.part = append(t.part[:0], 0x28, 0xb5, 0x2f, 0xfd, 0, 10<<3)
	last := len(t.part) + t.blocks[n-1] - t.blocks[0]
	t.part = append(t.part, t.frame[t.blocks[0]:t.blocks[n]]...)
	t.part[last] |= 1
}
