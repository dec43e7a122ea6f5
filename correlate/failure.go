package correlate

import (
	"strings"

	"github.com/trailblame/trailblame/correlate/policy"
)

// FailedRequest is what a failing call asked for and why it was refused.
type FailedRequest struct {
	Event *Event
	// Action is the IAM action that was decided, in its usual spelling; for a
	// state change that names none, the kind of state change.
	Action string
	// Actions are Action and the other actions the call may have needed.
	Actions []string
	// Resource is the ARN asked for, a name when no ARN can be told, or "*".
	Resource string
	// ResourceParent is what siblings of Resource share: the bucket of an
	// object, arn:…:instance/* of an EC2 instance. Empty when Resource stands
	// alone.
	ResourceParent string
	// Refs are the Git references that a CodeCommit call writes.
	Refs []string
	// Principal is the caller, stable over sessions.
	Principal string
	Denial    DenialText
	Account   string
	Region    string
	// Dependent is set when another service's action was refused inside the
	// call, such as a key that S3 needs.
	Dependent bool
	// Discovery marks the first of the two records of a push, which only asks
	// for the repository's references and is no attempt of its own.
	Discovery bool

	// via and viaScope are the call's own caller, action and resource when
	// Dependent: a success of the call is one of the refused action as well.
	via      passKey
	viaScope string
}

// scope is what the request is grouped by: what its resource is a part of, else the
// resource.
func (r *FailedRequest) scope() string { return first(r.ResourceParent, r.Resource) }

// FailureOf reads what a call asked for, and reports whether it ended in an
// error; for a state change, whether it is one to failed. Successes are read as
// well, so that both ends of an episode compare equal. Whether the error is a
// refusal is for IsDenial to say.
func FailureOf(e *Event) (FailedRequest, bool) {
	if e.Native {
		return nativeFailure(e)
	}
	return requested(e), e.ErrorCode != "" || e.ErrorMessage != "" || refusedLine(e)
}

func requested(e *Event) FailedRequest {
	r := FailedRequest{Event: e, Account: e.Account, Region: e.Region, Principal: e.Principal(),
		Refs: refsOf(e), Discovery: isDiscovery(e),
		Denial: DenialText{Effect: EffectUnknown, Layer: LayerUnknown}}
	if e.ErrorCode != "" || e.ErrorMessage != "" {
		r.Denial = e.denial()
	}
	action, resource := policy.Asked(e.Record)
	r.setActions(knownActions(e, action))
	if !strings.HasPrefix(r.Principal, "arn:") && strings.HasPrefix(r.Denial.Principal, "arn:") {
		r.Principal = StablePrincipal(r.Denial.Principal).ARN
	}
	r.Resource = first(e.messageResource(r.Denial), r.recordResource(resource), "*")
	r.ResourceParent = parentOf(r.Resource)
	r.setKeyLayer()
	return r
}

// knownActions lists the actions of an event, asked first: S3 decides on one
// version of an object by an action of its own.
func knownActions(e *Event, asked string) []string {
	known := policy.Actions(e.EventSource, e.Name)
	if asked == "" || len(known) > 0 && known[0] == asked {
		return known
	}
	return append([]string{asked}, known...)
}

// setActions puts the action that the message names in front of those that the
// event may need.
func (r *FailedRequest) setActions(known []string) {
	r.Actions = known
	if len(known) > 0 {
		r.Action = known[0]
	}
	said := r.Denial.Action
	if said == "" {
		return
	}
	r.Action = spelled(said, known)
	r.Actions = []string{r.Action}
	for _, a := range known {
		if a != r.Action {
			r.Actions = append(r.Actions, a)
		}
	}
	if len(known) > 0 && prefixOf(known[0]) != prefixOf(r.Action) {
		r.Dependent = true
	}
}

// spelled returns an action in the spelling of the event's own actions, since
// services write it in messages as they like.
func spelled(action string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, action) {
			return k
		}
	}
	service, name, _ := strings.Cut(action, ":")
	return strings.ToLower(service) + ":" + name
}

func prefixOf(action string) string {
	p, _, _ := strings.Cut(action, ":")
	return p
}

