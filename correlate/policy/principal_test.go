package policy

import (
	"strings"
	"testing"
)

func TestPrincipalReach(t *testing.T) {
	canonical := strings.Repeat("0a", 32)
	session := ParsePrincipal(someSession)
	session.ID = "AROAEXAMPLEEXAMPLE1:run-7"
	user := ParsePrincipal(someUser)
	user.ID = "AIDAEXAMPLEEXAMPLE1"
	federated := ParsePrincipal("arn:aws:sts::" + owner + ":federated-user/guest")
	federated.Issuer = someUser
	google := ParsePrincipal("accounts.google.com")
	for _, c := range []struct {
		kind, claim string
		caller      Principal
		want        tri
		reach       reach
	}{
		{"aws", "*", user, yes, reachDirect},
		{"aws", owner, user, yes, reachAccount},
		{"aws", owner, ParsePrincipal("arn:aws:iam::" + owner + ":root"), yes, reachDirect},
		{"aws", stranger, user, no, 0},
		{"aws", someRole, session, yes, reachRole},
		{"aws", someRole, ParsePrincipal(someRole), yes, reachRole},
		{"aws", someRole, user, no, 0},
		{"aws", someSession, session, yes, reachDirect},
		{"aws", someSession + "x", session, no, 0},
		{"aws", strings.Replace(someRole, "arn:aws:", "arn:aws-cn:", 1), session, no, 0},
		{"aws", "AROAEXAMPLEEXAMPLE1", session, yes, reachRole},
		{"aws", "AIDAEXAMPLEEXAMPLE1", user, yes, reachDirect},
		{"aws", "AIDAEXAMPLEEXAMPLE2", user, no, 0},
		{"aws", "AIDAEXAMPLEEXAMPLE1", ParsePrincipal(someUser), maybe, reachRole},
		{"aws", someUser, federated, yes, reachRole},
		{"aws", "arn:aws:iam::" + owner + ":user/guest", federated, no, 0},
		{"aws", "ana", user, no, 0},
		{"service", "logs.amazonaws.com", ParsePrincipal("logs.amazonaws.com"), yes, reachDirect},
		{"service", "logs.amazonaws.com", user, no, 0},
		{"federated", "accounts.google.com", google, yes, reachDirect},
		{"federated", "arn:aws:iam::" + owner + ":oidc-provider/accounts.google.com", google, yes, reachDirect},
		{"federated", "www.amazon.com", google, no, 0},
		{"federated", "cognito-identity.amazonaws.com", ParsePrincipal("cognito-identity.amazonaws.com"), yes, reachDirect},
		{"canonicaluser", canonical, ParsePrincipal(canonical), yes, reachDirect},
		{"canonicaluser", canonical, user, maybe, reachDirect},
		{"canonicaluser", canonical, ParsePrincipal("*"), no, 0},
		{"aws", owner, Principal{Account: owner}, yes, reachDirect},
		{"aws", someUser, Principal{Account: owner}, maybe, reachDirect},
		{"aws", someUser, Principal{Account: stranger}, no, 0},
		{"aws", "AIDAEXAMPLEEXAMPLE1", Principal{Account: stranger, ID: "AIDAEXAMPLEEXAMPLE1"}, yes, reachDirect},
		{"service", "logs.amazonaws.com", Principal{Account: owner}, no, 0},
		{"service", "logs.amazonaws.com", Principal{}, maybe, reachDirect},
	} {
		claims, flaw := compileClaims(c.kind, &node{kind: nodeText, text: c.claim})
		if flaw != "" {
			t.Fatal(flaw)
		}
		got, how := namesCaller(claims, &c.caller)
		if got != c.want || got != no && how != c.reach {
			t.Errorf("%s %q for %+v: %d reach %d, want %d reach %d", c.kind, c.claim, c.caller, got, how, c.want, c.reach)
		}
	}
}

func TestGrantConstraints(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:111122223333:key/k"
	equals := &Set{Grants: Grants{List: []Grant{{ID: "g", Grantee: someRole, Operations: []string{"decrypt"},
		ContextEquals: map[string]string{"stage": "prod"}}}}}
	exactly := ask(someSession, "kms:Decrypt", key, "kms:EncryptionContext:stage", "prod")
	exactly.Context.SetList("kms:EncryptionContextKeys", "stage")
	wantAnswer(t, Evaluate(equals, exactly), Allow, NoEffect, LayerKMS)

	more := exactly.With("", "")
	more.Context.Set("kms:EncryptionContext:team", "red")
	more.Context.SetList("kms:EncryptionContextKeys", "stage", "team")
	wantAnswer(t, Evaluate(equals, more), Deny, Implicit, LayerKMS)

	unknown := exactly.With("", "")
	unknown.Context.Forget("kms:EncryptionContext:")
	unknown.Context.Forget("kms:EncryptionContext:stage")
	wantAnswer(t, Evaluate(equals, unknown), Unknown, NoEffect, LayerUnknown)

	wantAnswer(t, Evaluate(equals, exactly.With("kms:Encrypt", "")), Deny, Implicit, LayerKMS)
	open := &Set{Grants: Grants{Unseen: UnseenUnknown}}
	wantAnswer(t, Evaluate(open, exactly), Unknown, NoEffect, LayerUnknown)
	open.Boundary = stack(statements(t, `{'Effect':'Allow','Action':'s3:*','Resource':'*'}`))
	if got := Evaluate(open, exactly); got.Value != Unknown {
		t.Errorf("an unseen grant may name the session: %s", got)
	}
}

func TestRequestWith(t *testing.T) {
	r := ask(someUser, "s3:GetObject", someObject, "aws:ResourceAccount", owner)
	r.ResourceAccount = owner
	queue := r.With("sqs:SendMessage", "arn:aws:sqs:eu-west-1:"+stranger+":q")
	if queue.Action != "sqs:SendMessage" || queue.ResourceAccount != stranger {
		t.Errorf("%s in %s", queue.Action, queue.ResourceAccount)
	}
	if _, values := queue.Context.Lookup("aws:resourceaccount"); values[0] != stranger {
		t.Errorf("aws:ResourceAccount is %q", values)
	}
	if _, values := r.Context.Lookup("aws:ResourceAccount"); values[0] != owner || r.Resource != someObject {
		t.Error("the original changed")
	}
	if keys := r.Context.Keys(); len(keys) != 1 || keys[0] != "aws:resourceaccount" {
		t.Errorf("keys are %q", keys)
	}
}
