package correlate

import (
	"strings"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// effects is what a change does to one request, as far as its documents tell.
type effects struct {
	deny  tri // a Deny that matches the request came in
	lose  tri // an Allow that matched it went away
	grant tri // an Allow that matches it came in
	// fresh is set when it is certain that the Deny was not there before.
	fresh bool
	// blind is set when nothing in the known documents concerns the request,
	// so that only an unknown earlier content could.
	blind bool
	// remote is set when, besides, the known statements are all about other
	// services.
	remote bool
	// guard is set when, besides, they only deny.
	guard bool
	// overUnknown is set when the statements replace others that the trail
	// does not show.
	overUnknown    bool
	clause         *clause // the statement that decides
	added, removed []clause
	why            string // what is not known, or what is, in a sentence
}

// unknownEffects is a change of which nothing is known but that it happened.
func unknownEffects(why string) effects {
	return effects{deny: maybe, lose: maybe, grant: maybe, blind: true, why: why}
}

// judge holds changes against one failing request.
type judge struct {
	h     *history
	docs  documents
	sub   *subject
	ep    *episode
	probe *probeAll
}

// effects works out what a step does to the request.
func (j *judge) effects(s *step) effects {
	switch s.kind {
	case KindManaged:
		return j.attachment(s)
	case KindGroupMembership:
		return j.membership(s)
	case KindBoundary:
		return j.boundary(s)
	case KindKeyState:
		return j.keyState(s)
	case KindSession:
		return j.sessionPolicy(s)
	case KindApprovalRule:
		return effects{deny: maybe, why: "an approval rule asks for approvals that the merge may not have"}
	case KindPrincipal:
		if s.op == OpRemove {
			return effects{lose: yes, why: "it was deleted"}
		}
		return effects{grant: maybe, why: "it was created"}
	case KindGrant:
		if s.op == OpAdd {
			return effects{grant: maybe, why: "a grant only adds permissions"}
		}
		return effects{lose: maybe, why: "which operations the grant allowed is not known"}
	}
	switch {
	case isOrgPolicy(s.kind) && len(s.subjects) > 0:
		return j.orgAttachment(s)
	case s.kind == KindOrgStructure:
		e := unknownEffects("which organization policies hold above the account before and after is not in the trail")
		e.blind = j.sub.denial.Layer != LayerSCP && j.sub.denial.Layer != LayerRCP
		return e
	case s.statement != "" || s.op == OpAdd && s.doc == "":
		return j.addition(s)
	case s.doc == "" && s.op != OpRemove && !hasDocument(s.kind):
		return unknownEffects("what it changed cannot be read from the record")
	}
	e := j.documentChange(s.before, s.after, onResource(s))
	if s.kind == KindVPCEndpoint && e.overUnknown {
		// What the endpoint does not allow does not pass, whatever was before.
		if doc, _ := j.resolve(s.after); doc != nil {
			limit := j.limitOn(doc, "the endpoint's statements are in the trail", true)
			limit.overUnknown = true
			return limit
		}
	}
	return e
}

// addition judges a call that adds one statement, permission or share and
// takes nothing away.
func (j *judge) addition(s *step) effects {
	doc := j.docs.of(`{"Version":"2012-10-17","Statement":[` + s.statement + `]}`)
	if doc != nil && s.statement != "" {
		return j.diff(nil, doc, true)
	}
	if hasDocument(s.kind) || s.kind == KindServicePermission || s.kind == KindShare || s.kind == KindClusterAccess || s.kind == KindLakeGrant {
		return effects{grant: maybe, why: "it only adds a permission"}
	}
	return unknownEffects("what it changed cannot be read from the record")
}

// orgAttachment judges attaching an organization policy and detaching it.
func (j *judge) orgAttachment(s *step) effects {
	doc, _ := j.resolve(j.h.at(orgKey(s), s.at))
	switch {
	case doc != nil && s.op == OpRemove:
		return j.diff(doc, nil, s.layer == LayerRCP)
	case doc != nil:
		e := j.diff(nil, doc, s.layer == LayerRCP)
		e.fresh = s.before.absent
		return e
	case s.op == OpRemove:
		return effects{lose: maybe, why: "the content of the detached organization policy is not in the trail"}
	}
	e := unknownEffects("the content of the attached organization policy is not in the trail")
	e.lose, e.blind = no, false
	return e
}

// onResource reports whether the step's policy sits on a resource, so that its
// statements name principals.
func onResource(s *step) bool {
	switch s.layer {
	case LayerResource, LayerTrust, LayerKMS, LayerRCP, LayerVPCEndpoint:
		return true
	}
	return false
}

// resolve returns the document of a state; known is false when there is one
// that nobody has seen.
func (j *judge) resolve(s state) (doc *document, known bool) {
	switch {
	case !s.known:
		return nil, false
	case s.absent:
		return nil, true
	}
	doc = j.docs.of(s.doc)
	return doc, doc != nil
}

// documentChange compares the documents before and after.
func (j *judge) documentChange(before, after state, onResource bool) effects {
	b, bKnown := j.resolve(before)
	a, aKnown := j.resolve(after)
	switch {
	case bKnown && aKnown:
		return j.diff(b, a, onResource)
	case aKnown && after.absent:
		return effects{lose: maybe, grant: maybe, blind: true, why: "the removed policy's content is not in the trail"}
	case aKnown:
		return j.replaced(a, onResource)
	case bKnown && b != nil:
		e := unknownEffects("the new document is not in the record")
		e.lose, _ = j.probe.any(b.clauses, true, onResource)
		return e
	}
	return unknownEffects("neither the document before nor after is in the trail")
}

// diff judges a change of which both documents are known.
func (j *judge) diff(b, a *document, onResource bool) effects {
	added, removed := diffClauses(b, a)
	e := effects{added: added, removed: removed, fresh: true}
	var denied, lost, granted *clause
	e.deny, denied = j.probe.any(added, false, onResource)
	if b != nil && e.deny != no {
		if had, _ := j.probe.any(b.clauses, false, onResource); had == yes {
			e.fresh = false
		}
	}
	e.grant, granted = j.probe.any(added, true, onResource)
	e.lose, lost = j.probe.any(removed, true, onResource)
	if a != nil && e.lose != no {
		if still, _ := j.probe.any(a.clauses, true, onResource); still == yes {
			e.lose = no
		}
	}
	e.clause = pickClause(e, denied, lost, granted)
	e.why = "the statements before and after are in the trail"
	return e
}

func pickClause(e effects, denied, lost, granted *clause) *clause {
	switch {
	case denied != nil && e.deny >= e.lose:
		return denied
	case lost != nil && e.lose != no:
		return lost
	case denied != nil:
		return denied
	}
	return granted
}

// replaced judges a document put where an unknown one, or none, was before.
func (j *judge) replaced(a *document, onResource bool) effects {
	e := effects{added: a.clauses, overUnknown: true, why: "the trail does not show the document that was there before"}
	var denied, granted *clause
	e.deny, denied = j.probe.any(a.clauses, false, onResource)
	e.grant, granted = j.probe.any(a.clauses, true, onResource)
	if e.grant != yes {
		e.lose = maybe
	}
	e.clause = pickClause(e, denied, nil, granted)
	e.blind = e.deny == no
	// A policy that only denies is a guard; what it took the place of was
	// hardly what granted the request.
	e.guard = e.blind && onlyDenies(a.clauses)
	e.remote = e.blind && (e.guard || !touches(a.clauses, j.sub.service))
	return e
}

// onlyDenies reports whether all of some statements deny.
func onlyDenies(list []clause) bool {
	for i := range list {
		if list[i].allow {
			return false
		}
	}
	return len(list) > 0
}

// touches reports whether any statement is about a service at all.
func touches(list []clause, service string) bool {
	for i := range list {
		if len(list[i].actions) == 0 {
			return true // NotAction
		}
		for _, a := range list[i].actions {
			prefix, _, _ := strings.Cut(a, ":")
			if globFold(prefix, service) {
				return true
			}
		}
	}
	return false
}

// attachment judges attaching and detaching a managed policy.
func (j *judge) attachment(s *step) effects {
	doc, known := j.resolve(j.h.at(policyKey(s.policyARN), s.at))
	if doc == nil {
		known = false
	}
	switch {
	case known && s.op == OpRemove:
		return j.diff(doc, nil, false)
	case known:
		e := j.diff(nil, doc, false)
		e.fresh = s.before.absent
		return e
	case s.op == OpRemove:
		e := effects{lose: maybe, blind: true, why: "the content of the detached policy " + bareName(s.policyARN) + " is not in the trail"}
		e.lose, e.blind = awsGuess(s.policyARN, j.sub.service), false
		return e
	case isAWSManaged(s.policyARN) && !denies(s.policyARN):
		return effects{grant: maybe, why: "the AWS managed policy " + bareName(s.policyARN) + " is known by name to hold only allows"}
	}
	e := unknownEffects("the content of the attached policy " + bareName(s.policyARN) + " is not in the trail")
	e.lose = no // attaching takes no Allow away
	return e
}

func isAWSManaged(arn string) bool { return arnAccount(arn) == "aws" }

// denies tells AWS's own deny policies by their names.
func denies(arn string) bool {
	name := strings.ToLower(bareName(arn))
	return strings.Contains(name, "deny") || strings.Contains(name, "quarantine")
}

// awsGuess tells whether a policy that was taken away, known only by its ARN,
// may have allowed a request to the service.
func awsGuess(arn, service string) tri {
	if isAWSManaged(arn) && denies(arn) {
		return no
	}
	return maybe
}

// membership judges joining and leaving a group.
func (j *judge) membership(s *step) effects {
	_, group, _ := splitMemberKey(s.key)
	clauses, complete := j.groupClauses(group, s)
	e := effects{fresh: true}
	if s.op == OpRemove {
		e.removed = clauses
		e.lose, e.clause = j.probe.any(clauses, true, false)
	} else {
		e.added = clauses
		e.deny, e.clause = j.probe.any(clauses, false, false)
		e.grant, _ = j.probe.any(clauses, true, false)
		e.fresh = s.before.absent || !s.before.known
	}
	e.why = "the group's policies are in the trail"
	if complete {
		return e
	}
	e.why = "the group may have policies that the trail does not show"
	if s.op == OpRemove {
		e.blind = e.lose == no
		e.lose = max(e.lose, maybe)
	} else {
		e.blind = e.deny == no
		e.deny, e.grant = max(e.deny, maybe), max(e.grant, maybe)
	}
	return e
}

// groupClauses collects the statements that a group carried at the time of s.
// complete is set when the trail shows the group from its beginning.
func (j *judge) groupClauses(group string, s *step) (clauses []clause, complete bool) {
	at, made := j.h.created[entityKey(group)]
	complete = made && !at.After(s.at) || j.h.covered(replay.Inline, group)
	for _, key := range sortedKeys(j.h.owned[entityKey(group)]) {
		st := j.h.at(key, s.at)
		if arn, ok := strings.CutPrefix(key, attachKey(group, "")); ok && st.known && !st.absent {
			st = j.h.at(policyKey(arn), s.at)
		}
		doc, known := j.resolve(st)
		if !known {
			complete = false
			continue
		}
		if doc != nil {
			clauses = append(clauses, doc.clauses...)
		}
	}
	return clauses, complete
}

// boundary judges setting and lifting a permissions boundary: what it does not
// allow is lost.
func (j *judge) boundary(s *step) effects {
	if s.op == OpRemove {
		return effects{grant: maybe, why: "lifting a boundary only widens what is allowed"}
	}
	doc, _ := j.resolve(j.h.at(policyKey(s.policyARN), s.at))
	if doc == nil {
		e := unknownEffects("the content of the boundary policy is not in the trail")
		e.grant, e.blind = no, false
		return e
	}
	return j.limit(doc, "the boundary's statements are in the trail")
}

// limit judges a document that takes away all it does not allow.
func (j *judge) limit(doc *document, why string) effects {
	return j.limitOn(doc, why, false)
}

// limitOn is limit for documents that may sit on a resource.
func (j *judge) limitOn(doc *document, why string, onResource bool) effects {
	e := effects{added: doc.clauses, fresh: true, why: why}
	e.deny, e.clause = j.probe.any(doc.clauses, false, onResource)
	allowed, _ := j.probe.any(doc.clauses, true, onResource)
	e.lose = yes - allowed
	return e
}

// sessionPolicy judges the policy that a session was made with.
func (j *judge) sessionPolicy(s *step) effects {
	if doc := j.docs.of(s.doc); doc != nil {
		return j.limit(doc, "the session's policy is in the trail")
	}
	return unknownEffects("the content of the session's policies is not in the trail")
}

// keyState judges disabling a KMS key or scheduling its deletion.
func (j *judge) keyState(s *step) effects {
	if s.op == OpRemove {
		return effects{grant: maybe, why: "the key was made usable again"}
	}
	return effects{deny: maybe, lose: maybe, why: "the key was disabled; requests that need it fail, though not by policy"}
}

// explicitDeny evaluates a set without any Allow: yes when a Deny matches.
func explicitDeny(set *policy.Set, r *policy.Request) tri {
	a := policy.Evaluate(set, r)
	switch {
	case a.Value == policy.Deny && a.Effect == policy.Explicit:
		return yes
	case a.Value == policy.Unknown, a.Value == policy.Deny && a.Effect == policy.EffectUnknown:
		return maybe
	}
	return no
}
