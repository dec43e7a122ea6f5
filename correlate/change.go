package correlate

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// Kind names what a change touches. Playbooks select changes by it.
type Kind string

// The kinds of change.
const (
	KindInline            Kind = "identity-inline"  // inline policy of a user, group or role
	KindManaged           Kind = "identity-managed" // managed policy attached or detached
	KindManagedPolicy     Kind = "managed-policy"   // the managed policy itself
	KindGroupMembership   Kind = "group-membership"
	KindBoundary          Kind = "permissions-boundary"
	KindTrust             Kind = "trust-policy"
	KindTrustProvider     Kind = "trust-provider"      // identity provider that trust policies name
	KindPrincipal         Kind = "principal-lifecycle" // user or role made, removed or renamed
	KindCredential        Kind = "credential"
	KindSession           Kind = "session-policy"
	KindRoleBinding       Kind = "role-binding" // which role a workload runs with
	KindPermissionSet     Kind = "permission-set"
	KindAssignment        Kind = "assignment" // permission set given to an account
	KindDelegation        Kind = "delegation"
	KindSCP               Kind = "scp"
	KindRCP               Kind = "rcp"
	KindOrgPolicy         Kind = "org-policy"    // organization policy that decides no access
	KindOrgStructure      Kind = "org-structure" // account moved, joined or left
	KindResourcePolicy    Kind = "resource-policy"
	KindKeyPolicy         Kind = "kms-key-policy"
	KindGrant             Kind = "kms-grant"
	KindKeyState          Kind = "key-state"
	KindKeyBinding        Kind = "key-binding"    // alias of a key
	KindKeyUse            Kind = "kms-dependency" // which key a resource is encrypted with
	KindVPCEndpoint       Kind = "vpc-endpoint-policy"
	KindPublicAccess      Kind = "public-access-block"
	KindACL               Kind = "acl"
	KindShare             Kind = "resource-share"
	KindLifecycle         Kind = "resource-lifecycle"
	KindRename            Kind = "resource-rename"
	KindResourceBinding   Kind = "resource-binding"
	KindBucketSetting     Kind = "bucket-setting"
	KindRetention         Kind = "retention"
	KindTrigger           Kind = "trigger"
	KindApprovalRule      Kind = "approval-rule"
	KindGate              Kind = "gate" // stage transition, manual approval
	KindTag               Kind = "abac-tag"
	KindLakeGrant         Kind = "lf-grant"
	KindLakeSettings      Kind = "lf-settings"
	KindClusterAccess     Kind = "eks-access"
	KindURLAuth           Kind = "auth-type"
	KindSecurityGroup     Kind = "network-sg"
	KindNetworkACL        Kind = "network-acl"
	KindRoute             Kind = "network-route"
	KindServicePermission Kind = "permission" // a permission model of the service's own
)

// kindLayers tells where a kind of change takes effect.
var kindLayers = map[Kind]Layer{
	KindInline: LayerIdentity, KindManaged: LayerIdentity, KindManagedPolicy: LayerIdentity,
	KindGroupMembership: LayerIdentity, KindPrincipal: LayerIdentity, KindRoleBinding: LayerIdentity,
	KindPermissionSet: LayerIdentity, KindAssignment: LayerIdentity,
	KindBoundary: LayerBoundary, KindTrust: LayerTrust, KindTrustProvider: LayerTrust,
	KindSession: LayerSession, KindCredential: LayerUnknown,
	KindSCP: LayerSCP, KindRCP: LayerRCP, KindOrgPolicy: LayerUnknown, KindOrgStructure: LayerSCP,
	KindDelegation: LayerUnknown, KindVPCEndpoint: LayerVPCEndpoint,
	KindKeyPolicy: LayerKMS, KindGrant: LayerKMS, KindKeyState: LayerKMS, KindKeyBinding: LayerKMS, KindKeyUse: LayerKMS,
	KindResourcePolicy: LayerResource, KindPublicAccess: LayerResource, KindACL: LayerResource,
	KindShare: LayerResource, KindLifecycle: LayerResource, KindRename: LayerResource,
	KindResourceBinding: LayerResource, KindBucketSetting: LayerResource, KindRetention: LayerResource,
	KindClusterAccess: LayerResource, KindURLAuth: LayerResource, KindServicePermission: LayerResource,
	KindApprovalRule: LayerGate, KindGate: LayerGate, KindLakeGrant: LayerGate, KindLakeSettings: LayerGate,
	KindTag: LayerUnknown, KindTrigger: LayerUnknown,
	KindSecurityGroup: LayerUnknown, KindNetworkACL: LayerUnknown, KindRoute: LayerUnknown,
}

