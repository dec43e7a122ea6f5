package correlate

import (
	"strings"
	"testing"
	"time"
)

// A failure that only a log outside the trail shows is explained like one in
// the trail.
func TestExternalFailures(t *testing.T) {
	s := newScene(t)
	s.push(-3600, junior, "refs/heads/main", nil)
	id := s.admin(-200, "DetachUserPolicy", obj{"userName": "juniordev", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, nil)
	line := `{"time":"` + s.start.Format(time.RFC3339) + `","principal":"` + junior + `","action":"codecommit:GitPush","resource":"` + repo + `","message":"User: ` + junior + ` is not authorized to perform: codecommit:GitPush on resource: ` + repo + absent + `"}`
	list, err := ReadFailures(strings.NewReader("\n"+line+"\n"), "app.log")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	f := s.one(Options{Failures: list})
	if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != id || f.Failure.First.Object != "app.log#1" {
		t.Errorf("%+v; vetoed %v", f.Candidates, f.Vetoed)
	}
	bare, err := ReadFailures(strings.NewReader(`{"time":"2026-03-02T09:00:00Z"}`), "x")
	if err != nil {
		t.Fatal(err)
	}
	if f := s.one(Options{Failures: bare}); f.Failure.Count != 1 {
		t.Errorf("%+v", f.Failure)
	}
}

func TestReadFailuresErrors(t *testing.T) {
	for line, want := range map[string]string{
		`{}`:                   "line 1: time is missing",
		`{"time":"yesterday"}`: "line 1: time",
		"\n" + `{"when":"x"}`:  "line 2: want",
		`{"time":"2026-03-02T09:00:00Z","principal":"ann"}`: "not an ARN",
		`{"time":"2026-03-02T09:00:00Z","action":"push"}`:   "service:Name",
	} {
		if _, err := ReadFailures(strings.NewReader(line), "f"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// What a change broke, and what it did not.
func TestFindingsOfOneChange(t *testing.T) {
	s := newScene(t)
	doc := policyDoc(denyMain("refs/heads/main"))
	s.push(-3600, junior, "refs/heads/main", nil)
	s.push(-3600, senior, "refs/heads/main", nil)
	one := s.admin(-200, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": doc}, nil)
	two := s.admin(-100, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "q", "policyDocument": doc}, nil)
	other := s.admin(-50, "PutUserPolicy", obj{"userName": "seniordev", "policyName": "p", "policyDocument": doc}, nil)
	s.push(0, junior, "refs/heads/main", pushDenied(junior, explain))
	s.push(5, senior, "refs/heads/main", pushDenied(senior, explain))
	for id, want := range map[string]string{one: junior, two: junior, other: senior} {
		if f := s.one(Options{Change: id}); f.Failure.Principal != want {
			t.Errorf("%s: %s, want %s", id, f.Failure.Principal, want)
		}
	}
	if all := findAll(t, s.trail(), Options{Change: "nothing"}); len(all) != 0 {
		t.Errorf("%d findings of no change", len(all))
	}
	f := s.one(Options{Change: two})
	if c := f.Candidates[0]; c.Change.EventID != one || c.Level != Proven || len(c.AlsoSufficient) != 1 || c.AlsoSufficient[0] != two {
		t.Errorf("first is %s %s, also %v", c.Change.EventID, c.Level, c.AlsoSufficient)
	}
	causes, err := Causes(Run(t.Context(), s.trail(), Options{}))
	if err != nil || len(causes) != 2 || causes[0].Change.EventID != one || causes[0].Failures != 1 || causes[1].Principals[0] != senior {
		t.Errorf("%+v %v", causes, err)
	}
}

// A merge names only its pull request; the branch stands in the call that
// opened it.
func TestMergeJoinsItsPullRequest(t *testing.T) {
	s := newScene(t)
	for i, id := range []string{"6", "7"} {
		s.put(-9000+i, "codecommit", "CreatePullRequest", senior, obj{"title": "x"}, obj{"responseElements": obj{"pullRequest": obj{"pullRequestId": id,
			"pullRequestTargets": []any{obj{"repositoryName": "payments", "destinationReference": "refs/heads/main"}}}}})
	}
	s.put(-3600, "codecommit", "MergePullRequestByFastForward", junior, obj{"pullRequestId": "6", "repositoryName": "payments"}, nil)
	id := s.admin(-200, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": policyDoc(
		obj{"Effect": "Deny", "Action": "codecommit:MergePullRequestByFastForward", "Resource": "*", "Condition": obj{"StringEquals": obj{"codecommit:References": "refs/heads/main"}}})}, nil)
	e := denied("User: " + junior + " is not authorized to perform: codecommit:MergePullRequestByFastForward on resource: " + repo + explain)
	s.put(0, "codecommit", "MergePullRequestByFastForward", junior, obj{"pullRequestId": "7", "repositoryName": "payments"}, e)
	f := s.one(Options{})
	if len(f.Failure.Refs) != 1 || f.Failure.Refs[0] != "refs/heads/main" {
		t.Errorf("refs %v", f.Failure.Refs)
	}
	if len(f.Candidates) == 0 || f.Candidates[0].Change.EventID != id || f.Candidates[0].Level != Proven {
		t.Errorf("%+v; vetoed %v", f.Candidates, f.Vetoed)
	}
}

// Changes that have nothing to do with a request leave its candidates as they
// are.
func TestNoiseChangesNothing(t *testing.T) {
	build := func(noise bool) *Finding {
		s := newScene(t)
		s.admin(-9000, "PutUserPolicy", obj{"userName": "juniordev", "policyName": "p", "policyDocument": gitAllow}, nil)
		s.admin(-200, "DeleteUserPolicy", obj{"userName": "juniordev", "policyName": "p"}, nil)
		s.fail(absent)
		if noise {
			for i := range 40 {
				s.admin(-3000+i*60, "PutUserPolicy", obj{"userName": "other", "policyName": "p", "policyDocument": policyDoc(denyMain("refs/heads/main"))}, nil)
				s.admin(-2990+i*60, "AttachRolePolicy", obj{"roleName": "r", "policyArn": devPol}, nil)
				s.put(-2980+i*60, "s3", "PutBucketPolicy", senior, obj{"bucketName": "b", "bucketPolicy": obj{}}, nil)
			}
		}
		return s.one(Options{})
	}
	plain, noisy := build(false), build(true)
	if len(plain.Candidates) != 1 || plain.Candidates[0].Level != Proven {
		t.Fatalf("%+v", plain.Candidates)
	}
	got := noisy.Candidates[0]
	if len(noisy.Candidates) != 1 || got.Level != Proven || got.Change.EventName != "DeleteUserPolicy" || got.Score != plain.Candidates[0].Score {
		t.Errorf("%+v", noisy.Candidates)
	}
}
