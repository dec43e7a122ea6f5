package policy

import "testing"

func TestByLayer(t *testing.T) {
	doc := func(text string) Stack {
		d, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return Stack{Policies: []Policy{{Name: "p", Doc: d}}}
	}
	set := &Set{
		Identity: doc(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
		Resource: doc(`{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`),
		Boundary: doc(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`),
		SCP:      Hierarchy{Nodes: []Node{{ID: "r-1", Stack: Stack{Unseen: UnseenUnknown}}}},
	}
	user := ParsePrincipal("arn:aws:iam::111122223333:user/a")
	want := map[Layer]Says{
		LayerIdentity: SaysAllows, LayerResource: SaysDenies, LayerBoundary: SaysSilent,
		LayerSession: SaysNotAsked, LayerSCP: SaysUnknown, LayerRCP: SaysNotAsked, LayerVPCEndpoint: SaysNotAsked,
	}
	got := ByLayer(set, &Request{Principal: user, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333"})
	if len(got) != len(want) {
		t.Fatalf("%d layers, want %d", len(got), len(want))
	}
	for _, a := range got {
		if a.Says != want[a.Layer] {
			t.Errorf("%s %s, want %s: %v", a.Layer, a.Says, want[a.Layer], a.Reasons)
		}
		if (a.Says == SaysNotAsked) != (len(a.Reasons) == 0) {
			t.Errorf("%s %s with reasons %v", a.Layer, a.Says, a.Reasons)
		}
	}
	if got := ByLayer(set, &Request{Principal: user, Action: "sts:GetCallerIdentity"}); got != nil {
		t.Errorf("an action that needs no permission: %v", got)
	}
	// A service has no policies of its own; only the resource is asked.
	for _, a := range ByLayer(set, &Request{Principal: ParsePrincipal("lambda.amazonaws.com"), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}) {
		if own := a.Layer == LayerIdentity || a.Layer == LayerBoundary; own && a.Says != SaysNotAsked {
			t.Errorf("a service's %s %s", a.Layer, a.Says)
		}
	}
}
