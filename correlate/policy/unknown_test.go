package policy

import (
	"strings"
	"testing"
)

func TestUnknown(t *testing.T) {
	all := statements(t, everythingStatement)
	get := ask(someUser, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	open := *get
	open.Context = Context{}
	conditioned := func(effect, condition string) *Document {
		return statements(t, everythingStatement, `{'Sid':'C','Effect':'`+effect+`','Action':'s3:*','Resource':'*','Condition':`+condition+`}`)
	}
	broken := statements(t, `{'Effect':'Deny','Action':'s3:*','Resource':'*','Conditions':{}}`, everythingStatement)
	for _, c := range []struct {
		name    string
		set     Set
		request *Request
		value   Value
		effect  Effect
		says    string
	}{
		{"document", Set{Identity: Stack{Policies: []Policy{{Name: "p"}}}}, get, Unknown, NoEffect, "policy p: its content is not known"},
		{"others may exist", Set{Identity: Stack{Unseen: UnseenUnknown}}, get, Unknown, NoEffect, "others may exist"},
		{"an allow is not enough", Set{Identity: Stack{Policies: stack(all).Policies, Unseen: UnseenUnknown}}, get, Unknown, NoEffect, "others may exist"},
		{"a deny is", Set{Identity: Stack{Policies: stack(statements(t, `{'Effect':'Deny','Action':'*','Resource':'*'}`)).Policies, Unseen: UnseenUnknown}}, get, Deny, Explicit, "denies it"},
		{"silent others", Set{Identity: Stack{Policies: stack(all).Policies, Unseen: UnseenSilent}}, get, Allow, NoEffect, "allows it"},
		{"key of an allow", Set{Identity: stack(statements(t, `{'Effect':'Allow','Action':'*','Resource':'*','Condition':{'Bool':{'aws:SecureTransport':'true'}}}`))}, &open, Unknown, NoEffect, "aws:SecureTransport is not known"},
		{"key of a deny", Set{Identity: stack(conditioned("Deny", `{'StringEquals':{'aws:SourceVpce':'vpce-1'}}`))}, &open, Unknown, NoEffect, "aws:SourceVpce is not known"},
		{"key that another rules out", Set{Identity: stack(conditioned("Deny", `{'StringEquals':{'aws:SourceVpce':'vpce-1'},'StringResembles':{'a:b':'c'}}`))}, &open, Allow, NoEffect, ""},
		{"statement not understood", Set{Identity: stack(broken)}, get, Unknown, NoEffect, "unknown element Conditions"},
		{"statement not understood, elsewhere", Set{Identity: stack(broken)}, ask(someUser, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:"+owner+":q"), Allow, NoEffect, ""},
		{"nothing allows, something may deny", Set{Identity: stack(statements(t, `{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'Bool':{'aws:SecureTransport':'false'}}}`))}, &open, Deny, EffectUnknown, "no identity policy allows it"},
		{"layer", Set{Identity: stack(all), SCP: Hierarchy{Unseen: UnseenUnknown}}, get, Unknown, NoEffect, "scp policies that are not listed: others may exist"},
		{"boundary", Set{Identity: stack(all), Boundary: Stack{Unseen: UnseenUnknown}}, get, Unknown, NoEffect, "boundary"},
		{"resource", Set{Identity: stack(statements(t, `{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::a*'}`))}, &Request{Principal: get.Principal, Action: "s3:GetObject", ResourceAccount: owner}, Unknown, NoEffect, "the resource is not known"},
		{"account", Set{Identity: stack(all)}, ask(someUser, "s3:GetObject", someObject), Unknown, NoEffect, "belong to one account"},
		{"account that does not matter", Set{}, ask(someUser, "s3:GetObject", someObject), Deny, Implicit, "no identity policy"},
		{"action", Set{Identity: stack(statements(t, `{'Effect':'Allow','Action':'s3:*','Resource':'*'}`))}, &Request{Principal: get.Principal, Resource: someObject, ResourceAccount: owner}, Unknown, NoEffect, "the action is not known"},
		{"caller", Set{Resource: stack(statements(t, `{'Effect':'Allow','Principal':{'AWS':'`+someUser+`'},'Action':'*','Resource':'*'}`))}, &Request{Principal: Principal{Account: owner}, Action: "s3:GetObject", Resource: someObject, ResourceAccount: owner}, Unknown, NoEffect, "names the caller"},
		{"variable", Set{Identity: stack(statements(t, `{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::${aws:PrincipalTag/team}/*'}`))}, &open, Unknown, NoEffect, "aws:principaltag/team is not known"},
		{"version", Set{Identity: stack(doc(t, `{'Version':'2030-01-01','Statement':`+everythingStatement+`}`))}, get, Unknown, NoEffect, "unknown policy version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Evaluate(&c.set, c.request)
			wantAnswer(t, got, c.value, c.effect, "")
			if !strings.Contains(got.String(), c.says) {
				t.Errorf("%q does not say %q", got, c.says)
			}
		})
	}
}

// Observed carries a past success into a changed state.
func TestObserved(t *testing.T) {
	get := ask(someSession, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	unknown := Stack{Unseen: UnseenUnknown}
	set := &Set{Identity: unknown, Boundary: unknown, Session: unknown, Resource: unknown,
		SCP: Hierarchy{Unseen: UnseenUnknown}, RCP: Hierarchy{Unseen: UnseenUnknown}, VPCEndpoint: unknown}
	wantAnswer(t, Evaluate(set, get), Unknown, NoEffect, LayerUnknown)

	pinned := set.Observed(get)
	wantAnswer(t, Evaluate(pinned, get), Allow, NoEffect, "")
	wantAnswer(t, Evaluate(set, get), Unknown, NoEffect, "")

	denied := pinned.Clone()
	denied.Identity.Policies = stack(statements(t, `{'Effect':'Deny','Action':'s3:*','Resource':'*'}`)).Policies
	wantAnswer(t, Evaluate(denied, get), Deny, Explicit, LayerIdentity)
	wantAnswer(t, Evaluate(pinned, get), Allow, NoEffect, "")

	bounded := pinned.Clone()
	bounded.Boundary = stack(statements(t, `{'Effect':'Allow','Action':'sqs:*','Resource':'*'}`))
	if got := Evaluate(bounded, get); got.Value == Allow {
		t.Errorf("a new boundary that does not allow: %s", got)
	}
	replaced := pinned.Clone()
	replaced.Resource = Stack{}
	if got := Evaluate(replaced, get); got.Value != Unknown {
		t.Errorf("the resource policy may have been what granted: %s", got)
	}
}

// With one side known to be silent, a success pins the other.
func TestObservedPins(t *testing.T) {
	get := ask(someUser, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	byIdentity := (&Set{Identity: Stack{Unseen: UnseenUnknown}}).Observed(get)
	if byIdentity.Identity.Unseen != UnseenAllows || byIdentity.UnseenGrant {
		t.Errorf("identity is %d, shared grant %v", byIdentity.Identity.Unseen, byIdentity.UnseenGrant)
	}
	byResource := (&Set{Resource: Stack{Unseen: UnseenUnknown}}).Observed(get)
	if byResource.Resource.Unseen != UnseenAllows {
		t.Errorf("resource is %d", byResource.Resource.Unseen)
	}
	get.ResourceAccount = stranger
	across := (&Set{Identity: Stack{Unseen: UnseenUnknown}, Resource: Stack{Unseen: UnseenUnknown}}).Observed(get)
	wantAnswer(t, Evaluate(across, get), Allow, NoEffect, LayerIdentity)
	across.Resource = Stack{}
	wantAnswer(t, Evaluate(across, get), Deny, Implicit, LayerResource)
}

func TestObservedKey(t *testing.T) {
	decrypt := ask(someUser, "kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/k")
	set := &Set{Identity: stack(statements(t, everythingStatement)), Resource: Stack{Unseen: UnseenUnknown}}
	pinned := set.Observed(decrypt)
	wantAnswer(t, Evaluate(pinned, decrypt), Allow, NoEffect, LayerIdentity)
	pinned.Identity = Stack{}
	wantAnswer(t, Evaluate(pinned, decrypt), Unknown, NoEffect, "")
}
