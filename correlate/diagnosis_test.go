package correlate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The diagnosis of the two runbooks that the project began with, step by step:
// each is answered by what a finding says, or, where a trail cannot know, by
// what the playbook tells to look at instead.

// pushes adds refused pushes of a branch, minutes apart.
func (s *scene) pushes(n int, ref string) {
	for i := range n {
		s.push(60*i, junior, ref, pushDenied(junior, " with an explicit deny in an identity-based policy"))
	}
}

func (s *scene) denyPush(at int, statement obj) string {
	return s.admin(at, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(statement)}, nil)
}

var denyEveryPush = obj{"Effect": "Deny", "Action": "codecommit:GitPush", "Resource": "*"}

// leads wants a change as the first candidate, with a window and level.
func leads(t *testing.T, f *Finding, id, window string, worst Level) {
	t.Helper()
	if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != id {
		t.Fatalf("%s does not lead: %+v, vetoed %+v", id, f.Candidates, f.Vetoed)
	}
	if c := f.Candidates[0]; c.Window != window || levelRank(c.Level) > levelRank(worst) {
		t.Errorf("window %s, level %s; want %s and %s at worst", c.Window, c.Level, window, worst)
	}
}

// mentions wants a candidate that says something in its evidence.
func mentions(t *testing.T, f *Finding, id, text string) {
	t.Helper()
	for _, c := range f.Candidates {
		if c.Change.EventID == id {
			for _, e := range c.Evidence {
				if strings.Contains(strings.ToLower(e.Text), text) {
					return
				}
			}
		}
	}
	t.Errorf("no candidate %s that says %q: %+v", id, text, f.Candidates)
}

func advises(t *testing.T, f *Finding, text string) {
	t.Helper()
	if !slices.ContainsFunc(f.NextSteps, func(s string) bool { return strings.Contains(s, text) }) {
		t.Errorf("no next step with %q: %q", text, f.NextSteps)
	}
}

