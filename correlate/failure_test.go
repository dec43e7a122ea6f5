package correlate

import (
	"slices"
	"strings"
	"testing"
)

const (
	userAnn = `"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","userName":"ann"},"recipientAccountId":"111122223333","awsRegion":"eu-west-1"`
	annMay  = `User: arn:aws:iam::111122223333:user/ann is not authorized to perform: `
)

var failureCases = []struct {
	name, record                     string
	action, resource, parent, refs   string
	layer                            Layer
	alternatives                     int
	dependent, discovery, notFailing bool
}{
	{name: "message wins", record: `"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","errorMessage":"` + annMay + `s3:GetObjectVersion on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObjectVersion action","requestParameters":{"bucketName":"x","key":"y"}`,
		action: "s3:GetObjectVersion", resource: "arn:aws:s3:::b/k", parent: "arn:aws:s3:::b", layer: LayerIdentity, alternatives: 2},
	{name: "bare S3", record: `"eventSource":"s3.amazonaws.com","eventName":"HeadObject","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"b","key":"a/b c"}`,
		action: "s3:GetObject", resource: "arn:aws:s3:::b/a/b c", parent: "arn:aws:s3:::b", layer: LayerUnknown},
	{name: "list", record: `"eventSource":"s3.amazonaws.com","eventName":"ListObjects","errorCode":"AccessDenied","requestParameters":null,"resources":[{"ARNPrefix":"arn:aws:s3:::b/"},{"ARN":"arn:aws:s3:::b","accountId":""}]`,
		action: "s3:ListBucket", resource: "arn:aws:s3:::b", layer: LayerUnknown},
	{name: "key behind S3", record: `"eventSource":"s3.amazonaws.com","eventName":"PutObject","errorCode":"AccessDenied","errorMessage":"` + annMay + `kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access","requestParameters":{"bucketName":"b","key":"k","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:eu-west-1:111122223333:key/k1"}`,
		action: "kms:GenerateDataKey", resource: "arn:aws:kms:eu-west-1:111122223333:key/k1", layer: LayerKMS, dependent: true},
	{name: "key behind S3, by identity", record: `"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","errorMessage":"` + annMay + `kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k1 because no identity-based policy allows the kms:Decrypt action"`,
		action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-1:111122223333:key/k1", layer: LayerIdentity, dependent: true},
	{name: "key of a repository", record: `"eventSource":"codecommit.amazonaws.com","eventName":"PutFile","errorCode":"EncryptionKeyAccessDeniedException","requestParameters":{"repositoryName":"app","branchName":"main"}`,
		action: "codecommit:PutFile", resource: "arn:aws:codecommit:eu-west-1:111122223333:app", refs: "refs/heads/main", layer: LayerKMS, dependent: true},
	{name: "key alias", record: `"eventSource":"kms.amazonaws.com","eventName":"Decrypt","errorCode":"AccessDenied","requestParameters":{"keyId":"alias/app"}`,
		action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-1:111122223333:alias/app", layer: LayerKMS},
	{name: "assume", record: `"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied","errorMessage":"` + annMay + `sts:AssumeRole on resource: arn:aws:iam::444455556666:role/ops","requestParameters":null`,
		action: "sts:AssumeRole", resource: "arn:aws:iam::444455556666:role/ops", layer: LayerUnknown},
	{name: "named role", record: `"eventSource":"iam.amazonaws.com","eventName":"PutRolePolicy","errorCode":"AccessDenied","errorMessage":"` + annMay + `iam:PutRolePolicy on resource: role deploy because no permissions boundary allows the iam:PutRolePolicy action","requestParameters":null`,
		action: "iam:PutRolePolicy", resource: "arn:aws:iam::111122223333:role/deploy", layer: LayerBoundary},
	{name: "role by parameter", record: `"eventSource":"iam.amazonaws.com","eventName":"GetRole","errorCode":"AccessDenied","requestParameters":{"roleName":"deploy"}`,
		action: "iam:GetRole", resource: "arn:aws:iam::111122223333:role/deploy", layer: LayerUnknown},
	{name: "bare secret", record: `"eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","errorCode":"AccessDenied","errorMessage":"` + annMay + `secretsmanager:GetSecretValue on resource: db because no identity-based policy allows the secretsmanager:GetSecretValue action"`,
		action: "secretsmanager:GetSecretValue", resource: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db", layer: LayerIdentity},
	{name: "lower case", record: `"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","errorCode":"AccessDenied","errorMessage":"` + annMay + `sqs:createqueue","requestParameters":null`,
		action: "sqs:CreateQueue", resource: "*", layer: LayerUnknown},
	{name: "upper case", record: `"eventSource":"sns.amazonaws.com","eventName":"Publish","errorCode":"AuthorizationError","errorMessage":"` + annMay + `SNS:Publish on resource: arn:aws:sns:eu-west-1:111122223333:t because no resource-based policy allows the SNS:Publish action"`,
		action: "sns:Publish", resource: "arn:aws:sns:eu-west-1:111122223333:t", layer: LayerResource},
	{name: "instance", record: `"eventSource":"ec2.amazonaws.com","eventName":"StopInstances","errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. ` + annMay + `ec2:StopInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/i-1 with an explicit deny in a service control policy. Encoded authorization failure message: AA"`,
		action: "ec2:StopInstances", resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", parent: "arn:aws:ec2:eu-west-1:111122223333:instance/*", layer: LayerSCP},
	{name: "encoded instance", record: `"eventSource":"ec2.amazonaws.com","eventName":"StopInstances","errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation. Encoded authorization failure message: AA","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`,
		action: "ec2:StopInstances", resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", parent: "arn:aws:ec2:eu-west-1:111122223333:instance/*", layer: LayerUnknown},
	{name: "push", record: `"eventSource":"codecommit.amazonaws.com","eventName":"GitPush","errorCode":"AccessDenied","requestParameters":{"references":[{"ref":"refs/heads/main"},{"ref":"refs/tags/v1"}]},"additionalEventData":{"dataTransferred":true,"repositoryName":"app"},"resources":[{"ARN":"arn:aws:codecommit:eu-west-1:444455556666:app","accountId":"444455556666"}]`,
		action: "codecommit:GitPush", resource: "arn:aws:codecommit:eu-west-1:444455556666:app", refs: "refs/heads/main refs/tags/v1", layer: LayerUnknown},
	{name: "discovery", record: `"eventSource":"codecommit.amazonaws.com","eventName":"GitPush","requestParameters":null,"additionalEventData":{"dataTransferred":false,"repositoryName":"app"}`,
		action: "codecommit:GitPush", resource: "arn:aws:codecommit:eu-west-1:111122223333:app", layer: LayerUnknown, discovery: true, notFailing: true},
	{name: "merge", record: `"eventSource":"codecommit.amazonaws.com","eventName":"MergeBranchesBySquash","errorCode":"AccessDeniedException","requestParameters":{"repositoryName":"app","targetBranch":"main"}`,
		action: "codecommit:MergeBranchesBySquash", resource: "arn:aws:codecommit:eu-west-1:111122223333:app", refs: "refs/heads/main", layer: LayerUnknown},
	{name: "invoke", record: `"eventSource":"lambda.amazonaws.com","eventName":"Invoke","errorCode":"AccessDenied","requestParameters":{"functionName":"f"}`,
		action: "lambda:InvokeFunction", resource: "arn:aws:lambda:eu-west-1:111122223333:function:f", layer: LayerUnknown},
	{name: "endpoint", record: `"eventSource":"kms.amazonaws.com","eventName":"ListKeys","eventType":"AwsVpceEvent","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy"`,
		action: "kms:ListKeys", resource: "*", layer: LayerVPCEndpoint},
	{name: "access log", record: `"eventSource":"s3.amazonaws.com","eventName":"REST.HEAD.OBJECT","requestParameters":null,"additionalEventData":{"line":"own b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::111122223333:user/ann 3E REST.HEAD.OBJECT dir/k \"HEAD /b/dir/k HTTP/1.1\" 403 - 243"}`,
		action: "s3:GetObject", resource: "arn:aws:s3:::b/dir/k", parent: "arn:aws:s3:::b", layer: LayerUnknown},
	{name: "change event", record: `"eventSource":"events.amazonaws.com","eventName":"PutPermission","errorCode":"AccessDenied","requestParameters":{"eventBusName":"bus"}`,
		action: "events:PutPermission", resource: "arn:aws:events:eu-west-1:111122223333:event-bus/bus", layer: LayerUnknown},
}

func TestFailureOf(t *testing.T) {
	for _, c := range failureCases {
		t.Run(c.name, func(t *testing.T) {
			e := mustEvent(t, "{"+userAnn+","+c.record+"}")
			r, failed := FailureOf(e)
			if failed == c.notFailing {
				t.Errorf("failed is %v", failed)
			}
			if r.Action != c.action || r.Resource != c.resource || r.ResourceParent != c.parent {
				t.Errorf("got %s on %s of %q, want %s on %s of %q", r.Action, r.Resource, r.ResourceParent, c.action, c.resource, c.parent)
			}
			if got := strings.Join(r.Refs, " "); got != c.refs {
				t.Errorf("refs %q, want %q", got, c.refs)
			}
			if r.Denial.Layer != c.layer || r.Dependent != c.dependent || r.Discovery != c.discovery {
				t.Errorf("layer %s dependent %v discovery %v", r.Denial.Layer, r.Dependent, r.Discovery)
			}
			if len(r.Actions) < max(1, c.alternatives) || r.Actions[0] != r.Action {
				t.Errorf("actions %v", r.Actions)
			}
			if r.Principal != "arn:aws:iam::111122223333:user/ann" || r.Account != "111122223333" || r.Region != "eu-west-1" {
				t.Errorf("principal %s, account %s, region %s", r.Principal, r.Account, r.Region)
			}
		})
	}
}

func TestNativeFailure(t *testing.T) {
	e := mustEvent(t, `{"detail-type":"CodePipeline Action Execution State Change","source":"aws.codepipeline","account":"111122223333","region":"eu-west-1","resources":["arn:aws:codepipeline:eu-west-1:111122223333:p"],"detail":{"state":"FAILED","execution-result":{"error-code":"PermissionError","external-execution-summary":"User: arn:aws:sts::111122223333:assumed-role/pipe/x is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action"}}}`)
	r, ok := FailureOf(e)
	if !ok || r.Action != "s3:GetObject" || r.ResourceParent != "arn:aws:s3:::b" || r.Principal != "arn:aws:iam::111122223333:role/pipe" || e.ErrorCode != "PermissionError" {
		t.Errorf("%v %+v", ok, r)
	}
	e = mustEvent(t, `{"detail-type":"CodeBuild Build State Change","source":"aws.codebuild","resources":["arn:aws:codebuild:eu-west-1:111122223333:build/site:1"],"detail":{"build-status":"FAILED"}}`)
	if r, ok := FailureOf(e); !ok || r.Action != "CodeBuild Build State Change" || r.ResourceParent != "arn:aws:codebuild:eu-west-1:111122223333:project/site" {
		t.Errorf("%v %+v", ok, r)
	}
	if _, ok := FailureOf(mustEvent(t, `{"detail-type":"CodeBuild Build State Change","source":"aws.codebuild","detail":{"build-status":"SUCCEEDED"}}`)); ok {
		t.Error("a build that succeeded is no failure")
	}
}

func TestRealFailures(t *testing.T) {
	n, natives, open := 0, 0, map[string]bool{}
	for _, e := range realEvents(t) {
		r, ok := FailureOf(e)
		if e.Native && ok {
			natives++
		}
		if !ok || !IsDenial(e) {
			continue
		}
		n++
		if !strings.Contains(r.Action, ":") || r.Resource == "" || r.Principal == "" && e.Identity.Type != "" && e.Identity.Type != "Unknown" {
			t.Errorf("%s %s: %+v", e.Source(), e.ID, r)
		}
		if r.Resource == "*" && e.Params != nil && len(e.Resources) > 0 {
			open[r.Action] = true
		}
		if !slices.Contains(r.Actions, r.Action) {
			t.Errorf("%s: %s is not among %v", e.Name, r.Action, r.Actions)
		}
	}
	t.Logf("%d denials, %d failed state changes", n, natives)
	if n < 200 || natives == 0 {
		t.Errorf("%d denials, %d failed state changes", n, natives)
	}
	if len(open) > 0 {
		t.Errorf("no resource though the record lists some: %v", open)
	}
}
