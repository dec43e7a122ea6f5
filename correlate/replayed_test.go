package correlate

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/correlate/replay"
)

const (
	guest      = "arn:aws:iam::444455556666:role/reader"
	bare       = ""
	noIdentity = " because no identity-based policy allows the codecommit:GitPush action"
)

// details writes what "aws iam get-account-authorization-details" tells of the
// account's user, and of one role, group and policy.
func details(t testing.TB, user obj, more obj) *replay.Baseline {
	t.Helper()
	u := obj{"Arn": junior, "UserName": "juniordev", "GroupList": []any{}, "AttachedManagedPolicies": []any{}}
	maps.Copy(u, user)
	all := obj{"UserDetailList": []any{u}, "GroupDetailList": []any{}, "RoleDetailList": []any{}, "Policies": []any{}}
	maps.Copy(all, more)
	return baselineOf(t, all)
}

func baselineOf(t testing.TB, v any) *replay.Baseline {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	base := replay.NewBaseline()
	if err := base.Read(strings.NewReader(string(b))); err != nil {
		t.Fatal(err)
	}
	return base
}

func inlineList(name, doc string) []any {
	return []any{obj{"PolicyName": name, "PolicyDocument": json.RawMessage(doc)}}
}

func attachedList(arns ...string) []any {
	var out []any
	for _, a := range arns {
		out = append(out, obj{"PolicyArn": a})
	}
	return out
}

func policyEntry(arn, doc string) obj {
	return obj{"Arn": arn, "DefaultVersionId": "v1", "PolicyVersionList": []any{obj{"VersionId": "v1", "IsDefaultVersion": true, "Document": json.RawMessage(doc)}}}
}

// assume adds a refused AssumeRole of juniordev at second 0, passed an hour
// before.
func (s *scene) assume(why string) {
	ok := obj{"responseElements": obj{"assumedRoleUser": obj{"arn": "arn:aws:sts::111122223333:assumed-role/deploy/x"}},
		"resources": []any{obj{"ARN": deploy, "accountId": testAccount, "type": "AWS::IAM::Role"}}}
	s.put(-3600, sts, "AssumeRole", junior, obj{"roleArn": deploy, "roleSessionName": "x"}, ok)
	s.put(0, sts, "AssumeRole", junior, nil, denied("User: "+junior+" is not authorized to perform: sts:AssumeRole on resource: "+deploy+why))
}

