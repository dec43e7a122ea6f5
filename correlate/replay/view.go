package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Subject is the request's surroundings, in the form in which slots name
// their owners.
type Subject struct {
	Caller   string // user or role, without path; "" when neither
	Account  string // of the caller
	Resource string // that carries the resource policy; "" when not known
	// NoResource is set when the service has no policies on its resources.
	NoResource bool
	Home       string // account of the resource, "" when not known
	Endpoint   string // ARN or id of the VPC endpoint, "" for none
	Session    Session
	// OrgPolicy is the id of an organization policy that the denial names.
	OrgPolicy string
}

// Session tells the policies of the caller's session.
type Session struct {
	Known    bool // whether Policies is all there is
	Policies []policy.Policy
	ID       string // of the credentials; "" for lasting ones
	// Made is the eventID of the call that set the policies, at a time; "" when
	// there are none.
	Made string
	At   time.Time
}

// layer is the policies of one layer that were read, and its holes.
type layer struct {
	policies []policy.Policy
	holes    map[string]bool
}

func (l *layer) hole(format string, args ...any) {
	if l.holes == nil {
		l.holes = map[string]bool{}
	}
	l.holes[fmt.Sprintf(format, args...)] = true
}

// view is the state of everything that can decide the request at one cut.
type view struct {
	h *History
	s *Subject
	c cut

	identity, boundary, session, resource, grants, scp, rcp, endpoint layer

	grantList []policy.Grant
	loose     []*Fact          // writes that may reach the caller unseen
	used      map[string]*Fact // changes that wrote something in view, by eventID
}

// look reads the state at a cut. since is the instant from which on loose
// writes are holes of their own.
func (h *History) look(s *Subject, c cut, since time.Time) *view {
	v := &view{h: h, s: s, c: c, used: map[string]*Fact{}}
	v.readCaller()
	v.readSession()
	v.readResource()
	v.readOrganization()
	v.readLoose(since)
	return v
}

// read returns a slot's value and marks its writers as in view.
func (v *view) read(s Slot) (Value, int) {
	if t := v.h.slots[s]; t != nil {
		for _, f := range t.facts[:v.h.upTo(t.facts, v.c.at)] {
			v.used[f.ID] = f
		}
	}
	return v.h.value(s, &v.c)
}

func (v *view) readCaller() {
	who := v.s.Caller
	if who == "" {
		return
	}
	v.readPolicies(who, &v.identity)
	v.readBoundary(who)
	if !strings.Contains(who, ":user/") {
		return
	}
	for _, group := range v.h.names(Member, who) {
		m, at := v.read(Slot{Member, who, group})
		switch m.Presence {
		case Present:
			v.readPolicies(group, &v.identity)
		case Maybe:
			v.identity.hole("member %s %d", group, at)
		}
	}
}

// readPolicies reads what is attached to a user, role or group.
func (v *view) readPolicies(owner string, l *layer) {
	if !v.h.complete(Inline, owner, v.c.at) {
		l.hole("others of %s", owner)
	}
	for _, name := range v.h.names(Inline, owner) {
		val, at := v.read(Slot{Inline, owner, name})
		v.put(l, policy.Policy{Name: name}, val, fmt.Sprintf("inline %s %s %d", owner, name, at))
	}
	for _, arn := range v.h.names(Attached, owner) {
		val, at := v.read(Slot{Attached, owner, arn})
		switch val.Presence {
		case Present:
			v.putManaged(l, arn)
		case Maybe:
			_, doc := v.managed(arn) // what it may bring changes with the document
			l.hole("attached %s %s %d %d", owner, arn, at, doc)
		}
	}
	if val, at := v.read(Slot{Kind: Opaque, Owner: owner}); val.Presence != Absent && at >= 0 {
		l.hole("opaque %s %d", owner, at)
	}
}

// put adds a document, or a hole where it cannot be read.
func (v *view) put(l *layer, p policy.Policy, val Value, hole string) {
	if val.Presence == Absent {
		return
	}
	p.Doc = v.h.document(val.Doc)
	if val.Presence == Maybe || p.Doc == nil {
		l.hole("%s", hole)
		return
	}
	l.policies = append(l.policies, p)
}

