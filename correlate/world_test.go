package correlate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/trailblame/trailblame/correlate/policy"
)

// world is a small account whose every policy is known to the test, while the
// trail shows only what happened after its start.
type world struct {
	r        *rand.Rand
	s        *scene
	inline   map[string]string // owner/name → document
	attached map[string]bool   // owner/arn
	managed  map[string]string
	member   map[string]bool // group
	boundary string
	// log are the visible changes as operations on the state.
	log []worldOp
	// flips are the changes that took the request from allowed to denied.
	flips map[string]bool
}

// worldOp is one change; without it the others run all the same.
type worldOp struct {
	id string
	at int
	do func(*world)
}

// clone copies the state.
func (w *world) clone() *world {
	return &world{inline: maps.Clone(w.inline), attached: maps.Clone(w.attached), managed: maps.Clone(w.managed), member: maps.Clone(w.member), boundary: w.boundary}
}

// needed reports whether the push at a second would be allowed without one
// change. start is the state before the trail.
func (w *world) needed(start *world, id string, at int) bool {
	c := start.clone()
	for _, op := range w.log {
		if op.id != id && op.at <= at {
			op.do(c)
		}
	}
	return c.allowed().Value == policy.Allow
}

var worldDocs = []string{
	policyDoc(allow("codecommit:*", repo)),
	policyDoc(allow("*", "*")),
	policyDoc(allow("s3:*", "*")),
	policyDoc(allow("codecommit:GitPull", "*")),
	policyDoc(denyMain("refs/heads/main")),
	policyDoc(denyMain("refs/heads/release")),
	policyDoc(allow("codecommit:*", repo), denyMain("refs/heads/main")),
	policyDoc(allow("codecommit:*", repo), denyMain("refs/heads/release")),
	policyDoc(obj{"Effect": "Allow", "Action": "codecommit:GitPush", "Resource": "*", "Condition": obj{"IpAddress": obj{"aws:SourceIp": "198.51.100.0/24"}}}),
	policyDoc(obj{"Effect": "Allow", "Action": "codecommit:GitPush", "Resource": "*", "Condition": obj{"IpAddress": obj{"aws:SourceIp": "192.0.2.0/24"}}}),
}

const worldGroup, worldGroup2 = "arn:aws:iam::111122223333:group/G1", "arn:aws:iam::111122223333:group/G2"

func managedARN(i int) string { return fmt.Sprintf("arn:aws:iam::111122223333:policy/m%d", i) }

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 7)), s: newScene(t), inline: map[string]string{}, attached: map[string]bool{},
		managed: map[string]string{}, member: map[string]bool{}, flips: map[string]bool{}}
	for i := range 3 {
		w.managed[managedARN(i)] = w.doc()
	}
	for range w.r.IntN(12) {
		w.change(-1)
	}
	return w
}

func (w *world) doc() string { return worldDocs[w.r.IntN(len(worldDocs))] }

func (w *world) set() *policy.Set {
	set := &policy.Set{}
	add := func(doc string) {
		d, err := policy.Parse([]byte(doc))
		if err != nil {
			panic(err)
		}
		set.Identity.Policies = append(set.Identity.Policies, policy.Policy{Doc: d})
	}
	for _, owner := range []string{junior, worldGroup, worldGroup2} {
		if owner != junior && !w.member[owner] {
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(w.inline)) {
			if len(k) > len(owner) && k[:len(owner)+1] == owner+"|" {
				add(w.inline[k])
			}
		}
		for i := range 3 {
			if w.attached[owner+"|"+managedARN(i)] {
				add(w.managed[managedARN(i)])
			}
		}
	}
	if w.boundary != "" {
		d, _ := policy.Parse([]byte(w.managed[w.boundary]))
		set.Boundary.Policies = []policy.Policy{{Doc: d}}
	}
	return set
}

// allowed answers the push from the whole state.
func (w *world) allowed() policy.Answer {
	r := policy.Request{Principal: policy.ParsePrincipal(junior), Action: "codecommit:GitPush", Resource: repo}
	r.Context.Set("codecommit:References", "refs/heads/main")
	r.Context.Set("aws:SourceIp", "192.0.2.7")
	r.Context.Complete()
	return policy.Evaluate(w.set(), &r)
}

