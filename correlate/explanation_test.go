package correlate

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplainAgrees asks about the first and the last failure of every finding,
// by eventID, by requestID and by the message, and wants that very finding.
func TestExplainAgrees(t *testing.T) {
	asked := 0
	for _, dir := range []string{"push-denied", "pipeline-denied"} {
		trail := loadTrail(t, filepath.Join("..", "testdata", "trails", dir))
		for _, f := range findAll(t, trail, Options{MaxCandidates: explainedCandidates, MaxVetoed: explainedVetoes}) {
			for _, id := range []string{f.Failure.First.EventID, f.Failure.Last.EventID} {
				x := explained(t, trail, id)
				if diff := cmp.Diff(f, x.Finding); diff != "" {
					t.Errorf("%s %s: -correlate +explain\n%s", dir, id, diff)
				}
				if x.By != "eventID" || x.Event.EventID != id || x.Event.Outcome != "denied" {
					t.Errorf("%s: by %s, event %+v", id, x.By, x.Event)
				}
				again := explained(t, trail, x.Event.RequestID)
				if again.By != "requestID" || again.Event.EventID != id {
					t.Errorf("%s: requestID %s gives %s by %s", id, x.Event.RequestID, again.Event.EventID, again.By)
				}
				checkLayers(t, x)
				checkTimeline(t, x)
				asked++
			}
			if msg := f.Failure.ErrorMessage; len(msg) >= leastMessage {
				x := explained(t, trail, "fatal: "+strings.ReplaceAll(msg, " on resource", "\n  on resource"))
				if x.By != "text" || x.Finding == nil || x.Finding.Failure.Action != f.Failure.Action || x.Matches[0].By != "message" {
					t.Errorf("the message of %s gives %+v", f.ID, x.Matches)
				}
			}
		}
	}
	if asked < 6 {
		t.Fatalf("only %d questions were asked", asked)
	}
}