// setKeyLayer moves refusals by a key's own policy to the layer of keys, where
// its policy and grants are; a message calls that policy resource-based.
func (r *FailedRequest) setKeyLayer() {
	if l := r.Denial.Layer; l != LayerResource && l != LayerUnknown {
		return
	}
	if prefixOf(r.Action) == "kms" {
		r.Denial.Layer = LayerKMS
		return
	}
	base := baseCode(r.Event.ErrorCode)
	if ClassifyCode(base) == ClassDependency && containsAny(base, []string{"KMS", "Kms", "EncryptionKey"}) {
		r.Denial.Layer, r.Dependent = LayerKMS, true
	}
}

// messageResource is the resource that the message names, as an ARN where its
// kind tells one: IAM writes "role NAME", Secrets Manager the bare name.
func (e *Event) messageResource(d DenialText) string {
	res := d.Resource
	if res == "" || strings.HasPrefix(res, "arn:") {
		return res
	}
	kind, name, ok := cutLastSpace(res)
	if ok && hasPrefixFold(d.Action, "iam:") && !strings.Contains(name, "*") {
		switch kind {
		case "role", "user", "group", "policy", "instance-profile":
			return e.iamARN(kind, name)
		case "instance profile":
			return e.iamARN("instance-profile", name)
		}
	}
	if hasPrefixFold(d.Action, "secretsmanager:") && !strings.ContainsAny(res, " *") {
		return "arn:" + partitionOf(e.Region) + ":secretsmanager:" + e.Region + ":" + e.Account + ":secret:" + res
	}
	return res
}

