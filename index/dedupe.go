package index

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"github.com/trailblame/trailblame/ingest"
)

// Equal records under one event id are one event. They have the same time, so
// they fall on the same date, and the events of one date are all that a new
// batch must be compared with: those in segments, and those that another worker
// is just writing.

// days knows the events of the dates that a writer has touched.
type days struct {
	fsys fileSystem

	mu     sync.Mutex
	infos  map[string][]segmentInfo // by date, all segments that hold events
	open   map[string]*day
	loaded int // fingerprints held
	clock  int
}

// maxFingerprints is how many fingerprints are held before days that nobody
// writes to are forgotten; 8 bytes each. A trail is read day by day, so few days
// are needed at a time, however long it is.
const maxFingerprints = 4 << 20

func (d *days) init(fsys fileSystem, segments []segmentInfo) {
	d.fsys = fsys
	d.infos, d.open = map[string][]segmentInfo{}, map[string]*day{}
	for _, s := range segments {
		if s.Rows > 0 {
			d.infos[s.Date] = append(d.infos[s.Date], s)
		}
	}
}

// get returns the day of a date, ready for admit. Each get is followed by a
// settle, unless the writer fails.
func (d *days) get(date string) (*day, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(maxFingerprints)
	it := d.open[date]
	if it == nil {
		it = &day{}
		for _, info := range d.infos[date] {
			src, err := openKept(d.fsys, info)
			if err != nil {
				return nil, err
			}
			d.loaded += len(src.ids.list)
			it.kept = append(it.kept, src)
		}
		d.open[date] = it
	}
	it.users++
	d.clock++
	it.used = d.clock
	return it, nil
}

// forget closes the days that nobody works on, those first that nobody worked on
// for longest, until few enough fingerprints are held.
func (d *days) forget(enough int) {
	for d.loaded > enough {
		oldest := ""
		for date, it := range d.open {
			if it.users == 0 && (oldest == "" || it.used < d.open[oldest].used) {
				oldest = date
			}
		}
		if oldest == "" {
			return
		}
		for _, k := range d.open[oldest].kept {
			d.loaded -= len(k.ids.list)
			k.close()
		}
		delete(d.open, oldest)
	}
}

// settle makes a segment that admit prepared, and that now is written, one to
// be read from disk.
func (d *days) settle(it *day, info segmentInfo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	it.mu.Lock()
	defer it.mu.Unlock()
	it.users--
	i := slices.IndexFunc(it.kept, func(k *kept) bool { return k.segment == info.ID })
	if info.Rows == 0 {
		it.kept = slices.Delete(it.kept, i, i+1)
		return nil
	}
	seg, err := openSegment(d.fsys, info)
	if err != nil {
		return err
	}
	it.kept[i].seg, it.kept[i].rows, it.kept[i].perm = seg, nil, nil
	d.loaded += len(it.kept[i].ids.list)
	d.infos[info.Date] = append(d.infos[info.Date], info)
	return nil
}

// replace makes the segments of done stand for those that they were merged from.
// Nobody may use the day.
func (d *days) replace(r *merged) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := func(s segmentInfo) bool { return r.holds(s.ID) }
	d.infos[r.date] = slices.DeleteFunc(d.infos[r.date], gone)
	for _, info := range r.done {
		if info.Rows > 0 {
			d.infos[r.date] = append(d.infos[r.date], info)
		}
	}
	it := d.open[r.date]
	if it == nil {
		return nil
	}
	it.mu.Lock()
	defer it.mu.Unlock()
	it.kept = slices.DeleteFunc(it.kept, func(k *kept) bool {
		if r.holds(k.segment) {
			d.loaded -= len(k.ids.list)
			k.close()
		}
		return r.holds(k.segment)
	})
	for _, info := range r.done {
		if info.Rows == 0 {
			continue
		}
		src, err := openKept(d.fsys, info)
		if err != nil {
			return err
		}
		d.loaded += len(src.ids.list)
		it.kept = append(it.kept, src)
	}
	return nil
}

func (d *days) close() {
	for _, it := range d.open {
		for _, k := range it.kept {
			k.close()
		}
	}
	clear(d.open)
}

// day holds the events of one date.
type day struct {
	users, used int // guarded by days.mu

	mu   sync.Mutex
	kept []*kept
}

// kept is a segment whose events are in the index: on disk, or still in the
// batch of the worker that writes it.
type kept struct {
	segment uint64
	ids     fingerprints
	rows    *rows // the batch and the order of its rows, while it is written
	perm    []int32
	seg     *Segment
	reader  *Rows
}

func openKept(fsys fileSystem, info segmentInfo) (*kept, error) {
	seg, err := openSegment(fsys, info)
	if err != nil {
		return nil, err
	}
	ids, err := seg.terms.fingerprints(sectionEventIDs)
	if err != nil {
		seg.Close()
		return nil, err
	}
	return &kept{segment: info.ID, ids: ids, seg: seg}, nil
}

func (k *kept) close() {
	k.closeReader()
	if k.seg != nil {
		k.seg.Close()
	}
}

func (k *kept) closeReader() {
	if k.reader != nil {
		k.reader.Close()
		k.reader = nil
	}
}