func explained(t *testing.T, trail Trail, question string) *Explanation {
	t.Helper()
	x, err := Explain(t.Context(), trail, question, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if x.Event == nil {
		t.Fatalf("%.80s: %s", question, x.Note)
	}
	return x
}

// checkLayers wants the layer that the cause acted in to have changed its mind.
func checkLayers(t *testing.T, x *Explanation) {
	t.Helper()
	turned := 0
	for _, l := range x.Layers {
		if l.Before != nil && l.Before.Answer != l.At.Answer && l.At.Answer == "denies" {
			turned++
		}
	}
	if x.Finding.blamed() != nil && turned == 0 {
		t.Errorf("%s: no layer turned to denying: %+v", x.Event.EventID, x.Layers)
	}
}

func checkTimeline(t *testing.T, x *Explanation) {
	t.Helper()
	kinds := map[string]int{}
	for i, m := range x.Timeline {
		if i > 0 && m.EventTime.Before(x.Timeline[i-1].EventTime.Time) {
			t.Errorf("the timeline is out of order at %s", m.EventID)
		}
		kinds[m.Kind]++
	}
	if kinds["this"] != 1 || kinds["change"] != len(x.Finding.Candidates) || kinds["ruled-out"] != len(x.Finding.Vetoed) {
		t.Errorf("%s: the timeline has %v", x.Event.EventID, kinds)
	}
}

// TestUnderstand reads errors as the usual clients print them.
func TestUnderstand(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:user/sam"
	for _, c := range []struct {
		text string
		want Understood
	}{
		{"An error occurred (AccessDenied) when calling the GetObject operation: User: " + arn + " is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" with an explicit deny in a resource-based policy",
			Understood{Principal: arn, Action: "s3:GetObject", Operation: "GetObject", Resource: "arn:aws:s3:::b/k", ErrorCode: "AccessDenied", Effect: "explicit", Layer: "resource"}},
		{"An error occurred (AccessDenied) when calling the ListBuckets operation: Access Denied",
			Understood{Operation: "ListBuckets", ErrorCode: "AccessDenied"}},
		{"operation error S3: GetObject, https response error StatusCode: 403, RequestID: 4ZKVS6X9J2QH7M1A, HostID: x, api error AccessDenied: Access Denied",
			Understood{Operation: "GetObject", ErrorCode: "AccessDenied", RequestID: "4ZKVS6X9J2QH7M1A"}},
		{"com.amazonaws.AmazonServiceException: User: " + arn + " is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:us-east-1:111122223333:q because no identity-based policy allows the sqs:sendmessage action (Service: AmazonSQS; Status Code: 403; Error Code: AccessDenied; Request ID: 0f9f6d14-5a5c-4f6c-9e6b-0d9b5b0f8a11; Proxy: null)",
			Understood{Principal: arn, Action: "sqs:sendmessage", Resource: "arn:aws:sqs:us-east-1:111122223333:q", ErrorCode: "AccessDenied", RequestID: "0f9f6d14-5a5c-4f6c-9e6b-0d9b5b0f8a11", Effect: "implicit", Layer: "identity"}},
		{"An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized to perform this operation. Encoded authorization failure message: abcdEFGH0123456789_-xyz",
			Understood{Operation: "RunInstances", ErrorCode: "UnauthorizedOperation", Encoded: true}},
		{`{"eventID":"e-1","eventName":"GetObject","requestID":"R1","errorCode":"AccessDenied","errorMessage":"Access Denied"}`,
			Understood{ErrorCode: "AccessDenied", EventID: "e-1", RequestID: "R1"}},
		{"it does not work", Understood{}},
	} {
		got := *Understand(c.text)
		got.text, got.blob = "", ""
		if got != c.want {
			t.Errorf("%s\n got %+v\nwant %+v", c.text, got, c.want)
		}
	}
}

// TestExplainIsHonest asks for what is not there, or not one.
func TestExplainIsHonest(t *testing.T) {
	s := newScene(t)
	s.object(0, buildRole, "a/1", denied("Access Denied"))
	ok := s.object(60, buildRole, "a/2", nil)
	change := s.admin(90, "PutRolePolicy", obj{"roleName": "payments-pipeline", "policyName": "p", "policyDocument": `{"Statement":[]}`}, nil)
	for i := range 30 {
		s.object(100+i, buildRole, "b/1", denied("Access Denied"))
	}
	trail := s.trail()
	none := func(question, note string) {
		t.Helper()
		x, err := Explain(t.Context(), trail, question, Options{})
		if err != nil || x.Event != nil || len(x.Matches) != 0 || !strings.Contains(x.Note, note) {
			t.Errorf("%q: %v %+v", question, err, x)
		}
	}
	none("00000000-1111-2222-3333-444444444444", "no event")
	none("nothing useful here", "names no caller")
	none("User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: s3:GetObject", "no event")
	none("An error occurred (AccessDenied) when calling the PutObject operation: Access Denied", "no event")
	if x := explained(t, trail, ok); x.Finding != nil || x.Event.Outcome != "allowed" || !strings.Contains(x.Note, "succeeded") {
		t.Errorf("a success: %+v", x)
	}
	if x := explained(t, trail, change); x.Finding != nil || !strings.Contains(x.Note, "correlate --change "+change) {
		t.Errorf("a change: %+v", x)
	}
	x := explained(t, trail, "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied")
	if x.MatchCount != 31 || len(x.Matches) != maxMatches || x.Matches[maxMatches-1].By != "request" {
		t.Errorf("%d matches, %d listed: %+v", x.MatchCount, len(x.Matches), x.Matches)
	}
}

func FuzzUnderstand(f *testing.F) {
	f.Add("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied")
	f.Add(`{"eventName":"x","errorMessage":"User: a is not authorized to perform: b:c"}`)
	f.Fuzz(func(t *testing.T, text string) {
		u := Understand(text)
		if u.Action != "" && !strings.Contains(u.text, u.Action) {
			t.Errorf("%q: action %q is not in it", text, u.Action)
		}
	})
}
