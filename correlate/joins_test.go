package correlate

import (
	"maps"
	"testing"
	"time"
)

// A key that S3 needs and does not name is the one that S3 used for the object
// before.
func TestKeyBehindObject(t *testing.T) {
	const used, other = "arn:aws:kms:us-east-1:111122223333:key/aaaa", "arn:aws:kms:us-east-1:111122223333:key/bbbb"
	s := newScene(t)
	policyOf := func(at int, key, who string) string {
		return s.put(at, "kms", "PutKeyPolicy", senior, obj{"keyId": key, "policyName": "default", "policy": policyDoc(allowTo(who, "kms:*", "*"))},
			obj{"resources": []any{obj{"ARN": key, "accountId": testAccount, "type": "AWS::KMS::Key"}}})
	}
	use := func(at int, key, object string) {
		s.put(at, "kms", "Decrypt", buildRole, obj{"encryptionContext": obj{"aws:s3:arn": object}},
			obj{"resources": []any{obj{"ARN": key, "accountId": testAccount, "type": "AWS::KMS::Key"}}})
	}
	policyOf(-90000, used, buildRole)
	s.object(-3600, buildRole, "a/1", nil)
	use(-3600, used, bucket+"/a/1")
	use(-3000, other, "arn:aws:s3:::artifacts-of-others/a/1")
	culprit := policyOf(-200, used, senior)
	policyOf(-100, other, senior)
	s.object(0, buildRole, "a/1", denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: kms:Decrypt "+
		"on the resource associated with this ciphertext because no resource-based policy allows the kms:Decrypt action"))
	f := s.one(Options{})
	if f.Failure.Action != "kms:Decrypt" || f.Failure.Resource != used || f.Failure.Denial.Layer != string(LayerKMS) {
		t.Errorf("%s on %s in layer %s", f.Failure.Action, f.Failure.Resource, f.Failure.Denial.Layer)
	}
	if f.Failure.LastSuccess == nil {
		t.Error("reading the object is no success of using its key")
	}
	if len(f.Candidates) != 1 || f.Candidates[0].Change.EventID != culprit || levelRank(f.Candidates[0].Level) > levelRank(Observed) {
		t.Errorf("%+v, vetoed %+v", f.Candidates, f.Vetoed)
	}
}

// One refusal delivered to the caller's account and to the owner's is one.
func TestCopiesForTwoAccountsAreOneFailure(t *testing.T) {
	s := newScene(t)
	shared := obj{"sharedEventID": "11111111-2222-4333-8444-555555555555"}
	full := denied("User: " + guest + " is not authorized to perform: s3:GetObject")
	maps.Copy(full, shared)
	full["recipientAccountId"] = "444455556666"
	s.object(0, guest, "a/1", full)
	copied := denied("Access Denied")
	maps.Copy(copied, shared)
	copied["userIdentity"] = obj{"type": "AWSAccount", "principalId": "AROAX:s1", "accountId": "444455556666"}
	s.object(0, guest, "a/1", copied)
	if f := s.one(Options{}); f.Failure.Count != 1 || f.Failure.Principal != guest {
		t.Errorf("%d failures of %s", f.Failure.Count, f.Failure.Principal)
	}
}

// A session made with a policy that leaves the action out is what refuses it;
// the session before had no such policy.
func TestSessionPolicyIsProven(t *testing.T) {
	s := newScene(t)
	s.admin(-90000, "PutRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p", "policyDocument": policyDoc(allow("logs:*", "*"))}, nil)
	start := obj{"instancesSet": obj{"items": []any{obj{"instanceId": "i-0123456789abcdef0"}}}}
	s.put(-3600, "ec2", "StartInstances", buildRole, start, nil)
	key := "ASIANARROWSESSION0001"
	culprit := s.put(-60, "sts", "AssumeRole", senior, obj{"roleArn": buildRole, "roleSessionName": "s2", "policy": policyDoc(allow("logs:*", "*"))},
		obj{"responseElements": obj{"credentials": obj{"accessKeyId": key}, "assumedRoleUser": obj{"arn": "arn:aws:sts::111122223333:assumed-role/payments-pipeline/s2"}}})
	id := s.put(0, "ec2", "StartInstances", buildRole, start, denied("You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s2 "+
		"is not authorized to perform: ec2:StartInstances on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0 because no session policy allows the ec2:StartInstances action"))
	for _, r := range s.recs {
		if r["eventID"] == id {
			r["userIdentity"].(obj)["accessKeyId"] = key
		}
	}
	// What came and went after the session began changed nothing.
	s.admin(-30, "PutRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p", "policyDocument": policyDoc(obj{"Effect": "Deny", "Action": "*", "Resource": "*"})}, nil)
	s.admin(-20, "PutRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p", "policyDocument": policyDoc(allow("logs:*", "*"))}, nil)
	f := s.one(Options{})
	if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != culprit || f.Candidates[0].Level != Proven {
		t.Errorf("%+v", f.Candidates)
	}
}

