package policy

import "strings"

// resource records what the request is about: an ARN among the record's
// resources, one among its parameters, or one put together from parameters
// where the service's ARNs follow from them. Names that leave a part of the
// ARN open, such as an IAM name without its path, leave the resource unknown.
func (v *recordView) resource() {
	prefix, name, _ := strings.Cut(v.request.Action, ":")
	v.request.Resource = v.listedResource(prefix, name)
	if v.request.Resource == "" {
		v.request.Resource = v.builtResource(prefix, name)
	}
	v.request.ResourceAccount = v.resourceOwner()
}

// withoutResource are actions that are decided on no resource at all.
var withoutResource = map[string]bool{
	"kms:ListKeys": true, "kms:ListAliases": true, "kms:CreateKey": true, "kms:GenerateRandom": true,
	"codecommit:ListRepositories": true, "lambda:ListFunctions": true, "iam:ListUsers": true, "iam:ListRoles": true,
	"iam:ListGroups": true, "iam:ListPolicies": true, "ec2:DescribeInstances": true, "sts:GetCallerIdentity": true,
	"sts:GetSessionToken": true, "secretsmanager:ListSecrets": true, "ecr:GetAuthorizationToken": true,
	"codepipeline:ListPipelines": true, "codebuild:ListProjects": true, "codebuild:ListBuilds": true,
	"dynamodb:ListTables": true, "sqs:ListQueues": true, "sns:ListTopics": true, "logs:DescribeLogGroups": true,
}

// listedResource picks, among the record's resources, the first of the
// action's service; of a bucket and its object, the one the action is about.
func (v *recordView) listedResource(prefix, name string) string {
	for _, item := range list(v.record, "resources") {
		r, _ := item.(map[string]any)
		arn := first(r, "ARN", "arn")
		a := splitARN(arn)
		switch {
		case prefix == "s3" && a.service == "s3":
			if strings.Contains(a.resource, "/") == aboutObject(name) {
				return arn
			}
		case a.service == prefix && prefix != "", isAssume(v.request.Action) && a.service == "iam":
			return arn
		}
	}
	return ""
}

// aboutObject reports whether an S3 action is decided on an object; the
// others are decided on a bucket.
func aboutObject(name string) bool {
	switch name {
	case "ListMultipartUploadParts", "AbortMultipartUpload":
		return true
	}
	return strings.Contains(name, "Object") && !strings.Contains(name, "BucketObject") &&
		!strings.Contains(name, "ObjectLambda")
}

// resourceOwner finds the account of the resource. Callers reach another
// account's resource by an ARN, which shows it, or by the name of a bucket,
// which does not; any other name is one in their own account. The owner's copy
// of a record shows the owner as its recipient.
func (v *recordView) resourceOwner() string {
	for _, item := range list(v.record, "resources") {
		if r, _ := item.(map[string]any); isAccount(text(r, "accountId")) {
			return text(r, "accountId")
		}
	}
	if account := splitARN(v.request.Resource).account; account != "" {
		return account
	}
	caller, recipient := v.request.Principal.Account, text(v.record, "recipientAccountId")
	switch {
	case v.request.Action == "s3:ListAllMyBuckets" || v.request.Action == "s3:CreateBucket":
		return caller
	case isAccount(recipient) && recipient != caller:
		return recipient
	case v.source == "s3.amazonaws.com":
		return ""
	}
	return caller
}

// builtResource finds the ARN in the parameters.
func (v *recordView) builtResource(prefix, name string) string {
	if withoutResource[v.request.Action] {
		return "*"
	}
	switch prefix {
	case "s3":
		return v.bucketResource(name)
	case "codecommit":
		repository := first(v.params, "repositoryName")
		if repository == "" {
			repository = text(v.extra, "repositoryName")
		}
		return v.arn("codecommit", repository)
	case "kms":
		return v.keyResource()
	case "sts":
		return text(v.params, "roleArn")
	case "sqs":
		return v.queueResource()
	case "iam":
		return first(v.params, "policyArn", "openIDConnectProviderArn", "sAMLProviderArn", "serialNumber")
	}
	if r, ok := resourceNames[prefix]; ok {
		return v.namedResource(prefix, r)
	}
	return ""
}