func TestDiagnosisOfRefusedPushes(t *testing.T) {
	for _, step := range []struct {
		name string
		run  func(t *testing.T, s *scene)
	}{
		{"1 what the refused push itself says", func(t *testing.T, s *scene) {
			s.pushes(1, "refs/heads/main")
			f := s.one(Options{})
			if d := f.Failure.Denial; f.Playbook != "codecommit-push-denied" || d.Effect != "explicit" || d.Layer != "identity" || !strings.Contains(f.Failure.ErrorMessage, "GitPush") {
				t.Errorf("%s: %+v, %q", f.Playbook, d, f.Failure.ErrorMessage)
			}
		}},
		{"2 the permissions of who pushes", func(t *testing.T, s *scene) {
			s.push(-3600, junior, "refs/heads/main", nil)
			id := s.denyPush(-100, denyEveryPush)
			s.pushes(2, "refs/heads/main")
			f := s.one(Options{})
			leads(t, f, id, "5m", Proven)
			advises(t, f, "aws iam simulate-principal-policy --policy-source-arn "+junior)
		}},
		{"3 a protected branch", func(t *testing.T, s *scene) {
			s.push(-3600, junior, "refs/heads/main", nil)
			id := s.denyPush(-100, denyMain("refs/heads/main"))
			s.pushes(2, "refs/heads/main")
			s.push(70, junior, "refs/heads/feature", nil)
			f := s.one(Options{})
			leads(t, f, id, "5m", Proven)
			if d := f.Candidates[0].Diff; len(d) != 1 || !strings.Contains(string(d[0].Statement), "codecommit:References") {
				t.Errorf("diff %+v", d)
			}
		}},
		{"4 the repository's own settings", func(t *testing.T, s *scene) {
			s.push(-3600, junior, "refs/heads/main", nil)
			id := s.put(-100, "codecommit", "UpdateRepositoryEncryptionKey", senior, obj{"repositoryName": "payments", "kmsKeyId": "11111111-2222-4333-8444-555555555555"}, nil)
			s.push(0, junior, "refs/heads/main", obj{"errorCode": "EncryptionKeyAccessDeniedException", "errorMessage": "The encryption key is not accessible"})
			f := s.one(Options{})
			leads(t, f, id, "5m", Consistent)
			f = unexplainedPush(t)
			advises(t, f, "aws codecommit get-repository --repository-name payments")
		}},
		{"5 the credentials of who pushes", func(t *testing.T, s *scene) {
			s.push(-3600, junior, "refs/heads/main", nil)
			id := s.admin(-100, "UpdateServiceSpecificCredential", obj{"userName": "juniordev", "serviceSpecificCredentialId": "ACCA1", "status": "Inactive"}, nil)
			s.pushes(1, "refs/heads/main")
			f := s.one(Options{})
			mentions(t, f, id, "breaks signing in")
			if f.Diagnosis != DiagnosisUnexplained {
				t.Errorf("a credential is blamed for a refusal: %s", f.Diagnosis)
			}
			advises(t, f, "aws iam list-service-specific-credentials --user-name juniordev")
		}},
		{"6 changes of policy, protection or repository within five minutes", func(t *testing.T, s *scene) {
			s.push(-3600, junior, "refs/heads/main", nil)
			id := s.denyPush(-299, denyEveryPush)
			s.pushes(1, "refs/heads/main")
			f := s.one(Options{})
			leads(t, f, id, "5m", Proven)
			mentions(t, f, id, "inside the 5m")
			if f.Search.Escalated || *f.Search.FoundIn != "5m" {
				t.Errorf("search %+v", f.Search)
			}
		}},
		{"7 branches compared within an hour", func(t *testing.T, s *scene) {
			s.pushes(2, "refs/heads/main")
			s.push(3000, junior, "refs/heads/feature", nil)
			if sp := s.one(Options{}).Failure.Spread; sp.Window != "1h" || sp.Pattern != "branch" || !slices.Equal(sp.Failing, []string{"refs/heads/main"}) || !slices.Equal(sp.Succeeding, []string{"refs/heads/feature"}) {
				t.Errorf("one branch: %+v", sp)
			}
			all := newScene(t)
			all.pushes(2, "refs/heads/main")
			all.push(3000, junior, "refs/heads/feature", pushDenied(junior, " with an explicit deny in an identity-based policy"))
			if sp := all.one(Options{}).Failure.Spread; sp.Pattern != "repository" || len(sp.Failing) != 2 {
				t.Errorf("all branches: %+v", sp)
			}
		}},
		{"8 the health of the service, which no trail tells", func(t *testing.T, s *scene) {
			text, err := PlaybookSource("codecommit-push-denied")
			if err != nil || !strings.Contains(string(text), "AWS Health") || !strings.Contains(string(text), "CloudWatch") {
				t.Errorf("the playbook does not say where to look: %v", err)
			}
			s.push(0, junior, "refs/heads/main", obj{"errorCode": "ServiceUnavailable", "errorMessage": "try again"})
			if fs := findAll(t, s.trail(), Options{}); len(fs) != 0 {
				t.Errorf("an ailing service counts as a refusal: %+v", fs[0].Failure)
			}
		}},
		{"9 how steadily it fails in a day", func(t *testing.T, s *scene) {
			s.pushes(3, "refs/heads/main")
			if fr := s.one(Options{}).Failure.Frequency; fr.Window != "24h" || fr.Pattern != "constant" || fr.Failures != 3 || fr.Attempts != 3 {
				t.Errorf("constant: %+v", fr)
			}
			now := newScene(t)
			for i := range 3 {
				now.push(i*7200, junior, "refs/heads/main", pushDenied(junior, ""))
				now.push(i*7200+3600, junior, "refs/heads/main", nil)
			}
			if fr := findAll(t, now.trail(), Options{})[0].Failure.Frequency; fr.Pattern != "intermittent" || fr.Failures != 3 || fr.Attempts < 5 {
				t.Errorf("intermittent: %+v", fr)
			}
		}},
		{"nothing near: seven days, drift, credentials and triggers", func(t *testing.T, s *scene) {
			s.push(-600000, junior, "refs/heads/main", nil)
			id := s.denyPush(-590000, denyEveryPush)
			trigger := s.put(-500000, "codecommit", "PutRepositoryTriggers", senior, obj{"repositoryName": "payments"}, nil)
			s.pushes(1, "refs/heads/main")
			f := s.one(Options{})
			leads(t, f, id, "7d", Proven)
			if !f.Search.Escalated || *f.Search.FoundIn != "7d" {
				t.Errorf("search %+v", f.Search)
			}
			mentions(t, f, trigger, "a failing trigger does not refuse a push")
		}},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, newScene(t)) })
	}
}

