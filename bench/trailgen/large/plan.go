package large

import (
	"fmt"
	"math"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

const day24 = 24 * time.Hour

// plan is everything that is settled before the first record is written:
// which incidents there are and how many records of noise each day gets.
type plan struct {
	o         Options
	world     *world
	incidents []*incident
	noise     []int // records of noise by day
	planted   []int // records of incidents by day
}

func newPlan(o Options) (*plan, error) {
	p := &plan{o: o, world: newWorld(o), noise: make([]int, o.Days), planted: make([]int, o.Days)}
	p.incidents = p.plant()
	sum := 0
	for _, in := range p.incidents {
		in.count(p.planted, o.Start)
	}
	for _, n := range p.planted {
		sum += n
	}
	if sum > o.Events*9/10 {
		return nil, fmt.Errorf("incidents take %d of %d records: ask for fewer denials, causes or days", sum, o.Events)
	}
	p.spread(o.Events - sum)
	return p, nil
}

// plant draws the incidents. Failures are long-tailed: a few causes break
// much, most break little.
func (p *plan) plant() []*incident {
	r := trail.NewRand(p.o.Seed, "plant")
	storms := max(1, p.o.Causes/2)
	shares := tail(r, p.o.Causes, p.o.Denials/2)
	var list []*incident
	for i, n := range shares {
		in := p.incident(r, i, n)
		in.kind = causes[i%len(causes)]
		in.plan(r, p.o)
		list = append(list, in)
	}
	for i, n := range tail(r, storms, p.o.Denials-p.o.Denials/2) {
		in := p.incident(r, len(shares)+i, n)
		in.kind = neverAllowed
		in.storm(r, p.o)
		list = append(list, in)
	}
	return list
}

// tail splits total into n long-tailed parts of at least one each.
func tail(r *trail.Rand, n, total int) []int {
	weight := make([]float64, n)
	sum := 0.0
	for i := range weight {
		weight[i] = r.LogUniform(1, 50)
		sum += weight[i]
	}
	parts := make([]int, n)
	left := total
	for i := range parts {
		parts[i] = max(1, int(float64(total)*weight[i]/sum))
		left -= parts[i]
	}
	parts[0] = max(1, parts[0]+left)
	return parts
}

// spread shares the noise out over the days: weekends are quieter.
func (p *plan) spread(total int) {
	r := trail.NewRand(p.o.Seed, "spread")
	weight := make([]float64, p.o.Days)
	sum := 0.0
	for i := range weight {
		weight[i] = 0.85 + 0.3*r.Float()
		if d := p.o.Start.AddDate(0, 0, i).Weekday(); d == time.Saturday || d == time.Sunday {
			weight[i] *= 0.45
		}
		sum += weight[i]
	}
	before, reached := 0, 0.0
	for i, w := range weight {
		reached += w / sum
		upTo := int(math.Round(reached * float64(total)))
		if i == len(weight)-1 {
			upTo = total
		}
		p.noise[i] = upTo - before
		before = upTo
	}
}

// labels describes the incidents, in the order of planting.
func (p *plan) labels() []Label {
	list := make([]Label, len(p.incidents))
	for i, in := range p.incidents {
		list[i] = in.label(p.o.Start.Add(time.Duration(p.o.Days) * day24))
	}
	return list
}
