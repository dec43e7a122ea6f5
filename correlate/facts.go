package correlate

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/correlate/replay"
)

// record tells the replay what a step did to the policies.
func (h *history) record(s *step) {
	h.recordMaking(s)
	if s.inert && s.ev.Name != "CreatePolicy" {
		return
	}
	for _, f := range h.factsOf(s) {
		f.ID, f.At = s.ev.ID, s.at.Truncate(time.Second)
		h.replay.Add(f)
	}
}

// recordMaking notes what came into being.
func (h *history) recordMaking(s *step) {
	at := s.at.Truncate(time.Second)
	switch {
	case isCreation(s) && s.kind == KindManagedPolicy:
		h.replay.Made(s.policyARN, at)
	case isCreation(s):
		for _, who := range s.subjects {
			h.replay.Made(entityKey(who), at)
		}
	case s.ev.Name == "CreateKey", s.ev.Name == "CreateBucket":
		for _, r := range s.resources {
			h.replay.Made(r, at)
		}
	}
}

func (h *history) factsOf(s *step) []replay.Fact {
	switch {
	case isOrgPolicy(s.kind):
		return orgFacts(s)
	case s.kind == KindOrgStructure && s.ev.Name == "MoveAccount" && len(s.subjects) > 0 && len(s.resources) > 0:
		return []replay.Fact{{Slot: replay.Slot{Kind: replay.Place, Owner: accountTarget(s.subjects[0])}, Before: s.from,
			Value: replay.Value{Presence: replay.Present, ARN: s.resources[0]}}}
	case s.kind == KindOrgStructure:
		return opaque(s.subjects)
	case s.kind == KindManagedPolicy && s.policyARN != "":
		return []replay.Fact{{Slot: replay.Slot{Kind: replay.Managed, Owner: s.policyARN}, Value: managedValue(s)}}
	case s.kind == KindGroupMembership && len(s.subjects) > 0 && len(s.resources) > 0:
		slot := replay.Slot{Kind: replay.Member, Owner: entityKey(s.subjects[0]), Name: entityKey(s.resources[0])}
		return []replay.Fact{{Slot: slot, Value: link(s)}}
	case s.kind == KindGrant:
		return grantFacts(s)
	case s.kind == KindTrust, s.kind == KindResourcePolicy, s.kind == KindKeyPolicy, s.kind == KindVPCEndpoint:
		return append(resourceFacts(s), boundaryFacts(s)...)
	}
	return callerFacts(s)
}

// callerFacts are the facts of changes bound to users, roles and groups.
func callerFacts(s *step) []replay.Fact {
	var out []replay.Fact
	for _, who := range s.subjects {
		owner := entityKey(who)
		switch s.kind {
		case KindInline:
			out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.Inline, Owner: owner, Name: s.policy}, Value: content(s)})
		case KindManaged:
			out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.Attached, Owner: owner, Name: s.policyARN}, Value: link(s)})
		case KindBoundary:
			v := link(s)
			v.ARN = s.policyARN
			out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.Boundary, Owner: owner}, Value: v})
		case KindPrincipal:
			if !isCreation(s) {
				out = append(out, opaque([]string{owner})...)
			}
		}
	}
	return append(out, boundaryFacts(s)...)
}

// boundaryFacts is the boundary that a user or role was made with.
func boundaryFacts(s *step) []replay.Fact {
	if s.boundary == "" || len(s.subjects) == 0 {
		return nil
	}
	slot := replay.Slot{Kind: replay.Boundary, Owner: entityKey(s.subjects[0])}
	return []replay.Fact{{Slot: slot, Value: replay.Value{Presence: replay.Present, ARN: s.boundary}}}
}

func link(s *step) replay.Value {
	if s.op == OpRemove {
		return replay.Value{Presence: replay.Absent}
	}
	return replay.Value{Presence: replay.Present}
}

// content is the value of a slot that holds a document.
func content(s *step) replay.Value {
	v := link(s)
	if v.Presence == replay.Present {
		v.Doc = s.doc
	}
	return v
}

// managedValue is the default version after the step.
func managedValue(s *step) replay.Value {
	return replay.Value{Presence: replay.Present, Doc: first(s.after.doc, s.doc)}
}

// opaque are facts of which nobody can tell what they did.
func opaque(owners []string) []replay.Fact {
	var out []replay.Fact
	for _, o := range owners {
		out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.Opaque, Owner: accountTarget(o)}, Value: replay.Value{Presence: replay.Present}})
	}
	return out
}

// accountTarget returns the account id for the ARN of an account's root.
func accountTarget(s string) string {
	if a, ok := splitARN(s); ok && a.resource == "root" {
		return a.account
	}
	return s
}