// Op says what a change does to what it touches.
type Op string

// The operations.
const (
	OpPut     Op = "put"     // writes the whole
	OpAdd     Op = "add"     // adds a part
	OpRemove  Op = "remove"  // takes the whole or a part away
	OpReplace Op = "replace" // points to another
	OpToggle  Op = "toggle"  // switches on or off
)

// Change is an event that changes who may do what, or what a request needs.
// Names in it are ARNs where the record gives enough to build one; the ARNs of
// users, groups and roles lack the path unless the record shows it.
type Change struct {
	Event  *Event
	Kind   Kind
	Layer  Layer
	Op     Op
	Failed bool // the call failed or was a dry run: nothing changed
	Inert  bool // without effect on access until something else follows

	Subjects   []string // users, groups, roles, accounts, units it acts on
	Resources  []string // buckets, keys, repositories, functions … it acts on
	Aliases    []string // key aliases the request named
	PolicyARN  string
	PolicyName string   // name or id of the policy, statement, grant or credential
	Version    string   // version of a managed policy
	Typed      bool     // the type of an organization policy is in the record
	SessionARN []string // managed policies that a session policy consists of

	Document        string // the new document, JSON; "" when none was given
	Statement       string // the one statement that was added
	DocumentUnknown bool   // there is a document, but the record does not show it
	Target          string // the best single name for display
}

// ParseChange reads e as a change; false when it is none.
func ParseChange(e *Event) (*Change, bool) {
	if e.Native {
		return nil, false
	}
	for _, en := range catalogueFor(e) {
		if en.applies(e) {
			return en.change(e), true
		}
	}
	return nil, false
}

func (en *entry) change(e *Event) *Change {
	c := &Change{
		Event: e, Kind: en.kind, Op: en.op, Layer: kindLayers[en.kind],
		Failed:    e.ErrorCode != "" || e.ErrorMessage != "",
		Inert:     en.inert,
		Subjects:  expand(e, en.who),
		Resources: expand(e, en.on),
	}
	if len(en.effective) > 0 && !strings.EqualFold(text(walk(e.Params, en.effective)), "true") {
		c.Inert = true
	}
	if len(c.Resources) == 0 {
		c.Resources = listedResources(e, en)
	}
	c.setPolicy(expand(e, en.policy))
	c.setDocument(en)
	c.adjust()
	c.Target = c.display()
	return c
}

// listedResources is what resources[] lists, for a catalogue entry that
// expects a resource and whose request names none.
func listedResources(e *Event, en *entry) []string {
	if len(en.on) == 0 {
		return nil
	}
	var out []string
	for _, r := range e.Resources {
		out = append(out, nonEmpty(strings.TrimSuffix(r.ARN, "/"))...)
	}
	return out
}

func (c *Change) setPolicy(names []string) {
	if len(names) == 0 {
		return
	}
	c.PolicyName = names[0]
	if strings.HasPrefix(names[0], "arn:") {
		c.PolicyARN = names[0]
		c.PolicyName = names[0][strings.LastIndexAny(names[0], "/:")+1:]
	}
}

// setDocument finds the new document in whichever form the record has it.
func (c *Change) setDocument(en *entry) {
	for i := range en.doc {
		p := en.doc[i].parts[0]
		m := c.Event.Params
		if p.from == '@' {
			m = c.Event.Response
		}
		v := walk(m, p.path)
		if v == nil {
			continue
		}
		doc, ok := documentText(v)
		c.Document, c.DocumentUnknown = doc, !ok
		if ok {
			break
		}
	}
	if len(en.doc) == 0 || c.Failed {
		return
	}
	if c.Document == "" && !c.DocumentUnknown && c.Op != OpRemove {
		c.DocumentUnknown = !c.cleared(en)
	}
	if en.doc[0].parts[0].from == '@' && en.name != "CreateServiceLinkedRole" {
		c.Statement, c.Document = c.Document, ""
	}
}

