package policy

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The properties are checked on random sets and requests over a small world,
// small enough that statements meet requests often.

type world struct{ *rand.Rand }

const rounds = 2000

func eachWorld(t *testing.T, check func(t *testing.T, w world)) {
	t.Helper()
	for seed := range uint64(rounds) {
		check(t, world{rand.New(rand.NewPCG(seed, 7))})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (w world) one(list ...string) string { return list[w.IntN(len(list))] }

func (w world) statement(effect string) string {
	principal := w.one(`'*'`, `{'AWS':'`+someUser+`'}`, `{'AWS':'`+owner+`'}`, `{'AWS':'`+someRole+`'}`, `{'AWS':'`+someSession+`'}`, `{'Service':'logs.amazonaws.com'}`)
	parts := []string{
		`'Effect':'` + effect + `'`,
		`'` + w.one("Principal", "Principal", "Principal", "NotPrincipal") + `':` + principal,
		`'` + w.one("Action", "Action", "NotAction") + `':` + w.one(`'*'`, `'s3:*'`, `['s3:Get*','kms:Decrypt']`, `'sts:AssumeRole'`, `'kms:*'`),
		`'` + w.one("Resource", "Resource", "NotResource") + `':` + w.one(`'*'`, `'arn:aws:s3:::a*'`, `'arn:aws:s3:::${aws:username}/*'`, `'arn:aws:kms'`),
	}
	if w.IntN(2) == 0 {
		parts = append(parts, `'Condition':{'`+w.one("", "", "ForAllValues:", "ForAnyValue:")+
			w.one("StringEquals", "StringNotLike", "Bool", "NumericLessThan", "IpAddress", "ArnLike", "Null", "Odd")+w.one("", "IfExists")+
			`':{'`+w.one("aws:username", "aws:SourceIp", "s3:max-keys", "aws:PrincipalArn", "aws:TagKeys")+`':`+
			w.one(`'ana'`, `['true','10']`, `'203.0.113.0/24'`, `'arn:aws:iam::*:role/*'`, `false`, `'${aws:username}*'`)+`}}`)
	}
	if w.IntN(12) == 0 {
		parts = append(parts, `'Surprise':1`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (w world) policy(t testing.TB) Policy {
	if w.IntN(12) == 0 {
		return Policy{Name: "opaque"}
	}
	list := make([]string, w.IntN(4))
	for i := range list {
		list[i] = w.statement(w.one("Allow", "Allow", "Deny"))
	}
	return Policy{Name: fmt.Sprint("p", w.IntN(9)), Doc: statements(t, list...)}
}

func (w world) stack(t testing.TB, most int) Stack {
	s := Stack{Unseen: Unseen(max(0, w.IntN(12)-6))}
	for range w.IntN(most + 1) {
		s.Policies = append(s.Policies, w.policy(t))
	}
	return s
}

func (w world) path(t testing.TB) Hierarchy {
	var h Hierarchy
	for range w.IntN(3) {
		n := Node{ID: "n", Stack: w.stack(t, 1)}
		n.Policies = append(n.Policies, Policy{Name: "full", Doc: statements(t, everythingStatement)})
		h.Nodes = append(h.Nodes, n)
	}
	return h
}

func (w world) set(t testing.TB) *Set {
	s := &Set{Identity: w.stack(t, 3), Resource: w.stack(t, 2), SCP: w.path(t), RCP: w.path(t)}
	for _, limit := range []*Stack{&s.Boundary, &s.Session, &s.VPCEndpoint} {
		if w.IntN(4) == 0 {
			*limit = w.stack(t, 2)
		}
	}
	return s
}

func (w world) request() *Request {
	r := &Request{
		Principal: ParsePrincipal(w.one(someUser, someUser, someSession, someRole, "arn:aws:iam::"+owner+":root", "*",
			"logs.amazonaws.com", "arn:aws:sts::"+owner+":federated-user/ana", stranger)),
		Action:          w.one("s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole"),
		Resource:        w.one(someObject, "arn:aws:s3:::ana/x", "arn:aws:kms:eu-west-1:"+owner+":key/k", someRole, ""),
		ResourceAccount: w.one(owner, owner, stranger, ""),
	}
	if strings.Contains(r.Resource, ":kms:") {
		r.Action = "kms:Decrypt" // no other action is about a key
	}
	c := &r.Context
	for key, value := range map[string]string{"aws:username": "ana", "aws:SourceIp": "203.0.113.7", "s3:max-keys": "7", "aws:PrincipalArn": someRole} {
		switch w.IntN(3) {
		case 0:
			c.Set(key, value)
		case 1:
			c.SetAbsent(key)
		}
	}
	if w.IntN(2) == 0 {
		c.SetList("aws:TagKeys", "ana", "10")
	}
	if w.IntN(3) > 0 {
		c.Complete()
	}
	return r
}

// added returns a copy of the set with a statement more in one of its layers.
func (w world) added(t testing.TB, set *Set, statement string) *Set {
	c := set.Clone()
	stacks := []*Stack{&c.Identity, &c.Resource}
	for _, limit := range []*Stack{&c.Boundary, &c.Session, &c.VPCEndpoint} {
		if len(limit.Policies) > 0 {
			stacks = append(stacks, limit)
		}
	}
	at := stacks[w.IntN(len(stacks))]
	at.Policies = append(at.Policies, Policy{Name: "added", Doc: statements(t, statement)})
	return c
}

func TestAddingAllowNeverDenies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		set, req := w.set(t), w.request()
		before := Evaluate(set, req)
		after := Evaluate(w.added(t, set, w.statement("Allow")), req)
		if before.Value == Allow && after.Value == Deny {
			t.Errorf("%s\nbecame %s", before, after)
		}
	})
}

func TestAddingDenyAlwaysDenies(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		set, req := w.set(t), w.request()
		c := set.Clone()
		c.Resource.Policies = append(c.Resource.Policies, Policy{Name: "added",
			Doc: statements(t, `{'Effect':'Deny','Principal':'*','Action':'*','Resource':'*'}`)})
		if after := Evaluate(c, req); after.Value != Deny || after.Effect != Explicit {
			t.Errorf("%s", after)
		}
		if !req.Principal.Kind.hasIdentity() {
			return
		}
		c = set.Clone()
		c.Identity.Policies = append(c.Identity.Policies, Policy{Doc: statements(t, `{'Effect':'Deny','Action':'`+req.Action+`','Resource':'*'}`)})
		if after := Evaluate(c, req); after.Value != Deny || after.Effect != Explicit {
			t.Errorf("%s", after)
		}
	})
}

