package index

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/trailblame/trailblame/ingest"
)

// segmentWriter writes segments, one after another, reusing its memory.
type segmentWriter struct {
	fsys   fileSystem
	values []parquet.Value
}

// write writes the rows of perm, in that order, as segment id of date, and
// reads them back. The files are durable but in no folder that a reader looks
// at until the manifest names them.
func (w *segmentWriter) write(id uint64, date string, r *rows, perm []int32, extra []delivery) (segmentInfo, error) {
	info := segmentInfo{ID: id, Date: date, Rows: len(perm)}
	ids, bodies, err := w.sections(r, perm, extra)
	if err != nil {
		return info, err
	}
	if len(perm) > 0 {
		info.Min, info.Max = r.micros[perm[0]], r.micros[perm[len(perm)-1]]
		sums, err := w.writeEvents(&info, r, perm)
		if err != nil {
			return info, err
		}
		ids, bodies = append(ids, sectionSums), append(bodies, appendSums(nil, sums))
	}
	if err := w.writeTerms(&info, ids, bodies); err != nil {
		return info, err
	}
	if err := w.readBack(&info, r, perm); err != nil {
		return info, fmt.Errorf("read back segment %d: %w", id, err)
	}
	return info, w.publish(&info)
}

// hashed counts and hashes what passes through it.
type hashed struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

func (h *hashed) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.hash.Write(p[:n])
	h.size += int64(n)
	return n, err
}

func newHashed(w io.Writer) *hashed { return &hashed{w: w, hash: sha256.New()} }

func (h *hashed) info(name string) fileInfo {
	return fileInfo{Name: name, Size: h.size, SHA256: hex.EncodeToString(h.hash.Sum(nil))}
}

func (w *segmentWriter) writeEvents(info *segmentInfo, r *rows, perm []int32) ([]uint32, error) {
	name := fmt.Sprintf("%s/%s%s/%08d%s", eventsDir, datePrefix, info.Date, info.ID, parquetSuffix)
	var sums []uint32
	err := writeDurably(w.fsys, staged(info.ID, parquetSuffix), func(f io.Writer) error {
		h := newHashed(f)
		buffered := bufio.NewWriterSize(h, 1<<20)
		summer := &blockSummer{w: buffered}
		if err := w.parquet(summer, r, perm); err != nil {
			return err
		}
		err := buffered.Flush()
		sums, info.Events = summer.finish(), h.info(name)
		return err
	})
	return sums, err
}

// staged names a file that is not part of the index yet.
func staged(id uint64, suffix string) string {
	return fmt.Sprintf("%s/%08d%s", stagingDir, id, suffix)
}

// parquet writes the Parquet file, column by column.
func (w *segmentWriter) parquet(out io.Writer, r *rows, perm []int32) error {
	pw := parquet.NewGenericWriter[any](out, writerOptions()...)
	columns := pw.ColumnWriters()
	for c := range ingest.NumColumns {
		if err := w.column(columns[layout.of[c]], perm, columnValue(r, c)); err != nil {
			return fmt.Errorf("column %s: %w", strings.Join(ingest.Columns[c].Path, "."), err)
		}
	}
	for leaf, value := range ownValues(r) {
		if err := w.column(columns[leaf], perm, value); err != nil {
			return err
		}
	}
	return pw.Close()
}

// batchValues is how many values go to a column writer at once.
const batchValues = 1024

func (w *segmentWriter) column(cw *parquet.ColumnWriter, perm []int32, value func(row int) parquet.Value) error {
	for len(perm) > 0 {
		n := min(len(perm), batchValues)
		w.values = w.values[:0]
		for _, row := range perm[:n] {
			w.values = append(w.values, value(int(row)))
		}
		if _, err := cw.WriteRowValues(w.values); err != nil {
			return err
		}
		perm = perm[n:]
	}
	return nil
}

