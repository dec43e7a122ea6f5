package correlate

import "strings"

// Effect says how a denial came about.
type Effect string

// The effects, as a finding spells them.
const (
	EffectExplicit Effect = "explicit" // a Deny statement matched
	EffectImplicit Effect = "implicit" // no Allow statement matched
	EffectUnknown  Effect = "unknown"
)

// Layer is a place where access is decided: the kind of policy, or a gate that
// is no policy at all.
type Layer string

// The layers, as a finding spells them.
const (
	LayerIdentity    Layer = "identity"
	LayerResource    Layer = "resource"
	LayerSCP         Layer = "scp"
	LayerRCP         Layer = "rcp"
	LayerBoundary    Layer = "boundary"
	LayerSession     Layer = "session"
	LayerVPCEndpoint Layer = "vpc-endpoint"
	LayerTrust       Layer = "trust"
	LayerKMS         Layer = "kms"
	LayerGate        Layer = "gate"
	LayerUnknown     Layer = "unknown"
)

// DenialForm is the wording a denial message was recognised by.
type DenialForm string

// The forms. FormNone is a message that says nothing about authorization.
const (
	FormNone          DenialForm = ""
	FormPerform       DenialForm = "perform"         // "… is not authorized to perform: svc:Action …"
	FormAccess        DenialForm = "access"          // "… is not authorized to access …"
	FormEncoded       DenialForm = "encoded"         // an encoded authorization failure and no clear text
	FormBare          DenialForm = "bare"            // access denied, and no more
	FormEndpoint      DenialForm = "endpoint"        // network activity event refused by a VPC endpoint policy
	FormCiphertext    DenialForm = "ciphertext"      // KMS hides whether the key exists
	FormLakeFormation DenialForm = "lake-formation"  // a Lake Formation permission is missing
	FormGate          DenialForm = "gate"            // an account setting, not a policy
	FormRoleNotReady  DenialForm = "role-not-usable" // a service could not assume the role it was given
)

// DenialText is what a denial message says. Empty fields were not said.
type DenialText struct {
	Form       DenialForm
	Principal  string
	Action     string // as spelled in the message; compare without regard to case
	Resource   string // ARN, "role NAME" and the like, a bare name, or "*"
	Effect     Effect
	Layer      Layer
	PolicyARN  string // the policy that decided
	PolicyName string
	Transitive Layer  // the layer through which the deciding one acted, when said
	Setting    string // S3 Block Public Access setting
	Encoded    bool   // an encoded message was attached; it cannot be read offline
}

// maxDenial bounds the text that ParseDenial looks at; CloudTrail cuts error
// messages at 1 KiB, pasted text may be longer.
const maxDenial = 64 << 10

// ParseDenial reads a denial message. Its time is linear in the message, of
// which at most 64 KiB are read. The code decides only where the message says
// nothing about the layer.
func ParseDenial(code, message string) DenialText {
	d := DenialText{Effect: EffectUnknown, Layer: LayerUnknown}
	msg := joinLines(message[:min(len(message), maxDenial)])
	if i := indexFold(msg, "encoded authorization failure message"); i >= 0 {
		d.Encoded = true
		d.Form = FormEncoded
		msg = msg[:i]
	}
	if !d.parsePerform(msg) {
		d.parseOther(msg)
	}
	if d.Layer == LayerUnknown && baseCode(code) == "VpceAccessDenied" {
		d.Layer = LayerVPCEndpoint
	}
	return d
}

// parsePerform reads "[User:] P is not authorized to perform: A [on R] [why]".
func (d *DenialText) parsePerform(msg string) bool {
	i, action, rest := findPerform(msg)
	if i < 0 {
		return false
	}
	d.Form, d.Action = FormPerform, action
	d.Principal = principalBefore(msg[:i])
	d.Resource, rest = cutResource(rest)
	d.parseReason(rest)
	if d.Layer == LayerUnknown && d.Principal == "" && hasPrefixFold(action, "sts:AssumeRole") {
		d.Layer = LayerTrust
	}
	return true
}

