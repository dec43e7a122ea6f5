package correlate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

func byAction(fs []*Finding, action string) []*Finding {
	var out []*Finding
	for _, f := range fs {
		if f.Failure.Action == action {
			out = append(out, f)
		}
	}
	return out
}

func onlyAction(t *testing.T, fs []*Finding, action string) *Finding {
	t.Helper()
	got := byAction(fs, action)
	if len(got) != 1 {
		t.Fatalf("%d findings of %s, want 1", len(got), action)
	}
	return got[0]
}

func reasonOf(f *Finding, id string) string {
	for _, v := range f.Vetoed {
		if v.EventID == id {
			return v.Reason
		}
	}
	return ""
}

func TestPushRefusedByGroupPolicy(t *testing.T) {
	s, culprit := pushScene(t)
	f := onlyAction(t, findAll(t, s.trail(), Options{}), "codecommit:GitPush")
	if f.Playbook != "codecommit-push-denied" || f.Diagnosis != DiagnosisChange {
		t.Errorf("playbook %s, diagnosis %s", f.Playbook, f.Diagnosis)
	}
	c := f.Candidates[0]
	if c.Change.EventID != culprit || c.Level != Proven || c.LagSeconds != 142 {
		t.Errorf("first candidate %s %s after %d s, want %s proven after 142 s", c.Change.EventName, c.Level, c.LagSeconds, culprit)
	}
	if len(f.Candidates) != 1 {
		t.Errorf("%d candidates, want the decoys vetoed", len(f.Candidates))
	}
	if f.Failure.Count != 4 || f.Failure.LastSuccess == nil || f.Failure.Recovery != nil {
		t.Errorf("count %d, last success %v, recovery %v", f.Failure.Count, f.Failure.LastSuccess, f.Failure.Recovery)
	}
	want := Spread{Window: "1h", Pattern: "branch", Failing: []string{"refs/heads/main"}, Succeeding: []string{"refs/heads/feature/x"}}
	if d := cmp.Diff(want, f.Failure.Spread); d != "" {
		t.Error(d)
	}
	if f.Failure.Frequency.Pattern != "constant" || f.Search.FoundIn == nil || *f.Search.FoundIn != "5m" || f.Search.Escalated {
		t.Errorf("frequency %v, search %v", f.Failure.Frequency, f.Search)
	}
	if len(c.Diff) != 1 || c.Diff[0].Op != "added" || !strings.Contains(string(c.Diff[0].Statement), "Deny") {
		t.Errorf("diff %v", c.Diff)
	}
	for name, part := range map[string]string{
		"PutUserPolicy":    "not to the caller",
		"AttachUserPolicy": "only adds permissions",
		"PutGroupPolicy":   "adds no Deny that covers the request",
		"DeleteUserPolicy": "after the first failure",
	} {
		found := false
		for _, v := range f.Vetoed {
			found = found || v.EventName == name && strings.Contains(v.Reason, part)
		}
		if !found {
			t.Errorf("no veto of %s with %q in %v", name, part, f.Vetoed)
		}
	}
}

func TestRankingDoesNotDependOnOrderTimeOrNoise(t *testing.T) {
	s, _ := pushScene(t)
	want := findAll(t, s.shuffled(0), Options{})
	for seed := range uint64(5) {
		if d := cmp.Diff(want, findAll(t, s.shuffled(seed), Options{})); d != "" {
			t.Fatalf("order matters: %s", d)
		}
	}
	for i := range 50 {
		s.put(-5000+i*97, "ec2", "DescribeInstances", senior, nil, nil)
		s.put(-5000+i*97, "s3", "GetObject", junior, obj{"bucketName": "other", "key": "k"}, nil)
	}
	if d := cmp.Diff(want, findAll(t, s.shuffled(9), Options{})); d != "" {
		t.Fatalf("noise matters: %s", d)
	}
	s.start = s.start.Add(-40 * 24 * time.Hour)
	for _, r := range s.recs {
		at, _ := time.Parse(time.RFC3339, r["eventTime"].(string))
		r["eventTime"] = at.Add(-40 * 24 * time.Hour).Format(time.RFC3339)
	}
	moved := findAll(t, s.shuffled(3), Options{})
	for i := range moved {
		if moved[i].Candidates[0].Change.EventID != want[i].Candidates[0].Change.EventID || moved[i].Candidates[0].Score != want[i].Candidates[0].Score {
			t.Error("time shift matters")
		}
	}
}

