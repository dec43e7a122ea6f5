package correlate

import (
	"strings"
	"testing"
)

const (
	sts     = "sts"
	devPol  = "arn:aws:iam::111122223333:policy/dev"
	key     = "arn:aws:kms:us-east-1:111122223333:key/aaaa"
	deploy  = "arn:aws:iam::111122223333:role/deploy"
	scpARN  = "arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-12345678"
	explain = " with an explicit deny in an identity-based policy"
	absent  = " because no identity-based policy allows the codecommit:GitPush action"
)

// fail adds a refused push of juniordev at second 0, and a success well before.
func (s *scene) fail(why string) {
	s.push(-3600, junior, "refs/heads/main", nil)
	s.push(0, junior, "refs/heads/main", pushDenied(junior, why))
	s.push(30, junior, "refs/heads/main", pushDenied(junior, why))
}

var gitAllow = policyDoc(allow("codecommit:*", repo))

// Each mechanism is one way to lose access. The culprit must come first, at
// the level given or better.
func TestMechanisms(t *testing.T) {
	for name, c := range map[string]struct {
		build func(s *scene) string
		level Level
	}{
		"deny in a new version of an attached policy": {func(s *scene) string {
			s.admin(-9000, "CreatePolicy", obj{"policyName": "dev", "policyDocument": gitAllow}, obj{"responseElements": obj{"policy": obj{"arn": devPol, "defaultVersionId": "v1"}}})
			s.admin(-8900, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			id := s.admin(-200, "CreatePolicyVersion", obj{"policyArn": devPol, "setAsDefault": true, "policyDocument": policyDoc(allow("codecommit:*", repo), denyMain("refs/heads/main"))}, obj{"responseElements": obj{"policyVersion": obj{"versionId": "v2"}}})
			s.fail(explain)
			return id
		}, Proven},
		"older version made default": {func(s *scene) string {
			s.admin(-9000, "CreatePolicy", obj{"policyName": "dev", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, obj{"responseElements": obj{"policy": obj{"arn": devPol, "defaultVersionId": "v1"}}})
			s.admin(-8900, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			s.admin(-8800, "CreatePolicyVersion", obj{"policyArn": devPol, "setAsDefault": true, "policyDocument": gitAllow}, obj{"responseElements": obj{"policyVersion": obj{"versionId": "v2"}}})
			id := s.admin(-200, "SetDefaultPolicyVersion", obj{"policyArn": devPol, "versionId": "v1"}, nil)
			s.fail(explain)
			return id
		}, Proven},
		"policy detached": {func(s *scene) string {
			s.admin(-9000, "CreatePolicy", obj{"policyName": "dev", "policyDocument": gitAllow}, obj{"responseElements": obj{"policy": obj{"arn": devPol, "defaultVersionId": "v1"}}})
			s.admin(-8900, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			id := s.admin(-200, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			s.fail(absent)
			return id
		}, Proven},
		"unknown policy detached": {func(s *scene) string {
			id := s.admin(-200, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			s.fail(absent)
			return id
		}, Observed},
		"inline policy deleted": {func(s *scene) string {
			s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
			id := s.admin(-200, "DeleteUserPolicy", obj{"userName": "juniordev", "policyName": "p"}, nil)
			s.fail(absent)
			return id
		}, Proven},
		"allow narrowed to another branch": {func(s *scene) string {
			s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
			narrow := allow("codecommit:*", repo)
			narrow["Condition"] = obj{"StringEquals": obj{"codecommit:References": "refs/heads/dev"}}
			id := s.admin(-200, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(narrow)}, nil)
			s.fail(absent)
			return id
		}, Proven},
		"removed from a group": {func(s *scene) string {
			s.admin(-9000, "CreateGroup", obj{"groupName": "Devs"}, nil)
			s.admin(-8999, "PutGroupPolicy", obj{"groupName": "Devs", "policyName": "p", "policyDocument": gitAllow}, nil)
			id := s.admin(-200, "RemoveUserFromGroup", obj{"groupName": "Devs", "userName": "juniordev"}, nil)
			s.fail(absent)
			return id
		}, Proven},
		"boundary set": {func(s *scene) string {
			s.admin(-9000, "CreatePolicy", obj{"policyName": "edge", "policyDocument": policyDoc(allow("s3:*", "*"))}, obj{"responseElements": obj{"policy": obj{"arn": "arn:aws:iam::111122223333:policy/edge", "defaultVersionId": "v1"}}})
			id := s.admin(-200, "PutUserPermissionsBoundary", obj{"userName": "juniordev", "permissionsBoundary": "arn:aws:iam::111122223333:policy/edge"}, nil)
			s.fail(" because no permissions boundary allows the codecommit:GitPush action")
			return id
		}, Proven},
		"organization policy named in the message": {func(s *scene) string {
			id := s.put(-200, "organizations", "UpdatePolicy", "arn:aws:iam::999999999999:user/root-ops", obj{"policyId": "p-12345678", "content": policyDoc(obj{"Effect": "Deny", "Action": "codecommit:*", "Resource": "*"})},
				obj{"recipientAccountId": "999999999999", "responseElements": obj{"policy": obj{"policySummary": obj{"id": "p-12345678", "arn": scpARN, "type": "SERVICE_CONTROL_POLICY"}}}})
			s.fail(" with an explicit deny in a service control policy: " + scpARN)
			return id
		}, Proven},
		"key policy": {func(s *scene) string {
			id := s.put(-200, "kms", "PutKeyPolicy", "arn:aws:iam::111122223333:user/ops", obj{"keyId": key, "policyName": "default", "policy": policyDoc(obj{"Effect": "Allow", "Principal": obj{"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}, obj{"Effect": "Deny", "Principal": obj{"AWS": buildRole}, "Action": "kms:Decrypt", "Resource": "*"})}, nil)
			s.object(-3600, buildRole, "a/1", nil)
			s.object(0, buildRole, "a/1", denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: kms:Decrypt on resource: "+key+" with an explicit deny in a resource-based policy"))
			return id
		}, Consistent},
		"trust policy": {func(s *scene) string {
			doc := func(who string) string {
				return policyDoc(obj{"Effect": "Allow", "Principal": obj{"AWS": who}, "Action": "sts:AssumeRole"})
			}
			s.admin(-9000, "UpdateAssumeRolePolicy", obj{"roleName": "deploy", "policyDocument": doc(junior)}, nil)
			s.put(-3600, sts, "AssumeRole", junior, obj{"roleArn": deploy, "roleSessionName": "x"}, nil)
			id := s.admin(-200, "UpdateAssumeRolePolicy", obj{"roleName": "deploy", "policyDocument": doc(senior)}, nil)
			s.put(0, sts, "AssumeRole", junior, nil, denied("User: "+junior+" is not authorized to perform: sts:AssumeRole on resource: "+deploy))
			return id
		}, Proven},
		"beneath a nearer policy about another service": {func(s *scene) string {
			id := s.admin(-3000, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "q", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
			s.put(-50, "kms", "PutKeyPolicy", senior, obj{"keyId": key, "policyName": "default", "policy": policyDoc(allow("kms:*", "*"))}, nil)
			s.fail(absent)
			return id
		}, Observed},
		"group policy, membership unknown": {func(s *scene) string {
			id := s.admin(-200, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "p", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, nil)
			s.fail(explain)
			return id
		}, Consistent},
		"three hours before, beneath nearer decoys": {func(s *scene) string {
			id := s.admin(-3500, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, nil)
			s.admin(-120, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "q", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
			s.fail(explain)
			return id
		}, Proven},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			id := c.build(s)
			f := s.one(Options{})
			if len(f.Candidates) == 0 {
				t.Fatalf("no candidate; %s, vetoed %v", f.Diagnosis, f.Vetoed)
			}
			got := f.Candidates[0]
			if got.Change.EventID != id || levelRank(got.Level) > levelRank(c.level) || f.Diagnosis != DiagnosisChange {
				t.Errorf("first is %s %s (%s), want %s at %s; against %v; vetoed %v", got.Change.EventName, got.Level, f.Diagnosis, id, c.level, got.Against, f.Vetoed)
			}
			if c.level != Proven && got.Level == Proven && !strings.Contains(name, "key policy") {
				t.Errorf("claims proof: %v", got.Evidence)
			}
		})
	}
}

// Each decoy must not be a candidate, for the reason given.
func TestVetoes(t *testing.T) {
	deny := policyDoc(denyMain("refs/heads/main"))
	for name, c := range map[string]struct {
		build  func(s *scene) string
		reason string
	}{
		"failed": {func(s *scene) string {
			return s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": deny}, denied("no"))
		}, "failed"},
		"after": {func(s *scene) string {
			return s.admin(10, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": deny}, nil)
		}, "after the first failure"},
		"other user": {func(s *scene) string {
			return s.admin(-60, "PutUserPolicy", obj{"userName": "seniordev", "policyName": "p", "policyDocument": deny}, nil)
		}, "not to the caller"},
		"other account": {func(s *scene) string {
			return s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": deny}, obj{"recipientAccountId": "444455556666"})
		}, "of account 444455556666"},
		"same document": {func(s *scene) string {
			s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
			return s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": `{"Statement":{"Resource":["*"],"Action":"s3:*","Effect":"Allow"},"Version":"2012-10-17"}`}, nil)
		}, "did not change"},
		"undone": {func(s *scene) string {
			s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
			id := s.admin(-90, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": deny}, nil)
			s.admin(-30, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
			return id
		}, "undid it 30 s before"},
		"only allows": {func(s *scene) string {
			return s.admin(-60, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": "arn:aws:iam::aws:policy/PowerUserAccess"}, nil)
		}, "only adds permissions"},
		"other branch": {func(s *scene) string {
			return s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(denyMain("refs/heads/release"))}, nil)
		}, "adds no Deny that covers the request"},
		"other layer": {func(s *scene) string {
			return s.admin(-60, "PutUserPermissionsBoundary", obj{"userName": "juniordev", "permissionsBoundary": devPol}, nil)
		}, "the message names a decision in the identity layer"},
		"left group": {func(s *scene) string {
			s.admin(-9000, "AddUserToGroup", obj{"groupName": "Juniors", "userName": "juniordev"}, nil)
			s.admin(-8000, "RemoveUserFromGroup", obj{"groupName": "Juniors", "userName": "juniordev"}, nil)
			return s.admin(-60, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "p", "policyDocument": deny}, nil)
		}, "no member"},
		"passed since": {func(s *scene) string {
			return s.admin(-3700, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": deny}, nil)
		}, "the same request passed"},
		"approval rule": {func(s *scene) string {
			return s.put(-60, "codecommit", "AssociateApprovalRuleTemplateWithRepository", senior, obj{"approvalRuleTemplateName": "two", "repositoryName": "payments"}, nil)
		}, "error of their own"},
		"not the default version": {func(s *scene) string {
			s.admin(-8900, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			return s.admin(-60, "CreatePolicyVersion", obj{"policyArn": devPol, "setAsDefault": false, "policyDocument": deny}, nil)
		}, "no effect by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			id := c.build(s)
			s.fail(explain)
			f := onlyAction(t, findAll(t, s.trail(), Options{}), "codecommit:GitPush")
			for _, got := range f.Candidates {
				if got.Change.EventID == id {
					t.Fatalf("it is a candidate (%s): %v %v", got.Level, got.Evidence, got.Against)
				}
			}
			if why := reasonOf(f, id); !strings.Contains(why, c.reason) {
				t.Errorf("vetoed for %q, want %q; all %v", why, c.reason, f.Vetoed)
			}
		})
	}
}

// Requests that never passed blame nothing above related.
func TestNeverAllowedBlamesNothing(t *testing.T) {
	s := newScene(t)
	s.admin(-9000, "CreateUser", obj{"userName": "juniordev"}, nil)
	s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
	s.admin(-50, "AttachUserPolicy", obj{"userName": "juniordev", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, nil)
	s.push(0, junior, "refs/heads/main", pushDenied(junior, absent))
	f := s.one(Options{})
	if f.Diagnosis != DiagnosisNeverAllowed || len(f.Candidates) == 0 {
		t.Errorf("%s with %d candidates; vetoed %v", f.Diagnosis, len(f.Candidates), f.Vetoed)
	}
	for _, c := range f.Candidates {
		if levelRank(c.Level) < levelRank(Related) {
			t.Errorf("%s is %s", c.Change.EventName, c.Level)
		}
	}
}

// A policy about another service, of which the trail does not show what it
// replaced, is no more than related, though it is the only change.
func TestUnseenPredecessorIsNoCause(t *testing.T) {
	s := newScene(t)
	s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
	s.fail("")
	f := s.one(Options{})
	if len(f.Candidates) != 1 || f.Candidates[0].Level != Related || f.Diagnosis != DiagnosisUnexplained {
		t.Errorf("%s, %v", f.Diagnosis, f.Candidates)
	}
	// One about the same service may have been narrowed.
	s = newScene(t)
	s.admin(-60, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(allow("codecommit:GitPull", "*"))}, nil)
	s.fail(absent)
	if f := s.one(Options{}); f.Candidates[0].Level != Consistent {
		t.Errorf("%v", f.Candidates[0].Level)
	}
}