// An account that moves below a unit comes under what is attached there.
func TestMovedAccountComesUnderTheUnitsPolicies(t *testing.T) {
	for name, at := range map[string]string{"to the unit with the policy": "ou-ab12-22222222", "to another unit": "ou-ab12-33333333"} {
		s := newScene(t)
		org := func(sec int, call string, params obj, more obj) string {
			return s.put(sec, "organizations", call, "arn:aws:iam::999900001111:user/boss", params, more)
		}
		org(-90000, "CreatePolicy", obj{"type": "SERVICE_CONTROL_POLICY", "content": policyDoc(obj{"Effect": "Deny", "Action": "s3:*", "Resource": "*"})},
			obj{"responseElements": obj{"policy": obj{"policySummary": obj{"id": "p-guard000", "type": "SERVICE_CONTROL_POLICY",
				"arn": "arn:aws:organizations::999900001111:policy/o-1/service_control_policy/p-guard000"}}}})
		org(-80000, "AttachPolicy", obj{"policyId": "p-guard000", "targetId": "ou-ab12-22222222"}, nil)
		s.object(-3600, buildRole, "a/1", nil)
		culprit := org(-200, "MoveAccount", obj{"accountId": testAccount, "sourceParentId": "ou-ab12-11111111", "destinationParentId": at}, nil)
		s.object(0, buildRole, "a/1", denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: s3:GetObject on resource: \""+
			bucket+"/a/1\" with an explicit deny in a service control policy"))
		f := s.one(Options{})
		want := Proven
		if at != "ou-ab12-22222222" {
			want = Observed
		}
		if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != culprit || f.Candidates[0].Level != want {
			t.Errorf("%s: %+v", name, f.Candidates)
		}
	}
}

// An organization policy known by id alone is of the type that its creation
// tells.
func TestAttachedPolicyHasTheTypeOfItsCreation(t *testing.T) {
	s := newScene(t)
	org := func(sec int, call string, params obj, more obj) string {
		return s.put(sec, "organizations", call, "arn:aws:iam::999900001111:user/boss", params, more)
	}
	org(-90000, "CreatePolicy", obj{"type": "RESOURCE_CONTROL_POLICY", "content": policyDoc(obj{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"})},
		obj{"responseElements": obj{"policy": obj{"policySummary": obj{"id": "p-guard000", "type": "RESOURCE_CONTROL_POLICY"}}}})
	s.object(-3600, buildRole, "a/1", nil)
	culprit := org(-200, "AttachPolicy", obj{"policyId": "p-guard000", "targetId": testAccount}, nil)
	s.object(0, buildRole, "a/1", denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: s3:GetObject on resource: \""+
		bucket+"/a/1\" with an explicit deny in a resource control policy"))
	f := s.one(Options{})
	if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != culprit || f.Candidates[0].Level != Proven {
		t.Errorf("%+v, vetoed %+v", f.Candidates, f.Vetoed)
	}
}

// What nobody saw may have done it too: a gap of the trail since the last
// success takes a level from the claim, one before it takes none.
func TestGapsLowerClaims(t *testing.T) {
	gap := func(from, to int) func(*scene) func(string, string, string, time.Time, time.Time) Coverage {
		return func(s *scene) func(string, string, string, time.Time, time.Time) Coverage {
			at := func(sec int) Time { return Time{s.start.Add(time.Duration(sec) * time.Second)} }
			return func(account, region, _ string, _, _ time.Time) Coverage {
				return Coverage{Gaps: []Gap{{Account: account, Region: region, From: at(from), To: at(to)}}}
			}
		}
	}
	for name, c := range map[string]struct {
		gap  func(*scene) func(string, string, string, time.Time, time.Time) Coverage
		want Level
	}{
		"before the success": {gap(-9000, -7200), Proven},
		"since the success":  {gap(-7200, -3600), Observed},
		"after the failure":  {gap(10, 3600), Proven},
	} {
		s := newScene(t)
		s.push(-7200, junior, "refs/heads/main", nil)
		s.denyPush(-200, denyEveryPush)
		s.pushes(1, "refs/heads/main")
		f := s.one(Options{Coverage: c.gap(s)})
		if got := f.Candidates[0]; got.Level != c.want || (len(got.Against) > 0) != (c.want != Proven) {
			t.Errorf("%s: %s, against %v", name, got.Level, got.Against)
		}
	}
}
