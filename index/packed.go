package index

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// packWindow is more than any block of terms; it keeps the encoders small.
const packWindow = 128 << 10

// packer looks for little repetition: what front coding and numbers have left of
// terms has hardly any, and is packed by tables of codes for its letters, which
// the encoder must be told to try. A longer search takes a quarter more time of
// encoding terms for a fiftieth of their bytes.
var packer = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(packWindow),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

// unpacker never gives out more than the caller made room for.
var unpacker = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderMaxWindow(packWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// appendPacked appends plain in zstd's form, or as it is when that is not
// longer.
func appendPacked(dst, plain []byte) []byte {
	start := len(dst)
	dst = packer().EncodeAll(plain, dst)
	if len(dst)-start < len(plain) {
		return dst
	}
	return append(dst[:start], plain...)
}

// unpack gives the plain form, which has size bytes, of what appendPacked
// wrote. The caller has bounded size.
func unpack(packed []byte, size int) ([]byte, bool) {
	if len(packed) == size {
		return packed, true
	}
	plain, err := unpacker().DecodeAll(packed, make([]byte, 0, size))
	return plain, err == nil && len(plain) == size
}