// putManaged adds a managed policy.
func (v *view) putManaged(l *layer, arn string) {
	val, at := v.managed(arn)
	v.put(l, policy.Policy{ARN: arn, Name: arn[strings.LastIndexByte(arn, '/')+1:]}, val, fmt.Sprintf("managed %s %d", arn, at))
}

// everything are AWS's own policies that allow everything, by their names.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func (v *view) managed(arn string) (Value, int) {
	val, at := v.read(Slot{Kind: Managed, Owner: arn})
	if val.Presence == Maybe && at < 0 && strings.HasSuffix(arn, ":iam::aws:policy/AdministratorAccess") {
		return Value{Presence: Present, Doc: everything}, at
	}
	if val.Presence == Absent {
		val.Presence = Maybe // attached, so it is there
	}
	return val, at
}

func (v *view) readBoundary(who string) {
	slot := Slot{Kind: Boundary, Owner: who}
	val, at := v.read(slot)
	switch {
	case val.Presence == Maybe:
		v.boundary.hole("boundary %d", at)
	case val.Presence == Present:
		v.putManaged(&v.boundary, val.ARN)
	}
}

func (v *view) readSession() {
	s := &v.s.Session
	if s.Made != "" && !s.At.After(v.c.at) {
		v.used[s.Made] = &Fact{ID: s.Made, At: s.At, seq: v.h.countBy(s.At)}
		if v.c.skip[s.Made] {
			return // a session without policies of its own
		}
	}
	switch {
	case !s.Known:
		v.session.hole("session %s", s.ID)
	default:
		v.session.policies = s.Policies
	}
}

func (v *view) readResource() {
	switch {
	case v.s.NoResource:
	case v.s.Resource == "":
		v.resource.hole("resource")
	default:
		v.readResourcePolicy(v.s.Resource)
	}
	if v.s.Endpoint != "" {
		val, at := v.read(Slot{Kind: Resource, Owner: v.s.Endpoint})
		v.put(&v.endpoint, policy.Policy{Name: v.s.Endpoint}, val, fmt.Sprintf("endpoint %d", at))
	}
}

func (v *view) readResourcePolicy(owner string) {
	doc, at := v.read(Slot{Kind: Resource, Owner: owner})
	v.put(&v.resource, policy.Policy{Name: "of " + owner}, doc, fmt.Sprintf("resource %d", at))
	for _, id := range v.h.names(Resource, owner) {
		if id == "" {
			continue
		}
		val, at := v.read(Slot{Resource, owner, id})
		v.put(&v.resource, policy.Policy{Name: id}, val, fmt.Sprintf("statement %s %d", id, at))
	}
	if val, at := v.read(Slot{Kind: Opaque, Owner: owner}); val.Presence != Absent && at >= 0 {
		v.resource.hole("opaque %s %d", owner, at)
	}
	if !strings.Contains(owner, ":kms:") {
		return
	}
	if !v.h.complete(GrantOf, owner, v.c.at) {
		v.grants.hole("grants of %s", owner)
	}
	for _, id := range v.h.names(GrantOf, owner) {
		val, at := v.read(Slot{GrantOf, owner, id})
		switch {
		case val.Presence == Absent:
		case val.Grant == nil:
			v.grants.hole("grant %s %d", id, at)
		default:
			v.grantList = append(v.grantList, *val.Grant)
		}
	}
}

// readOrganization reads what is attached to the accounts themselves and to
// the units in which the trail shows them. The rest of the tree is never seen.
func (v *view) readOrganization() {
	v.scp.hole("organization")
	v.rcp.hole("organization")
	for _, account := range []string{v.s.Account, v.s.Home} {
		v.readTarget(account, account)
		if place, at := v.read(Slot{Kind: Place, Owner: account}); place.Presence == Present {
			v.readTarget(place.ARN, account)
			v.scp.hole("below %s", place.ARN)
			v.rcp.hole("below %s", place.ARN)
		} else if at >= 0 {
			v.scp.hole("place of %s %d", account, at)
			v.rcp.hole("place of %s %d", account, at)
		}
		if account == v.s.Home {
			break
		}
	}
	if id := v.s.OrgPolicy; id != "" {
		if l := v.orgLayer(id, v.s.Account); l != nil {
			v.putOrg(l, id)
		}
	}
	for _, target := range []string{v.s.Account, v.s.Home} {
		if val, at := v.read(Slot{Kind: Opaque, Owner: target}); val.Presence != Absent && at >= 0 {
			v.scp.hole("place of %s %d", target, at)
			v.rcp.hole("place of %s %d", target, at)
		}
	}
}

