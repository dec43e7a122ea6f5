package correlate

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// session adds an AssumeRole by the holder of one key that hands out another.
func (s *scene) session(at int, fromKey, caller, toKey, role string) {
	s.put(at, sts, "AssumeRole", caller, obj{"roleArn": role}, obj{
		"userIdentity":     obj{"type": "AssumedRole", "arn": caller, "accountId": testAccount, "accessKeyId": fromKey},
		"responseElements": obj{"credentials": obj{"accessKeyId": toKey}},
	})
}

func TestChainLeadsBackToThePerson(t *testing.T) {
	s := newScene(t)
	s.session(0, "AKIA1", "arn:aws:iam::111122223333:user/ann", "ASIA1", "r1")
	s.session(10, "ASIA1", "arn:aws:sts::111122223333:assumed-role/r1/ann", "ASIA2", "r2")
	e := mustEvent(t, `{"eventName":"PutRolePolicy","userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/r2/ann","accessKeyId":"ASIA2"}}`)
	actor, chain, err := newChains(s.trail()).trace(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"arn:aws:iam::111122223333:user/ann", "arn:aws:sts::111122223333:assumed-role/r1/ann", "arn:aws:sts::111122223333:assumed-role/r2/ann"}
	if d := cmp.Diff(want, chain); d != "" || actor != want[2] {
		t.Errorf("actor %s, chain %s", actor, d)
	}
}

func TestChainIsBounded(t *testing.T) {
	s := newScene(t)
	s.session(0, "ASIA2", "b", "ASIA1", "r")
	s.session(1, "ASIA1", "a", "ASIA2", "r")
	e := mustEvent(t, `{"userIdentity":{"arn":"c","accessKeyId":"ASIA1"}}`)
	if _, chain, err := newChains(s.trail()).trace(context.Background(), e); err != nil || len(chain) > maxHops+1 {
		t.Errorf("cycle: %v %v", chain, err)
	}
	s = newScene(t)
	for i := range 20 {
		s.session(i, fmt.Sprintf("ASIA%d", i), fmt.Sprintf("who%d", i), fmt.Sprintf("ASIA%d", i+1), "r")
	}
	e = mustEvent(t, `{"userIdentity":{"arn":"end","accessKeyId":"ASIA20"}}`)
	if _, chain, err := newChains(s.trail()).trace(context.Background(), e); err != nil || len(chain) != maxHops+1 {
		t.Errorf("long chain: %d links, %v", len(chain), err)
	}
}

// In the role owner's account the record tells only which account called; the
// caller's own copy of the event tells who.
func TestChainCrossesAccounts(t *testing.T) {
	s := newScene(t)
	issued := obj{"credentials": obj{"accessKeyId": "ASIA9"}}
	s.put(0, sts, "AssumeRole", "x", nil, obj{"sharedEventID": "sh-1", "responseElements": issued, "recipientAccountId": "444455556666",
		"userIdentity": obj{"type": "AWSAccount", "principalId": "AIDAX:ann", "accountId": testAccount}})
	s.put(0, sts, "AssumeRole", "arn:aws:iam::111122223333:user/ann", nil, obj{"sharedEventID": "sh-1"})
	e := mustEvent(t, `{"userIdentity":{"arn":"arn:aws:sts::444455556666:assumed-role/admin/ann","accessKeyId":"ASIA9","sessionContext":{"sourceIdentity":"ann@example.com"}}}`)
	_, chain, err := newChains(s.trail()).trace(context.Background(), e)
	want := []string{"source identity ann@example.com", "arn:aws:iam::111122223333:user/ann", "arn:aws:sts::444455556666:assumed-role/admin/ann"}
	if d := cmp.Diff(want, chain); d != "" || err != nil {
		t.Errorf("%s %v", d, err)
	}
}
