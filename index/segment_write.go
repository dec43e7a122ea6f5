package index

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"

	"github.com/trailblame/trailblame/ingest"
)

// segmentWriter writes segments, one after another, reusing its memory. A
// segment takes batches of rows by add, in order, and is complete with finish;
// each batch becomes a row group.
type segmentWriter struct {
	fsys  fileSystem
	page  pageBuffers
	terms segmentTerms
	seg   *segmentDraft
}

// segmentDraft is a segment that is being written.
type segmentDraft struct {
	info     segmentInfo
	file     file
	hashed   *hashed
	buffered *bufio.Writer
	sums     *blockSummer
	parquet  *parquetWriter
	terms    *segmentTerms
}

// write writes one batch as a segment. The files are durable but in no folder
// that a reader looks at until the manifest names them.
func (w *segmentWriter) write(id uint64, date string, r *rows, perm []int32, extra []delivery) (segmentInfo, error) {
	w.begin(id, date)
	if err := w.add(r, perm); err != nil {
		w.abandon()
		return segmentInfo{}, err
	}
	return w.finish(extra)
}

func (w *segmentWriter) begin(id uint64, date string) {
	w.terms.reset()
	w.seg = &segmentDraft{info: segmentInfo{ID: id, Date: date}, terms: &w.terms}
}

// add appends the rows of perm, in that order, as row groups.
func (w *segmentWriter) add(r *rows, perm []int32) error {
	if len(perm) == 0 {
		return nil
	}
	d := w.seg
	if d.file == nil {
		if err := w.create(); err != nil {
			return err
		}
		d.info.Min = r.micros[perm[0]]
	}
	d.info.Max = r.micros[perm[len(perm)-1]]
	d.terms.addRows(r, perm, d.info.Rows)
	d.info.Rows += len(perm)
	for _, row := range perm {
		d.info.Raw += int64(r.size[row])
	}
	for group := range slices.Chunk(perm, groupRows) {
		if err := w.rowGroup(r, group); err != nil {
			return fmt.Errorf("write %s: %w", staged(d.info.ID, parquetSuffix), plainError(err))
		}
	}
	return nil
}

// create opens the Parquet file.
func (w *segmentWriter) create() error {
	d := w.seg
	name := staged(d.info.ID, parquetSuffix)
	f, err := w.fsys.create(name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, plainError(err))
	}
	d.file, d.hashed = f, newHashed(f)
	d.buffered = bufio.NewWriterSize(d.hashed, 1<<20)
	d.sums = &blockSummer{w: d.buffered}
	d.parquet = newParquetWriter(d.sums)
	d.parquet.page = w.page
	return nil
}

// abandon removes what was written of the segment.
func (w *segmentWriter) abandon() {
	if w.seg.file != nil {
		w.seg.file.Close()
	}
	w.fsys.remove(staged(w.seg.info.ID, parquetSuffix))
	w.fsys.remove(staged(w.seg.info.ID, termsSuffix))
}

// finish completes the segment, reads it back, and moves its files to their
// places.
func (w *segmentWriter) finish(extra []delivery) (segmentInfo, error) {
	d := w.seg
	err := w.closeEvents()
	if err == nil {
		err = w.writeTerms(extra)
	}
	if err == nil {
		if err = w.readBack(); err != nil {
			err = fmt.Errorf("read back segment %d: %w", d.info.ID, err)
		}
	}
	if err == nil {
		err = w.publish(&d.info)
	}
	if err != nil {
		w.abandon()
	}
	return d.info, err
}

// closeEvents ends the Parquet file, if there are events, and makes it durable.
func (w *segmentWriter) closeEvents() error {
	d := w.seg
	if d.file == nil {
		return nil
	}
	err := d.parquet.close()
	w.page = d.parquet.page
	if err == nil {
		err = d.buffered.Flush()
	}
	if err == nil {
		err = d.file.Sync()
	}
	if closeErr := d.file.Close(); err == nil {
		err = closeErr
	}
	d.file = nil
	name := fmt.Sprintf("%s/%s%s/%08d%s", eventsDir, datePrefix, d.info.Date, d.info.ID, parquetSuffix)
	d.info.Events = d.hashed.info(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", staged(d.info.ID, parquetSuffix), plainError(err))
	}
	return nil
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

// staged names a file that is not part of the index yet.
func staged(id uint64, suffix string) string {
	return fmt.Sprintf("%s/%08d%s", stagingDir, id, suffix)
}

// groupRows is how many rows a row group has at most. Each has its own
// dictionaries, which a reader of any of its rows must unpack.
const groupRows = 32 << 10

// rowGroup writes rows to the Parquet file, column by column in the order of
// the leaves.
func (w *segmentWriter) rowGroup(r *rows, perm []int32) error {
	pw := w.seg.parquet
	for leaf := range layout.leaves {
		switch leaf {
		case layout.template:
			pw.column(leaf, &r.templates, perm)
		case layout.object:
			pw.column(leaf, r.objectColumn(), perm)
		case layout.position:
			pw.intColumn(leaf, r.position, perm)
		case layout.native:
			pw.boolColumn(leaf, perm, func(row int32) (v, ok bool) { return r.native[row], true })
		case layout.time:
			pw.timeColumn(r.micros, perm)
		default:
			w.valueColumn(r, layout.leaves[leaf].column, leaf, perm)
		}
	}
	return pw.endGroup()
}

func (w *segmentWriter) valueColumn(r *rows, c ingest.Column, leaf int, perm []int32) {
	col := &r.cols[c]
	if ingest.Columns[c].Kind != ingest.Bool {
		w.seg.parquet.column(leaf, col, perm)
		return
	}
	w.seg.parquet.boolColumn(leaf, perm, func(row int32) (v, ok bool) {
		n := col.at(row)
		return n != 0 && col.value(n)[0] == 't', n != 0
	})
}

// objectColumn gives the names of the deliveries as a column.
func (r *rows) objectColumn() *column {
	c := &r.names
	c.cut(0)
	c.distinct = true
	for _, name := range r.objects {
		c.number([]byte(name))
	}
	for _, object := range r.object {
		c.rows = append(c.rows, uint32(object)+1)
	}
	return c
}

// sections encodes the sections of the terms file.
func (d *segmentDraft) sections(extra []delivery) (ids []uint64, bodies [][]byte, err error) {
	if ids, bodies, err = d.terms.sections(); err != nil {
		return nil, nil, err
	}
	ids, bodies = append(ids, sectionDeliveries), append(bodies, encodeDeliveries(extra))
	if d.sums != nil {
		ids = append(ids, sectionFrames, sectionSums)
		bodies = append(bodies, d.parquet.frames, appendSums(nil, d.sums.finish()))
	}
	return ids, bodies, nil
}

func (w *segmentWriter) writeTerms(extra []delivery) error {
	info := &w.seg.info
	ids, bodies, err := w.seg.sections(extra)
	if err != nil {
		return err
	}
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
