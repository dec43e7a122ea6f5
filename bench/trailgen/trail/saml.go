package trail

import "time"

const browser = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"

// AssumeRoleWithSAML appends the sign-in of a person through an identity
// provider and returns the session, which comes from the console.
func (c *Cloud) AssumeRoleWithSAML(at time.Time, role Role, person, provider, ip string) Caller {
	who := Caller{Type: "SAMLUser", PrincipalID: provider + ":" + person, UserName: person}
	e := c.call(at, who.From(ip, browser), "sts", "AssumeRoleWithSAML")
	e.ReadOnly = true
	s := Session(role, person, c.R.Key("ASIA"), at)
	s = s.From(ip, browser)
	s.Console = true
	arn := "arn:aws:iam::" + c.Account + ":saml-provider/" + provider
	e.Request = O("sAMLAssertionID", "_"+c.R.UUID(), "roleSessionName", person,
		"roleArn", role.ARN(), "principalArn", arn, "durationSeconds", 3600)
	e.Response = O(
		"subjectType", "persistent", "issuer", "https://portal.sso."+c.Region+".amazonaws.com/saml/assertion",
		"credentials", O("accessKeyId", s.Key, "sessionToken", c.R.Text(base64Tail, 64)+"==",
			"expiration", locale(at.Add(time.Hour))),
		"assumedRoleUser", O("assumedRoleId", s.PrincipalID, "arn", s.ARN),
		"subject", person, "audience", "https://signin.aws.amazon.com/saml")
	e.Resources = []Object{
		O("accountId", c.Account, "type", "AWS::IAM::Role", "ARN", role.ARN()),
		O("accountId", c.Account, "type", "AWS::IAM::SAMLProvider", "ARN", arn),
	}
	return s
}