func orgFacts(s *step) []replay.Fact {
	if len(s.subjects) == 0 {
		f := replay.Fact{Slot: replay.Slot{Kind: replay.OrgPolicy, Owner: orgID(s)}, Value: content(s), RCP: s.layer == LayerRCP}
		return []replay.Fact{f}
	}
	var out []replay.Fact
	for _, t := range s.subjects {
		out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.OrgAttached, Owner: accountTarget(t), Name: orgID(s)}, Value: link(s)})
	}
	return out
}

func grantFacts(s *step) []replay.Fact {
	if len(s.resources) == 0 {
		return nil
	}
	if s.policy == "" {
		return opaque(s.resources[:1])
	}
	v := link(s)
	v.Grant = s.grant
	return []replay.Fact{{Slot: replay.Slot{Kind: replay.GrantOf, Owner: s.resources[0], Name: s.policy}, Value: v}}
}

// resourceFacts are the facts of policies that sit on resources.
func resourceFacts(s *step) []replay.Fact {
	var out []replay.Fact
	for _, r := range s.resources {
		slot := replay.Slot{Kind: replay.Resource, Owner: resourceOwner(r)}
		v := content(s)
		switch {
		case s.op == OpAdd:
			slot.Name = first(s.policy, s.ev.ID)
			v.Doc = wrapped(s.statement)
		case s.op == OpRemove && s.policy != "" && (s.kind == KindResourcePolicy):
			slot.Name = s.policy
			// The statement may stand in a document put as a whole.
			if s.prev == nil {
				out = append(out, replay.Fact{Slot: replay.Slot{Kind: replay.Resource, Owner: slot.Owner}, Value: replay.Value{Presence: replay.Present}})
			}
		}
		out = append(out, replay.Fact{Slot: slot, Value: v})
	}
	return out
}

// wrapped makes a document of one statement, "" of none.
func wrapped(statement string) string {
	if statement == "" {
		return ""
	}
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

// resourceOwner names the resource that carries the policy a request meets: the
// bucket of an object, the function of a version; roles without path,
// endpoints by their id.
func resourceOwner(resource string) string {
	a, ok := splitARN(resource)
	if !ok {
		return resource
	}
	switch {
	case a.service == "iam":
		return entityKey(resource)
	case a.service == "ec2" && strings.HasPrefix(a.resource, "vpc-endpoint/"):
		return bareName(resource)
	case a.service == "s3" && a.region == "", a.service == "lambda", a.service == "dynamodb":
		return first(parentOf(resource), resource)
	}
	return resource
}

// madeWith reads what only the whole record tells of a creation: the boundary,
// the grant, and the document that a resource has when none is given.
func (s *step) madeWith(e *Event) {
	switch e.Name {
	case "CreateUser", "CreateRole":
		s.boundary = Str(e.Params, "permissionsBoundary")
	case "MoveAccount":
		s.from = Str(e.Params, "sourceParentId")
	case "CreateGrant":
		s.grant = grantOf(e)
	case "CreateKey":
		if s.doc == "" && e.Params["policy"] == nil && e.Account != "" {
			s.doc, s.hidden = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:`+partitionOf(e.Region)+`:iam::`+e.Account+`:root"},"Action":"kms:*","Resource":"*"}]}`, false
		}
	case "CreateVpcEndpoint":
		if s.doc == "" && walk(e.Params, []string{"CreateVpcEndpointRequest", "PolicyDocument"}) == nil {
			s.doc, s.hidden = openEndpointPolicy, false
		}
	}
}

// grantOf reads a KMS grant out of the call that made it; nil when the record
// does not show all of it.
func grantOf(e *Event) *policy.Grant {
	g := &policy.Grant{ID: Str(e.Response, "grantId"), Grantee: Str(e.Params, "granteePrincipal"), Operations: Strs(e.Params, "operations")}
	if g.Grantee == "" || len(g.Operations) == 0 {
		return nil
	}
	c := Map(e.Params, "constraints")
	if c == nil {
		return g
	}
	var ok1, ok2 bool
	g.ContextEquals, ok1 = pairs(c, "encryptionContextEquals")
	g.ContextSubset, ok2 = pairs(c, "encryptionContextSubset")
	if !ok1 || !ok2 {
		return nil
	}
	return g
}

// pairs reads an object of texts; nil and true when it is not there.
func pairs(m map[string]any, name string) (map[string]string, bool) {
	if m[name] == nil {
		return nil, true
	}
	b, err := json.Marshal(m[name])
	if err != nil {
		return nil, false
	}
	var out map[string]string
	return out, json.Unmarshal(b, &out) == nil
}
