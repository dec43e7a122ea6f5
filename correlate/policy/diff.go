package policy

// Op is what happened to a statement.
type Op string

// The operations of a Change, spelled as in findings.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Change is one step from one document to another. Statements are in
// canonical form: maps, lists and strings, ready to be marshalled.
type Change struct {
	Op        Op  `json:"op"`
	Statement any `json:"statement"`
	Before    any `json:"before,omitempty"`
}

// Equal reports whether two documents mean the same: the order of statements,
// members and lists, single values against lists, the case of names and the
// document's Id make no difference. A nil document has no statements.
func Equal(a, b *Document) bool {
	if a != nil && b != nil && (a.version != b.version || a.flaw != b.flaw) {
		return false
	}
	return len(Diff(a, b)) == 0
}

// Diff lists the statements that differ between two documents, in any order
// of statements. Either may be nil: a policy that did not exist or no longer
// does. Additions and changes come in the order of after, removals last in the
// order of before. A changed statement is one whose Sid stayed, or else one
// that kept its effect and at least two of principal, action, resource and
// condition.
func Diff(before, after *Document) []Change {
	old, fresh := unmatched(before, after)
	partner := pair(old, fresh)
	changes := make([]Change, 0, len(old)+len(fresh))
	for i, f := range fresh {
		if at := partner[i]; at >= 0 {
			changes = append(changes, Change{Changed, f.canonical, old[at].canonical})
			continue
		}
		changes = append(changes, Change{Op: Added, Statement: f.canonical})
	}
	for _, o := range old {
		if !o.taken {
			changes = append(changes, Change{Op: Removed, Statement: o.canonical})
		}
	}
	return changes
}

// piece is a statement on its way through Diff.
type piece struct {
	sid       string
	canonical any
	print     string
	taken     bool
}

func pieces(d *Document) []piece {
	if d == nil {
		return nil
	}
	list := make([]piece, len(d.statements))
	for i := range d.statements {
		s := &d.statements[i]
		c := s.canonical()
		list[i] = piece{sid: s.sid, canonical: c, print: fingerprint(c)}
	}
	return list
}

// unmatched returns the statements that have no equal on the other side.
func unmatched(before, after *Document) (old, fresh []piece) {
	count := map[string]int{}
	allOld, allFresh := pieces(before), pieces(after)
	for _, p := range allOld {
		count[p.print]++
	}
	for _, p := range allFresh {
		if count[p.print] > 0 {
			count[p.print]--
			continue
		}
		fresh = append(fresh, p)
	}
	for _, p := range allOld {
		if count[p.print] > 0 {
			count[p.print]--
			old = append(old, p)
		}
	}
	return old, fresh
}

// maxLikeness bounds the comparisons of pair. Documents with that many
// different statements on both sides have nothing to do with each other.
const maxLikeness = 1 << 14

// pair finds for every fresh statement the old one it replaces, or -1: by Sid
// first, then by likeness.
func pair(old, fresh []piece) []int {
	partner := make([]int, len(fresh))
	bySid := map[string][]int{}
	for at := range old {
		bySid[old[at].sid] = append(bySid[old[at].sid], at)
	}
	for i := range fresh {
		partner[i] = -1
		if sid := fresh[i].sid; sid != "" && len(bySid[sid]) > 0 {
			partner[i] = bySid[sid][0]
			old[partner[i]].taken = true
			bySid[sid] = bySid[sid][1:]
		}
	}
	if len(old)*len(fresh) > maxLikeness {
		return partner
	}
	for i := range fresh {
		for at := range old {
			if partner[i] < 0 && !old[at].taken && similar(&old[at], &fresh[i]) {
				partner[i], old[at].taken = at, true
			}
		}
	}
	return partner
}

func similar(a, b *piece) bool {
	if a.sid != "" && b.sid != "" {
		return false // two different names are two different statements
	}
	x, okX := a.canonical.(map[string]any)
	y, okY := b.canonical.(map[string]any)
	if !okX || !okY || x["Effect"] != y["Effect"] {
		return false
	}
	kept := 0
	for _, name := range []string{"Principal", "Action", "Resource", "Condition"} {
		u, hasU := x[name]
		v, hasV := y[name]
		if hasU && hasV && fingerprint(map[string]any{name: u}) == fingerprint(map[string]any{name: v}) {
			kept++
		}
	}
	return kept >= 2
}
