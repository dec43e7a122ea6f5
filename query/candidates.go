package query

import "github.com/trailblame/trailblame/index"

// findPlan returns the rows that satisfy p, nil for all of them.
func findPlan(s *index.Segment, p Plan) (*index.RowSet, error) {
	switch p.Op {
	case PlanTerm:
		return findTerm(s, p.Term)
	case PlanEventID:
		return findIDs(p.IDs, s.FindEventID)
	case PlanRequestID:
		return findIDs(p.IDs, s.FindRequestID)
	case PlanAnd:
		return findAll(s, p.Args)
	case PlanOr:
		return findAny(s, p.Args)
	}
	return nil, nil
}

func findIDs(ids []string, find func(id string, rows *index.RowSet) error) (*index.RowSet, error) {
	rows := index.NewRowSet()
	for _, id := range ids {
		if err := find(id, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func findAll(s *index.Segment, args []Plan) (*index.RowSet, error) {
	var rows *index.RowSet
	for _, arg := range args {
		found, err := findPlan(s, arg)
		switch {
		case err != nil:
			return nil, err
		case rows == nil:
			rows = found
		case found != nil:
			rows.And(found)
		}
	}
	return rows, nil
}

func findAny(s *index.Segment, args []Plan) (*index.RowSet, error) {
	rows := index.NewRowSet()
	for _, arg := range args {
		found, err := findPlan(s, arg)
		if found == nil || err != nil {
			return nil, err
		}
		rows.Or(found)
	}
	return rows, nil
}