// findPerform returns where "not authorized to perform" stands before an
// action, the action and what follows; EC2 says "this operation" first.
func findPerform(msg string) (at int, action, rest string) {
	const verb = "not authorized to perform"
	for from := 0; ; {
		i := indexFold(msg[from:], verb)
		if i < 0 {
			return -1, "", ""
		}
		at, from = from+i, from+i+len(verb)
		action, _ = cutToken(strings.TrimLeft(msg[from:min(len(msg), from+256)], ": "))
		if action = strings.Trim(action, `.,;"'`); strings.Contains(action, ":") {
			return at, action, strings.TrimLeft(msg[from:], ": ")[len(action):]
		}
	}
}

// principalBefore finds who is named before "is not authorized".
func principalBefore(s string) string {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "is"))
	if i := strings.LastIndex(s, "User:"); i >= 0 {
		return strings.TrimSpace(s[i+len("User:"):])
	}
	p := s[strings.LastIndexByte(s, ' ')+1:]
	if strings.HasPrefix(p, "arn:") {
		return p
	}
	return ""
}

// reasonStarts begin the part of a message that tells why.
var reasonStarts = []string{" because ", " with an explicit deny"}

// cutResource reads what stands between the action and the reason.
func cutResource(s string) (resource, rest string) {
	after, ok := cutPrefixFold(s, " on resource")
	if !ok {
		if i := reasonIndex(s, ""); i >= 0 {
			s = s[i:]
		}
		return "", s
	}
	after = strings.TrimLeft(after, ": ")
	if quoted, ok := strings.CutPrefix(after, `"`); ok {
		return cutQuoted(quoted)
	}
	if i := reasonIndex(after, ""); i >= 0 {
		return strings.TrimRight(after[:i], ". "), after[i:]
	}
	resource = after
	for _, stop := range []string{" (service:", ". ", "; "} {
		if i := indexFold(resource, stop); i >= 0 {
			resource = resource[:i]
		}
	}
	return strings.TrimRight(resource, ".,; "), after[len(resource):]
}