// appendRaw appends the record of a row.
func (k *kept) appendRaw(dst []byte, row int) ([]byte, error) {
	if k.rows != nil {
		return k.rows.render(dst, int(k.perm[row])), nil
	}
	if err := k.open(); err != nil {
		return dst, err
	}
	return k.reader.AppendRaw(dst, row)
}

// open makes the reader of a segment on disk.
func (k *kept) open() (err error) {
	if k.reader == nil {
		k.reader, err = k.seg.Reader()
	}
	return err
}

// admit decides which rows of perm, which is in order, are events that the
// index does not hold, and makes them known as segment id. The others come back
// as further deliveries. versions counts the fresh ones that are another version
// of an event that is there.
func (d *day) admit(id uint64, r *rows, perm []int32) (fresh []int32, extra []delivery, versions int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	prints := r.fingerprints(perm)
	own := &kept{segment: id, rows: r, ids: fingerprints{list: prints.list}}
	own.ids.sort()
	twins, err := d.twins(r, perm, &own.ids)
	if err != nil {
		return nil, nil, 0, err
	}
	var last place // where the event of the row before is kept
	fresh, ranks := make([]int32, 0, len(perm)), make([]int32, len(perm))
	for i, row := range perm {
		version := i > 0 && prints.of[i] == prints.of[i-1] && r.sameID(int(perm[i-1]), int(row))
		repeated := version && r.compareBytes(int(perm[i-1]), int(row)) == 0
		for ; len(twins) > 0 && int(twins[0].at) == i; twins = twins[1:] {
			if twin := twins[0]; twin.same && !repeated {
				repeated, last = true, place{d.kept[twin.kept].segment, int(twin.row)}
			}
			version = true
		}
		if repeated {
			extra = append(extra, delivery{last.segment, last.row, r.objects[r.object[row]], int(r.position[row])})
			ranks[i] = -1
			continue
		}
		if version {
			versions++
		}
		last, ranks[i] = place{id, len(fresh)}, int32(len(fresh))
		fresh = append(fresh, row)
	}
	own.perm = fresh
	own.ids.renumber(ranks)
	d.kept = append(d.kept, own)
	return fresh, extra, versions, nil
}

// prints are the fingerprints of the event ids of some rows.
type prints struct {
	of   []uint32 // 0 for a row without one
	list []uint64 // of those that have one, as fingerprints has them
}

func (r *rows) fingerprints(perm []int32) prints {
	p := prints{make([]uint32, len(perm)), make([]uint64, 0, len(perm))}
	for i, row := range perm {
		if id := r.text(ingest.EventID, int(row)); isEventID(id) {
			p.of[i] = fingerprint(id)
			p.list = append(p.list, uint64(p.of[i])<<32|uint64(i))
		}
	}
	return p
}

// twin is a row in a kept segment that is of the event of a row of a batch.
type twin struct {
	at   int32 // in the order of the batch
	kept int32 // index into day.kept
	row  int32
	same bool // the bytes are equal: the event itself, else another version
}

// twins finds the twins of the rows of a batch. Few rows have fingerprints in
// common with an event that is kept, and those are mostly duplicates. The kept
// segments are read one after another, so that only one has pages in memory.
func (d *day) twins(r *rows, perm []int32, ids *fingerprints) (list []twin, err error) {
	var suspects []twin
	var buf, buf2 []byte
	for i, k := range d.kept {
		suspects = suspects[:0]
		ids.join(&k.ids, func(at, row int) { suspects = append(suspects, twin{at: int32(at), kept: int32(i), row: int32(row)}) })
		slices.SortFunc(suspects, func(a, b twin) int { return cmp.Compare(a.row, b.row) })
		for _, t := range suspects {
			row := int(perm[t.at])
			of, err := k.isOf(int(t.row), r.text(ingest.EventID, row), r.micros[row])
			if err == nil && of {
				buf = r.render(buf[:0], row)
				buf2, err = k.appendRaw(buf2[:0], int(t.row))
				t.same = bytes.Equal(buf, buf2)
				list = append(list, t)
			}
			if err != nil {
				return nil, err // the index is closed with what is open
			}
		}
		k.closeReader()
	}
	slices.SortFunc(list, func(a, b twin) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kept, b.kept), cmp.Compare(a.row, b.row))
	})
	return list, nil
}

// sameID tells whether two rows are of one event, perhaps in two versions.
func (r *rows) sameID(a, b int) bool {
	id := r.text(ingest.EventID, a)
	return r.micros[a] == r.micros[b] && isEventID(id) && bytes.Equal(id, r.text(ingest.EventID, b))
}

// isOf tells whether a row is of the event with this eventID and time.
func (k *kept) isOf(row int, id []byte, micros int64) (bool, error) {
	if k.rows != nil {
		at := int(k.perm[row])
		return k.rows.micros[at] == micros && bytes.Equal(k.rows.text(ingest.EventID, at), id), nil
	}
	if err := k.open(); err != nil {
		return false, err
	}
	of := k.reader.micros(row) == micros && bytes.Equal(k.reader.text(layout.of[ingest.EventID], row), id)
	return of, k.reader.err
}