// naming tells how a service's ARNs follow from one parameter.
type naming struct {
	members []string // parameters that hold the name or the ARN
	before  string   // what comes before the name in the ARN
}

var resourceNames = map[string]naming{
	"lambda":       {[]string{"functionName"}, "function:"},
	"dynamodb":     {[]string{"tableName", "resourceArn", "tableArn"}, "table/"},
	"sns":          {[]string{"topicArn", "name"}, ""},
	"codepipeline": {[]string{"pipelineName", "name"}, ""},
	"codebuild":    {[]string{"projectName", "name"}, "project/"},
	"ecr":          {[]string{"repositoryName"}, "repository/"},
	"kinesis":      {[]string{"streamARN", "streamName"}, "stream/"},
	"states":       {[]string{"stateMachineArn", "executionArn"}, ""},
	"cloudtrail":   {[]string{"name", "trailName"}, "trail/"},
	"events":       {[]string{"name", "rule"}, "rule/"},
}

func (v *recordView) namedResource(prefix string, n naming) string {
	for _, member := range n.members {
		name := text(v.params, member)
		if strings.HasPrefix(name, "arn:") {
			return name
		}
		if name != "" && !strings.Contains(name, ":") && !strings.HasSuffix(strings.ToLower(member), "arn") {
			return v.arn(prefix, n.before+name)
		}
	}
	return ""
}

// bucketResource is the bucket or object of an S3 request. S3 decides the
// listing of all buckets on arn:aws:s3:::*.
func (v *recordView) bucketResource(name string) string {
	partition := v.partition()
	if name == "ListAllMyBuckets" {
		return "arn:" + partition + ":s3:::*"
	}
	bucket := first(v.params, "bucketName", "bucket")
	key := text(v.params, "key")
	switch {
	case bucket == "" || strings.HasPrefix(bucket, "arn:"):
		return bucket
	case !aboutObject(name):
		return "arn:" + partition + ":s3:::" + bucket
	case key != "":
		return "arn:" + partition + ":s3:::" + bucket + "/" + key
	}
	return ""
}

// keyResource is the key of a KMS request. An alias does not tell the key.
func (v *recordView) keyResource() string {
	key := first(v.params, "keyId", "targetKeyId")
	switch {
	case strings.HasPrefix(key, "arn:") && !strings.Contains(key, ":alias/"):
		return key
	case key == "" || strings.Contains(key, "alias/"):
		return ""
	}
	return v.arn("kms", "key/"+key)
}

// queueResource is the queue of an SQS request, whose URL ends in account and
// name.
func (v *recordView) queueResource() string {
	parts := strings.Split(text(v.params, "queueUrl"), "/")
	region := text(v.record, "awsRegion")
	if len(parts) < 2 || !isAccount(parts[len(parts)-2]) || region == "" {
		return v.arn("sqs", text(v.params, "queueName"))
	}
	return "arn:" + v.partition() + ":sqs:" + region + ":" + parts[len(parts)-2] + ":" + parts[len(parts)-1]
}

// arn puts an ARN together in the region and account of the event.
func (v *recordView) arn(service, resource string) string {
	region, account := text(v.record, "awsRegion"), text(v.record, "recipientAccountId")
	if account == "" {
		account = v.request.Principal.Account
	}
	if resource == "" || strings.HasSuffix(resource, "/") || region == "" || !isAccount(account) {
		return ""
	}
	return "arn:" + v.partition() + ":" + service + ":" + region + ":" + account + ":" + resource
}

func (v *recordView) partition() string {
	if p := splitARN(v.request.Principal.ARN).partition; p != "" {
		return p
	}
	region := text(v.record, "awsRegion")
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}