// change does something at random; at second -1 the trail does not see it.
func (w *world) change(at int) string {
	owner, kind, named := junior, "User", obj{"userName": "juniordev"}
	switch w.r.IntN(4) {
	case 0:
		owner, kind, named = worldGroup, "Group", obj{"groupName": "G1"}
	case 1:
		owner, kind, named = worldGroup2, "Group", obj{"groupName": "G2"}
	}
	with := func(more obj) obj {
		o := maps.Clone(named)
		maps.Copy(o, more)
		return o
	}
	name := fmt.Sprintf("p%d", w.r.IntN(2))
	key, arn, doc := owner+"|"+name, managedARN(w.r.IntN(3)), w.doc()
	link := owner + "|" + arn
	run := func(call string, params obj, extra obj, do func(*world)) string {
		do(w)
		if at < 0 {
			return ""
		}
		id := w.s.admin(at, call, params, extra)
		w.log = append(w.log, worldOp{id, at, do})
		return id
	}
	switch kindOf := w.r.IntN(8); {
	case kindOf < 2:
		return run("Put"+kind+"Policy", with(obj{"policyName": name, "policyDocument": doc}), nil, func(w *world) { w.inline[key] = doc })
	case kindOf == 2 && w.inline[key] != "":
		return run("Delete"+kind+"Policy", with(obj{"policyName": name}), nil, func(w *world) { delete(w.inline, key) })
	case kindOf == 3:
		return run("Attach"+kind+"Policy", with(obj{"policyArn": arn}), nil, func(w *world) { w.attached[link] = true })
	case kindOf == 4 && w.attached[link]:
		return run("Detach"+kind+"Policy", with(obj{"policyArn": arn}), nil, func(w *world) { delete(w.attached, link) })
	case kindOf == 5:
		return run("CreatePolicyVersion", obj{"policyArn": arn, "setAsDefault": true, "policyDocument": doc},
			obj{"responseElements": obj{"policyVersion": obj{"versionId": fmt.Sprintf("v%d", at)}}}, func(w *world) { w.managed[arn] = doc })
	case kindOf == 6 && w.member[owner]:
		return run("RemoveUserFromGroup", with(obj{"userName": "juniordev"}), nil, func(w *world) { delete(w.member, owner) })
	case kindOf == 6 && owner != junior:
		return run("AddUserToGroup", with(obj{"userName": "juniordev"}), nil, func(w *world) { w.member[owner] = true })
	case kindOf == 7 && w.boundary != "":
		return run("DeleteUserPermissionsBoundary", obj{"userName": "juniordev"}, nil, func(w *world) { w.boundary = "" })
	case kindOf == 7 && w.r.IntN(3) == 0:
		return run("PutUserPermissionsBoundary", obj{"userName": "juniordev", "permissionsBoundary": arn}, nil, func(w *world) { w.boundary = arn })
	}
	return ""
}

// try pushes, and writes down what AWS would answer; style 0 names the layer.
func (w *world) try(at, style int) bool {
	a := w.allowed()
	if a.Value == policy.Allow {
		w.s.push(at, junior, "refs/heads/main", nil)
		return true
	}
	why := ""
	if style == 0 {
		ptype := map[policy.Layer]string{policy.LayerIdentity: "identity-based policy", policy.LayerBoundary: "permissions boundary"}[a.Layer]
		if ptype == "" {
			ptype = "identity-based policy"
		}
		why = " because no " + ptype + " allows the codecommit:GitPush action"
		if a.Effect == policy.Explicit {
			why = " with an explicit deny in a " + ptype
			if a.Layer == policy.LayerIdentity {
				why = " with an explicit deny in an " + ptype
			}
		}
	}
	w.s.push(at, junior, "refs/heads/main", pushDenied(junior, why))
	return false
}

// baseline writes the state as a baseline.
func (w *world) baseline(t testing.TB) obj {
	entry := func(owner string, list string) obj {
		var inline, attached []any
		for k, d := range w.inline {
			if len(k) > len(owner) && k[:len(owner)+1] == owner+"|" {
				inline = append(inline, inlineList(k[len(owner)+1:], d)[0])
			}
		}
		for i := range 3 {
			if w.attached[owner+"|"+managedARN(i)] {
				attached = append(attached, attachedList(managedARN(i))...)
			}
		}
		return obj{"Arn": owner, list: inline, "AttachedManagedPolicies": attached}
	}
	user := entry(junior, "UserPolicyList")
	var groups []any
	for g := range w.member {
		groups = append(groups, bareName(g))
	}
	user["GroupList"] = groups
	if w.boundary != "" {
		user["PermissionsBoundary"] = obj{"PermissionsBoundaryArn": w.boundary}
	}
	var policies []any
	for arn, d := range w.managed {
		policies = append(policies, policyEntry(arn, d))
	}
	return obj{"UserDetailList": []any{user}, "Policies": policies,
		"GroupDetailList": []any{entry(worldGroup, "GroupPolicyList"), entry(worldGroup2, "GroupPolicyList")}}
}

// What is proven must be so: the change took the request from allowed to
// denied. Worlds are random, what the trail does not show included.
func TestProvenIsTrue(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 20
	}
	var found [2]struct{ first, proven, episodes, right int }
	for seed := range seeds {
		w := newWorld(t, seed)
		base, start := baselineOf(t, w.baseline(t)), w.clone()
		style := int(seed % 2)
		w.try(100, style)
		for i := range 14 {
			at := 1000 * (i + 1)
			for range 1 + w.r.IntN(2) {
				was := w.allowed().Value
				at += 10
				id := w.change(at)
				if was == policy.Allow && w.allowed().Value == policy.Deny {
					w.flips[id] = true
				}
			}
			w.try(at+500, style)
		}
		for i, opts := range []Options{{}, {Baseline: base}} {
			n := &found[i]
			for _, f := range findAll(t, w.s.trail(), opts) {
				n.episodes++
				for _, c := range f.Candidates {
					if c.Level == Proven && c.Rank == 1 {
						n.proven++
						if !w.flips[c.Change.EventID] && !w.needed(start, c.Change.EventID, int(f.Failure.First.EventTime.Sub(w.s.start).Seconds())) {
							t.Errorf("seed %d, baseline %v: %s %s is proven, but did not take the access away: %v", seed, i == 1, c.Change.EventName, c.Change.EventID, c.Evidence)
						}
					}
				}
				if len(f.Candidates) > 0 && levelRank(f.Candidates[0].Level) <= 2 {
					n.first++
					if w.flips[f.Candidates[0].Change.EventID] {
						n.right++
					}
				}
			}
		}
	}
	t.Logf("without baseline %+v, with baseline %+v", found[0], found[1])
}
