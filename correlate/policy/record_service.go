package policy

import (
	"slices"
	"strings"
)

// serviceKeys records the keys of single services that a record shows, by the
// Service Authorization Reference. Parameters that are null were either not
// sent or, in many denials, not logged: they prove nothing absent.
func (v *recordView) serviceKeys() {
	switch v.source {
	case "s3.amazonaws.com":
		v.bucketKeys()
	case "kms.amazonaws.com":
		v.encryptionKeys()
	case "sts.amazonaws.com":
		v.assumeKeys()
	case "iam.amazonaws.com":
		v.member("iam:PolicyARN", "policyArn")
		v.member("iam:PermissionsBoundary", "permissionsBoundary")
		v.member("iam:AWSServiceName", "aWSServiceName")
	case "secretsmanager.amazonaws.com":
		v.member("secretsmanager:VersionStage", "versionStage")
		v.member("secretsmanager:VersionId", "versionId")
		if id := text(v.params, "secretId"); strings.HasPrefix(id, "arn:") {
			v.context().Set("secretsmanager:SecretId", id)
		}
	case "lambda.amazonaws.com":
		v.member("lambda:FunctionUrlAuthType", "functionUrlAuthType")
		v.member("lambda:Principal", "principal")
	case "ec2.amazonaws.com":
		setKnown(v.context(), "ec2:InstanceType", text(v.params, "instanceType"))
		setKnown(v.context(), "ec2:Region", text(v.record, "awsRegion"))
	}
}

// member records a key that is the value of one request parameter.
func (v *recordView) member(key, name string) {
	switch value := text(v.params, name); {
	case value != "":
		v.context().Set(key, value)
	case v.params != nil && v.params[name] == nil:
		v.context().SetAbsent(key)
	}
}

// bucketHeaders are request headers that CloudTrail shows as parameters of
// the same name.
var bucketHeaders = []string{
	"x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm",
	"x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-grant-full-control", "x-amz-grant-read",
	"x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp", "x-amz-object-ownership",
}

func (v *recordView) bucketKeys() {
	c := v.context()
	for _, header := range bucketHeaders {
		v.member("s3:"+header, header)
	}
	for _, name := range []string{"prefix", "delimiter", "max-keys"} {
		v.member("s3:"+name, name)
	}
	v.member("s3:VersionId", "versionId")
	setKnown(c, "s3:ResourceAccount", v.request.ResourceAccount)
	switch text(v.extra, "SignatureVersion") {
	case "SigV4":
		c.Set("s3:signatureversion", "AWS4-HMAC-SHA256")
	case "SigV2":
		c.Set("s3:signatureversion", "AWS")
	}
	switch text(v.extra, "AuthenticationMethod") {
	case "AuthHeader":
		c.Set("s3:authType", "REST-HEADER")
	case "QueryString":
		c.Set("s3:authType", "REST-QUERY-STRING")
	}
}

func (v *recordView) encryptionKeys() {
	c := v.context()
	v.member("kms:EncryptionAlgorithm", "encryptionAlgorithm")
	v.member("kms:GranteePrincipal", "granteePrincipal")
	v.member("kms:RetiringPrincipal", "retiringPrincipal")
	if alias := text(v.params, "keyId"); strings.HasPrefix(alias, "alias/") {
		c.Set("kms:RequestAlias", alias)
	} else if alias != "" && !strings.Contains(alias, ":alias/") {
		c.SetAbsent("kms:RequestAlias")
	}
	var operations []string
	for _, op := range list(v.params, "operations") {
		if s, ok := op.(string); ok {
			operations = append(operations, s)
		}
	}
	if operations != nil {
		c.SetList("kms:GrantOperations", operations...)
	}
	v.encryptionContext()
}

// encryptionContext records the pairs of the encryption context. KMS logs the
// context whole, so a pair that is not there was not sent.
func (v *recordView) encryptionContext() {
	c := v.context()
	if v.params == nil {
		return
	}
	pairs := object(v.params, "encryptionContext")
	if pairs == nil && v.params["encryptionContext"] != nil {
		return // redacted
	}
	keys := make([]string, 0, len(pairs))
	c.SetAbsent("kms:EncryptionContext:")
	for key := range pairs {
		c.Set("kms:EncryptionContext:"+key, text(pairs, key))
		keys = append(keys, key)
	}
	slices.Sort(keys)
	c.SetList("kms:EncryptionContextKeys", keys...)
}

func (v *recordView) assumeKeys() {
	v.member("sts:ExternalId", "externalId")
	v.member("sts:RoleSessionName", "roleSessionName")
	v.member("sts:SourceIdentity", "sourceIdentity")
	var keys []string
	for _, key := range list(v.params, "transitiveTagKeys") {
		if s, ok := key.(string); ok {
			keys = append(keys, s)
		}
	}
	if v.params != nil {
		v.context().SetList("sts:TransitiveTagKeys", keys...)
		if v.params["tags"] == nil {
			v.context().SetAbsent("aws:RequestTag/", "aws:TagKeys")
		}
	}
}

const references = "codecommit:References"

// maxReferences bounds the requests made of one record. The references beyond
// it become one request that does not know its reference.
const maxReferences = 1000

// referenced are the parameters that name the branch an operation changes.
var referenced = map[string]string{
	"CreateBranch": "branchName", "CreateCommit": "branchName", "CreateUnreferencedMergeCommit": "branchName",
	"DeleteBranch": "branchName", "DeleteFile": "branchName", "PutFile": "branchName",
	"MergeBranchesByFastForward": "targetBranch", "MergeBranchesBySquash": "targetBranch",
	"MergeBranchesByThreeWay": "targetBranch",
}

// perReference returns one request for each reference of a CodeCommit
// operation. Merging a pull request carries the key, but the record names
// only the pull request: the key stays unknown.
func (v *recordView) perReference() []Request {
	if v.source != "codecommit.amazonaws.com" {
		return []Request{v.request}
	}
	refs, absent := v.references()
	if absent {
		v.context().SetAbsent(references)
	}
	if len(refs) == 0 {
		return []Request{v.request}
	}
	more := len(refs) > maxReferences
	requests := make([]Request, 0, len(refs))
	for _, ref := range refs[:min(len(refs), maxReferences)] {
		r := v.request
		r.Context = v.request.Context.Clone()
		r.Context.Set(references, ref)
		requests = append(requests, r)
	}
	if more {
		requests = append(requests, v.request)
	}
	return requests
}

// references lists what the record shows; absent reports that the request
// carried none. A push is logged twice: its first record, which only asks for
// the repository's references, transfers no data and has no key yet.
func (v *recordView) references() (refs []string, absent bool) {
	switch {
	case v.event == "GitPush":
		for _, item := range list(v.params, "references") {
			if r, ok := item.(map[string]any); ok && text(r, "ref") != "" {
				refs = append(refs, text(r, "ref"))
			}
		}
		return refs, len(refs) == 0 && text(v.extra, "dataTransferred") == "false"
	case referenced[v.event] != "":
		if branch := text(v.params, referenced[v.event]); branch != "" {
			return []string{branchRef(branch)}, false
		}
		return nil, false
	}
	return nil, !strings.HasPrefix(v.event, "MergePullRequestBy") && v.event != "UpdateDefaultBranch"
}

func branchRef(branch string) string {
	if strings.HasPrefix(branch, "refs/") {
		return branch
	}
	return "refs/heads/" + branch
}