// cutQuoted reads a resource to its closing quote: the one a reason follows,
// since object keys may hold quotes themselves, else the last one.
func cutQuoted(s string) (resource, rest string) {
	if i := reasonIndex(s, `"`); i >= 0 {
		return s[:i], s[i+1:]
	}
	if i := strings.LastIndexByte(s, '"'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return strings.TrimRight(s, " ."), ""
}

// reasonIndex returns where the earliest reason starts that before precedes.
func reasonIndex(s, before string) int {
	best := -1
	for _, start := range reasonStarts {
		if i := indexFold(s, before+start); i >= 0 && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

// parseReason reads why the call was refused.
func (d *DenialText) parseReason(s string) {
	low := lowerASCII(s)
	deny := strings.Index(low, "explicit deny")
	no := strings.Index(low, "because no ")
	switch {
	case strings.Contains(low, "block public access"):
		d.Effect, d.Layer = EffectExplicit, LayerResource
		d.Setting = between(s, "prevented by the ", " setting")
	case no >= 0 && (deny < 0 || no < deny):
		d.Effect, d.Layer = EffectImplicit, layerNamed(low[no+len("because no "):])
		d.policyFrom(s[no:])
	case deny >= 0:
		d.Effect, d.Layer = EffectExplicit, layerNamed(skipArticle(low[deny+len("explicit deny"):]))
		if strings.Contains(low[deny:], "transitively through a service control") {
			d.Transitive = LayerSCP
		}
		d.policyFrom(s[deny:])
	case strings.Contains(low, "no resource-based policies allow access"):
		d.Layer = LayerResource
	}
}

// skipArticle drops " in a", " in an" and " in the".
func skipArticle(s string) string {
	s, ok := strings.CutPrefix(strings.TrimLeft(s, " "), "in ")
	if !ok {
		return ""
	}
	article, rest := cutToken(s)
	if article == "a" || article == "an" || article == "the" {
		return strings.TrimLeft(rest, " ")
	}
	return s
}

// layerWords tell the layer from the first words of a policy's kind.
var layerWords = []struct {
	prefix string
	layer  Layer
}{
	{"identity", LayerIdentity},
	{"resource control", LayerRCP},
	{"resource", LayerResource},
	{"service control", LayerSCP},
	{"permission", LayerBoundary},
	{"session", LayerSession},
	{"vpc endpoint", LayerVPCEndpoint},
	{"vpce", LayerVPCEndpoint},
	{"role trust", LayerTrust},
	{"trust", LayerTrust},
	{"key policy", LayerKMS},
}

func layerNamed(s string) Layer {
	for _, w := range layerWords {
		if strings.HasPrefix(s, w.prefix) {
			return w.layer
		}
	}
	return LayerUnknown
}

// policyFrom reads ": arn:… (Name)" from a reason.
func (d *DenialText) policyFrom(s string) {
	i := strings.Index(s, ": arn:")
	if i < 0 {
		return
	}
	arn, rest := cutToken(s[i+2:])
	d.PolicyARN = strings.TrimRight(arn, ".,;)")
	if name, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), "("); ok {
		d.PolicyName, _, _ = strings.Cut(name, ")")
	}
}

// parseOther reads the forms that name no action.
func (d *DenialText) parseOther(msg string) {
	low := lowerASCII(msg)
	has := func(s string) bool { return strings.Contains(low, s) }
	switch {
	case has("denied due to a vpc endpoint policy"):
		d.Form, d.Layer = FormEndpoint, LayerVPCEndpoint
	case has("insufficient lake formation permission"):
		d.Form, d.Layer, d.Effect = FormLakeFormation, LayerGate, EffectImplicit
		d.Resource = tokenAfter(msg, " on ")
	case has("user access not activated"):
		d.Form, d.Layer = FormGate, LayerGate
	case has("the ciphertext refers to a customer master key"):
		d.Form, d.Layer = FormCiphertext, LayerKMS
	case has("cannot be assumed by") && has("role"):
		d.Form = FormRoleNotReady
	case has("not authorized to access"):
		d.parseAccess(msg)
	case has("access to the resource ") && has(" is denied"):
		d.Form, d.Resource = FormAccess, tokenAfter(msg, "resource ")
	case has("not authorized to perform") || has("access denied") || has("accessdenied"):
		if d.Form == FormNone {
			d.Form = FormBare
		}
		d.parseReason(msg)
	}
}

// parseAccess reads "… is not authorized to access [this] resource …".
func (d *DenialText) parseAccess(msg string) {
	const verb = "not authorized to access"
	i := indexFold(msg, verb)
	d.Form = FormAccess
	d.Principal = principalBefore(msg[:i])
	rest := msg[i+len(verb):]
	if r := tokenAfter(rest, "resource"); strings.Contains(r, ":") {
		d.Resource = r
	}
	d.parseReason(rest)
}

// joinLines turns every line break, with the blanks around it, into one space:
// messages are wrapped by the services and by whoever pasted them.
func joinLines(s string) string {
	if !strings.ContainsAny(s, "\n\r\t\u00a0") {
		return strings.TrimSpace(s)
	}
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' || r == '\u00a0' })
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.TrimSpace(strings.Join(lines, " "))
}

// cutToken splits s at its first space, which stays with the rest.
func cutToken(s string) (token, rest string) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// tokenAfter returns the word that follows mark, without closing punctuation.
func tokenAfter(s, mark string) string {
	i := indexFold(s, mark)
	if i < 0 {
		return ""
	}
	t, _ := cutToken(strings.TrimLeft(s[i+len(mark):], ": "))
	return strings.Trim(t, `.,;"`)
}

// between returns what stands between two marks, or "".
func between(s, from, to string) string {
	i := indexFold(s, from)
	if i < 0 {
		return ""
	}
	s = s[i+len(from):]
	if i = indexFold(s, to); i < 0 {
		return ""
	}
	return s[:i]
}

// indexFold is strings.Index without regard to the case of ASCII letters.
func indexFold(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		k := 0
		for k < len(sub) && lower(s[i+k]) == lower(sub[k]) {
			k++
		}
		if k == len(sub) {
			return i
		}
	}
	return -1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if !hasPrefixFold(s, prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// lowerASCII lowers ASCII letters only, so that offsets stay the same.
func lowerASCII(s string) string {
	i := 0
	for i < len(s) && lower(s[i]) == s[i] {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		b[i] = lower(b[i])
	}
	return string(b)
}
