package trail

import "time"

// AssumeRole appends a successful AssumeRole in us-east-1 and returns the
// session that comes of it.
func (c *Cloud) AssumeRole(at time.Time, who Caller, role Role, session string) (*Event, Caller) {
	return c.AssumeRoleWith(at, who, role, session, nil)
}

// AssumeRoleWith is AssumeRole with further request parameters, such as an
// inline session policy.
func (c *Cloud) AssumeRoleWith(at time.Time, who Caller, role Role, session string, extra Object) (*Event, Caller) {
	e := c.global(at, who, "sts", "AssumeRole")
	e.TLSHost = "sts.amazonaws.com"
	e.ReadOnly = true
	e.Request = append(O("roleArn", role.ARN(), "roleSessionName", session), extra...)
	e.Request = append(e.Request, Member{"durationSeconds", 3600})
	s := Session(role, session, c.R.Key("ASIA"), e.Time)
	e.Response = O(
		"credentials", O("accessKeyId", s.Key, "sessionToken", c.R.Text(base64Tail, 64)+"==",
			"expiration", locale(e.Time.Add(time.Hour))),
		"assumedRoleUser", O("assumedRoleId", s.PrincipalID, "arn", s.ARN))
	e.Resources = []Object{O("accountId", role.Account, "type", "AWS::IAM::Role", "ARN", role.ARN())}
	return e, s
}

// DeniedAssumeRole appends an AssumeRole that was refused: its target stands
// in the message alone.
func (c *Cloud) DeniedAssumeRole(at time.Time, who Caller, role Role, reason string) *Event {
	e := c.global(at, who, "sts", "AssumeRole")
	e.TLSHost = "sts.amazonaws.com"
	e.ReadOnly = true
	return e.Deny("AccessDenied", Denial(who, "sts:AssumeRole", role.ARN(), reason))
}

// ServiceAssumes appends the AssumeRole by which a service takes a role, in
// the home region, and returns the session.
func (c *Cloud) ServiceAssumes(at time.Time, service string, role Role, session string) (*Event, Caller) {
	e, s := c.AssumeRole(at, Service(service), role, session)
	e.Region, e.SharedID = c.Region, c.R.UUID()
	return e, s
}

// CallerIdentity appends GetCallerIdentity through the regional endpoint.
func (c *Cloud) CallerIdentity(at time.Time, who Caller) *Event {
	return c.Read(at, who, "sts", "GetCallerIdentity", nil)
}

// Denial builds an access denied message. The reason is empty or begins with
// "because" or "with".
func Denial(who Caller, action, resource, reason string) string {
	m := "User: " + who.ARN + " is not authorized to perform: " + action
	if resource != "" {
		m += " on resource: " + resource
	}
	if reason != "" {
		m += " " + reason
	}
	return m
}
