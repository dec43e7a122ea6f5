package correlate

import (
	"strings"
	"testing"
	"time"
)

// state adds an EventBridge state change of a pipeline.
func (s *scene) state(at int, kind string, detail obj) {
	detail["pipeline"] = "payments"
	s.recs = append(s.recs, obj{
		"version": "0", "id": "state-" + kind, "detail-type": "CodePipeline " + kind + " Execution State Change", "source": "aws.codepipeline",
		"account": testAccount, "region": "us-east-1", "time": s.start.Add(time.Duration(at) * time.Second).Format(time.RFC3339),
		"resources": []any{"arn:aws:codepipeline:us-east-1:111122223333:payments"}, "detail": detail,
	})
}

func TestFailedPipelineStates(t *testing.T) {
	s := newScene(t)
	s.put(-720, "codepipeline", "StartPipelineExecution", senior, obj{"name": "payments"}, nil)
	culprit := s.put(-660, "s3", "PutBucketPolicy", "arn:aws:iam::111122223333:user/ops", obj{"bucketName": "artifacts", "bucketPolicy": obj{"Version": "2012-10-17",
		"Statement": []any{obj{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket + "/*"}}}}, nil)
	s.state(-1, "Action", obj{"state": "FAILED", "stage": "Source", "action": "Fetch", "execution-result": obj{"error-code": "PermissionError",
		"external-execution-summary": "User: arn:aws:sts::111122223333:assumed-role/payments-pipeline/1 is not authorized to perform: s3:GetObject on resource: \"" + bucket + "/a/1\" with an explicit deny in a resource-based policy"}})
	s.state(0, "Stage", obj{"state": "FAILED", "stage": "Source"})
	s.state(0, "Pipeline", obj{"state": "FAILED"})
	s.state(5, "Action", obj{"state": "SUCCEEDED"})
	fs := findAll(t, s.trail(), Options{})
	if len(fs) != 2 {
		t.Fatalf("%d findings, want the quoted denial and the failed execution", len(fs))
	}
	denied := onlyAction(t, fs, "s3:GetObject")
	if denied.Playbook != "codepipeline-s3-access" || denied.Failure.Principal != buildRole || denied.Diagnosis != DiagnosisChange {
		t.Errorf("%s, %s, %s", denied.Playbook, denied.Failure.Principal, denied.Diagnosis)
	}
	if len(denied.Candidates) == 0 || denied.Candidates[0].Change.EventID != culprit {
		t.Fatalf("candidates %v, vetoed %v", denied.Candidates, denied.Vetoed)
	}
	started := false
	for _, e := range denied.Candidates[0].Evidence {
		started = started || strings.Contains(e.Text, "pipeline execution was started")
	}
	if !started {
		t.Error("the start of the execution is not mentioned")
	}
	for _, f := range fs {
		if f != denied && (f.Failure.Count != 2 || f.Diagnosis != DiagnosisUnexplained || len(f.Candidates) > 0 && levelRank(f.Candidates[0].Level) < levelRank(Temporal)) {
			t.Errorf("the execution: count %d, %s, %v", f.Failure.Count, f.Diagnosis, f.Candidates)
		}
	}
}

// Evidence of the documents that is no policy change is listed as related.
func TestEvidenceGroups(t *testing.T) {
	for name, c := range map[string]func(s *scene) string{
		"credentials": func(s *scene) string {
			return s.admin(-86400, "UpdateServiceSpecificCredential", obj{"userName": "juniordev", "serviceSpecificCredentialId": "ACCA1", "status": "Inactive"}, nil)
		},
		"ssh key": func(s *scene) string {
			return s.admin(-86400, "DeleteSSHPublicKey", obj{"userName": "juniordev", "sSHPublicKeyId": "APKA1"}, nil)
		},
		"triggers": func(s *scene) string {
			return s.put(-86400, "codecommit", "PutRepositoryTriggers", senior, obj{"repositoryName": "payments", "triggers": []any{}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			id := c(s)
			s.admin(-80000, "DeleteSSHPublicKey", obj{"userName": "seniordev", "sSHPublicKeyId": "APKA2"}, nil)
			s.fail(explain)
			f := s.one(Options{})
			if len(f.Candidates) != 1 || f.Candidates[0].Change.EventID != id || f.Candidates[0].Level != Related || f.Diagnosis != DiagnosisUnexplained {
				t.Errorf("%s: candidates %v, vetoed %v", f.Diagnosis, f.Candidates, f.Vetoed)
			}
		})
	}
	for _, name := range []string{"PutBucketLifecycle", "PutBucketVersioning", "PutBucketNotification"} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.object(-90000, buildRole, "a/1", nil)
			id := s.put(-7200, "s3", name, senior, obj{"bucketName": "artifacts"}, nil)
			s.put(-7100, "s3", name, senior, obj{"bucketName": "other"}, nil)
			s.object(0, buildRole, "a/1", denied("Access Denied"))
			f := s.one(Options{})
			if len(f.Candidates) != 1 || f.Candidates[0].Change.EventID != id || f.Candidates[0].Level != Related {
				t.Errorf("candidates %v, vetoed %v", f.Candidates, f.Vetoed)
			}
		})
	}
}