// forget takes away one piece of knowledge.
func (w world) forget(set *Set, req *Request) (*Set, *Request) {
	s, r := set.Clone(), req.With("", "")
	stacks := []*Stack{&s.Identity, &s.Resource, &s.Boundary, &s.Session, &s.VPCEndpoint}
	at := stacks[w.IntN(len(stacks))]
	switch w.IntN(9) {
	case 0:
		at.Unseen = UnseenUnknown
	case 1:
		if n := len(at.Policies); n > 0 {
			at.Policies[w.IntN(n)].Doc = nil
		}
	case 2: // a policy that is no longer known to exist
		if n := len(at.Policies); n > 0 {
			at.Policies, at.Unseen = slices.Delete(at.Policies, n-1, n), UnseenUnknown
		}
	case 3:
		s.SCP.Unseen = UnseenUnknown
	case 4:
		r.Resource = ""
		r.ResourceAccount = req.owner()
	case 5:
		r.ResourceAccount = ""
		if splitARN(r.Resource).account != "" {
			r.ResourceAccount = req.ResourceAccount
		}
	case 6:
		r.Context.complete = false
	default:
		r.Context.Forget(w.one("aws:username", "aws:SourceIp", "s3:max-keys", "aws:PrincipalArn", "aws:TagKeys"))
	}
	return s, r
}

// Knowing less may turn an answer into Unknown, never into another one.
func TestForgettingOnlyLeadsToUnknown(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		set, req := w.set(t), w.request()
		for range 4 {
			before := Evaluate(set, req)
			set, req = w.forget(set, req)
			after := Evaluate(set, req)
			if after.Value != Unknown && after.Value != before.Value {
				t.Errorf("%s\nbecame %s", before, after)
			}
			if before.Effect == Implicit && after.Effect == Explicit || before.Effect == Explicit && after.Effect == Implicit {
				t.Errorf("effect of %s\nbecame that of %s", before, after)
			}
		}
	})
}

func TestEvaluateLeavesInputAlone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		set, req := w.set(t), w.request()
		setBefore, reqBefore := set.Clone(), req.With("", "")
		Evaluate(set, req)
		set.Observed(req)
		if !reflect.DeepEqual(set, setBefore) || !reflect.DeepEqual(req, reqBefore) {
			t.Error("input changed")
		}
	})
}

func TestStatementOrderDoesNotMatter(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		list := make([]string, 2+w.IntN(4))
		for i := range list {
			list[i] = w.statement(w.one("Allow", "Deny"))
		}
		set, req := w.set(t), w.request()
		set.Identity = stack(statements(t, list...))
		before := Evaluate(set, req)
		w.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		shuffled := statements(t, list...)
		if !Equal(set.Identity.Policies[0].Doc, shuffled) {
			t.Errorf("documents differ: %v", Diff(set.Identity.Policies[0].Doc, shuffled))
		}
		set.Identity = stack(shuffled)
		after := Evaluate(set, req)
		if before.Value != after.Value || before.Effect != after.Effect || before.Layer != after.Layer {
			t.Errorf("%s\nbecame %s", before, after)
		}
	})
}

// A success that was observed is what the narrowed set answers, or at least
// not a denial; and it never claims more than the set it came from.
func TestObservedAgrees(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		set, req := w.set(t), w.request()
		before := Evaluate(set, req)
		if before.Value == Deny {
			return // then no success can have been observed
		}
		if after := Evaluate(set.Observed(req), req); after.Value == Deny {
			t.Errorf("%s\nbecame %s", before, after)
		}
	})
}
