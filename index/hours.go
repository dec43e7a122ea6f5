package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// HourSet tells in which hours of one UTC day there are events of an account
// in a region.
type HourSet struct {
	Account, Region string
	// Source is empty where all events count, and the eventSource where only
	// its data events do.
	Source string
	// Hours has bit h set when there is an event in hour h.
	Hours uint32
}

func (h *HourSet) compare(o *HourSet) int {
	return cmp.Or(cmp.Compare(h.Account, o.Account), cmp.Compare(h.Region, o.Region), cmp.Compare(h.Source, o.Source))
}

// hourSets gathers the HourSets of a segment: of what a trail delivered, which
// state changes and access logs were not.
type hourSets struct {
	list []HourSet
	at   map[string]int // by account, region and source
	near [16]int        // position + 1 in list of what came last with such names
	key  []byte
}

func (h *hourSets) reset() {
	h.list = h.list[:0]
	h.near = [16]int{}
	clear(h.at)
}

// add notes a row of r.
func (h *hourSets) add(r *rows, row int) {
	micros := r.micros[row]
	if micros == noTime || r.native[row] || string(r.text(ingest.EventType, row)) == "S3ServerAccessLog" {
		return
	}
	account := r.text(ingest.RecipientAccountID, row)
	if len(account) == 0 {
		account = r.text(ingest.UserAccountID, row)
	}
	region := r.text(ingest.AWSRegion, row)
	hour := uint32(1) << (time.UnixMicro(micros).Unix() % 86400 / 3600 & 31)
	h.note(account, region, nil, hour)
	if isDataEvent(r, row) {
		h.note(account, region, r.text(ingest.EventSource, row), hour)
	}
}

func isDataEvent(r *rows, row int) bool {
	category := r.text(ingest.EventCategory, row)
	if len(category) > 0 {
		return bytes.EqualFold(category, []byte("Data"))
	}
	return string(r.text(ingest.ManagementEvent, row)) == "false" // before categories had names
}

func (h *hourSets) note(account, region, source []byte, hour uint32) {
	account, region, source = clipName(account), clipName(region), clipName(source)
	near := &h.near[(3*last(account)+5*last(region)+uint(len(region))+uint(len(source)))%16]
	if i := *near - 1; i >= 0 {
		if s := &h.list[i]; s.Account == string(account) && s.Region == string(region) && s.Source == string(source) {
			s.Hours |= hour
			return
		}
	}
	h.key = append(h.key[:0], account...)
	h.key = append(append(h.key, 0), region...)
	h.key = append(append(h.key, 0), source...)
	i, ok := h.at[string(h.key)]
	if !ok {
		if h.at == nil {
			h.at = map[string]int{}
		}
		i = len(h.list)
		h.at[string(h.key)] = i
		h.list = append(h.list, HourSet{Account: string(account), Region: string(region), Source: string(source)})
	}
	h.list[i].Hours |= hour
	*near = i + 1
}

func last(name []byte) uint {
	if len(name) == 0 {
		return 0
	}
	return uint(name[len(name)-1])
}

// clipName bounds a name that a record may make as long as it likes.
func clipName(name []byte) []byte { return name[:min(len(name), 128)] }

// encode writes the number of sets, and of each account, region, source and
// hours.
func (h *hourSets) encode() []byte {
	slices.SortFunc(h.list, func(a, b HourSet) int { return a.compare(&b) })
	dst := binary.AppendUvarint(nil, uint64(len(h.list)))
	for _, s := range h.list {
		for _, name := range [...]string{s.Account, s.Region, s.Source} {
			dst = binary.AppendUvarint(dst, uint64(len(name)))
			dst = append(dst, name...)
		}
		dst = binary.AppendUvarint(dst, uint64(s.Hours))
	}
	return dst
}

// Hours returns in which hours the segment has events, sorted by account,
// region and source. Events without a usable time do not count. ok is false for
// a segment that was written before hours were.
func (s *Segment) Hours() (list []HourSet, ok bool, err error) {
	b, at, err := s.terms.load(sectionHours)
	if err != nil || b == nil {
		return nil, false, err
	}
	d := &decbuf{file: s.info.Terms.Name, offset: at, b: b}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		list = append(list, HourSet{string(d.bytes()), string(d.bytes()), string(d.bytes()), uint32(d.uvarint())})
	}
	return list, true, d.err
}
