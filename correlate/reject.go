package correlate

import "strings"

// Most changes of a busy account have nothing to do with a given failure.
// What can be told without looking closely is rejected here, at the cost of a
// few comparisons; the sentence that says why is made only for those shown.

// stepClass sorts steps by what decides whether they reach a request.
type stepClass uint8

const (
	classOther    stepClass = iota // needs a close look
	classEntity                    // bound to users and roles only
	classTrust                     // decides who may take a role
	classResource                  // sits on resources
)

// classify fills in what reject compares.
func (s *step) classify() {
	switch {
	case s.evidence || s.kind == KindManagedPolicy || isNetwork(s.kind) || s.kind == KindApprovalRule || s.kind == KindSession,
		s.layer == LayerSCP || s.layer == LayerRCP || s.kind == KindOrgStructure || s.layer == LayerVPCEndpoint,
		s.kind == KindPermissionSet || s.kind == KindAssignment:
	case s.kind == KindTrust:
		s.class = classTrust
	case len(s.subjects) > 0 && !sitsOnResource(s):
		for _, who := range s.subjects {
			a, ok := splitARN(who)
			if !ok || a.service != "iam" || strings.HasPrefix(a.resource, "group/") {
				return
			}
			s.marks = append(s.marks, entityKey(who))
		}
		s.class = classEntity
	case len(s.resources) > 0 && s.ev.service() != "kms":
		for _, r := range s.resources {
			s.marks = append(s.marks, lastPart(r))
		}
		s.class = classResource
	}
}

// lastPart is what follows the last separator of a resource's name. Whatever
// lies within the resource has that part in its own name.
func lastPart(s string) string {
	return s[strings.LastIndexAny(s, "/:")+1:]
}

// nameParts are the parts of the names of the resources asked for.
func nameParts(resources []string) set {
	parts := set{}
	for _, r := range resources {
		for _, p := range strings.FieldsFunc(r, func(c rune) bool { return c == '/' || c == ':' }) {
			parts[p] = true
		}
	}
	return parts
}

// reject reports that the step cannot reach the request, as gripOf would find.
func (r *subject) reject(s *step) bool {
	switch s.class {
	case classEntity:
		return r.principal != "" && !contains(s.marks, r.key)
	case classTrust:
		return !strings.HasPrefix(r.service, "sts")
	case classResource:
		if !r.concrete {
			return false
		}
		for _, m := range s.marks {
			if r.parts[m] {
				return false
			}
		}
		return true
	}
	return false
}
