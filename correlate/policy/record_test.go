package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// recordCase is a record and what its only request has to hold.
type recordCase struct {
	name     string
	record   string
	action   string
	resource string
	account  string
	kind     PrincipalKind
	present  map[string]string
	absent   []string
	unknown  []string
}

const roleIdentityJSON = `"userIdentity":{"type":"AssumedRole","principalId":"AROAX:run-7","arn":"arn:aws:sts::111122223333:assumed-role/build/run-7",
	"accountId":"111122223333","accessKeyId":"ASIAX","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci/build"},
	"attributes":{"creationDate":"2026-03-02T08:00:00Z","mfaAuthenticated":"true"},"sourceIdentity":"ana"}`

var recordCases = []recordCase{
	{
		name: "object through an endpoint",
		record: `{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventTime":"2026-03-02T08:15:00Z","awsRegion":"eu-west-1",
			"sourceIPAddress":"10.1.2.3","vpcEndpointId":"vpce-1","userAgent":"[aws-cli/2]","tlsDetails":{"tlsVersion":"TLSv1.3"},` + roleIdentityJSON + `},
			"requestParameters":{"bucketName":"artifacts","key":"app.zip","x-amz-acl":"private"},"additionalEventData":{"SignatureVersion":"SigV4","AuthenticationMethod":"AuthHeader"},
			"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::artifacts/app.zip"},{"accountId":"444455556666","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::artifacts"}]}`,
		action: "s3:GetObject", resource: someObject, account: stranger, kind: RoleSession,
		present: map[string]string{"aws:SourceVpce": "vpce-1", "aws:VpcSourceIp": "10.1.2.3", "aws:SecureTransport": "true", "s3:TlsVersion": "1.3",
			"aws:UserAgent": "aws-cli/2", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci/build", "aws:PrincipalType": "AssumedRole",
			"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "900", "aws:TokenIssueTime": "2026-03-02T08:00:00Z",
			"aws:SourceIdentity": "ana", "aws:userid": "AROAX:run-7", "aws:PrincipalAccount": owner, "aws:CurrentTime": "2026-03-02T08:15:00Z",
			"aws:EpochTime": "1772439300", "aws:RequestedRegion": "eu-west-1", "aws:ResourceAccount": stranger, "s3:x-amz-acl": "private",
			"s3:signatureversion": "AWS4-HMAC-SHA256", "aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"},
		absent:  []string{"aws:SourceIp", "aws:username", "s3:prefix", "s3:VersionId", "aws:CalledVia", "aws:SourceArn", "s3:x-amz-copy-source"},
		unknown: []string{"aws:SourceVpc", "aws:PrincipalOrgID", "aws:PrincipalTag/team", "aws:ResourceTag/team", "aws:Referer"},
	},
	{
		name: "listing by a user",
		record: `{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"ListObjectsV2","sourceIPAddress":"203.0.113.9",
			"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","userName":"ana","accessKeyId":"AKIAX"},
			"requestParameters":{"bucketName":"artifacts","prefix":"home/","max-keys":50}}`,
		action: "s3:ListBucket", resource: "arn:aws:s3:::artifacts", kind: User,
		present: map[string]string{"s3:prefix": "home/", "s3:max-keys": "50", "aws:SourceIp": "203.0.113.9", "aws:username": "ana"},
		absent:  []string{"s3:delimiter", "aws:SourceVpce", "aws:SourceVpc", "aws:MultiFactorAuthPresent", "aws:TokenIssueTime", "aws:MultiFactorAuthAge"},
		unknown: []string{"aws:SecureTransport", "aws:CurrentTime"},
	},
	{
		name: "denied, parameters not logged",
		record: `{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied","sourceIPAddress":"10.0.0.9",
			"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","userName":"ana"},"requestParameters":null}`,
		action: "sts:AssumeRole", account: owner, kind: User,
		unknown: []string{"sts:ExternalId", "sts:RoleSessionName", "aws:SourceIp", "aws:SourceVpce", "aws:RequestTag/team"},
	},
	{
		name: "role with tags",
		record: `{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333"},
			"requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/deploy","roleSessionName":"s","externalId":"e-1","tags":[{"key":"team","value":"red"}]}}`,
		action: "sts:AssumeRole", resource: "arn:aws:iam::444455556666:role/deploy", account: stranger, kind: User,
		present: map[string]string{"sts:ExternalId": "e-1", "sts:RoleSessionName": "s", "aws:RequestTag/team": "red", "aws:TagKeys": "team"},
		absent:  []string{"aws:RequestTag/stage", "sts:SourceIdentity", "sts:TransitiveTagKeys"},
	},
	{
		name: "key used by a service for the caller",
		record: `{"eventVersion":"1.08","eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"eu-west-1","sourceIPAddress":"secretsmanager.amazonaws.com",
			"userAgent":"secretsmanager.amazonaws.com",` + roleIdentityJSON + `,"invokedBy":"secretsmanager.amazonaws.com"},
			"requestParameters":{"encryptionContext":{"SecretARN":"arn:x"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},
			"resources":[{"accountId":"111122223333","ARN":"arn:aws:kms:eu-west-1:111122223333:key/k"}]}`,
		action: "kms:Decrypt", resource: "arn:aws:kms:eu-west-1:111122223333:key/k", account: owner, kind: RoleSession,
		present: map[string]string{"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com", "kms:EncryptionContext:SecretARN": "arn:x",
			"kms:EncryptionContextKeys": "SecretARN", "aws:ViaAWSService": "true", "aws:CalledViaLast": "secretsmanager.amazonaws.com",
			"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "kms:CallerAccount": owner},
		absent:  []string{"kms:EncryptionContext:stage"},
		unknown: []string{"aws:SourceIp", "aws:CalledVia", "aws:UserAgent", "aws:SourceVpce"},
	},
	{
		name: "service for itself",
		record: `{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},
			"sourceIPAddress":"ec2.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/build","roleSessionName":"i-1"}}`,
		action: "sts:AssumeRole", resource: someRole, account: owner, kind: Service,
		present: map[string]string{"aws:PrincipalServiceName": "ec2.amazonaws.com", "aws:PrincipalIsAWSService": "true", "aws:ViaAWSService": "false"},
		absent:  []string{"aws:PrincipalArn", "aws:username"},
		unknown: []string{"aws:SourceArn", "aws:SourceAccount", "aws:SourceIp"},
	},
	{
		name: "stranger", record: `{"eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{"type":"AWSAccount","principalId":"AROAX:s","accountId":"444455556666"},
			"recipientAccountId":"111122223333","requestParameters":{"bucketName":"b","key":"k","versionId":"v1"}}`,
		action: "s3:GetObjectVersion", resource: "arn:aws:s3:::b/k", account: owner, kind: UnknownPrincipal,
		present: map[string]string{"aws:PrincipalAccount": stranger, "s3:VersionId": "v1"}, unknown: []string{"aws:PrincipalArn", "aws:username"},
	},
	{
		name: "anonymous", record: `{"eventSource":"s3.amazonaws.com","eventName":"REST.GET.OBJECT","userIdentity":{"type":"AWSAccount","principalId":"","accountId":"anonymous"}}`,
		action: "s3:GetObject", kind: Anonymous, present: map[string]string{"aws:PrincipalType": "Anonymous"}, absent: []string{"aws:PrincipalArn"},
	},
	{
		name: "queue by its URL", record: `{"eventSource":"sqs.amazonaws.com","eventName":"SendMessage","awsRegion":"eu-west-1",
			"userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"requestParameters":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/jobs"}}`,
		action: "sqs:SendMessage", resource: "arn:aws:sqs:eu-west-1:444455556666:jobs", account: stranger, kind: Root,
	},
	{
		name: "IAM name without path", record: `{"eventSource":"iam.amazonaws.com","eventName":"GetUserPolicy","recipientAccountId":"111122223333",
			"userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},"requestParameters":{"userName":"ana","policyName":"p"}}`,
		action: "iam:GetUserPolicy", account: owner, kind: Root,
	},
	{
		name: "context that CloudTrail added", record: `{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","userIdentity":{"type":"Unknown"},
			"eventContext":{"requestContext":{"aws:ViaAWSService":"true"},"tagContext":{"principalTags":{"team":"red"},"resourceTags":[{"arn":"arn:x","tags":{"stage":"prod"}}]}}}`,
		action: "ec2:RunInstances", kind: UnknownPrincipal,
		present: map[string]string{"aws:ViaAWSService": "true", "aws:PrincipalTag/team": "red", "aws:ResourceTag/stage": "prod"},
	},
}

func TestRequestsFromRecord(t *testing.T) {
	for _, c := range recordCases {
		t.Run(c.name, func(t *testing.T) {
			requests, err := RequestsFromJSON([]byte(c.record))
			if err != nil || len(requests) != 1 {
				t.Fatalf("%d requests, %v", len(requests), err)
			}
			r := &requests[0]
			if r.Action != c.action || r.Resource != c.resource || r.ResourceAccount != c.account || r.Principal.Kind != c.kind {
				t.Errorf("%s on %q of %q by kind %d", r.Action, r.Resource, r.ResourceAccount, r.Principal.Kind)
			}
			c.checkKeys(t, &r.Context)
		})
	}
}

func (c *recordCase) checkKeys(t *testing.T, context *Context) {
	for key, want := range c.present {
		if known, values := context.Lookup(key); known != KeyPresent || len(values) != 1 || values[0] != want {
			t.Errorf("%s is %d %q, want %q", key, known, values, want)
		}
	}
	for _, key := range c.absent {
		if known, values := context.Lookup(key); known != KeyAbsent {
			t.Errorf("%s is not absent: %d %q", key, known, values)
		}
	}
	for _, key := range c.unknown {
		if known, values := context.Lookup(key); known != KeyUnknown {
			t.Errorf("%s is not unknown: %d %q", key, known, values)
		}
	}
}

func TestRecordErrors(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"eventSource":"s3.amazonaws.com"}`, `{"eventName":1.5}`} {
		if _, err := RequestsFromJSON([]byte(text)); err == nil {
			t.Errorf("%q is a record", text)
		}
	}
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		source, event string
		want          []string
	}{
		{"codecommit.amazonaws.com", "GitPush", []string{"codecommit:GitPush"}},
		{"monitoring.amazonaws.com", "PutMetricData", []string{"cloudwatch:PutMetricData"}},
		{"s3.amazonaws.com", "HeadBucket", []string{"s3:ListBucket"}},
		{"s3.amazonaws.com", "ListBuckets", []string{"s3:ListAllMyBuckets"}},
		{"lambda.amazonaws.com", "Invoke20150331v2", []string{"lambda:InvokeFunction"}},
		{"lambda.amazonaws.com", "AddPermission20150331v2", []string{"lambda:AddPermission"}},
		{"cloudfront.amazonaws.com", "CreateDistribution2020_05_31", []string{"cloudfront:CreateDistribution"}},
		{"codepipeline.amazonaws.com", "UpdatePipeline", []string{"codepipeline:UpdatePipeline", "iam:PassRole"}},
		{"", "GetObject", nil},
	} {
		if got := Actions(c.source, c.event); !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.source, c.event, got, c.want)
		}
	}
	if n := len(services()); n < 100 {
		t.Errorf("only %d services in the table", n)
	}
}

// Every record of the samples beside the module gives a request.
func TestSampleRecords(t *testing.T) {
	root := os.Getenv("TRAILBLAME_SHARED")
	if root == "" {
		root = findShared()
	}
	files, _ := filepath.Glob(filepath.Join(root, "facts", "samples", "records", "*.json"))
	if root == "" || len(files) == 0 {
		fmt.Println("sample records: NOT RUN: no shared/facts/samples beside the module; set TRAILBLAME_SHARED")
		t.Skip("SAMPLE RECORDS NOT RUN: set TRAILBLAME_SHARED")
	}
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if json.Unmarshal(data, &tree) != nil {
			continue
		}
		eachRecord(tree, func(record map[string]any) {
			requests, err := RequestsFromRecord(record)
			if err != nil || len(requests) == 0 || requests[0].Action == "" {
				t.Errorf("%s: %v", filepath.Base(file), err)
			}
			seen++
		})
	}
	if seen == 0 {
		t.Error("no record in the samples")
	}
}

func eachRecord(tree any, visit func(map[string]any)) {
	switch v := tree.(type) {
	case []any:
		for _, item := range v {
			eachRecord(item, visit)
		}
	case map[string]any:
		if text(v, "eventSource") != "" && text(v, "eventName") != "" {
			visit(v)
			return
		}
		for _, item := range v {
			eachRecord(item, visit)
		}
	}
}