// unexplainedPush is a push refused with no change in the trail.
func unexplainedPush(t *testing.T) *Finding {
	s := newScene(t)
	s.push(-3600, junior, "refs/heads/main", nil)
	s.pushes(1, "refs/heads/main")
	f := s.one(Options{})
	if f.Diagnosis != DiagnosisUnexplained || !f.Search.Escalated || f.Search.Windows[len(f.Search.Windows)-1] != "7d" {
		t.Errorf("%s, %+v", f.Diagnosis, f.Search)
	}
	return f
}

func TestDiagnosisOfPipelinesWithoutTheirArtifacts(t *testing.T) {
	deny := func(s *scene, at int, name string) {
		s.object(at, buildRole, name, denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: s3:GetObject on resource: \""+
			bucket+"/"+name+"\" with an explicit deny in a resource-based policy"))
	}
	lock := func(s *scene, at int) string {
		return s.put(at, "s3", "PutBucketPolicy", senior, obj{"bucketName": "artifacts", "bucketPolicy": obj{"Version": "2012-10-17",
			"Statement": []any{obj{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket + "/*"}}}}, nil)
	}
	setting := func(call, part string) func(t *testing.T, s *scene) {
		return func(t *testing.T, s *scene) {
			s.object(-90000, buildRole, "a/1", nil)
			id := s.put(-80000, "s3", call, senior, obj{"bucketName": "artifacts"}, nil)
			deny(s, 0, "a/1")
			f := s.one(Options{})
			mentions(t, f, id, part)
			if f.Search.Escalated != (f.Diagnosis != DiagnosisChange) || f.Candidates[0].Window != "24h" {
				t.Errorf("search %+v, %s", f.Search, f.Diagnosis)
			}
		}
	}
	for _, step := range []struct {
		name string
		run  func(t *testing.T, s *scene)
	}{
		{"1 the stage failed within thirty minutes of the execution's start", func(t *testing.T, s *scene) {
			for lag, told := range map[int]bool{1790: true, 1810: false} {
				s := newScene(t)
				s.object(-3600, buildRole, "a/1", nil)
				s.put(-lag, "codepipeline", "StartPipelineExecution", senior, obj{"name": "payments"}, nil)
				lock(s, -600)
				deny(s, 0, "a/1")
				f := s.one(Options{})
				if got := strings.Contains(fmt.Sprint(f.Candidates[0].Evidence), "pipeline execution was started"); got != told {
					t.Errorf("started %d s before: told %t", lag, got)
				}
			}
		}},
		{"2 the role's permissions changed", func(t *testing.T, s *scene) {
			s.admin(-90000, "PutRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p", "policyDocument": policyDoc(allow("s3:*", "*"))}, nil)
			s.object(-3600, buildRole, "a/1", nil)
			id := s.admin(-1700, "DeleteRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p"}, nil)
			s.object(0, buildRole, "a/1", denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: s3:GetObject on resource: \""+
				bucket+"/a/1\" because no identity-based policy allows the s3:GetObject action"))
			f := s.one(Options{})
			leads(t, f, id, "30m", Proven)
			mentions(t, f, id, "inside the 30m")
		}},
		{"3 the bucket's policy changed within thirty minutes", func(t *testing.T, s *scene) {
			s.object(-3600, buildRole, "a/1", nil)
			id := lock(s, -1700)
			deny(s, 0, "a/1")
			f := s.one(Options{})
			leads(t, f, id, "30m", Proven)
			mentions(t, f, id, "inside the 30m")
			advises(t, f, "aws s3api get-bucket-policy --bucket artifacts")
		}},
		{"4 the key's policy changed within thirty minutes", func(t *testing.T, s *scene) {
			on := obj{"resources": []any{obj{"ARN": key, "accountId": testAccount, "type": "AWS::KMS::Key"}}}
			s.put(-90000, "kms", "PutKeyPolicy", senior, obj{"keyId": key, "policy": policyDoc(allowTo(buildRole, "kms:*", "*"))}, on)
			s.put(-3600, "kms", "Decrypt", buildRole, obj{"keyId": key}, on)
			id := s.put(-1700, "kms", "PutKeyPolicy", senior, obj{"keyId": key, "policy": policyDoc(allowTo(senior, "kms:*", "*"))}, on)
			e := denied("User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/s1 is not authorized to perform: kms:Decrypt on resource: " + key + " because no resource-based policy allows the kms:Decrypt action")
			e["resources"] = on["resources"]
			s.put(0, "kms", "Decrypt", buildRole, nil, e)
			f := s.one(Options{})
			leads(t, f, id, "30m", Observed)
			mentions(t, f, id, "inside the 30m")
		}},
		{"5 how steadily it fails in an hour", func(t *testing.T, s *scene) {
			for i := range 3 {
				deny(s, i*60, "a/1")
			}
			if fr := s.one(Options{}).Failure.Frequency; fr.Window != "1h" || fr.Pattern != "constant" {
				t.Errorf("constant: %+v", fr)
			}
			now := newScene(t)
			for i := range 3 {
				deny(now, i*600, "a/1")
				now.object(i*600+300, buildRole, "a/1", nil)
			}
			if fr := findAll(t, now.trail(), Options{})[0].Failure.Frequency; fr.Pattern != "intermittent" {
				t.Errorf("intermittent: %+v", fr)
			}
		}},
		{"nothing near: lifecycle within a day", setting("PutBucketLifecycle", "lifecycle rules")},
		{"nothing near: versioning within a day", setting("PutBucketVersioning", "versioning of the bucket")},
		{"nothing near: encryption within a day", func(t *testing.T, s *scene) {
			s.object(-90000, buildRole, "a/1", nil)
			id := s.put(-80000, "s3", "PutBucketEncryption", senior, obj{"bucketName": "artifacts"}, nil)
			s.object(0, buildRole, "a/1", denied("Access Denied"))
			f := s.one(Options{})
			leads(t, f, id, "24h", Consistent)
			mentions(t, f, id, "inside the 24h")
			named := newScene(t)
			named.object(-90000, buildRole, "a/1", nil)
			id = named.put(-80000, "s3", "PutBucketEncryption", senior, obj{"bucketName": "artifacts"}, nil)
			deny(named, 0, "a/1")
			if f := named.one(Options{}); !strings.Contains(reasonOf(f, id), "a key decides no such action") {
				t.Errorf("a bucket policy's deny is put down to encryption: %+v", f.Candidates)
			}
		}},
		{"nothing near: notification within a day", setting("PutBucketNotification", "event notifications")},
		{"nothing near: build logs and access logs, which may lie outside the trail", func(t *testing.T, s *scene) {
			s.object(-3600, buildRole, "a/1", nil)
			deny(s, 0, "a/1")
			f := s.one(Options{})
			advises(t, f, "aws s3api get-bucket-logging --bucket artifacts")
			text, err := PlaybookSource("codepipeline-s3-access")
			if err != nil || !strings.Contains(string(text), "CodeBuild's own log lines") || !strings.Contains(string(text), "source repository outside AWS") {
				t.Errorf("the playbook does not say where to look: %v", err)
			}
		}},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, newScene(t)) })
	}
}