// A filter selects failures, and changes are found whatever it says.
func TestFilterSelectsFailuresOnly(t *testing.T) {
	s, culprit := pushScene(t)
	opts := Options{Filter: query.Filter{From: s.start.Add(50 * time.Second), Where: []query.Term{query.Is(index.EventName, "GitPush")}}}
	f := onlyAction(t, findAll(t, s.trail(), opts), "codecommit:GitPush")
	if f.Failure.Count != 3 || len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != culprit {
		t.Errorf("count %d, candidates %v", f.Failure.Count, f.Candidates)
	}
}

func TestPipelineRefusedByBucketPolicy(t *testing.T) {
	s := newScene(t)
	trust := func(who string) obj {
		return obj{"Sid": "Use", "Effect": "Allow", "Principal": obj{"AWS": who}, "Action": "s3:GetObject", "Resource": bucket + "/*"}
	}
	put := func(at int, st ...any) string {
		return s.put(at, "s3", "PutBucketPolicy", "arn:aws:iam::111122223333:user/ops", obj{"bucketName": "artifacts",
			"bucketPolicy": obj{"Version": "2012-10-17", "Statement": st}}, nil)
	}
	put(-90000, trust(buildRole))
	s.object(-3600, buildRole, "a/1", nil)
	culprit := put(-660, trust("arn:aws:iam::111122223333:role/other"), obj{"Sid": "Lock", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource": []any{bucket, bucket + "/*"}, "Condition": obj{"ArnNotEquals": obj{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/other"}}})
	decoy := s.put(-300, "s3", "PutBucketPolicy", "arn:aws:iam::111122223333:user/ops", obj{"bucketName": "logs", "bucketPolicy": obj{"Version": "2012-10-17", "Statement": []any{}}}, nil)
	for i := range 6 {
		s.object(i*30, buildRole, "a/"+string(rune('2'+i)), denied("Access Denied"))
	}
	revert := put(900, trust(buildRole))
	back := s.object(960, buildRole, "a/9", nil)
	f := s.one(Options{})
	if f.Playbook != "codepipeline-s3-access" || f.Failure.Count != 6 || f.Failure.Resources != 6 || f.Failure.Resource != bucket {
		t.Errorf("%s: %d failures on %d resources of %s", f.Playbook, f.Failure.Count, f.Failure.Resources, f.Failure.Resource)
	}
	c := f.Candidates[0]
	if c.Change.EventID != culprit || levelRank(c.Level) > levelRank(Observed) || c.LagSeconds != 660 || *f.Search.FoundIn != "30m" {
		t.Errorf("first candidate %v %v %v", c.Change, c.Level, f.Search)
	}
	if f.Failure.Recovery == nil || f.Failure.Recovery.EventID != back {
		t.Errorf("recovery %v, want %s", f.Failure.Recovery, back)
	}
	if !hasEvidence(c, evRecovery) {
		t.Errorf("no evidence that %s took it back: %v", revert, c.Evidence)
	}
	if !strings.Contains(reasonOf(f, decoy), "not on the resource") {
		t.Errorf("decoy: %q", reasonOf(f, decoy))
	}
}

func hasEvidence(c Candidate, kind string) bool {
	for _, e := range c.Evidence {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

func TestInvictus(t *testing.T) {
	fs := findAll(t, loadTrail(t, shared(t, "invictus-slice")), Options{})
	assume := onlyAction(t, fs, "sts:AssumeRole")
	if assume.Failure.Count != 3 || assume.Diagnosis != DiagnosisPropagation || assume.Failure.Recovery == nil {
		t.Errorf("AssumeRole: count %d, diagnosis %s", assume.Failure.Count, assume.Diagnosis)
	}
	if c := assume.Candidates[0]; c.Change.EventID != "ff709962-49b6-494d-8198-cdf0f7e8e666" || c.Level != Observed {
		t.Errorf("AssumeRole: first candidate %s, %s", c.Change.EventID, c.Level)
	}
	get := onlyAction(t, fs, "ec2:GetPasswordData")
	if get.Failure.Count != 29 || get.Diagnosis != DiagnosisNeverAllowed {
		t.Errorf("GetPasswordData: count %d, diagnosis %s", get.Failure.Count, get.Diagnosis)
	}
	if len(get.Candidates) != 1 || get.Candidates[0].Level != Related || get.Candidates[0].Change.EventID != "6c1eed73-00ee-4810-8009-c9ce5990c100" {
		t.Errorf("GetPasswordData: candidates %v", get.Candidates)
	}
}

// The two trails that come with the repository.
func TestBundledTrails(t *testing.T) {
	load := func(name string) []*Finding {
		return findAll(t, loadTrail(t, filepath.Join("..", "testdata", "trails", name)), Options{})
	}
	push := onlyAction(t, load("push-denied"), "codecommit:GitPush")
	c := push.Candidates[0]
	if c.Change.EventName != "PutGroupPolicy" || !strings.HasSuffix(c.Change.Target, ":group/Juniors") || c.Level != Proven || c.LagSeconds != 142 {
		t.Errorf("push: %+v", c.Change)
	}
	if push.Failure.Count != 12 || push.Failure.Spread.Pattern != "branch" || len(push.Candidates) != 1 {
		t.Errorf("push: count %d, spread %v, %d candidates", push.Failure.Count, push.Failure.Spread, len(push.Candidates))
	}
	for _, f := range load("pipeline-denied") {
		c := f.Candidates[0]
		if c.Change.EventName != "PutBucketPolicy" || c.Level != Proven || *f.Search.FoundIn != "30m" || f.Failure.Recovery == nil {
			t.Errorf("pipeline: %s: %s %s, recovery %v", f.Failure.Action, c.Change.EventName, c.Level, f.Failure.Recovery)
		}
		for _, c := range f.Candidates[1:] {
			if levelRank(c.Level) < levelRank(Related) {
				t.Errorf("pipeline: decoy %s is %s", c.Change.EventName, c.Level)
			}
		}
	}
}

func TestTrailsWithoutCause(t *testing.T) {
	for folder, want := range map[string]struct {
		min  int
		best Level
	}{
		"opensearch":  {0, Proven},
		"umccr-flaws": {50, Temporal},
		"stratus":     {5, Related},
	} {
		t.Run(folder, func(t *testing.T) {
			fs := findAll(t, loadTrail(t, shared(t, folder)), Options{})
			if len(fs) < want.min || want.min == 0 && len(fs) > 0 {
				t.Errorf("%d findings", len(fs))
			}
			for _, f := range fs {
				for _, c := range f.Candidates {
					if levelRank(c.Level) < levelRank(want.best) {
						t.Errorf("%s blames %s (%s)", f.Failure.Action, c.Change.EventName, c.Level)
					}
				}
			}
		})
	}
}

func TestRunStopsOnErrorAndLimit(t *testing.T) {
	s, _ := pushScene(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := 0
	for _, err := range Run(ctx, s.trail(), Options{}) {
		if n++; err == nil {
			t.Error("a cancelled run gave a finding")
		}
	}
	if n != 1 {
		t.Errorf("%d results of a cancelled run", n)
	}
	if got := findAll(t, s.trail(), Options{Limit: 1}); len(got) != 1 {
		t.Errorf("%d findings under a limit of 1", len(got))
	}
}
