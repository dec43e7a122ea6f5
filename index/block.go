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
// sums. A reader compares a block's sum each time it reads the block. What a query
// wants of a file is mostly a few kilobytes here and there, hence the size.
const (
	blockSize    = 16 << 10
	oldBlockSize = 64 << 10 // in files of version 1
)

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
	name  string
	r     io.ReaderAt
	size  int64
	block int64 // bytes that a sum covers
	sums  []uint32
}

var blockPool = sync.Pool{New: func() any { return new([oldBlockSize]byte) }}

// ReadAt implements io.ReaderAt.
func (b *blockReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 || off > b.size {
		return 0, corrupt(b.name, off, "read outside the file")
	}
	for len(p) > 0 && off < b.size {
		c, err := b.readSome(p, off)
		if n += c; err != nil {
			return n, err
		}
		p, off = p[c:], off+int64(c)
	}
	if len(p) > 0 {
		return n, io.EOF
	}
	return n, nil
}

// readSome reads a part of what ReadAt reads: whole blocks, or part of one.
func (b *blockReader) readSome(p []byte, off int64) (int, error) {
	k := off / b.block
	from := k * b.block
	whole := int64(len(p))
	if off+whole < b.size {
		whole -= whole % b.block
	} else {
		whole = b.size - off
	}
	if off == from && whole > 0 {
		return int(whole), b.readBlocks(k, p[:whole])
	}
	block := blockPool.Get().(*[oldBlockSize]byte)
	defer blockPool.Put(block)
	data := block[:min(b.block, b.size-from)]
	if err := b.readBlocks(k, data); err != nil {
		return 0, err
	}
	return copy(p, data[off-from:]), nil
}

// readBlocks reads whole blocks from block k on. What it leaves in data when it
// fails is not to be used.
func (b *blockReader) readBlocks(k int64, data []byte) error {
	from := k * b.block
	switch n, err := b.r.ReadAt(data, from); {
	case n == len(data): // io.EOF may come with the last of them
	case err == io.EOF:
		return corrupt(b.name, from+int64(n), "the file is shorter than %d bytes", b.size)
	default:
		return corrupt(b.name, from, "cannot be read: %v", err)
	}
	return b.check(k, data)
}

// check compares the sums of whole blocks from block k on.
func (b *blockReader) check(k int64, data []byte) error {
	for ; len(data) > 0; k++ {
		block := data[:min(b.block, int64(len(data)))]
		if k >= int64(len(b.sums)) {
			return corrupt(b.name, k*b.block, "no checksum for this block")
		}
		if crc32.Checksum(block, castagnoli) != b.sums[k] {
			return corrupt(b.name, k*b.block, "block checksum mismatch")
		}
		data = data[len(block):]
	}
	return nil
}

// verify reads every block and calls report for each that is damaged, until
// report returns an error.
func (b *blockReader) verify(report func(error) error) error {
	var buf [8 * oldBlockSize]byte
	for from := int64(0); from < b.size; from += int64(len(buf)) {
		data := buf[:min(int64(len(buf)), b.size-from)]
		if b.readBlocks(from/b.block, data) == nil {
			continue
		}
		for at := int64(0); at < int64(len(data)); at += b.block {
			if err := b.readBlocks((from+at)/b.block, data[at:min(at+b.block, int64(len(data)))]); err != nil {
				if err := report(err); err != nil {
					return err
				}
			}
		}
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
