package policy

// matches reports whether a statement speaks about the request, and how
// closely it names the caller. A statement with a part that was not
// understood matches at most maybe, and not at all if another part rules the
// request out.
func (e *evaluation) matches(s *statement, r rules) (tri, reach) {
	result := e.matchesAction(s)
	if result == no {
		return no, 0
	}
	if result = both(result, e.matchesResource(s, r)); result == no {
		return no, 0
	}
	named, how := e.matchesPrincipal(s, r)
	if result = both(result, named); result == no {
		return no, 0
	}
	for i := range s.conditions {
		if result = both(result, e.holds(&s.conditions[i])); result == no {
			return no, 0
		}
	}
	if s.flaw != "" {
		result = e.doubtFlaw(s.flaw)
	}
	return result, how
}

func (e *evaluation) matchesAction(s *statement) tri {
	if !s.hasAction {
		return yes // a flaw of the statement, noted there
	}
	found := e.listsAction(s.actions)
	if s.actionBad != "" && found == no {
		found = e.doubtFlaw(s.actionBad)
	}
	if s.notAction {
		return found.not()
	}
	return found
}

func (e *evaluation) listsAction(list []actionPattern) tri {
	found, action := no, e.action
	for i := range list {
		a := &list[i]
		switch {
		case a.kind == everything:
			return yes
		case action == "":
			found = maybe
		case !a.differs(action):
			if found = either(found, a.matches(action, &e.budget)); found == yes {
				return yes
			}
		}
	}
	switch {
	case found == maybe && e.action == "":
		return e.doubt(causeAction, "")
	case found == maybe:
		return e.doubt(causeEffort, "")
	}
	return no
}

func (e *evaluation) matchesResource(s *statement, r rules) tri {
	if !s.hasResource {
		return yes // trust policies have none
	}
	found := no
	for i := range s.resources {
		p := &s.resources[i]
		if p.short != nil && r != ignorePrincipal {
			p = p.short
		}
		t, usable := e.matchesARN(p)
		if !usable {
			// A variable without value: neither Resource nor NotResource
			// matches ("IAM policy elements: Variables and tags").
			if s.notResource {
				return no
			}
			continue
		}
		if found = either(found, t); found == yes {
			break
		}
	}
	if s.resourceBad != "" && found == no {
		found = e.doubtFlaw(s.resourceBad)
	}
	if s.notResource {
		return found.not()
	}
	return found
}

func (e *evaluation) matchesARN(p *pattern) (result tri, usable bool) {
	resource := e.request.Resource
	switch {
	case p.kind == everything:
		return yes, true
	case resource == "":
		return e.doubt(causeResource, ""), true
	case p.parts == nil:
		return e.spend(matchText(p, resource, &e.budget)), true
	}
	text, state := e.expand(p)
	if state != yes {
		return state, state != no
	}
	return e.spend(matchGlob(text, resource, &e.budget)), true
}

func (e *evaluation) matchesPrincipal(s *statement, r rules) (tri, reach) {
	if r == ignorePrincipal {
		return yes, reachDirect
	}
	if !s.hasPrincipal {
		return when(r == optionalPrincipal), reachDirect
	}
	caller := &e.request.Principal
	named, how := namesCaller(s.principals, caller)
	if s.principalBad != "" && named == no {
		named, how = e.doubtFlaw(s.principalBad), reachDirect
	} else if named == maybe {
		e.doubt(causePrincipal, "")
	}
	if s.notPrincipal {
		return e.exceptPrincipal(s, named), reachDirect
	}
	if s.byARN && how == reachDirect && (caller.Kind == Role || caller.Kind == RoleSession) && anyone(s.principals) {
		how = reachRole
	}
	return named, how
}

// exceptPrincipal evaluates NotPrincipal. With Deny it always matches a caller
// that has a permissions boundary, whoever is listed ("AWS JSON policy
// elements: NotPrincipal").
func (e *evaluation) exceptPrincipal(s *statement, named tri) tri {
	if s.effect != effectDeny || e.bounded == no {
		return named.not()
	}
	if e.bounded == maybe && named != no {
		e.doubt(causePrincipal, "")
	}
	return either(named.not(), e.bounded)
}

func anyone(claims []claim) bool {
	for i := range claims {
		if claims[i].kind == claimAnyone {
			return true
		}
	}
	return false
}
