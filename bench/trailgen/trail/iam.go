package trail

import (
	"net/url"
	"strconv"
	"time"
)

// IAM appends a call of IAM, which always records in us-east-1.
func (c *Cloud) IAM(at time.Time, who Caller, name string, request Object) *Event {
	e := c.global(at, who, "iam", name)
	e.Request = request
	return e
}

// PutInline appends PutUserPolicy, PutGroupPolicy or PutRolePolicy; kind is
// user, group or role.
func (c *Cloud) PutInline(at time.Time, who Caller, kind, target, policy string, doc Object) *Event {
	return c.IAM(at, who, "Put"+title(kind)+"Policy",
		O(kind+"Name", target, "policyName", policy, "policyDocument", Text(doc)))
}

// DeleteInline appends the deletion of an inline policy.
func (c *Cloud) DeleteInline(at time.Time, who Caller, kind, target, policy string) *Event {
	return c.IAM(at, who, "Delete"+title(kind)+"Policy", O(kind+"Name", target, "policyName", policy))
}

// Attach appends the attachment of a managed policy.
func (c *Cloud) Attach(at time.Time, who Caller, kind, target, arn string) *Event {
	return c.IAM(at, who, "Attach"+title(kind)+"Policy", O(kind+"Name", target, "policyArn", arn))
}

// Detach appends the detachment of a managed policy.
func (c *Cloud) Detach(at time.Time, who Caller, kind, target, arn string) *Event {
	return c.IAM(at, who, "Detach"+title(kind)+"Policy", O(kind+"Name", target, "policyArn", arn))
}

// PolicyARN returns the ARN of a managed policy of the account.
func (c *Cloud) PolicyARN(name string) string {
	return "arn:aws:iam::" + c.Account + ":policy/" + name
}

// CreatePolicy appends the creation of a managed policy.
func (c *Cloud) CreatePolicy(at time.Time, who Caller, name string, doc Object) *Event {
	e := c.IAM(at, who, "CreatePolicy", O("policyName", name, "policyDocument", Text(doc)))
	e.Response = O("policy", O("policyName", name, "policyId", c.R.UniqueID("ANPA"),
		"arn", c.PolicyARN(name), "path", "/", "defaultVersionId", "v1", "attachmentCount", 0,
		"permissionsBoundaryUsageCount", 0, "isAttachable", true,
		"createDate", locale(at), "updateDate", locale(at)))
	return e
}

// CreatePolicyVersion appends a new default version of a managed policy.
func (c *Cloud) CreatePolicyVersion(at time.Time, who Caller, name string, version int, doc Object) *Event {
	e := c.IAM(at, who, "CreatePolicyVersion", O("policyArn", c.PolicyARN(name),
		"policyDocument", Text(doc), "setAsDefault", true))
	e.Response = O("policyVersion", O("versionId", "v"+strconv.Itoa(version),
		"isDefaultVersion", true, "createDate", locale(at)))
	return e
}

// CreateRole appends the creation of a role; the answer repeats the trust
// policy percent-encoded, as IAM does.
func (c *Cloud) CreateRole(at time.Time, who Caller, role Role, trust Object) *Event {
	doc := Text(trust)
	e := c.IAM(at, who, "CreateRole", O("path", role.Path, "roleName", role.Name, "assumeRolePolicyDocument", doc))
	e.Response = O("role", O("path", role.Path, "roleName", role.Name, "roleId", role.ID,
		"arn", role.ARN(), "createDate", locale(at), "assumeRolePolicyDocument", url.QueryEscape(doc)))
	return e
}

// UpdateTrust appends a change of a role's trust policy.
func (c *Cloud) UpdateTrust(at time.Time, who Caller, role string, trust Object) *Event {
	return c.IAM(at, who, "UpdateAssumeRolePolicy", O("roleName", role, "policyDocument", Text(trust)))
}

// SetBoundary appends a permissions boundary put on a user or a role.
func (c *Cloud) SetBoundary(at time.Time, who Caller, kind, target, arn string) *Event {
	return c.IAM(at, who, "Put"+title(kind)+"PermissionsBoundary", O(kind+"Name", target, "permissionsBoundary", arn))
}

// AddToGroup appends a new group member.
func (c *Cloud) AddToGroup(at time.Time, who Caller, group, user string) *Event {
	return c.IAM(at, who, "AddUserToGroup", O("groupName", group, "userName", user))
}

// RemoveFromGroup appends the removal of a group member.
func (c *Cloud) RemoveFromGroup(at time.Time, who Caller, group, user string) *Event {
	return c.IAM(at, who, "RemoveUserFromGroup", O("groupName", group, "userName", user))
}

func title(s string) string { return string(s[0]-'a'+'A') + s[1:] }

// locale renders a date the way request and response elements carry it.
func locale(t time.Time) string { return t.UTC().Format("Jan 2, 2006, 3:04:05 PM") }

// Policy builds a policy document.
func Policy(statements ...Object) Object {
	return O("Version", "2012-10-17", "Statement", statements)
}

// Allow builds an Allow statement.
func Allow(sid string, action, resource any) Object {
	return statement(sid, "Allow", action, resource)
}

// Deny builds a Deny statement.
func Deny(sid string, action, resource any) Object {
	return statement(sid, "Deny", action, resource)
}

func statement(sid, effect string, action, resource any) Object {
	return O("Sid", sid, "Effect", effect, "Action", action, "Resource", resource)
}

// For returns a copy of a statement with a Principal in its usual place.
func For(statement Object, principal any) Object {
	o := make(Object, 0, len(statement)+1)
	for _, m := range statement {
		o = append(o, m)
		if m.Key == "Effect" {
			o = append(o, Member{"Principal", principal})
		}
	}
	return o
}

// When returns a copy of a statement with a Condition.
func When(statement, condition Object) Object { return statement.With("Condition", condition) }
