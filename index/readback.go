package index

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go"
)

// errReadBack says that what was written is not what is on disk.
var errReadBack = errors.New("rows came back changed; memory or disk of this machine may be failing")

// readBack opens the staged files and compares every value with what was to be
// written: encoders and memory have been known to fail. The pages are unpacked
// by parquet-go, so that two programs agree on what the file says.
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
	digests, err := seg.digests()
	if err != nil {
		return err
	}
	rows, err := seg.Reader()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := rows.checkFrames(); err != nil {
		return err
	}
	want := w.seg.parquet.digests
	if len(digests) != len(want) {
		return errReadBack
	}
	for i := range want {
		if digests[i] != want[i] {
			return fmt.Errorf("%w (column %d)", errReadBack, i%layout.count)
		}
	}
	return nil
}

// chunkDigest is a digest of the values of one column chunk, comparable within
// the process: of which rows have one, of the dictionary, and of the values or
// their places in the dictionary.
type chunkDigest struct{ levels, dictionary, values digest }

func (d *chunkDigest) sum() uint64 {
	var all digest
	for _, part := range [...]digest{d.levels, d.dictionary, d.values} {
		all.add(uint64(part))
	}
	return uint64(all)
}

// digest is a digest of a sequence of values, each taken as a whole.
type digest uint64

func (d *digest) add(v uint64) {
	hi, lo := bits.Mul64(uint64(*d)^v^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	*d = digest(hi ^ lo + v)
}

func (d *digest) bytes(v []byte) { d.add(maphash.Bytes(hashSeed, v)) }

func (d *digest) ints(values []int32) {
	for _, v := range values {
		d.add(uint64(uint32(v)))
	}
}

func (d *digest) longs(values []int64) {
	for _, v := range values {
		d.add(uint64(v))
	}
}

// texts adds the byte strings of which offsets gives the bounds in data.
func (d *digest) texts(data []byte, offsets []uint32) {
	for i := 1; i < len(offsets); i++ {
		d.bytes(data[offsets[i-1]:offsets[i]])
	}
}

// digests reads the whole Parquet file and returns the digests of its chunks,
// row group by row group.
func (s *Segment) digests() (digests []uint64, err error) {
	pf, err := s.parquet()
	if err != nil {
		return nil, err
	}
	defer recoverCorrupt(s.info.Events.Name, &err)
	for _, group := range pf.RowGroups() {
		for leaf, chunk := range group.ColumnChunks() {
			d, rows, err := digestChunk(leaf, chunk.Pages())
			if err != nil {
				return nil, asCorrupt(s.info.Events.Name, err)
			}
			if rows != group.NumRows() {
				return nil, errReadBack
			}
			digests = append(digests, d.sum())
		}
	}
	return digests, nil
}

func digestChunk(leaf int, pages parquet.Pages) (d chunkDigest, rows int64, err error) {
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return d, rows, nil
		}
		if err != nil {
			return d, rows, err
		}
		if dictionary := page.Dictionary(); dictionary != nil && d.dictionary == 0 {
			values := dictionary.Page().Data()
			d.dictionary.texts(values.ByteArray())
		}
		if layout.leaves[leaf].optional {
			d.levels.bytes(page.DefinitionLevels())
		}
		rows += page.NumRows()
		d.page(page)
		parquet.Release(page)
	}
}

// page adds the values of a page.
func (d *chunkDigest) page(page parquet.Page) {
	values := page.Data()
	switch kind := page.Type().Kind(); {
	case page.NumValues() == page.NumNulls():
	case page.Dictionary() != nil:
		d.values.ints(values.Int32())
	case kind == parquet.Boolean:
		d.values.bytes(values.Boolean())
	case kind == parquet.Int32:
		d.values.ints(values.Int32())
	case kind == parquet.Int64:
		d.values.longs(values.Int64())
	default:
		d.values.texts(values.ByteArray())
	}
}
