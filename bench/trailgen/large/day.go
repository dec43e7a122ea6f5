package large

import (
	"slices"
	"sort"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// slots is how many delivery periods of five minutes a day has.
const slots = 288

// day makes one day of the trail.
type day struct {
	p       *plan
	r       *trail.Rand
	start   time.Time
	noise   int
	planted map[int]map[int][]*trail.Event // by slot and cell
	live    []map[int]*session             // by account and principal
	spare   [][]byte                       // by cell: a record to deliver again
	b       []byte                         // the object at hand
	prefix  string                         // "2026-01-05T"
	seconds []int
	changes int // policy changes left in the burst at hand
	waiting int // noise that no folder has taken yet
	stats   Stats
}

func (p *plan) day(n int) *day {
	d := &day{p: p, r: trail.NewRand(p.o.Seed+uint64(n)<<20, "day"), noise: p.noise[n],
		start: p.o.Start.Add(time.Duration(n) * day24), planted: map[int]map[int][]*trail.Event{},
		live: make([]map[int]*session, len(p.world.accounts)), spare: make([][]byte, len(p.world.cells))}
	d.prefix = d.start.Format("2006-01-02T")
	for i := range d.live {
		d.live[i] = map[int]*session{}
	}
	for _, in := range p.incidents {
		d.place(in.records(d.start, d.start.Add(day24)))
	}
	return d
}

// place sorts an incident's records into slots and cells.
func (d *day) place(events []*trail.Event) {
	for _, e := range events {
		at := min(slots-1, max(0, int(e.Time.Sub(d.start)/(5*time.Minute))))
		if d.planted[at] == nil {
			d.planted[at] = map[int][]*trail.Event{}
		}
		c := slices.IndexFunc(d.p.world.cells, func(c cell) bool {
			return d.p.world.accounts[c.account].id == e.Account && c.region == e.Region
		})
		d.planted[at][c] = append(d.planted[at][c], e)
	}
}

// write makes the day's objects slot by slot.
func (d *day) write(out *output) (Stats, error) {
	left := d.hours()
	for slot := range slots {
		d.changes = 0
		if d.r.IntN(slots/2) == 0 {
			d.changes = d.r.Between(5, 60)
		}
		for c, n := range d.cells(slot, left[slot]) {
			if err := d.cell(out, slot, c, n); err != nil {
				return d.stats, err
			}
		}
		delete(d.planted, slot)
	}
	return d.stats, nil
}

// hours shares the day's noise out to its slots: more by day than by night.
func (d *day) hours() []int {
	weight := make([]float64, slots)
	sum := 0.0
	for i := range weight {
		weight[i] = 0.35 + 0.2*d.r.Float()
		if h := i / 12; h >= 7 && h < 18 {
			weight[i] += 0.8
		}
		sum += weight[i]
	}
	counts, reached, before := make([]int, slots), 0.0, 0
	for i, w := range weight {
		reached += w / sum
		upTo := int(reached*float64(d.noise) + 0.5)
		if i == slots-1 {
			upTo = d.noise
		}
		counts[i], before = upTo-before, upTo
	}
	return counts
}

// cells shares a slot's noise out to the folders. A folder that would get only
// a few records a slot is quiet in most slots and gets more in the others, as
// real regions do; what comes while all are quiet waits for the next slot.
func (d *day) cells(slot, n int) []int {
	counts := make([]int, len(d.p.world.cells))
	shares, sum := make([]float64, len(counts)), 0.0
	for i, c := range d.p.world.cells {
		busy := min(1, c.share*float64(d.noise)/slots/enough)
		if d.r.Chance(busy) || slot == slots-1 && i == 0 {
			shares[i] = c.share / busy
			sum += shares[i]
		}
	}
	n += d.waiting
	if d.waiting = n; sum == 0 {
		return counts
	}
	d.waiting = 0
	for range n {
		u, c := d.r.Float()*sum, 0
		for u >= shares[c] && c < len(counts)-1 {
			u -= shares[c]
			c++
		}
		counts[c]++
	}
	return counts
}

// enough is how many records of noise a folder's slot holds on average, below
// which the folder falls quiet.
const enough = 150

// cell writes the objects of one folder and slot. Sizes are long-tailed: most
// objects are small, a few hold thousands of records.
func (d *day) cell(out *output, slot, c, n int) error {
	planted := d.planted[slot][c]
	for n > 0 || len(planted) > 0 {
		size := min(n, d.size())
		take := len(planted)
		if n > size {
			take = d.r.IntN(take + 1)
		}
		if err := d.object(out, slot, c, size, planted[:take]); err != nil {
			return err
		}
		n, planted = n-size, planted[take:]
	}
	return nil
}

func (d *day) size() int {
	switch u := d.r.IntN(200); {
	case u < 95:
		return d.r.Between(1, 20)
	case u < 165:
		return d.r.Between(20, 120)
	case u < 198:
		return d.r.Between(100, 600)
	}
	return d.r.Between(1000, 5000)
}

// object writes one object: noise, which is in order in most objects and not
// in others, then what was planted, and now and then in front a record that an
// earlier object held already. One object in two hundred is delivered twice.
func (d *day) object(out *output, slot, c, noise int, planted []*trail.Event) error {
	d.b = append(d.b[:0], `{"Records":[`...)
	d.times(slot, noise)
	again, repeated := d.spare[c], 0
	if d.spare[c] = nil; again != nil {
		d.b = append(append(d.b, again...), ',')
		repeated = 1
	}
	keep := -1
	if d.r.IntN(2) == 0 {
		keep = d.r.IntN(noise + len(planted))
	}
	for i := range noise + len(planted) {
		from := len(d.b)
		if i < noise {
			d.b = d.noisy(d.b, c, d.seconds[i])
		} else {
			d.b = planted[i-noise].Append(d.b)
		}
		if i == keep {
			d.spare[c] = slices.Clone(d.b[from:])
		}
		d.b = append(d.b, ',')
		d.stats.Events++
	}
	d.b = append(d.b[:len(d.b)-1], "]}"...)
	d.stats.Duplicates += repeated
	if err := d.deliver(out, slot, c); err != nil || d.r.IntN(200) > 0 {
		return err
	}
	d.stats.Duplicates += noise + len(planted) + repeated
	return d.deliver(out, slot, c)
}

// times draws when the noise of an object happened.
func (d *day) times(slot, n int) {
	d.seconds = d.seconds[:0]
	for range n {
		d.seconds = append(d.seconds, slot*300+d.r.IntN(300))
	}
	if d.r.IntN(100) < 70 {
		sort.Ints(d.seconds)
	}
}

// deliver writes the object one to five minutes after its slot.
func (d *day) deliver(out *output, slot, c int) error {
	w := d.p.world
	at := d.start.Add(time.Duration(slot+1)*5*time.Minute + time.Duration(d.r.Between(60, 300))*time.Second)
	key := trail.Key(w.accounts[w.cells[c].account].id, w.cells[c].region, at, d.r.Alnum(16))
	size, err := out.put(key, d.b)
	d.stats.Objects++
	d.stats.Raw += int64(len(d.b))
	d.stats.Gzip += int64(size)
	return err
}
