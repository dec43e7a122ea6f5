package bundled

import (
	"strings"
	"testing"
	"time"
)

// find returns the one record of a name at a time of the last day.
func find(t *testing.T, all []record, at, name string) record {
	t.Helper()
	var found []record
	for _, r := range all {
		if r.EventTime.Format("02T15:04:05") == at && r.EventName == name {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d records %s at %s", len(found), name, at)
	}
	return found[0]
}

// step is a record of a story, with texts that its request must hold.
type step struct {
	at, name string
	texts    []string
}

func checkSteps(t *testing.T, all []record, steps []step) {
	t.Helper()
	for _, s := range steps {
		if r := find(t, all, s.at, s.name); !r.does(s.texts...) {
			t.Errorf("%s at %s lacks %q: %s", s.name, s.at, s.texts, r.RequestParameters)
		}
	}
}

// denied returns the refused records of a name, oldest first.
func denied(all []record, names ...string) []record {
	var found []record
	for _, r := range all {
		for _, n := range names {
			if r.EventName == n && r.ErrorCode == "AccessDenied" {
				found = append(found, r)
			}
		}
	}
	return found
}

func TestPushDenied(t *testing.T) {
	all := once(records(t, "push-denied"))
	checkSteps(t, all, []step{
		{"09T09:02:42", "AddUserToGroup", []string{"Juniors", "juniordev"}},
		{"09T09:05:52", "PutGroupPolicy", []string{"Juniors", "repository-access"}},
		{"11T13:58:05", "AssumeRole", []string{"role/PlatformAdmin", `"accessKeyId":"ASIA`}},
		{"11T14:02:11", "PutGroupPolicy", []string{"Juniors", "protect-main", `\"Deny\"`, "StringEqualsIfExists"}},
		{"11T14:02:40", "AttachRolePolicy", []string{"report-runner"}},
		{"11T14:02:58", "PutUserPolicy", []string{"juniordev", `\"Allow\"`}},
		{"11T14:03:12", "PutGroupPolicy", []string{"null"}},
		{"11T14:03:20", "PutBucketPolicy", []string{"payments-build-logs"}},
		{"11T14:03:31", "PutGroupPolicy", []string{"Juniors", "repository-access"}},
		{"11T14:03:53", "PutUserPolicy", []string{"sam", `\"Deny\"`}},
		{"11T14:09:47", "PutGroupPolicy", []string{"Juniors", "read-dashboards", `\"Allow\"`}},
	})
	failures := denied(all, "GitPush")
	if len(failures) != 12 {
		t.Fatalf("%d refused pushes", len(failures))
	}
	for _, r := range failures {
		if !r.does(mainRef) || !r.AdditionalEventData.DataTransferred || !strings.HasSuffix(r.UserIdentity.ARN, ":user/juniordev") {
			t.Errorf("refused push %s: %s", r.EventID, r.raw)
		}
	}
	culprit := find(t, all, "11T14:02:11", "PutGroupPolicy")
	if lag := failures[0].EventTime.Sub(culprit.EventTime); lag != 142*time.Second {
		t.Errorf("the first failure comes %v after the cause", lag)
	}
	session := find(t, all, "11T13:58:05", "AssumeRole")
	if key := culprit.UserIdentity.AccessKeyID; !session.does(key) || !strings.HasSuffix(session.UserIdentity.ARN, ":user/morgan") {
		t.Errorf("morgan's session does not hold the key %q of the cause", key)
	}
	first, again := find(t, all, "09T09:05:52", "PutGroupPolicy"), find(t, all, "11T14:03:31", "PutGroupPolicy")
	if string(first.RequestParameters) != string(again.RequestParameters) {
		t.Error("the rewrite of repository-access is not the same request")
	}
}

// Between the cause and the first failure nobody may do what will be refused,
// and afterwards only that is refused.
func TestPushDeniedSpread(t *testing.T) {
	cause := time.Date(2026, 3, 11, 14, 2, 11, 0, time.UTC)
	counts := map[string]int{}
	for _, r := range once(records(t, "push-denied")) {
		if r.EventName != "GitPush" || !r.AdditionalEventData.DataTransferred || r.ErrorCode != "" {
			continue
		}
		when := "before"
		if r.EventTime.After(cause) {
			when = "after"
		}
		for _, ref := range []string{mainRef, featureRef} {
			if r.does(ref) {
				counts[when+" "+r.UserIdentity.UserName+" "+ref]++
			}
		}
	}
	want := map[string]bool{
		"before juniordev " + mainRef: true, "before seniordev " + mainRef: true,
		"before juniordev " + featureRef: true, "after juniordev " + featureRef: true,
		"after seniordev " + mainRef: true, "after juniordev " + mainRef: false,
	}
	for what, some := range want {
		if (counts[what] > 0) != some {
			t.Errorf("%d pushes that succeed %s", counts[what], what)
		}
	}
}

func TestPipelineDenied(t *testing.T) {
	all := once(records(t, "pipeline-denied"))
	checkSteps(t, all, []step{
		{"14T08:41:03", "PutBucketPolicy", []string{artifactBucket, `"bucketPolicy":{`}},
		{"16T09:52:10", "PutBucketPolicy", []string{artifactBucket, `"bucketPolicy":{`, "StringNotLike", "codebuild-web"}},
		{"16T09:58:10", "PutRolePolicy", []string{`"roleName":"pipeline-web"`, `\"Allow\"`}},
		{"16T09:59:30", "PutBucketLifecycle", []string{artifactBucket}},
		{"16T10:00:20", "DetachRolePolicy", []string{"pipeline-web-preview"}},
		{"16T10:01:10", "PutKeyPolicy", []string{`\"Deny\"`}},
		{"16T11:41:05", "PutBucketPolicy", []string{artifactBucket, "StringNotLike", "service-role/pipeline-web"}},
	})
	culprit := find(t, all, "16T09:52:10", "PutBucketPolicy")
	if culprit.does("pipeline-web") || !strings.Contains(culprit.UserIdentity.ARN, "AWSReservedSSO_") {
		t.Errorf("the cause lets the pipeline in, or is no person's: %s", culprit.raw)
	}
	failures := denied(all, "GetObject", "PutObject")
	if len(failures) != 12 {
		t.Fatalf("%d refused calls", len(failures))
	}
	if lag := failures[0].EventTime.Sub(culprit.EventTime); lag != 11*time.Minute {
		t.Errorf("the first failure comes %v after the cause", lag)
	}
	for _, r := range failures {
		if !strings.HasSuffix(r.ErrorMessage, "with an explicit deny in a resource-based policy") {
			t.Errorf("%s: %s", r.EventID, r.ErrorMessage)
		}
	}
}

// The role reads and writes the bucket before the cause and after the repair,
// the same keys too, and never between them.
func TestPipelineDeniedOnsetAndRecovery(t *testing.T) {
	const role = "arn:aws:iam::444455556666:role/service-role/pipeline-web"
	cause := time.Date(2026, 4, 16, 9, 52, 10, 0, time.UTC)
	repair := time.Date(2026, 4, 16, 11, 41, 5, 0, time.UTC)
	all := once(records(t, "pipeline-denied"))
	before, after, sameKey := 0, 0, false
	refused := denied(all, "GetObject")
	for _, r := range all {
		if r.UserIdentity.SessionContext.SessionIssuer.ARN != role || r.ErrorCode != "" ||
			(r.EventName != "GetObject" && r.EventName != "PutObject") {
			continue
		}
		switch {
		case r.EventTime.Before(cause):
			before++
		case r.EventTime.After(repair):
			after++
			sameKey = sameKey || string(r.RequestParameters) == string(refused[0].RequestParameters)
		default:
			t.Errorf("%s succeeds while the policy denies it", r.EventID)
		}
	}
	if before == 0 || after == 0 || !sameKey {
		t.Errorf("%d calls succeed before, %d after, the refused one again: %v", before, after, sameKey)
	}
}
