package correlate

import "strings"

// Attempt is one try of a request by the caller of a finding, on the scope that
// the finding is about: the same request, or one on a sibling object or another
// branch.
type Attempt struct {
	EventID   string
	EventTime Time
	Target    string // the branches it writes, else the resource
	Failed    bool
}

// attempts returns the failures of the episode and the successes on its scope
// around them, from the last one before to the recovery, in order.
func (ep *episode) attempts(text []string) []Attempt {
	oks := ep.bracket()
	list := make([]Attempt, 0, len(ep.facts)+len(oks))
	add := func(f *fact) {
		if f.ok && f.discovery {
			return
		}
		target := text[f.res]
		if f.refs != 0 {
			target = strings.Join(splitRefs(text[f.refs]), ", ")
		}
		list = append(list, Attempt{f.id, Time{f.at}, target, !f.ok})
	}
	for i := range ep.facts {
		for len(oks) > 0 && before(&oks[0], &ep.facts[i]) < 0 {
			add(&oks[0])
			oks = oks[1:]
		}
		add(&ep.facts[i])
	}
	for i := range oks {
		add(&oks[i])
	}
	return list
}

// bracket is the part of the group's successes that belongs to the episode.
func (ep *episode) bracket() []fact {
	from, to := ep.first(), ep.last()
	if ep.lastSuccess != nil {
		from = ep.lastSuccess
	}
	if ep.recovery != nil {
		to = ep.recovery
	}
	oks := ep.oks
	for len(oks) > 0 && before(&oks[0], from) < 0 {
		oks = oks[1:]
	}
	for i := range oks {
		if before(&oks[i], to) > 0 {
			return oks[:i]
		}
	}
	return oks
}