// cleared reports whether the request wrote an empty document, which removes
// the one before.
func (c *Change) cleared(en *entry) bool {
	for i := range en.doc {
		if v := walk(c.Event.Params, en.doc[i].parts[0].path); v == "" {
			c.Op = OpRemove
			return true
		}
	}
	return false
}

// documentText returns a document as JSON text. It comes as an object, as JSON
// in a string, or as that percent-encoded; false when it cannot be read.
func documentText(v any) (string, bool) {
	v = single(v)
	switch v := v.(type) {
	case string:
		s := strings.TrimSpace(v)
		if strings.HasPrefix(s, "%") {
			if u, err := url.PathUnescape(s); err == nil {
				s = u
			}
		}
		if s == "" {
			return "", true
		}
		if !json.Valid([]byte(s)) {
			return "", false
		}
		return s, true
	case map[string]any, []any:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if enc.Encode(v) != nil {
			return "", false
		}
		return strings.TrimSuffix(b.String(), "\n"), true
	}
	return "", false
}

// subjectFirst are the kinds whose document hangs on a principal rather than
// on a resource.
var subjectFirst = map[Kind]bool{
	KindInline: true, KindManaged: true, KindBoundary: true, KindGroupMembership: true,
	KindPrincipal: true, KindCredential: true, KindSession: true, KindAssignment: true, KindSCP: true,
	KindRCP: true, KindOrgPolicy: true, KindOrgStructure: true,
}

// unnamed are the kinds of which a target has only one, whatever its name.
var unnamed = map[Kind]bool{
	KindBoundary: true, KindKeyUse: true, KindResourceBinding: true, KindRename: true, KindLifecycle: true,
	KindSession: true, KindTrust: true, KindKeyPolicy: true, KindVPCEndpoint: true, KindURLAuth: true, KindManagedPolicy: true,
}

// PolicyKey tells which policy, attachment, membership or setting the change
// writes: two changes with one key replace each other.
func (c *Change) PolicyKey() string {
	anchor := c.anchor()
	if anchor == "" {
		return ""
	}
	word, name := string(c.Kind), first(c.PolicyARN, c.PolicyName)
	switch c.Kind {
	case KindInline:
		word = "inline"
	case KindManaged, KindSCP, KindRCP, KindOrgPolicy:
		word = "attached"
		if len(c.Subjects) == 0 {
			word, name = "document", ""
		}
	case KindManagedPolicy:
		word = "document"
	case KindGroupMembership:
		word, name = "member", strings.Join(c.Resources, ",")
	}
	if unnamed[c.Kind] {
		name = ""
	}
	if name == "" || name == anchor {
		return anchor + "|" + word
	}
	return anchor + "|" + word + "|" + name
}

// anchor is what the policy hangs on.
func (c *Change) anchor() string {
	names := append(append([]string{}, c.Resources...), c.Subjects...)
	if subjectFirst[c.Kind] {
		names = append(append([]string{}, c.Subjects...), c.Resources...)
	}
	a := first(append(names, c.PolicyARN, c.PolicyName)...)
	switch {
	case strings.HasPrefix(a, "arn:aws") && strings.Contains(a, ":iam:"):
		return RoleKey(a)
	case a == "" || strings.HasPrefix(a, "arn:"):
		return a
	}
	return c.Event.Account + ":" + c.Event.service() + ":" + a
}

// display picks the name that says best what was changed.
func (c *Change) display() string {
	var names []string
	if subjectFirst[c.Kind] || c.Kind == KindTrust {
		names = append(append(names, c.Subjects...), c.Resources...)
	} else {
		names = append(append(names, c.Resources...), c.Subjects...)
	}
	if c.Kind == KindManagedPolicy {
		names = append([]string{c.PolicyARN}, names...)
	}
	return first(append(names, c.PolicyARN, c.PolicyName)...)
}
