package policy_test

import (
	"fmt"

	"github.com/trailblame/trailblame/correlate/policy"
)

// Why was this push denied, and would it have been without the second policy?
func Example() {
	parse := func(text string) *policy.Document {
		d, err := policy.Parse([]byte(text))
		if err != nil {
			panic(err)
		}
		return d
	}
	set := &policy.Set{Identity: policy.Stack{Policies: []policy.Policy{
		{Name: "Developers", Doc: parse(`{"Version": "2012-10-17", "Statement": {
			"Effect": "Allow", "Action": "codecommit:*", "Resource": "*"}}`)},
		{Name: "KeepMain", Doc: parse(`{"Version": "2012-10-17", "Statement": {
			"Sid": "NoPush", "Effect": "Deny", "Action": "codecommit:GitPush", "Resource": "*",
			"Condition": {"StringEqualsIfExists": {"codecommit:References": "refs/heads/main"}}}}`)},
	}}}
	requests, err := policy.RequestsFromJSON([]byte(`{
		"eventSource": "codecommit.amazonaws.com", "eventName": "GitPush", "awsRegion": "eu-west-1",
		"userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana", "accountId": "111122223333"},
		"requestParameters": {"references": [{"ref": "refs/heads/main"}]},
		"additionalEventData": {"repositoryName": "payments", "dataTransferred": true},
		"recipientAccountId": "111122223333"}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(policy.Evaluate(set, &requests[0]))

	without := set.Clone()
	without.Identity.Policies = without.Identity.Policies[:1]
	fmt.Println(policy.Evaluate(without, &requests[0]))

	without.SCP.Unseen = policy.UnseenUnknown
	fmt.Println(policy.Evaluate(without, &requests[0]))
	// Output:
	// explicit deny: identity policy KeepMain, statement 0 (NoPush) denies it
	// allow: identity policy Developers, statement 0 allows it
	// unknown: scp policies that are not listed: others may exist
}

// What did this edit change?
func ExampleDiff() {
	before, _ := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`))
	after, _ := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"},
		{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}`))
	for _, change := range policy.Diff(before, after) {
		fmt.Println(change.Op, change.Statement)
	}
	// Output:
	// added map[Action:s3:DeleteObject Effect:Deny Resource:*]
}

// A success that was seen says something about policies that were not.
func ExampleSet_Observed() {
	request := &policy.Request{
		Principal: policy.ParsePrincipal("arn:aws:iam::111122223333:user/ana"),
		Action:    "sqs:SendMessage",
		Resource:  "arn:aws:sqs:eu-west-1:111122223333:jobs",
	}
	set := &policy.Set{Identity: policy.Stack{Unseen: policy.UnseenUnknown}}
	fmt.Println(policy.Evaluate(set, request).Value)

	seen := set.Observed(request)
	fmt.Println(policy.Evaluate(seen, request).Value)

	deny, _ := policy.Parse([]byte(`{"Statement":{"Effect":"Deny","Action":"sqs:*","Resource":"*"}}`))
	seen.Identity.Policies = []policy.Policy{{Name: "Freeze", Doc: deny}}
	fmt.Println(policy.Evaluate(seen, request))
	// Output:
	// unknown
	// allow
	// explicit deny: identity policy Freeze, statement 0 denies it
}