// decrypt adds a refused Decrypt of the build role, passed an hour before.
func (s *scene) decrypt(why string) {
	on := obj{"resources": []any{obj{"ARN": key, "accountId": testAccount, "type": "AWS::KMS::Key"}}}
	s.put(-3600, "kms", "Decrypt", buildRole, obj{"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, on)
	e := denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: kms:Decrypt on resource: " + key + why)
	maps.Copy(e, on)
	s.put(0, "kms", "Decrypt", buildRole, nil, e)
}

// fetch adds a refused GetObject of a role of another account.
func (s *scene) fetch(why string) {
	s.object(-3600, guest, "a/1", nil)
	s.object(0, guest, "a/1", denied("User: arn:aws:sts::444455556666:assumed-role/reader/s1 is not authorized to perform: s3:GetObject on resource: \""+bucket+"/a/1\""+why))
}

func allowTo(who, action, resource string) obj {
	o := allow(action, resource)
	o["Principal"] = obj{"AWS": who}
	return o
}

// Each mechanism takes access away. Without a baseline the level says how much
// of the state the trail shows; with one the replay decides.
func TestReplayMechanisms(t *testing.T) {
	user := func(more obj, rest obj) func(testing.TB) *replay.Baseline {
		return func(t testing.TB) *replay.Baseline { return details(t, more, rest) }
	}
	documents := func(v obj) func(testing.TB) *replay.Baseline {
		return func(t testing.TB) *replay.Baseline { return baselineOf(t, v) }
	}
	for name, c := range map[string]struct {
		build         func(s *scene) string
		base          func(testing.TB) *replay.Baseline
		without, with Level
	}{
		"inline deleted, bare message": {func(s *scene) string {
			id := s.admin(-200, "DeleteUserPolicy", obj{"userName": "juniordev", "policyName": "p"}, nil)
			s.fail(bare)
			return id
		}, user(obj{"UserPolicyList": inlineList("p", gitAllow)}, nil), Consistent, Proven},
		"inline deleted, known, bare message": {func(s *scene) string {
			s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
			id := s.admin(-200, "DeleteUserPolicy", obj{"userName": "juniordev", "policyName": "p"}, nil)
			s.fail(bare)
			return id
		}, user(nil, nil), Observed, Proven},
		"inline narrowed, predecessor unseen": {func(s *scene) string {
			id := s.admin(-200, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(allow("codecommit:GitPull", "*"))}, nil)
			s.fail(noIdentity)
			return id
		}, user(obj{"UserPolicyList": inlineList("p", gitAllow)}, nil), Consistent, Proven},
		"detached": {func(s *scene) string {
			id := s.admin(-200, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": devPol}, nil)
			s.fail(noIdentity)
			return id
		}, user(obj{"AttachedManagedPolicies": attachedList(devPol)}, obj{"Policies": []any{policyEntry(devPol, gitAllow)}}), Observed, Proven},
		"AdministratorAccess detached": {func(s *scene) string {
			id := s.admin(-200, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
			s.fail(noIdentity)
			return id
		}, user(obj{"AttachedManagedPolicies": attachedList("arn:aws:iam::aws:policy/AdministratorAccess")}, nil), Proven, Proven},
		"new version without the allow": {func(s *scene) string {
			id := s.admin(-200, "CreatePolicyVersion", obj{"policyArn": devPol, "setAsDefault": true, "policyDocument": policyDoc(allow("s3:*", "*"))}, obj{"responseElements": obj{"policyVersion": obj{"versionId": "v2"}}})
			s.fail(noIdentity)
			return id
		}, user(obj{"AttachedManagedPolicies": attachedList(devPol)}, obj{"Policies": []any{policyEntry(devPol, gitAllow)}}), Temporal, Proven},
		"removed from a group": {func(s *scene) string {
			id := s.admin(-200, "RemoveUserFromGroup", obj{"groupName": "Devs", "userName": "juniordev"}, nil)
			s.fail(bare)
			return id
		}, user(obj{"GroupList": []any{"Devs"}}, obj{"GroupDetailList": []any{obj{"Arn": "arn:aws:iam::111122223333:group/Devs", "GroupPolicyList": inlineList("g", gitAllow)}}}), Consistent, Proven},
		"boundary set": {func(s *scene) string {
			id := s.admin(-200, "PutUserPermissionsBoundary", obj{"userName": "juniordev", "permissionsBoundary": devPol}, nil)
			s.fail(" because no permissions boundary allows the codecommit:GitPush action")
			return id
		}, user(obj{"UserPolicyList": inlineList("p", gitAllow)}, obj{"Policies": []any{policyEntry(devPol, policyDoc(allow("s3:*", "*")))}}), Observed, Proven},
		"group deny, membership in the baseline": {func(s *scene) string {
			id := s.admin(-200, "PutGroupPolicy", obj{"groupName": "Juniors", "policyName": "p", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, nil)
			s.fail(explain)
			return id
		}, user(obj{"GroupList": []any{"Juniors"}}, obj{"GroupDetailList": []any{obj{"Arn": "arn:aws:iam::111122223333:group/Juniors"}}}), Consistent, Proven},
		"trust edited": {func(s *scene) string {
			id := s.admin(-200, "UpdateAssumeRolePolicy", obj{"roleName": "deploy", "policyDocument": policyDoc(obj{"Effect": "Allow", "Principal": obj{"AWS": senior}, "Action": "sts:AssumeRole"})}, nil)
			s.assume(bare)
			return id
		}, documents(obj{deploy: json.RawMessage(policyDoc(obj{"Effect": "Allow", "Principal": obj{"AWS": junior}, "Action": "sts:AssumeRole"}))}), Proven, Proven},
		"bucket policy without the allow": {func(s *scene) string {
			id := s.put(-200, "s3", "PutBucketPolicy", senior, obj{"bucketName": "artifacts", "bucketPolicy": json.RawMessage(policyDoc(allowTo(senior, "s3:*", bucket+"/*")))}, nil)
			s.fetch(" because no resource-based policy allows the s3:GetObject action")
			return id
		}, documents(obj{bucket: json.RawMessage(policyDoc(allowTo(guest, "s3:GetObject", bucket+"/*")))}), Proven, Proven},
		"bucket policy deleted": {func(s *scene) string {
			id := s.put(-200, "s3", "DeleteBucketPolicy", senior, obj{"bucketName": "artifacts"}, nil)
			s.fetch(bare)
			return id
		}, documents(obj{bucket: json.RawMessage(policyDoc(allowTo(guest, "s3:GetObject", bucket+"/*")))}), Proven, Proven},
		"key policy without the allow": {func(s *scene) string {
			id := s.put(-200, "kms", "PutKeyPolicy", senior, obj{"keyId": key, "policyName": "default", "policy": policyDoc(allowTo(senior, "kms:*", "*"))}, nil)
			s.decrypt(" because no resource-based policy allows the kms:Decrypt action")
			return id
		}, documents(obj{key: json.RawMessage(policyDoc(allowTo(buildRole, "kms:Decrypt", "*")))}), Consistent, Proven},
		"grant revoked": {func(s *scene) string {
			s.put(-9000, "kms", "CreateGrant", senior, obj{"keyId": key, "granteePrincipal": buildRole, "operations": []any{"Decrypt"}}, obj{"responseElements": obj{"grantId": "g1", "keyId": key}})
			id := s.put(-200, "kms", "RevokeGrant", senior, obj{"keyId": key, "grantId": "g1"}, nil)
			s.decrypt(" because no resource-based policy allows the kms:Decrypt action")
			return id
		}, documents(obj{key: json.RawMessage(policyDoc(allowTo(senior, "kms:*", "*")))}), Proven, Proven},
		"organization policy attached": {func(s *scene) string {
			org := obj{"recipientAccountId": "999999999999"}
			ops := "arn:aws:iam::999999999999:user/ops"
			made := obj{"responseElements": obj{"policy": obj{"policySummary": obj{"id": "p-12345678", "arn": scpARN, "type": "SERVICE_CONTROL_POLICY"}}}}
			maps.Copy(made, org)
			s.put(-9000, "organizations", "CreatePolicy", ops, obj{"content": policyDoc(obj{"Effect": "Deny", "Action": "codecommit:*", "Resource": "*"}), "type": "SERVICE_CONTROL_POLICY"}, made)
			id := s.put(-200, "organizations", "AttachPolicy", ops, obj{"policyId": "p-12345678", "targetId": testAccount}, org)
			s.fail(" with an explicit deny in a service control policy")
			return id
		}, nil, Proven, Proven},
		"endpoint policy narrowed": {func(s *scene) string {
			via := obj{"vpcEndpointId": "vpce-1"}
			id := s.put(-200, "ec2", "ModifyVpcEndpoint", senior, obj{"ModifyVpcEndpointRequest": obj{"VpcEndpointId": "vpce-1", "PolicyDocument": policyDoc(obj{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"})}}, nil)
			s.object(-3600, buildRole, "a/1", via)
			e := denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: s3:GetObject on resource: \"" + bucket + "/a/1\" because no VPC endpoint policy allows the s3:GetObject action")
			maps.Copy(e, via)
			s.object(0, buildRole, "a/1", e)
			return id
		}, nil, Proven, Proven},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			id := c.build(s)
			check := func(label string, want Level, opts Options) {
				f := s.one(opts)
				if len(f.Candidates) == 0 {
					t.Errorf("%s: no candidate; vetoed %v", label, f.Vetoed)
					return
				}
				if got := f.Candidates[0]; got.Change.EventID != id || got.Level != want {
					t.Errorf("%s: first is %s %s, want %s; for %v; against %v; vetoed %v", label, got.Change.EventName, got.Level, want, got.Evidence, got.Against, f.Vetoed)
				}
			}
			check("without baseline", c.without, Options{})
			if c.base != nil {
				check("with baseline", c.with, Options{Baseline: c.base(t)})
			}
		})
	}
}
