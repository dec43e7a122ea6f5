package correlate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestCatalogueReads(t *testing.T) {
	entries, err := parseCatalogue(catalogueText)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 560 {
		t.Errorf("%d entries", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.service + " " + e.name + " " + fmt.Sprint(e.conditions)
		if seen[key] {
			t.Errorf("%s stands there twice", key)
		}
		seen[key] = true
		if len(e.doc) > 0 && (e.doc[0].service != "" || len(e.doc[0].parts) != 1) {
			t.Errorf("%s: a document is one hole", key)
		}
	}
	for _, bad := range []string{"x", "acl put", "nokind put X", "acl nop X", "acl put X y=z", "acl put X on={a", "acl put X on=s3:{a}"} {
		if _, err := parseCatalogue("@s3\n" + bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestCatalogueCoversFacts(t *testing.T) {
	rows := readTSV(t, sharedFolder(t, "facts", "permissions_management.tsv"))[1:]
	if len(rows) != 485 {
		t.Errorf("%d facts, want 485", len(rows))
	}
	ops := map[string]bool{}
	for _, row := range rows {
		list := catalogueFor(&Event{EventSource: row[0], Name: row[1]})
		if len(list) == 0 {
			t.Errorf("%s %s is not in the catalogue", row[0], row[1])
			continue
		}
		en := list[0]
		if row[8] != "" && row[9] == "json-string" && strings.Contains(strings.ToLower(row[8]), "policydocument") && len(en.doc) == 0 {
			t.Errorf("%s %s: no document, facts say %s", row[0], row[1], row[8])
		}
		if row[10] == "hand" && string(en.op) != row[5] {
			ops[row[1]+": "+string(en.op)+" for "+row[5]] = true
		}
	}
	if len(ops) > 0 {
		t.Errorf("operations differ: %v", ops)
	}
}

func TestChangeEventNames(t *testing.T) {
	names := ChangeEventNames()
	if !slices.IsSorted(names) || len(names) < 400 {
		t.Fatalf("%d names", len(names))
	}
	for _, want := range []string{"PutGroupPolicy", "AddPermission*", "MoveAccount", "PutBucketLifecycle", "DisableKey", "PutRepositoryTriggers", "UpdateServiceSpecificCredential"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s", want)
		}
	}
	if slices.Contains(names, "AddPermission") {
		t.Error("AddPermission is covered by AddPermission*")
	}
}

// changeCases hold the head of a record, request and answer, and what the
// change must say.
var changeCases = []struct {
	name, source, event, more string
	want                      Change
	key                       string
}{
	{"inline", "iam", "PutGroupPolicy", `"requestParameters":{"groupName":"Juniors","policyName":"DenyMain","policyDocument":"{\n\"Statement\":[]}"}`,
		Change{Kind: KindInline, Op: OpPut, Subjects: []string{"arn:aws:iam::111122223333:group/Juniors"}, PolicyName: "DenyMain", Document: "{\n\"Statement\":[]}", Target: "arn:aws:iam::111122223333:group/Juniors"},
		"arn:aws:iam::111122223333:group/Juniors|inline|DenyMain"},
	{"attach", "iam", "AttachRolePolicy", `"requestParameters":{"roleName":"r","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`,
		Change{Kind: KindManaged, Op: OpAdd, Subjects: []string{"arn:aws:iam::111122223333:role/r"}, PolicyARN: "arn:aws:iam::aws:policy/ReadOnlyAccess", PolicyName: "ReadOnlyAccess", Target: "arn:aws:iam::111122223333:role/r"},
		"arn:aws:iam::111122223333:role/r|attached|arn:aws:iam::aws:policy/ReadOnlyAccess"},
	{"version", "iam", "CreatePolicyVersion", `"requestParameters":{"policyArn":"arn:aws:iam::111122223333:policy/p","policyDocument":"{}","setAsDefault":true},"responseElements":{"policyVersion":{"versionId":"v2"}}`,
		Change{Kind: KindManagedPolicy, Op: OpPut, PolicyARN: "arn:aws:iam::111122223333:policy/p", PolicyName: "p", Version: "v2", Document: "{}", Target: "arn:aws:iam::111122223333:policy/p"},
		"arn:aws:iam::111122223333:policy/p|document"},
	{"inert version", "iam", "CreatePolicyVersion", `"requestParameters":{"policyArn":"arn:aws:iam::111122223333:policy/p","policyDocument":"{}"}`,
		Change{Kind: KindManagedPolicy, Op: OpPut, Inert: true, PolicyARN: "arn:aws:iam::111122223333:policy/p", PolicyName: "p", Document: "{}", Target: "arn:aws:iam::111122223333:policy/p"},
		"arn:aws:iam::111122223333:policy/p|document"},
	{"member", "iam", "AddUserToGroup", `"requestParameters":{"groupName":"g","userName":"u"}`,
		Change{Kind: KindGroupMembership, Op: OpAdd, Subjects: []string{"arn:aws:iam::111122223333:user/u"}, Resources: []string{"arn:aws:iam::111122223333:group/g"}, Target: "arn:aws:iam::111122223333:user/u"},
		"arn:aws:iam::111122223333:user/u|member|arn:aws:iam::111122223333:group/g"},
	{"trust", "iam", "CreateRole", `"requestParameters":{"roleName":"r","path":"/x/","assumeRolePolicyDocument":"%7B%22Statement%22%3A%5B%5D%7D"},"responseElements":{"role":{"arn":"arn:aws:iam::111122223333:role/x/r"}}`,
		Change{Kind: KindTrust, Op: OpPut, Subjects: []string{"arn:aws:iam::111122223333:role/x/r"}, Resources: []string{"arn:aws:iam::111122223333:role/x/r"}, Document: `{"Statement":[]}`, Target: "arn:aws:iam::111122223333:role/x/r"},
		"arn:aws:iam::111122223333:role/r|trust-policy"},
	{"bucket policy", "s3", "PutBucketPolicy", `"requestParameters":{"policy":"","bucketName":"b","bucketPolicy":{"Statement":[{"Sid":"<a>","N":1.50}]}}`,
		Change{Kind: KindResourcePolicy, Op: OpPut, Resources: []string{"arn:aws:s3:::b"}, Document: `{"Statement":[{"N":1.50,"Sid":"<a>"}]}`, Target: "arn:aws:s3:::b"},
		"arn:aws:s3:::b|resource-policy"},
	{"key policy", "kms", "PutKeyPolicy", `"requestParameters":{"keyId":"alias/app","policy":"{}"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k1"}]`,
		Change{Kind: KindKeyPolicy, Op: OpPut, Resources: []string{"arn:aws:kms:eu-west-1:111122223333:key/k1"}, Aliases: []string{"alias/app"}, Document: "{}", Target: "arn:aws:kms:eu-west-1:111122223333:key/k1"},
		"arn:aws:kms:eu-west-1:111122223333:key/k1|kms-key-policy"},
	{"key id", "kms", "DisableKey", `"requestParameters":{"keyId":"k1"}`,
		Change{Kind: KindKeyState, Op: OpToggle, Resources: []string{"arn:aws:kms:eu-west-1:111122223333:key/k1"}, Target: "arn:aws:kms:eu-west-1:111122223333:key/k1"},
		"arn:aws:kms:eu-west-1:111122223333:key/k1|key-state"},
	{"lambda", "lambda", "AddPermission20150331v2", `"requestParameters":{"functionName":"111122223333:function:f","statementId":"s"},"responseElements":{"statement":"{\"Sid\":\"s\"}"}`,
		Change{Kind: KindResourcePolicy, Op: OpAdd, Resources: []string{"arn:aws:lambda:eu-west-1:111122223333:function:f"}, PolicyName: "s", Statement: `{"Sid":"s"}`, Target: "arn:aws:lambda:eu-west-1:111122223333:function:f"},
		"arn:aws:lambda:eu-west-1:111122223333:function:f|resource-policy|s"},
	{"queue", "sqs", "SetQueueAttributes", `"requestParameters":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/q","attributes":{"Policy":""}}`,
		Change{Kind: KindResourcePolicy, Op: OpRemove, Resources: []string{"arn:aws:sqs:eu-west-1:444455556666:q"}, Target: "arn:aws:sqs:eu-west-1:444455556666:q"},
		"arn:aws:sqs:eu-west-1:444455556666:q|resource-policy"},
	{"topic", "sns", "AddPermission", `"requestParameters":{"topicArn":"arn:aws:sns:eu-west-1:111122223333:t","label":"l","aWSAccountId":["444455556666"],"actionName":["Publish"]}`,
		Change{Kind: KindResourcePolicy, Op: OpAdd, Subjects: []string{"444455556666"}, Resources: []string{"arn:aws:sns:eu-west-1:111122223333:t"}, PolicyName: "l", Statement: `{"Action":["sns:Publish"],"Effect":"Allow","Principal":{"AWS":["444455556666"]},"Resource":"arn:aws:sns:eu-west-1:111122223333:t","Sid":"l"}`, Target: "arn:aws:sns:eu-west-1:111122223333:t"},
		"arn:aws:sns:eu-west-1:111122223333:t|resource-policy|l"},
	{"hidden", "organizations", "PutResourcePolicy", `"requestParameters":{"content":"HIDDEN_DUE_TO_SECURITY_REASONS"}`,
		Change{Kind: KindResourcePolicy, Op: OpPut, DocumentUnknown: true}, ""},
	{"move", "organizations", "MoveAccount", `"requestParameters":{"accountId":"444455556666","sourceParentId":"ou-a","destinationParentId":"ou-b"}`,
		Change{Kind: KindOrgStructure, Op: OpReplace, Subjects: []string{"arn:aws:iam::444455556666:root"}, Resources: []string{"ou-b"}, Target: "arn:aws:iam::444455556666:root"},
		"arn:aws:iam::444455556666:root|org-structure"},
	{"rcp", "organizations", "UpdatePolicy", `"requestParameters":{"policyId":"p-1","content":"{}"},"responseElements":{"policy":{"policySummary":{"type":"RESOURCE_CONTROL_POLICY","arn":"arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1"}}}`,
		Change{Kind: KindRCP, Op: OpPut, Typed: true, PolicyName: "p-1", PolicyARN: "arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1", Document: "{}", Target: "arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1"},
		"arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1|document"},
	{"endpoint", "ec2", "ModifyVpcEndpoint", `"requestParameters":{"ModifyVpcEndpointRequest":{"VpcEndpointId":"vpce-1","PolicyDocument":"{}"}}`,
		Change{Kind: KindVPCEndpoint, Op: OpPut, Resources: []string{"arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1"}, Document: "{}", Target: "arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1"},
		"arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1|vpc-endpoint-policy"},
	{"endpoint routes", "ec2", "ModifyVpcEndpoint", `"requestParameters":{"ModifyVpcEndpointRequest":{"VpcEndpointId":"vpce-1","AddRouteTableId":{"content":"rtb-1","tag":1}}}`,
		Change{Kind: KindRoute, Op: OpReplace, Resources: []string{"arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1"}, Target: "arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1"},
		"arn:aws:ec2:eu-west-1:111122223333:vpc-endpoint/vpce-1|network-route"},
	{"templates", "codecommit", "BatchAssociateApprovalRuleTemplateWithRepositories", `"requestParameters":{"approvalRuleTemplateName":"two","repositoryNames":["a","b"]}`,
		Change{Kind: KindApprovalRule, Op: OpAdd, Resources: []string{"arn:aws:codecommit:eu-west-1:111122223333:a", "arn:aws:codecommit:eu-west-1:111122223333:b"}, PolicyName: "two", Target: "arn:aws:codecommit:eu-west-1:111122223333:a"},
		"arn:aws:codecommit:eu-west-1:111122223333:a|approval-rule|two"},
	{"own key", "iam", "DeleteAccessKey", `"requestParameters":{"accessKeyId":"AKIAEXAMPLE"}`,
		Change{Kind: KindCredential, Op: OpRemove, Subjects: []string{"arn:aws:iam::111122223333:user/me"}, PolicyName: "AKIAEXAMPLE", Target: "arn:aws:iam::111122223333:user/me"},
		"arn:aws:iam::111122223333:user/me|credential|AKIAEXAMPLE"},
	{"denied", "iam", "PutRolePolicy", `"errorCode":"AccessDenied","requestParameters":null`,
		Change{Kind: KindInline, Op: OpPut, Failed: true}, ""},
	{"dry run", "ec2", "CreateRoute", `"errorCode":"Client.DryRunOperation","requestParameters":{"routeTableId":"rtb-1","destinationCidrBlock":"0.0.0.0/0"}`,
		Change{Kind: KindRoute, Op: OpAdd, Failed: true, Resources: []string{"arn:aws:ec2:eu-west-1:111122223333:route-table/rtb-1"}, PolicyName: "0", Target: "arn:aws:ec2:eu-west-1:111122223333:route-table/rtb-1"},
		"arn:aws:ec2:eu-west-1:111122223333:route-table/rtb-1|network-route|0.0.0.0/0"},
	{"session", "sts", "AssumeRole", `"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/r","policyArns":[{"arn":"arn:aws:iam::aws:policy/X"}]},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE"},"assumedRoleUser":{"arn":"arn:aws:sts::111122223333:assumed-role/r/s"}}`,
		Change{Kind: KindSession, Op: OpPut, Subjects: []string{"arn:aws:sts::111122223333:assumed-role/r/s"}, Resources: []string{"arn:aws:iam::111122223333:role/r"}, PolicyName: "ASIAEXAMPLE", SessionARN: []string{"arn:aws:iam::aws:policy/X"}, Target: "arn:aws:sts::111122223333:assumed-role/r/s"},
		"arn:aws:sts::111122223333:assumed-role/r/s|session-policy"},
}

func TestParseChange(t *testing.T) {
	for _, c := range changeCases {
		t.Run(c.name, func(t *testing.T) {
			e := mustEvent(t, `{"eventSource":"`+c.source+`.amazonaws.com","eventName":"`+c.event+`","awsRegion":"eu-west-1","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"me","accountId":"111122223333"},`+c.more+`}`)
			got, ok := ParseChange(e)
			if !ok {
				t.Fatal("no change")
			}
			if strings.Contains(c.name, "dry") {
				c.want.PolicyName = "0.0.0.0/0"
			}
			c.want.Event, c.want.Layer = e, kindLayers[c.want.Kind]
			g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", c.want)
			if g != w {
				t.Errorf("\n got %s\nwant %s", g[strings.Index(g, "Kind:"):], w[strings.Index(w, "Kind:"):])
			}
			if k := got.PolicyKey(); k != c.key {
				t.Errorf("key %q, want %q", k, c.key)
			}
		})
	}
}

func TestParseChangeNone(t *testing.T) {
	for _, head := range []string{
		`"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"x"}`,
		`"eventSource":"sns.amazonaws.com","eventName":"SetTopicAttributes","requestParameters":{"attributeName":"DisplayName"}`,
		`"eventSource":"s3.amazonaws.com","eventName":"GetObject"`,
		`"eventSource":"foo.amazonaws.com","eventName":"PutGroupPolicy"`,
		`"detail-type":"CodeCommit Pull Request State Change","detail":{}`,
	} {
		if c, ok := ParseChange(mustEvent(t, "{"+head+"}")); ok {
			t.Errorf("%s: %+v", head, c)
		}
	}
}

func TestRealChanges(t *testing.T) {
	n, documents := 0, 0
	for _, e := range realEvents(t) {
		c, ok := ParseChange(e)
		if !ok || strings.Contains(e.Source(), "fixtures") || strings.Contains(e.Source(), "_doc_") {
			continue // samples written by hand leave things out
		}
		n++
		if c.Document != "" {
			documents++
			if !json.Valid([]byte(c.Document)) {
				t.Errorf("%s %s: document %s", e.Source(), e.Name, c.Document)
			}
		}
		if !c.Failed && c.Target == "" {
			t.Errorf("%s %s %s: no target", e.Source(), e.Name, e.ID)
		}
		if !c.Failed && c.DocumentUnknown && c.Kind != KindKeyPolicy && c.Kind != KindACL {
			t.Errorf("%s %s %s: document not found", e.Source(), e.Name, e.ID)
		}
	}
	t.Logf("%d changes, %d with a document", n, documents)
	if n < 80 || documents < 20 {
		t.Errorf("only %d changes, %d with a document", n, documents)
	}
}
