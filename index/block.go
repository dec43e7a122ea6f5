package index

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

// Every file is covered by CRC-32C sums of blocks of blockSize bytes, the last
// block being shorter. The sums of a terms file stand at its own end, those of
// a Parquet file in the terms file beside it; a hash in the manifest covers the
// sums. A reader compares a block's sum each time it reads the block.
const blockSize = 64 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// blockSummer computes the sums of what is written to it.
type blockSummer struct {
	w    io.Writer
	sums []uint32
	crc  uint32
	fill int
	size int64
}

// Write implements io.Writer.
func (s *blockSummer) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	for rest := p[:n]; len(rest) > 0; {
		take := min(len(rest), blockSize-s.fill)
		s.crc = crc32.Update(s.crc, castagnoli, rest[:take])
		rest = rest[take:]
		if s.fill += take; s.fill == blockSize {
			s.endBlock()
		}
	}
	s.size += int64(n)
	return n, err
}

func (s *blockSummer) endBlock() {
	s.sums = append(s.sums, s.crc)
	s.crc, s.fill = 0, 0
}

// finish returns the sums of all that was written.
func (s *blockSummer) finish() []uint32 {
	if s.fill > 0 {
		s.endBlock()
	}
	return s.sums
}

// blockReader reads a file whose sums are known and gives out no byte that
// they do not vouch for. It is safe for concurrent use.
type blockReader struct {
	name string
	r    io.ReaderAt
	size int64
	sums []uint32
}

var blockPool = sync.Pool{New: func() any { return new([blockSize]byte) }}

// ReadAt implements io.ReaderAt.
func (b *blockReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 || off > b.size {
		return 0, corrupt(b.name, off, "read outside the file")
	}
	block := blockPool.Get().(*[blockSize]byte)
	defer blockPool.Put(block)
	for len(p) > 0 && off < b.size {
		k := off / blockSize
		data := block[:min(blockSize, b.size-k*blockSize)]
		if err := b.readBlock(k, data); err != nil {
			return n, err
		}
		c := copy(p, data[off-k*blockSize:])
		p, off, n = p[c:], off+int64(c), n+c
	}
	if len(p) > 0 {
		return n, io.EOF
	}
	return n, nil
}

func (b *blockReader) readBlock(k int64, data []byte) error {
	if k >= int64(len(b.sums)) {
		return corrupt(b.name, k*blockSize, "no checksum for this block")
	}
	if _, err := b.r.ReadAt(data, k*blockSize); err != nil && err != io.EOF {
		return corrupt(b.name, k*blockSize, "cannot be read: %v", err)
	} else if err == io.EOF && int64(len(data)) != b.size-k*blockSize {
		return corrupt(b.name, k*blockSize, "the file is shorter than %d bytes", b.size)
	}
	if crc32.Checksum(data, castagnoli) != b.sums[k] {
		return corrupt(b.name, k*blockSize, "block checksum mismatch")
	}
	return nil
}

func appendSums(dst []byte, sums []uint32) []byte {
	for _, s := range sums {
		dst = binary.LittleEndian.AppendUint32(dst, s)
	}
	return dst
}

func parseSums(b []byte) []uint32 {
	sums := make([]uint32, len(b)/4)
	for i := range sums {
		sums[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return sums
}
