package index

import (
	"bytes"
	"cmp"
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

// byDate sorts the rows and returns them grouped by partition, oldest first.
func (r *rows) byDate() []dayRows {
	perm := make([]int32, r.len())
	for i := range perm {
		perm[i] = int32(i)
	}
	slices.SortFunc(perm, func(a, b int32) int { return r.compareRows(int(a), int(b)) })
	var days []dayRows
	for len(perm) > 0 {
		date := dateOf(r.micros[perm[0]])
		n := 1
		for n < len(perm) && dateOf(r.micros[perm[n]]) == date {
			n++
		}
		days = append(days, dayRows{date, perm[:n]})
		perm = perm[n:]
	}
	return days
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
