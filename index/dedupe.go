package index

import (
	"bytes"
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
}

// maxFingerprints is how many fingerprints are held before days that nobody
// writes to are forgotten; 8 bytes each.
const maxFingerprints = 12 << 20

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
	if d.loaded > maxFingerprints {
		d.forget()
	}
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
	return it, nil
}

// forget closes the days that nobody works on.
func (d *days) forget() {
	for date, it := range d.open {
		if it.users > 0 {
			continue
		}
		for _, k := range it.kept {
			d.loaded -= len(k.ids.list)
			k.close()
		}
		delete(d.open, date)
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
	it.kept[i].seg, it.kept[i].rows = seg, nil
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
	users int // guarded by days.mu

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
	if k.reader == nil {
		var err error
		if k.reader, err = k.seg.Reader(); err != nil {
			return dst, err
		}
	}
	return k.reader.AppendRaw(dst, row)
}

// admit decides which rows of perm, which is in order, are events that the
// index does not hold, and makes them known as segment id. The others come back
// as further deliveries. versions counts the fresh ones that are another version
// of an event that is there.
func (d *day) admit(id uint64, r *rows, perm []int32) (fresh []int32, extra []delivery, versions int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		for _, k := range d.kept {
			k.closeReader()
		}
	}()
	own := &kept{segment: id, rows: r}
	var buf, buf2 []byte
	var last place // where the event of the row before is kept
	for i, row := range perm {
		repeated := i > 0 && r.sameEvent(int(perm[i-1]), int(row))
		if !repeated {
			where, found, version, err := d.find(r, int(row), &buf, &buf2)
			if err != nil {
				return nil, nil, 0, err
			}
			if last, repeated = where, found; !found {
				last = place{id, len(fresh)}
			}
			if !found && (version || i > 0 && r.sameID(int(perm[i-1]), int(row))) {
				versions++
			}
		}
		if repeated {
			extra = append(extra, delivery{last.segment, last.row, r.objects[r.object[row]], int(r.position[row])})
			continue
		}
		if eventID := r.text(ingest.EventID, int(row)); isEventID(eventID) {
			own.ids.add(eventID, len(fresh))
		}
		fresh = append(fresh, row)
	}
	own.perm = fresh
	own.ids.sort()
	d.kept = append(d.kept, own)
	return fresh, extra, versions, nil
}

// sameEvent tells whether two rows are deliveries of one event.
func (r *rows) sameEvent(a, b int) bool { return r.sameID(a, b) && r.compareBytes(a, b) == 0 }

// sameID tells whether two rows are of one event, perhaps in two versions.
func (r *rows) sameID(a, b int) bool {
	id := r.text(ingest.EventID, a)
	return r.micros[a] == r.micros[b] && isEventID(id) && bytes.Equal(id, r.text(ingest.EventID, b))
}

// find looks for the event of a row among the kept ones. version tells that it
// is there with other bytes.
func (d *day) find(r *rows, row int, buf, buf2 *[]byte) (where place, found, version bool, err error) {
	id := r.text(ingest.EventID, row)
	if !isEventID(id) {
		return place{}, false, false, nil
	}
	*buf = (*buf)[:0]
	for _, k := range d.kept {
		k.ids.lookup(id, func(candidate int) bool {
			if len(*buf) == 0 {
				*buf = r.render(*buf, row)
			}
			if *buf2, err = k.appendRaw((*buf2)[:0], candidate); err != nil {
				return false
			}
			if found = bytes.Equal(*buf, *buf2); found {
				where = place{k.segment, candidate}
				return false
			}
			same, keyErr := k.hasKey(candidate, id, r.micros[row])
			version, err = version || same, keyErr
			return err == nil
		})
		if found || err != nil {
			break
		}
	}
	return where, found, version, err
}

// hasKey tells whether a row has this eventID and time.
func (k *kept) hasKey(row int, id []byte, micros int64) (bool, error) {
	if k.rows != nil {
		at := int(k.perm[row])
		return k.rows.micros[at] == micros && bytes.Equal(k.rows.text(ingest.EventID, at), id), nil
	}
	key, err := k.reader.Key(row)
	return key.Time.Equal(microTime(micros)) && key.ID == string(id), err
}