func cutLastSpace(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// recordResource is the resource that the record names outside its message.
// When a key behind the call was refused without a name, the record cannot
// tell which.
func (r *FailedRequest) recordResource(asked string) string {
	e := r.Event
	if r.Dependent && prefixOf(r.Action) == "kms" {
		if key := first(e.keyARN(), Str(e.Params, "x-amz-server-side-encryption-aws-kms-key-id")); key != "" {
			return key
		}
	}
	if asked != "" {
		return asked
	}
	if res := e.catalogueResource(); res != "" {
		return res
	}
	if res := lineResource(Str(e.Additional, "line")); res != "" {
		return res
	}
	for _, l := range e.Resources {
		if l.ARN != "" {
			return strings.TrimSuffix(l.ARN, "/")
		}
	}
	return e.namedResource()
}

// catalogueResource uses the catalogue of changes, which knows where many
// events keep what they act on.
func (e *Event) catalogueResource() string {
	for _, en := range catalogueFor(e) {
		if en.applies(e) {
			return first(append(append(expand(e, en.on), expand(e, en.who)...), "")...)
		}
	}
	return ""
}

// namingFields are parameters that name what most calls act on, with the
// templates of their ARNs, most telling first.
var namingFields = mustTemplates(
	"{arn}", "{resourceArn}", "{resourceARN}", "{topicArn}", "{policyArn}", "{stateMachineArn}", "{streamARN}",
	"iam::A:role/{roleName}", "iam::A:user/{userName}", "iam::A:group/{groupName}", "iam::A:instance-profile/{instanceProfileName}",
	"kms:R:A:key/{keyId}", "secretsmanager:R:A:secret:{secretId}", "ec2:R:A:instance/{instancesSet.items.instanceId}", "ec2:R:A:instance/{instanceId}",
	"logs:R:A:log-group:{logGroupName}", "ssm:R:A:parameter/{name}",
)

func mustTemplates(list ...string) []template {
	var out []template
	for _, s := range list {
		t, err := parseTemplate(s)
		if err != nil {
			panic(err)
		}
		out = append(out, t)
	}
	return out
}

// namedResource builds the ARN from a naming parameter of the event's own
// service, else returns a repository, bucket or other plain name.
func (e *Event) namedResource() string {
	for i := range namingFields {
		t := &namingFields[i]
		if t.service != "" && t.service != e.service() {
			continue
		}
		if out := t.expand(e); len(out) == 1 || len(out) > 1 && t.service == "" {
			return out[0]
		} else if len(out) > 1 {
			return parentOf(out[0])
		}
	}
	return first(Str(e.Params, "name"), Str(e.Additional, "repositoryName"))
}

// lineResource reads bucket and key from a line of an S3 access log.
func lineResource(line string) string {
	f := strings.Fields(line)
	if len(f) < 9 {
		return ""
	}
	if f[8] == "-" {
		return "arn:aws:s3:::" + f[1]
	}
	return "arn:aws:s3:::" + f[1] + "/" + f[8]
}

// parentOf returns what siblings of a resource share, or "".
func parentOf(res string) string {
	a, ok := splitARN(res)
	if !ok {
		return ""
	}
	head := "arn:" + a.partition + ":" + a.service + ":" + a.region + ":" + a.account + ":"
	kind, rest, slash := strings.Cut(a.resource, "/")
	switch a.service {
	case "s3":
		if slash && a.region == "" {
			return head + kind
		}
	case "ec2":
		if slash && rest != "*" {
			return head + kind + "/*"
		}
	case "dynamodb":
		if table, _, deeper := strings.Cut(rest, "/"); deeper && kind == "table" {
			return head + "table/" + table
		}
	case "lambda":
		if p := strings.Split(a.resource, ":"); len(p) == 3 && p[0] == "function" {
			return head + "function:" + p[1]
		}
	case "logs":
		if p := strings.Split(a.resource, ":"); len(p) > 2 && p[0] == "log-group" {
			return head + "log-group:" + p[1]
		}
	}
	return ""
}

// refsOf lists the Git references that a call names.
func refsOf(e *Event) []string {
	if e.service() != "codecommit" {
		return nil
	}
	refs := leaves(e.Params, []string{"references", "ref"})
	for _, path := range [][]string{{"branchName"}, {"targetBranch"}, {"targets", "destinationReference"}, {"destinationReference"}} {
		refs = append(refs, leaves(e.Params, path)...)
	}
	for i, r := range refs {
		if !strings.HasPrefix(r, "refs/") {
			refs[i] = "refs/heads/" + r
		}
	}
	return refs
}

// isDiscovery reports the record of a push that moved no data.
func isDiscovery(e *Event) bool {
	return e.Name == "GitPush" && strings.EqualFold(Str(e.Additional, "dataTransferred"), "false")
}

// failedStates are the words for a failure in the state changes of CodePipeline
// and CodeBuild.
var failedStates = map[string]bool{"FAILED": true, "FAULT": true, "TIMED_OUT": true, "CLIENT_ERROR": true}

// nativeFailure reads a state change to failed. Its text may quote the denial
// behind it, which then names action and resource.
func nativeFailure(e *Event) (FailedRequest, bool) {
	state := first(Str(e.Detail, "state"), Str(e.Detail, "build-status"), Str(e.Detail, "completed-phase-status"))
	if !failedStates[state] {
		return FailedRequest{}, false
	}
	r := FailedRequest{Event: e, Account: e.Account, Region: e.Region,
		Denial: e.denial()}
	r.setActions(nil)
	r.Action = first(r.Action, e.Name)
	if p := r.Denial.Principal; strings.HasPrefix(p, "arn:") {
		r.Principal = StablePrincipal(p).ARN
	}
	r.Resource = e.messageResource(r.Denial)
	if r.Resource == "" && len(e.Resources) > 0 {
		r.Resource = e.Resources[0].ARN
		r.ResourceParent = buildProject(r.Resource)
	}
	r.Resource = first(r.Resource, "*")
	r.ResourceParent = first(r.ResourceParent, parentOf(r.Resource))
	r.setKeyLayer()
	return r, true
}

// buildProject returns the project of a build's ARN, or "".
func buildProject(arn string) string {
	a, ok := splitARN(arn)
	if !ok || a.service != "codebuild" || !strings.HasPrefix(a.resource, "build/") {
		return ""
	}
	project, _, _ := strings.Cut(strings.TrimPrefix(a.resource, "build/"), ":")
	return "arn:" + a.partition + ":codebuild:" + a.region + ":" + a.account + ":project/" + project
}

// nativeError finds the code and the words of what went wrong in a state
// change. Only the failed action of a pipeline and the failed phase of a build
// say it.
func nativeError(e *Event) (code, message string) {
	d := e.Detail
	code = Str(d, "execution-result", "error-code")
	texts := []string{Str(d, "execution-result", "external-execution-summary"), Str(d, "completed-phase-context")}
	for _, p := range List(d, "additional-information", "phases") {
		m, _ := p.(map[string]any)
		if failedStates[Str(m, "phase-status")] {
			texts = append(texts, Strs(m, "phase-context")...)
		}
	}
	texts = append(texts, leaves(e.Additional, []string{"failedActions", "additionalInformation"})...)
	var said []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" && t != "[]" && t != ":" {
			said = append(said, t)
		}
	}
	return code, strings.Join(said, "\n")
}
