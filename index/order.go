package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// compareRows is the one order of events: eventTime, then eventID, then
// recipientAccountId, then the record's bytes. Events without a usable time
// come first. Records that are equal and yet not one event, for want of an id,
// go by their deliveries.
func (r *rows) compareRows(a, b int) int {
	if c := cmp.Compare(r.micros[a], r.micros[b]); c != 0 {
		return c
	}
	if c := bytes.Compare(r.text(ingest.EventID, a), r.text(ingest.EventID, b)); c != 0 {
		return c
	}
	if c := bytes.Compare(r.text(ingest.RecipientAccountID, a), r.text(ingest.RecipientAccountID, b)); c != 0 {
		return c
	}
	return cmp.Or(
		r.compareBytes(a, b),
		strings.Compare(r.objects[r.object[a]], r.objects[r.object[b]]),
		cmp.Compare(r.position[a], r.position[b]),
	)
}

func (r *rows) compareBytes(a, b int) int {
	r.buf = r.render(r.buf[:0], a)
	r.buf2 = r.render(r.buf2[:0], b)
	return bytes.Compare(r.buf, r.buf2)
}

// sortKey is the beginning of a row's place in the order, which nearly always
// decides.
type sortKey struct {
	micros int64
	id     uint64 // the first bytes of the eventID
	row    int32
}

// byDate sorts the rows and returns them grouped by partition, oldest first.
func (r *rows) byDate() []dayRows {
	keys := make([]sortKey, r.len())
	for row := range keys {
		keys[row] = sortKey{r.micros[row], prefix(r.text(ingest.EventID, row)), int32(row)}
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		switch {
		case a.micros != b.micros:
			return cmp.Compare(a.micros, b.micros)
		case a.id != b.id:
			return cmp.Compare(a.id, b.id)
		}
		return r.compareRows(int(a.row), int(b.row))
	})
	perm := make([]int32, len(keys))
	for i, k := range keys {
		perm[i] = k.row
	}
	return r.splitDates(perm)
}

// prefix returns the first eight bytes of id, so that prefixes compare as ids
// do or are equal.
func prefix(id []byte) uint64 {
	var b [8]byte
	copy(b[:], id)
	return binary.BigEndian.Uint64(b[:])
}

// splitDates groups rows, which are in order, by partition.
func (r *rows) splitDates(perm []int32) []dayRows {
	var days []dayRows
	for len(perm) > 0 {
		first := r.micros[perm[0]]
		n := 1
		for n < len(perm) && sameDay(first, r.micros[perm[n]]) {
			n++
		}
		days = append(days, dayRows{dateOf(first), perm[:n]})
		perm = perm[n:]
	}
	return days
}

// sameDay tells whether two times fall on one date.
func sameDay(a, b int64) bool {
	if a == noTime || b == noTime {
		return a == b
	}
	return dayNumber(a) == dayNumber(b)
}

// dayNumber numbers the days from 1970 on.
func dayNumber(micros int64) int64 {
	const length = 24 * 60 * 60 * 1e6
	n := micros / length
	if micros%length < 0 {
		n--
	}
	return n
}

// dayRows is the part of a batch that falls on one date, in order.
type dayRows struct {
	date string
	perm []int32
}

// isEventID tells ids that name one event from empty ones and placeholders:
// only equal records under a real id are one event.
func isEventID(id []byte) bool {
	if len(id) != 36 {
		return false
	}
	same := true
	for i, c := range id {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'):
			return false
		default:
			same = same && c == id[0]
		}
	}
	return !same
}