// readTarget reads what is attached to an account or to a unit above it.
func (v *view) readTarget(target, account string) {
	for _, id := range v.h.names(OrgAttached, target) {
		val, at := v.read(Slot{OrgAttached, target, id})
		l := v.orgLayer(id, account)
		switch {
		case l == nil || val.Presence == Absent:
		case val.Presence == Present:
			v.putOrg(l, id)
		default:
			l.hole("attached %s %s %d", id, target, at)
		}
	}
}

// orgLayer tells which layer an organization policy belongs to; nil when it
// does not bind the account in that role.
func (v *view) orgLayer(id, target string) *layer {
	if t := v.h.slots[Slot{Kind: OrgPolicy, Owner: id}]; t != nil && len(t.facts) > 0 && t.facts[0].RCP {
		if target != v.s.Home {
			return nil
		}
		return &v.rcp
	}
	if target != v.s.Account {
		return nil
	}
	return &v.scp
}

func (v *view) putOrg(l *layer, id string) {
	val, at := v.read(Slot{Kind: OrgPolicy, Owner: id})
	for _, p := range l.policies {
		if p.Name == id {
			return
		}
	}
	v.put(l, policy.Policy{Name: id}, val, fmt.Sprintf("orgpolicy %s %d", id, at))
}

// readLoose makes a hole of every write since an instant that may reach the
// request in a way that the trail does not show.
func (v *view) readLoose(since time.Time) {
	if v.s.Caller != "" {
		for _, f := range v.between(v.h.loose[v.s.Account], since) {
			if v.used[f.ID] == nil && !v.c.skip[f.ID] && v.mayReach(f) {
				v.identity.hole("loose %d", f.seq)
				v.boundary.hole("loose %d", f.seq)
				v.loose = append(v.loose, f)
			}
		}
	}
	for _, f := range v.between(v.h.loose[anyAccount], since) {
		if v.used[f.ID] != nil || v.c.skip[f.ID] || f.Slot.Kind == OrgAttached && len(f.Slot.Owner) == 12 {
			continue
		}
		v.scp.hole("loose %d", f.seq)
		v.rcp.hole("loose %d", f.seq)
	}
}

func (v *view) between(facts []*Fact, since time.Time) []*Fact {
	lo, hi := v.h.upTo(facts, since), v.h.upTo(facts, v.c.at)
	return facts[min(lo, hi):hi]
}

// mayReach reports whether a write to a group or managed policy may concern
// the caller although nothing in the trail binds them.
func (v *view) mayReach(f *Fact) bool {
	user := strings.Contains(v.s.Caller, ":user/")
	if f.Slot.Kind != Managed {
		if !user {
			return false
		}
		val, _ := v.h.value(Slot{Member, v.s.Caller, f.Slot.Owner}, &v.c)
		return val.Presence == Maybe
	}
	if v.h.existed(f.Slot.Owner, v.c.at) && (!user || !v.h.bound[f.Slot.Owner]) {
		return false // attached to nobody but whom the trail names
	}
	return len(v.identity.holes)+len(v.boundary.holes) > 0
}

// within reports whether every hole of l is one of another state's layer.
func (l *layer) within(other *layer) bool {
	for k := range l.holes {
		if !other.holes[k] {
			return false
		}
	}
	return true
}

// beyond returns the holes of l that another state's layer has not.
func (l *layer) beyond(other *layer) map[string]bool {
	m := maps.Clone(l.holes)
	for k := range other.holes {
		delete(m, k)
	}
	return m
}

// changesIn lists the changes in view after one instant and up to another, in
// order.
func (v *view) changesIn(from, to time.Time) []string {
	var list []*Fact
	for _, f := range v.used {
		if f.At.After(from) && !f.At.After(to) {
			list = append(list, f)
		}
	}
	// The making of a session has the number of the fact that follows it.
	slices.SortFunc(list, func(a, b *Fact) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.Slot.Kind, b.Slot.Kind), cmp.Compare(a.ID, b.ID))
	})
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.ID
	}
	return out
}
