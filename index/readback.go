package index

import (
	"bytes"
	"fmt"
)

// readBack opens the staged files and compares every row with what was to be
// written: encoders and memory have been known to fail.
func (w *segmentWriter) readBack(info *segmentInfo, r *rows, perm []int32) error {
	at := *info
	at.Terms.Name = staged(info.ID, termsSuffix)
	at.Events.Name = staged(info.ID, parquetSuffix)
	seg, err := openSegment(w.fsys, at)
	if err != nil {
		return err
	}
	defer seg.Close()
	if err := seg.terms.r.verify(func(err error) error { return err }); err != nil {
		return err
	}
	if len(perm) == 0 {
		return nil
	}
	rows, err := seg.Reader()
	if err != nil {
		return err
	}
	defer rows.Close()
	for i, row := range perm {
		if err := sameRow(rows, i, r, int(row)); err != nil {
			return err
		}
	}
	return nil
}

func sameRow(got *Rows, i int, want *rows, row int) error {
	key, err := got.Key(i)
	if err != nil {
		return err
	}
	want.buf = want.render(want.buf[:0], row)
	if want.buf2, err = got.AppendRaw(want.buf2[:0], i); err != nil {
		return err
	}
	if !bytes.Equal(want.buf, want.buf2) || !key.Time.Equal(microTime(want.micros[row])) ||
		key.Object != want.objects[want.object[row]] || key.Position != int(want.position[row]) {
		return fmt.Errorf("row %d came back changed; memory or disk of this machine may be failing", i)
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
