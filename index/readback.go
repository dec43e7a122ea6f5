package index

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"time"
)

// rowDigest is a digest of a sequence of rows, comparable within the process.
type rowDigest struct{ hash *maphash.Hash }

var digestSeed = maphash.MakeSeed()

func newRowDigest() rowDigest {
	h := new(maphash.Hash)
	h.SetSeed(digestSeed)
	return rowDigest{h}
}

func (d rowDigest) add(raw []byte, t time.Time, object string, position int) {
	var head [24]byte
	binary.LittleEndian.PutUint64(head[0:], uint64(len(raw)))
	binary.LittleEndian.PutUint64(head[8:], uint64(t.UnixMicro()))
	binary.LittleEndian.PutUint64(head[16:], uint64(position))
	d.hash.Write(head[:])
	d.hash.Write(raw)
	d.hash.WriteString(object)
}

// errReadBack says that what was written is not what is on disk.
var errReadBack = errors.New("rows came back changed; memory or disk of this machine may be failing")

// readBack opens the staged files and compares every row with what was to be
// written: encoders and memory have been known to fail.
func (w *segmentWriter) readBack() error {
	at := w.seg.info
	at.Terms.Name = staged(at.ID, termsSuffix)
	at.Events.Name = staged(at.ID, parquetSuffix)
	seg, err := openSegment(w.fsys, at)
	if err != nil {
		return err
	}
	defer seg.Close()
	if err := seg.terms.r.verify(func(err error) error { return err }); err != nil {
		return err
	}
	if at.Rows == 0 {
		return nil
	}
	rows, err := seg.Reader()
	if err != nil {
		return err
	}
	defer rows.Close()
	digest := newRowDigest()
	for i := range at.Rows {
		if w.buf, err = rows.AppendRaw(w.buf[:0], i); err != nil {
			return err
		}
		key, err := rows.Key(i)
		if err != nil {
			return err
		}
		digest.add(w.buf, key.Time, key.Object, key.Position)
	}
	if digest.hash.Sum64() != w.seg.digest.hash.Sum64() {
		return errReadBack
	}
	return nil
}

// verify reads every block and calls report for each that is damaged, until
// report returns an error.
func (b *blockReader) verify(report func(error) error) error {
	block := blockPool.Get().(*[blockSize]byte)
	defer blockPool.Put(block)
	for k := range (b.size + blockSize - 1) / blockSize {
		if err := b.readBlock(k, block[:min(blockSize, b.size-k*blockSize)]); err != nil {
			if err := report(err); err != nil {
				return err
			}
		}
	}
	return nil
}
