package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// at is an instant of the sample findings' day.
func at(clock string) correlate.Time {
	t, err := time.Parse(time.RFC3339, "2026-03-04T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return correlate.Time{Time: t}
}

func ptr[T any](v T) *T { return &v }

const delivery = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/04/111122223333_CloudTrail_us-east-1_20260304T1005Z_kQ3vYb8ZtW1nPx7c.json.gz#"

// sampleChange is a push that a group policy broke, with all that a finding can
// hold.
func sampleChange() *correlate.Finding {
	return &correlate.Finding{
		Schema: correlate.Schema, ID: "8d0f3a52c1e94b67", Playbook: "codecommit-push-denied",
		Diagnosis:  correlate.DiagnosisChange,
		Failure:    samplePush(),
		Search:     correlate.Search{Windows: []string{"5m", "30m", "1h", "24h", "7d"}, FoundIn: ptr("5m"), ChangesConsidered: 41},
		Candidates: []correlate.Candidate{sampleCause(), sampleRunnerUp(2, "AttachUserPolicy", 3540), sampleRunnerUp(3, "UpdateRepositoryDescription", 200)},
		Vetoed: []correlate.Vetoed{
			sampleVeto("DetachGroupPolicy", "09:12:44", "the same request passed 48 min 2 s after it, before the first failure"),
			sampleVeto("PutUserPolicy", "09:58:03", "the change failed: AccessDenied"),
			sampleVeto("CreatePolicyVersion", "10:01:30", "the document did not change"),
			sampleVeto("PutBucketPolicy", "10:01:45", "its scope cannot reach the request: bucket build-artifacts"),
			sampleVeto("PutRolePolicy", "10:02:01", "its scope cannot reach the request: role Deploy"),
			sampleVeto("PutGroupPolicy", "11:30:00", "it came after the first failure"),
			sampleVeto("DeleteGroupPolicy", "12:00:00", "it came after the first failure"),
		},
		NextSteps: []string{
			"Ask IAM for today's answer: aws iam simulate-principal-policy --policy-source-arn arn:aws:iam::111122223333:user/juniordev " +
				"--action-names codecommit:GitPush --resource-arns arn:aws:codecommit:us-east-1:111122223333:payments",
			"Read the policy as it is now: aws iam get-group-policy --group-name Juniors --policy-name ProtectMain",
			"Ask alice whether main was meant to be protected for this group",
		},
		Coverage: correlate.Coverage{DataEvents: "unknown", Gaps: []correlate.Gap{
			{Account: "111122223333", Region: "eu-central-1", From: at("06:00:00"), To: at("07:00:00")},
		}},
	}
}

func samplePush() correlate.Failure {
	return correlate.Failure{
		Action: "codecommit:GitPush", Resource: "arn:aws:codecommit:us-east-1:111122223333:payments", Refs: []string{"refs/heads/main"},
		Principal: "arn:aws:iam::111122223333:user/juniordev", Account: "111122223333", Region: "us-east-1", ErrorCode: "AccessDenied",
		ErrorMessage: "User: arn:aws:iam::111122223333:user/juniordev is not authorized to perform: codecommit:GitPush on resource: " +
			"arn:aws:codecommit:us-east-1:111122223333:payments with an explicit deny in an identity-based policy",
		Denial: correlate.Denial{Effect: "explicit", Layer: "identity"}, Count: 12,
		First:       correlate.Citation{EventID: "5d2f7c1e-0c55-4e7a-9a51-0b6f6c0a1a01", EventTime: at("10:02:22"), Object: delivery + "12"},
		Last:        correlate.Citation{EventID: "a17e20b4-77d0-4c0b-8f0e-3a8f3ce1b902", EventTime: at("14:40:01"), Object: delivery + "31"},
		LastSuccess: &correlate.Citation{EventID: "c9e1f1d8-1b1a-4a37-8d8f-2f3f6f3b1c03", EventTime: at("09:59:10"), Object: delivery + "4"},
		Frequency:   correlate.Frequency{Window: "24h", Attempts: 12, Failures: 12, Pattern: "constant"},
		Spread: correlate.Spread{Window: "1h", Pattern: "branch", Failing: []string{"refs/heads/main"},
			Succeeding: []string{"refs/heads/feature/x", "refs/heads/fix-rounding"}},
	}
}

func sampleCause() correlate.Candidate {
	return correlate.Candidate{
		Rank: 1, Level: correlate.Proven, Score: 37, LagSeconds: 142, Window: "5m",
		Change: correlate.ChangeRef{
			EventID: "6c1eed73-00ee-4810-8009-d2fd3cbb8d04", EventTime: at("10:00:00"), EventSource: "iam.amazonaws.com", EventName: "PutGroupPolicy",
			Actor:      "arn:aws:sts::111122223333:assumed-role/PlatformAdmin/alice",
			ActorChain: []string{"arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:assumed-role/PlatformAdmin/alice"},
			Target:     "arn:aws:iam::111122223333:group/Juniors", Object: delivery + "3",
		},
		Diff: []correlate.StatementDiff{
			{Op: "added", Statement: json.RawMessage(`{"Sid":"ProtectMain","Effect":"Deny","Action":["codecommit:GitPush","codecommit:MergeBranchesByFastForward","codecommit:DeleteBranch"],"Resource":"arn:aws:codecommit:*:111122223333:*","Condition":{"StringEqualsIfExists":{"codecommit:References":["refs/heads/main"]}}}`)},
			{Op: "changed", Before: json.RawMessage(`{"Sid":"Read","Effect":"Allow","Action":["codecommit:GitPull","codecommit:Get*"],"Resource":"*"}`),
				Statement: json.RawMessage(`{"Sid":"Read","Effect":"Allow","Action":["codecommit:GitPull","codecommit:Get*","codecommit:List*"],"Resource":"*"}`)},
			{Op: "removed", Statement: json.RawMessage(`{"Effect":"Allow","Action":"codecommit:CreateBranch","Resource":"*"}`)},
		},
		Evidence: []correlate.Evidence{
			{Kind: "replay", Points: 20, Text: "The change added a Deny that matches this request and reaches the caller; an explicit deny decides by itself, and the caller is a member of the group."},
			{Kind: "time", Points: 10, Text: "The change came 142 s before the first failure, within 5m."},
			{Kind: "onset", Points: 7, Text: "The same push passed at 2026-03-04T09:59:10Z, before the change, and failed after it."},
		},
		Against: []correlate.Evidence{{Kind: "peers", Points: -4, Text: "Another member of the group pushed to main at 10:20; that session began before the change."}},
	}
}

func sampleRunnerUp(rank int, name string, lag int64) correlate.Candidate {
	return correlate.Candidate{
		Rank: rank, Level: correlate.Related, Score: 14 - rank, LagSeconds: lag, Window: "1h",
		Change: correlate.ChangeRef{
			EventID: "0f5bd0a2-6f0f-4d80-a7ce-93dbf2a1e40" + string(rune('0'+rank)), EventTime: at("09:00:00"), EventSource: "iam.amazonaws.com", EventName: name,
			Actor: "arn:aws:iam::111122223333:user/bob", ActorChain: []string{"arn:aws:iam::111122223333:user/bob"},
			Target: "arn:aws:iam::111122223333:user/juniordev", Object: delivery + "7",
		},
		Against: []correlate.Evidence{{Kind: "direction", Points: -6, Text: "It only adds permissions, and the refusal is an explicit deny."}},
	}
}

func sampleVeto(name, when, reason string) correlate.Vetoed {
	id := "b7f8a1de-41c7-4d8b-9a0f-5f0a5c" + strings.ReplaceAll(when, ":", "")
	return correlate.Vetoed{Citation: correlate.Citation{EventID: id, EventTime: at(when), Object: delivery + "5"}, EventName: name, Reason: reason}
}

// samplePropagation is a role that was used before it was there everywhere.
func samplePropagation() *correlate.Finding {
	f := sampleChange()
	f.Diagnosis, f.Playbook = correlate.DiagnosisPropagation, "assume-role-denied"
	f.Failure.Action, f.Failure.Resource, f.Failure.Refs = "sts:AssumeRole", "arn:aws:iam::111122223333:role/service/Importer", nil
	f.Failure.Count, f.Failure.Denial = 3, correlate.Denial{Effect: "implicit", Layer: "trust"}
	f.Failure.ErrorMessage = "User: arn:aws:iam::111122223333:user/juniordev is not authorized to perform: sts:AssumeRole on resource: " +
		"arn:aws:iam::111122223333:role/service/Importer because no role trust policy allows the sts:AssumeRole action"
	f.Failure.Last.EventTime = at("10:02:27")
	f.Failure.Frequency = correlate.Frequency{Window: "24h", Attempts: 3, Failures: 3, Pattern: "constant"}
	f.Failure.Recovery = &correlate.Citation{EventID: "e21c0a5b-5a41-4d6a-8a35-0f8f6a0b9d06", EventTime: at("10:02:31"), Object: delivery + "19"}
	f.Failure.LastSuccess, f.Failure.Spread = nil, correlate.Spread{}
	c := sampleCause()
	c.Level, c.LagSeconds, c.Diff, c.Against, c.Change.EventName = correlate.Observed, 3, nil, nil, "CreateRole"
	c.Change.Target, c.Change.ActorChain, c.Change.EventTime = f.Failure.Resource, nil, at("10:02:19")
	c.Evidence = []correlate.Evidence{{Kind: "propagation", Points: 12, Text: "It grants the request; the first refusal came 3 s later and the request passed 12 s after it, without another change. Granted, not yet effective."}}
	f.Candidates, f.Vetoed, f.Coverage.Gaps = []correlate.Candidate{c}, nil, nil
	return f
}

// sampleNeverAllowed is a probe that nothing ever allowed.
func sampleNeverAllowed() *correlate.Finding {
	f := sampleChange()
	f.Diagnosis, f.Playbook, f.Search.FoundIn = correlate.DiagnosisNeverAllowed, "access-denied", nil
	f.Failure.Action, f.Failure.Resource, f.Failure.Resources, f.Failure.Refs = "ec2:GetPasswordData", "arn:aws:ec2:us-east-1:111122223333:instance/*", 29, nil
	f.Failure.Principal = "arn:aws:sts::111122223333:assumed-role/inventory/i-0abc"
	f.Failure.ErrorCode = "Client.UnauthorizedOperation"
	f.Failure.ErrorMessage = "You are not authorized to perform this operation. " + encodedMessage + strings.Repeat("kQ3vYb8Z", 74)
	f.Failure.Count, f.Failure.Frequency = 29, correlate.Frequency{Window: "24h", Attempts: 29, Failures: 29, Pattern: "constant"}
	f.Failure.Denial, f.Failure.LastSuccess = correlate.Denial{Effect: "implicit", Layer: "identity", PolicyARN: nil}, nil
	f.Failure.Spread = correlate.Spread{Window: "1h", Pattern: "single"}
	near := sampleRunnerUp(1, "PutRolePolicy", 90061)
	near.Change.EventTime.Time = at("10:02:22").AddDate(0, 0, -1).Add(-time.Hour - time.Second)
	near.Change.Target = "arn:aws:iam::111122223333:role/inventory"
	near.Against[0].Text = "It only adds permissions, and none for ec2:GetPasswordData."
	f.Candidates, f.Vetoed = []correlate.Candidate{near}, f.Vetoed[1:2]
	f.NextSteps = []string{"Nothing in the trail ever allowed this. If it should work, grant ec2:GetPasswordData on " +
		"'arn:aws:ec2:us-east-1:111122223333:instance/*' to arn:aws:iam::111122223333:role/inventory"}
	return f
}

// sampleUnexplained is a failure with nothing around it.
func sampleUnexplained() *correlate.Finding {
	f := sampleChange()
	f.Diagnosis, f.Candidates, f.Vetoed = correlate.DiagnosisUnexplained, nil, nil
	f.Search = correlate.Search{Windows: []string{"5m", "7d"}}
	f.Failure.Principal, f.Failure.Count, f.Failure.Last = "", 1, f.Failure.First
	f.Failure.Frequency = correlate.Frequency{Window: "24h", Attempts: 1, Failures: 1, Pattern: "single"}
	f.Coverage.DataEvents = "absent"
	return f
}

// samples are the findings by the name of their golden file.
func samples() map[string]*correlate.Finding {
	return map[string]*correlate.Finding{
		"change": sampleChange(), "propagation": samplePropagation(),
		"never-allowed": sampleNeverAllowed(), "unexplained": sampleUnexplained(),
	}
}