// columnValue gives a column's values as Parquet has them.
func columnValue(r *rows, c ingest.Column) func(row int) parquet.Value {
	leaf, col := layout.of[c], &r.cols[c]
	absent := parquet.Value{}.Level(0, 0, leaf)
	switch ingest.Columns[c].Kind {
	case ingest.Time:
		return func(row int) parquet.Value {
			if r.micros[row] == noTime {
				return absent
			}
			return parquet.Int64Value(r.micros[row]).Level(0, 1, leaf)
		}
	case ingest.Bool:
		return func(row int) parquet.Value {
			v, ok := col.at(row)
			if !ok {
				return absent
			}
			return parquet.BooleanValue(v[0] == 't').Level(0, 1, leaf)
		}
	}
	return func(row int) parquet.Value {
		v, ok := col.at(row)
		if !ok {
			return absent
		}
		return parquet.ByteArrayValue(v).Level(0, 1, leaf)
	}
}

// ownValues gives the values of the columns that are not the record's.
func ownValues(r *rows) map[int]func(row int) parquet.Value {
	return map[int]func(row int) parquet.Value{
		layout.template: func(row int) parquet.Value {
			return parquet.ByteArrayValue(r.templates.bytes(row)).Level(0, 0, layout.template)
		},
		layout.object: func(row int) parquet.Value {
			return parquet.ByteArrayValue([]byte(r.objects[r.object[row]])).Level(0, 0, layout.object)
		},
		layout.position: func(row int) parquet.Value {
			return parquet.Int32Value(r.position[row]).Level(0, 0, layout.position)
		},
		layout.native: func(row int) parquet.Value {
			return parquet.BooleanValue(r.native[row]).Level(0, 0, layout.native)
		},
	}
}

// sections builds the sections of the terms file but for the block sums.
func (w *segmentWriter) sections(r *rows, perm []int32, extra []delivery) (ids []uint64, bodies [][]byte, err error) {
	var fields [NumFields]dictionary
	var events, requests fingerprints
	for i, row := range perm {
		r.termsOf(int(row), func(f Field, term []byte) { fields[f].add(term, uint32(i)) })
		if id := r.text(ingest.EventID, int(row)); len(id) > 0 {
			events.add(id, i)
		}
		if id := r.text(ingest.RequestID, int(row)); len(id) > 0 {
			requests.add(id, i)
		}
	}
	ids = []uint64{sectionEventIDs, sectionRequestIDs, sectionDeliveries}
	bodies = [][]byte{events.encode(), requests.encode(), encodeDeliveries(extra)}
	for f := range NumFields {
		body, err := fields[f].encode(nil)
		if err != nil {
			return nil, nil, err
		}
		ids, bodies = append(ids, sectionField+uint64(f)), append(bodies, body)
	}
	return ids, bodies, nil
}

func (w *segmentWriter) writeTerms(info *segmentInfo, ids []uint64, bodies [][]byte) error {
	name := fmt.Sprintf("%s/%08d%s", termsDir, info.ID, termsSuffix)
	return writeDurably(w.fsys, staged(info.ID, termsSuffix), func(f io.Writer) error {
		h := newHashed(f)
		_, root, err := writeTerms(h, ids, bodies)
		info.Terms, info.Root = h.info(name), hex.EncodeToString(root[:])
		return err
	})
}

// publish moves the files to where the manifest will say they are.
func (w *segmentWriter) publish(info *segmentInfo) error {
	moves := [][2]string{{staged(info.ID, termsSuffix), info.Terms.Name}}
	if info.Rows > 0 {
		moves = append(moves, [2]string{staged(info.ID, parquetSuffix), info.Events.Name})
	}
	for _, m := range moves {
		dir := path.Dir(m[1])
		if err := w.fsys.mkdirAll(dir); err != nil {
			return fmt.Errorf("create %s: %w", dir, plainError(err))
		}
		if err := w.fsys.rename(m[0], m[1]); err != nil {
			return fmt.Errorf("publish %s: %w", m[1], plainError(err))
		}
		if err := w.fsys.syncDir(dir); err != nil {
			return fmt.Errorf("sync %s: %w", dir, plainError(err))
		}
	}
	return nil
}
