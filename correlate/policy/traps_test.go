package policy

import "testing"

// trap is a rule of AWS's evaluation that is easy to get wrong, with the AWS
// document it follows.
type trap struct {
	name, follows string
	set           Set
	request       *Request
	value         Value
	effect        Effect
}

func runTraps(t *testing.T, traps []trap) {
	t.Helper()
	for _, tr := range traps {
		t.Run(tr.name, func(t *testing.T) {
			got := Evaluate(&tr.set, tr.request)
			if got.Value != tr.value || got.Effect != tr.effect {
				t.Errorf("got %s; want %s %s by %q", got, tr.effect, tr.value, tr.follows)
			}
		})
	}
}

// conditional is a set whose only policy allows everything under a condition,
// and a request with these context keys.
func conditional(t *testing.T, name, follows, condition string, value Value, pairs ...string) trap {
	tr := trap{name: name, follows: follows, value: value, request: ask(someUser, "s3:GetObject", someObject, pairs...)}
	tr.request.ResourceAccount = owner
	if value == Deny {
		tr.effect = Implicit
	}
	tr.set.Identity = stack(statements(t, `{'Effect':'Allow','Action':'*','Resource':'*','Condition':`+condition+`}`))
	return tr
}

const (
	conditionDocument = "IAM JSON policy elements: Condition operators"
	multivalueGuide   = "Set operators for multivalued context keys"
	variableGuide     = "IAM policy elements: Variables and tags"
)

func TestConditionTraps(t *testing.T) {
	runTraps(t, []trap{
		conditional(t, "boolean value", conditionDocument, `{'Null':{'aws:username':true}}`, Allow),
		conditional(t, "number value", conditionDocument, `{'NumericEquals':{'s3:max-keys':10}}`, Allow, "s3:max-keys", "10"),
		conditional(t, "missing key, positive", conditionDocument, `{'StringEquals':{'aws:username':'ana'}}`, Deny),
		conditional(t, "missing key, negated", conditionDocument, `{'StringNotEquals':{'aws:username':'ana'}}`, Allow),
		conditional(t, "missing key, IfExists", conditionDocument, `{'StringEqualsIfExists':{'aws:username':'ana'}}`, Allow),
		conditional(t, "missing key, negated IfExists", conditionDocument, `{'StringNotEqualsIfExists':{'aws:username':'ana'}}`, Allow),
		conditional(t, "missing key, ForAllValues", multivalueGuide, `{'ForAllValues:StringEquals':{'aws:TagKeys':'a'}}`, Allow),
		conditional(t, "missing key, ForAnyValue", multivalueGuide, `{'ForAnyValue:StringEquals':{'aws:TagKeys':'a'}}`, Deny),
		conditional(t, "missing key, negated ForAnyValue", multivalueGuide, `{'ForAnyValue:StringNotEquals':{'aws:TagKeys':'a'}}`, Deny),
		conditional(t, "missing key, ForAnyValue IfExists", multivalueGuide, `{'ForAnyValue:StringEqualsIfExists':{'aws:TagKeys':'a'}}`, Allow),
		conditional(t, "names in any case", conditionDocument, `{'STRINGEQUALSifexists':{'AWS:UserName':'ana'}}`, Allow, "aws:username", "ana"),
		conditional(t, "values keep their case", conditionDocument, `{'StringEquals':{'aws:username':'Ana'}}`, Deny, "aws:username", "ana"),
		conditional(t, "negated list is none of them", conditionDocument, `{'StringNotEquals':{'aws:username':['ana','bo']}}`, Deny, "aws:username", "bo"),
		conditional(t, "number that is none", conditionDocument, `{'NumericNotEquals':{'s3:max-keys':'10'}}`, Deny, "s3:max-keys", "ten"),
		conditional(t, "date that is none", conditionDocument, `{'DateNotEquals':{'aws:CurrentTime':'soon'}}`, Deny, "aws:CurrentTime", "2026-01-02T03:04:05Z"),
		conditional(t, "address that is none", conditionDocument, `{'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}}`, Deny, "aws:SourceIp", "somewhere"),
		conditional(t, "variable without value, negated", variableGuide, `{'StringNotEquals':{'aws:userid':'${aws:username}'}}`, Deny, "aws:userid", "AIDAX"),
		conditional(t, "date in seconds", conditionDocument, `{'DateLessThan':{'aws:CurrentTime':'1767323045'}}`, Allow, "aws:CurrentTime", "2026-01-02T03:04:04Z"),
		conditional(t, "date against seconds", conditionDocument, `{'DateEquals':{'aws:CurrentTime':'2026-01-02T03:04:05'}}`, Allow, "aws:CurrentTime", "1767323045"),
		conditional(t, "date with offset", conditionDocument, `{'DateEquals':{'aws:CurrentTime':'2026-01-02T05:04:05+02:00'}}`, Allow, "aws:CurrentTime", "2026-01-02T03:04:05Z"),
		conditional(t, "address in block", conditionDocument, `{'IpAddress':{'aws:SourceIp':'203.0.113.0/24'}}`, Allow, "aws:SourceIp", "203.0.113.9"),
		conditional(t, "block of the other family", conditionDocument, `{'NotIpAddress':{'aws:SourceIp':'2001:db8::/32'}}`, Allow, "aws:SourceIp", "203.0.113.9"),
		conditional(t, "unknown operator", "Access Analyzer policy check reference", `{'StringResembles':{'aws:username':'ana'}}`, Deny, "aws:username", "ana"),
		conditional(t, "Null has no IfExists", "Access Analyzer policy check reference", `{'NullIfExists':{'aws:username':'true'}}`, Deny),
		conditional(t, "ArnEquals has wildcards", conditionDocument, `{'ArnEquals':{'aws:SourceArn':'arn:aws:sns:*:1:*'}}`, Allow, "aws:SourceArn", "arn:aws:sns:eu-west-1:1:topic"),
		conditional(t, "ArnLike keeps to its parts", conditionDocument, `{'ArnLike':{'aws:SourceArn':'arn:aws:sns:*:topic'}}`, Deny, "aws:SourceArn", "arn:aws:sns:eu-west-1:1:topic"),
		conditional(t, "StringEquals has no wildcards", conditionDocument, `{'StringEquals':{'aws:username':'a*'}}`, Deny, "aws:username", "ana"),
		conditional(t, "all operators, all keys", conditionDocument, `{'StringEquals':{'aws:username':'ana'},'Bool':{'aws:SecureTransport':'true'}}`, Deny, "aws:username", "ana", "aws:SecureTransport", "false"),
	})
}

