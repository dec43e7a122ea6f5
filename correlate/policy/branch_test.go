package policy

import (
	"fmt"
	"testing"
)

// The policies here protect branches of a CodeCommit repository the way the
// CodeCommit guide describes: a group may do everything in the repository, and
// a Deny on codecommit:References keeps it off some branches.

const repository = "arn:aws:codecommit:eu-west-1:111122223333:payments"

// protection builds the two policies; guard is the rest of the condition.
func protection(t testing.TB, operator, guard string) *Set {
	allow := statements(t, `{'Sid':'Work','Effect':'Allow','Action':'codecommit:*','Resource':'`+repository+`'}`)
	deny := statements(t, `{'Sid':'KeepBranches','Effect':'Deny','Action':['codecommit:GitPush','codecommit:DeleteBranch',
		'codecommit:PutFile','codecommit:Merge*'],'Resource':'arn:aws:codecommit:*:*:*',
		'Condition':{'`+operator+`':{'codecommit:References':['refs/heads/main','refs/heads/release']}`+guard+`}}`)
	return &Set{Identity: Stack{Policies: []Policy{{Name: "work", Doc: allow}, {Name: "protect", Doc: deny}}}}
}

// push is a record of a push: the first of the two asks for the references,
// the second carries them.
func push(second bool, refs ...string) map[string]any {
	record := map[string]any{
		"eventVersion": "1.08", "eventTime": "2026-03-02T08:15:00Z", "eventSource": "codecommit.amazonaws.com",
		"eventName": "GitPush", "awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.5", "userAgent": "git/2.43.0",
		"userIdentity": map[string]any{"type": "IAMUser", "arn": someUser, "accountId": owner, "userName": "ana",
			"principalId": "AIDAEXAMPLE", "accessKeyId": "AKIAEXAMPLE"},
		"requestParameters":   nil,
		"additionalEventData": map[string]any{"dataTransferred": second, "repositoryName": "payments"},
		"recipientAccountId":  owner,
	}
	if len(refs) > 0 {
		var list []any
		for _, ref := range refs {
			list = append(list, map[string]any{"ref": ref, "commit": "1a2b3c"})
		}
		record["requestParameters"] = map[string]any{"references": list}
	}
	return record
}

func TestBranchProtection(t *testing.T) {
	guards := []struct{ name, operator, guard string }{
		{"boolean guard", "StringEqualsIfExists", `,'Null':{'codecommit:References':false}`},
		{"text guard", "StringEqualsIfExists", `,'Null':{'codecommit:References':'false'}`},
		{"no guard", "StringEqualsIfExists", ``},
		{"no IfExists", "StringEquals", ``},
		{"like", "StringLikeIfExists", `,'Null':{'codecommit:References':'false'}`},
	}
	steps := []struct {
		name   string
		record map[string]any
		want   Value
	}{
		{"first record", push(false), Allow},
		{"second record, main", push(true, "refs/heads/main"), Deny},
		{"second record, feature", push(true, "refs/heads/feature/x"), Allow},
		{"second record, other case", push(true, "refs/heads/Main"), Allow},
	}
	for _, g := range guards {
		set := protection(t, g.operator, g.guard)
		for _, s := range steps {
			want := s.want
			if g.name == "no guard" && s.name == "first record" {
				want = Deny // every push fails before it names a branch
			}
			t.Run(fmt.Sprint(g.name, ", ", s.name), func(t *testing.T) {
				requests, err := RequestsFromRecord(s.record)
				if err != nil || len(requests) != 1 {
					t.Fatalf("%d requests, %v", len(requests), err)
				}
				got := Evaluate(set, &requests[0])
				if got.Value != want || want == Deny && got.Effect != Explicit {
					t.Errorf("got %s, want %s", got, want)
				}
				if want == Deny && (got.Reasons[0].Policy != "protect" || got.Reasons[0].Sid != "KeepBranches") {
					t.Errorf("reason %s does not name the statement", got.Reasons[0])
				}
			})
		}
	}
}

func TestPushOfSeveralReferences(t *testing.T) {
	set := protection(t, "StringEqualsIfExists", `,'Null':{'codecommit:References':'false'}`)
	requests, err := RequestsFromRecord(push(true, "refs/heads/feature/x", "refs/heads/main"))
	if err != nil || len(requests) != 2 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for i, want := range []Value{Allow, Deny} {
		if got := Evaluate(set, &requests[i]); got.Value != want {
			t.Errorf("reference %d: %s, want %s", i, got, want)
		}
	}
}

func TestPushOfManyReferences(t *testing.T) {
	refs := make([]string, maxReferences+5)
	for i := range refs {
		refs[i] = fmt.Sprint("refs/heads/b", i)
	}
	requests, err := RequestsFromRecord(push(true, refs...))
	if err != nil || len(requests) != maxReferences+1 {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	if known, _ := requests[maxReferences].Context.Lookup("codecommit:References"); known != KeyUnknown {
		t.Error("the references beyond the limit are not unknown")
	}
}

// A record that does not show the branch leaves the question open.
func TestBranchNotInRecord(t *testing.T) {
	set := protection(t, "StringEqualsIfExists", `,'Null':{'codecommit:References':'false'}`)
	merge := push(true)
	merge["eventName"] = "MergePullRequestBySquash"
	merge["requestParameters"] = map[string]any{"pullRequestId": "7", "repositoryName": "payments"}
	for name, record := range map[string]map[string]any{"denied push": push(true), "merge": merge} {
		requests, err := RequestsFromRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		got := Evaluate(set, &requests[0])
		if got.Value != Unknown || len(got.Reasons) != 1 || got.Reasons[0].Sid != "KeepBranches" {
			t.Errorf("%s: %s", name, got)
		}
		requests[0].Context.Set("codecommit:References", "refs/heads/main")
		wantAnswer(t, Evaluate(set, &requests[0]), Deny, Explicit, LayerIdentity)
	}
}

func TestBranchOperations(t *testing.T) {
	set := protection(t, "StringEqualsIfExists", `,'Null':{'codecommit:References':'false'}`)
	for event, member := range referenced {
		record := push(true)
		record["eventName"] = event
		record["requestParameters"] = map[string]any{"repositoryName": "payments", member: "main"}
		requests, err := RequestsFromRecord(record)
		if err != nil || len(requests) != 1 {
			t.Fatal(event, err)
		}
		known, values := requests[0].Context.Lookup("codecommit:references")
		if known != KeyPresent || values[0] != "refs/heads/main" {
			t.Errorf("%s: references are %v %v", event, known, values)
		}
		denies := event == "PutFile" || event == "DeleteBranch" || event[:5] == "Merge"
		if got := Evaluate(set, &requests[0]); (got.Value == Deny) != denies {
			t.Errorf("%s: %s", event, got)
		}
	}
}