func TestVariableTraps(t *testing.T) {
	tagged := func(name, resource, asked string, value Value, pairs ...string) trap {
		tr := trap{name: name, follows: variableGuide, value: value, request: ask(someUser, "s3:GetObject", asked, pairs...)}
		tr.request.ResourceAccount = owner
		if value == Deny {
			tr.effect = Implicit
		}
		tr.set.Identity = stack(statements(t, `{'Effect':'Allow','Action':'s3:GetObject','Resource':'`+resource+`'}`))
		return tr
	}
	old := tagged("not before 2012-10-17", "", "arn:aws:s3:::b/ana", Deny, "aws:username", "ana")
	old.set.Identity = stack(doc(t, `{'Statement':{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::b/${aws:username}'}}`))
	missing := tagged("missing in NotResource", "", "arn:aws:s3:::b/ana", Deny)
	missing.set.Identity = stack(statements(t, `{'Effect':'Allow','Action':'*','NotResource':'arn:aws:s3:::b/${aws:username}'}`))
	defaulted := `arn:aws:s3:::b/${aws:PrincipalTag/team, \u0027none\u0027}`
	runTraps(t, []trap{
		old,
		missing,
		tagged("value", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ana", Allow, "aws:username", "ana"),
		tagged("missing in Resource", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ana", Deny),
		tagged("default", defaulted, "arn:aws:s3:::b/none", Allow),
		tagged("default not needed", defaulted, "arn:aws:s3:::b/none", Deny, "aws:PrincipalTag/team", "red"),
		tagged("literal star", "arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", Deny),
		tagged("literal star matches itself", "arn:aws:s3:::b/${*}${?}${$}", "arn:aws:s3:::b/*?$", Allow),
		tagged("star in a value is literal", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/anyone", Deny, "aws:username", "*"),
	})
}

func TestElementTraps(t *testing.T) {
	element := func(name, follows, statement string, value Value, request *Request) trap {
		tr := trap{name: name, follows: follows, value: value, request: request}
		if value == Deny {
			tr.effect = Implicit
		}
		tr.set.Identity = stack(statements(t, statement))
		return tr
	}
	get := ask(someUser, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	queue := ask(someUser, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:jobs")
	subscription := ask(someUser, "sns:Unsubscribe", "arn:aws:sns:eu-west-1:111122223333:topic:1-2")
	wide := element("resource policies take no short ARN", "Identify AWS resources with ARNs", everythingStatement, Deny, queue)
	wide.set = Set{Resource: stack(statements(t, `{'Effect':'Allow','Principal':'*','Action':'*','Resource':'arn:aws:sqs'}`))}
	runTraps(t, []trap{
		wide,
		element("short ARN", "Identify AWS resources with ARNs", `{'Effect':'Allow','Action':'*','Resource':'arn:aws:sqs'}`, Allow, queue),
		element("star at the end of a part", "IAM JSON policy elements: Resource", `{'Effect':'Allow','Action':'*','Resource':'arn:aws:sns:*'}`, Allow, subscription),
		element("star within a part", "IAM JSON policy elements: Resource", `{'Effect':'Allow','Action':'*','Resource':'arn:aws:s*-1:111122223333:jobs'}`, Deny, queue),
		element("star over slashes", "IAM JSON policy elements: Resource", `{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::artifacts*zip'}`, Allow, get),
		element("resource keeps its case", "IAM JSON policy elements: Resource", `{'Effect':'Allow','Action':'*','Resource':'arn:aws:s3:::Artifacts/*'}`, Deny, get),
		element("action in any case", "IAM JSON policy elements: Action", `{'Effect':'Allow','Action':'S3:GETobject','Resource':'*'}`, Allow, get),
		element("action with whitespace", "Access Analyzer policy check reference", `{'Effect':'Allow','Action':'s3: GetObject','Resource':'*'}`, Deny, get),
		element("NotAction with whitespace", "Access Analyzer policy check reference", `{'Effect':'Allow','NotAction':'s3: GetObject','Resource':'*'}`, Allow, get),
		element("NotAction", "IAM JSON policy elements: NotAction", `{'Effect':'Allow','NotAction':['iam:*','S3:Get*'],'Resource':'*'}`, Deny, get),
		element("NotResource", "IAM JSON policy elements: NotResource", `{'Effect':'Allow','Action':'*','NotResource':'arn:aws:s3:::artifacts/*'}`, Deny, get),
		element("member names in any case", "Grammar of the IAM JSON policy language", `{'effect':'Allow','ACTION':'s3:*','resource':'*'}`, Allow, get),
	})
}

const (
	logicGuide    = "Policy evaluation logic"
	boundaryGuide = "Permissions boundaries for IAM entities"
)

func TestLayerTraps(t *testing.T) {
	request := func(principal, action, resource, account string) *Request {
		r := ask(principal, action, resource)
		r.ResourceAccount = account
		return r
	}
	all := stack(statements(t, everythingStatement))
	lambdaOnly := stack(statements(t, `{'Effect':'Allow','Action':'lambda:*','Resource':'*'}`))
	bucket := func(principal string) Stack {
		return stack(statements(t, `{'Effect':'Allow','Principal':`+principal+`,'Action':'s3:GetObject','Resource':'*'}`))
	}
	named := func(arn string) Stack { return bucket(`{'AWS':'` + arn + `'}`) }
	get := func(principal, account string) *Request {
		return request(principal, "s3:GetObject", someObject, account)
	}
	runTraps(t, []trap{
		{"same account: resource alone", logicGuide, Set{Resource: named(someUser)}, get(someUser, owner), Allow, NoEffect},
		{"same account: identity alone", logicGuide, Set{Identity: all}, get(someUser, owner), Allow, NoEffect},
		{"across accounts: identity alone", logicGuide, Set{Identity: all}, get(someUser, stranger), Deny, Implicit},
		{"across accounts: resource alone", logicGuide, Set{Resource: named(someUser)}, get(someUser, stranger), Deny, Implicit},
		{"across accounts: both", logicGuide, Set{Identity: all, Resource: named(owner)}, get(someUser, stranger), Allow, NoEffect},
		{"account only delegates", logicGuide, Set{Resource: named("arn:aws:iam::" + owner + ":root")}, get(someUser, owner), Deny, Implicit},
		{"user named itself passes its boundary", boundaryGuide, Set{Resource: named(someUser), Boundary: lambdaOnly}, get(someUser, owner), Allow, NoEffect},
		{"session named itself passes boundary and session", boundaryGuide, Set{Resource: named(someSession), Boundary: lambdaOnly, Session: lambdaOnly}, get(someSession, owner), Allow, NoEffect},
		{"role named keeps its boundary", boundaryGuide, Set{Resource: named(someRole), Boundary: lambdaOnly}, get(someSession, owner), Deny, Implicit},
		{"role named keeps its session policy", boundaryGuide, Set{Resource: named(someRole), Session: lambdaOnly}, get(someSession, owner), Deny, Implicit},
		{"role named needs no identity policy", logicGuide, Set{Resource: named(someRole)}, get(someSession, owner), Allow, NoEffect},
		{"role found by aws:PrincipalArn keeps its boundary", logicGuide, Set{Boundary: lambdaOnly, Resource: stack(statements(t,
			`{'Effect':'Allow','Principal':'*','Action':'s3:GetObject','Resource':'*','Condition':{'ArnEquals':{'aws:PrincipalArn':'`+someRole+`'}}}`))},
			func() *Request {
				r := get(someSession, owner)
				r.Context.Set("aws:PrincipalArn", someRole)
				return r
			}(), Deny, Implicit},
		{"boundary explicit deny", boundaryGuide, Set{Identity: all, Boundary: stack(statements(t, `{'Effect':'Deny','Action':'s3:*','Resource':'*'}`))}, get(someUser, owner), Deny, Explicit},
		{"role path is not in the session ARN", "IAM identifiers", Set{Resource: named("arn:aws:iam::" + owner + ":role/ci/prod/build")}, get(someSession, owner), Allow, NoEffect},
		{"role of another account", "IAM identifiers", Set{Resource: named("arn:aws:iam::" + stranger + ":role/build")}, get(someSession, owner), Deny, Implicit},
		{"no wildcard within a principal", "AWS JSON policy elements: Principal", Set{Resource: named("arn:aws:iam::" + owner + ":user/*")}, get(someUser, owner), Deny, Implicit},
		{"anonymous", logicGuide, Set{Resource: bucket(`'*'`), SCP: Hierarchy{Nodes: []Node{{ID: "r"}}}}, get("*", owner), Allow, NoEffect},
		{"anonymous is in no account", logicGuide, Set{Resource: named(owner)}, get("*", owner), Deny, Implicit},
		{"root needs no policy", "AWS account root user", Set{}, get("arn:aws:iam::"+owner+":root", owner), Allow, NoEffect},
		{"root obeys SCPs", "Service control policies", Set{SCP: Hierarchy{Nodes: []Node{{ID: "r"}}}}, get("arn:aws:iam::"+owner+":root", owner), Deny, Implicit},
		{"root assumes no role", "AssumeRole", Set{Resource: bucket(`'*'`)}, request("arn:aws:iam::"+owner+":root", "sts:AssumeRole", someRole, owner), Deny, Implicit},
		{"service needs the resource", "AWS JSON policy elements: Principal", Set{Resource: bucket(`{'Service':'logs.amazonaws.com'}`)}, get("logs.amazonaws.com", owner), Allow, NoEffect},
		{"service of another name", "AWS JSON policy elements: Principal", Set{Resource: bucket(`{'Service':'logs.amazonaws.com'}`)}, get("sns.amazonaws.com", owner), Deny, Implicit},
	})
}

func TestOrganizationTraps(t *testing.T) {
	all := stack(statements(t, everythingStatement))
	get := ask(someUser, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	linked := ask("arn:aws:sts::"+owner+":assumed-role/AWSServiceRoleForEC2/x", "s3:GetObject", someObject)
	linked.ResourceAccount = owner
	who := ask(someUser, "sts:GetCallerIdentity", "*")
	node := func(id string, docs ...*Document) Node { return Node{ID: id, Stack: stack(docs...)} }
	full, none := statements(t, everythingStatement), statements(t, `{'Effect':'Deny','Action':'*','Resource':'*'}`)
	path := func(nodes ...Node) Hierarchy { return Hierarchy{Nodes: nodes} }
	const scp, rcp = "Service control policies", "Resource control policies"
	runTraps(t, []trap{
		{"every node allows", scp, Set{Identity: all, SCP: path(node("r", full), node("ou", full))}, get, Allow, NoEffect},
		{"an empty node denies", scp, Set{Identity: all, SCP: path(node("r", full), node("ou"))}, get, Deny, Implicit},
		{"a deny above", scp, Set{Identity: all, SCP: path(node("r", full, none), node("ou", full))}, get, Deny, Explicit},
		{"SCP grants nothing", scp, Set{SCP: path(node("r", full))}, get, Deny, Implicit},
		{"resource policy obeys SCP", scp, Set{SCP: path(node("r")), Resource: stack(statements(t, `{'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'}`))}, get, Deny, Implicit},
		{"management account", scp, Set{Identity: all, SCP: path(node("r", none)), RCP: path(node("r", none)), ManagementAccount: owner}, get, Allow, NoEffect},
		{"service-linked role", scp, Set{Identity: all, SCP: path(node("r", none)), RCP: path(node("r", none))}, linked, Allow, NoEffect},
		{"RCP", rcp, Set{Identity: all, RCP: path(node("r", full, none))}, get, Deny, Explicit},
		{"RCP needs an allow", rcp, Set{Identity: all, RCP: path(node("r"))}, get, Deny, Implicit},
		{"endpoint policy", "Control access to VPC endpoints using endpoint policies", Set{Identity: all, VPCEndpoint: stack(statements(t, `{'Effect':'Allow','Principal':'*','Action':'sqs:*','Resource':'*'}`))}, get, Deny, Implicit},
		{"GetCallerIdentity", "GetCallerIdentity", Set{Identity: stack(none), SCP: path(node("r", none))}, who, Allow, NoEffect},
	})
}

func TestConsentTraps(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	all := stack(statements(t, everythingStatement))
	policyFor := func(principal string) Stack {
		return stack(statements(t, `{'Effect':'Allow','Principal':{'AWS':'`+principal+`'},'Action':['kms:*','sts:AssumeRole'],'Resource':'*'}`))
	}
	decrypt := ask(someUser, "kms:Decrypt", key, "kms:EncryptionContext:stage", "prod")
	decrypt.Context.SetList("kms:EncryptionContextKeys", "stage")
	list := ask(someUser, "kms:ListKeys", "*")
	assume := ask(someUser, "sts:AssumeRole", someRole)
	far := ask("arn:aws:iam::"+stranger+":user/ed", "sts:AssumeRole", someRole)
	grant := func(subset map[string]string) Grants {
		return Grants{List: []Grant{{ID: "g1", Grantee: someUser, Operations: []string{"Decrypt"}, ContextSubset: subset}}}
	}
	const keyGuide, trustGuide, grantGuide = "Key policies in AWS KMS", "IAM roles", "Grants in AWS KMS"
	runTraps(t, []trap{
		{"key without consent", keyGuide, Set{Identity: all}, decrypt, Deny, Implicit},
		{"key that delegates", keyGuide, Set{Identity: all, Resource: policyFor(owner)}, decrypt, Allow, NoEffect},
		{"key that delegates to nobody", keyGuide, Set{Resource: policyFor(owner)}, decrypt, Deny, Implicit},
		{"key that names the user", keyGuide, Set{Resource: policyFor(someUser)}, decrypt, Allow, NoEffect},
		{"no key involved", keyGuide, Set{Identity: all}, list, Allow, NoEffect},
		{"grant", grantGuide, Set{Grants: grant(nil)}, decrypt, Allow, NoEffect},
		{"grant with context", grantGuide, Set{Grants: grant(map[string]string{"stage": "prod"})}, decrypt, Allow, NoEffect},
		{"grant for another context", grantGuide, Set{Grants: grant(map[string]string{"stage": "test"})}, decrypt, Deny, Implicit},
		{"grant under a deny", grantGuide, Set{Grants: grant(nil), Identity: stack(statements(t, `{'Effect':'Deny','Action':'kms:*','Resource':'*'}`))}, decrypt, Deny, Explicit},
		{"role without trust", trustGuide, Set{Identity: all}, assume, Deny, Implicit},
		{"role that trusts the account", trustGuide, Set{Identity: all, Resource: policyFor(owner)}, assume, Allow, NoEffect},
		{"role that trusts the user", trustGuide, Set{Resource: policyFor(someUser)}, assume, Allow, NoEffect},
		{"trust across accounts is not enough", trustGuide, Set{Resource: policyFor(stranger)}, far, Deny, Implicit},
		{"trust across accounts", trustGuide, Set{Identity: all, Resource: policyFor(stranger)}, far, Allow, NoEffect},
	})
}

func TestNotPrincipalTraps(t *testing.T) {
	const guide = "AWS JSON policy elements: NotPrincipal"
	get := ask(someUser, "s3:GetObject", someObject)
	get.ResourceAccount = owner
	other := ask("arn:aws:iam::111122223333:user/bo", "s3:GetObject", someObject)
	other.ResourceAccount = owner
	all := stack(statements(t, everythingStatement))
	except := stack(statements(t, `{'Effect':'Deny','NotPrincipal':{'AWS':['`+someUser+`','`+owner+`']},'Action':'*','Resource':'*'}`))
	only := stack(statements(t, `{'Effect':'Deny','NotPrincipal':{'AWS':'`+someUser+`'},'Action':'*','Resource':'*'}`))
	runTraps(t, []trap{
		{"listed", guide, Set{Identity: all, Resource: except}, get, Allow, NoEffect},
		{"not listed", guide, Set{Identity: all, Resource: only}, other, Deny, Explicit},
		{"listed, but with a boundary", guide, Set{Identity: all, Boundary: all, Resource: except}, get, Deny, Explicit},
		{"listed, boundary unknown", guide, Set{Identity: all, Boundary: Stack{Unseen: UnseenUnknown}, Resource: except}, get, Unknown, NoEffect},
	})
}
