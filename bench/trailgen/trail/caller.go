package trail

import (
	"strings"
	"time"
)

// Role is an IAM role as its sessions name it.
type Role struct {
	Account, Name, ID string
	// Path is "/" or a path that ends in a slash. It stands in the role's ARN
	// but not in the ARN of its sessions.
	Path string
}

// ARN returns the role's ARN.
func (r Role) ARN() string { return "arn:aws:iam::" + r.Account + ":role" + r.Path + r.Name }

// Caller is who makes a call: an IAM user, a role session or a service.
type Caller struct {
	Type        string // IAMUser, AssumedRole, SAMLUser, AWSService
	Account     string
	ARN         string
	PrincipalID string
	UserName    string
	Key         string
	Role        Role
	Created     time.Time // when the session began
	MFA         bool
	Source      string // sourceIdentity
	InvokedBy   string
	IP          string
	Agent       string
	Endpoint    string // vpcEndpointId
	Console     bool   // the session came from the console
}

// User returns an IAM user as a caller.
func User(account, name, id, key string) Caller {
	return Caller{
		Type: "IAMUser", Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name,
		PrincipalID: id, UserName: name, Key: key,
	}
}

// Session returns a session of a role as a caller.
func Session(role Role, name, key string, created time.Time) Caller {
	return Caller{
		Type: "AssumedRole", Account: role.Account,
		ARN:         "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + name,
		PrincipalID: role.ID + ":" + name, Key: key, Role: role, Created: created,
	}
}

// Service returns a service that calls on its own account.
func Service(host string) Caller {
	return Caller{Type: "AWSService", InvokedBy: host, IP: host, Agent: host}
}

// From returns the caller at an address with a user agent.
func (c Caller) From(ip, agent string) Caller {
	c.IP, c.Agent = ip, agent
	return c
}

// Via returns the caller with a service that calls in its name.
func (c Caller) Via(host string) Caller {
	c.InvokedBy, c.IP, c.Agent = host, host, host
	return c
}

// SessionName returns the part of the principal id behind the colon.
func (c Caller) SessionName() string {
	_, name, _ := strings.Cut(c.PrincipalID, ":")
	return name
}

// identity renders the userIdentity object.
func (c Caller) identity() Object {
	if c.Type == "AWSService" {
		return O("type", c.Type, "invokedBy", c.InvokedBy)
	}
	if c.Type == "SAMLUser" {
		// Before the exchange there is neither an account nor an ARN.
		provider, _, _ := strings.Cut(c.PrincipalID, ":")
		return O("type", c.Type, "principalId", c.PrincipalID, "userName", c.UserName, "identityProvider", provider)
	}
	o := O("type", c.Type, "principalId", c.PrincipalID, "arn", c.ARN, "accountId", c.Account)
	if c.Key != "" {
		o = append(o, Member{"accessKeyId", c.Key})
	}
	if c.UserName != "" {
		o = append(o, Member{"userName", c.UserName})
	}
	if c.Type == "AssumedRole" || !c.Created.IsZero() {
		o = append(o, Member{"sessionContext", c.context()})
	}
	if c.InvokedBy != "" {
		o = append(o, Member{"invokedBy", c.InvokedBy})
	}
	return o
}

func (c Caller) context() Object {
	o := O()
	if c.Type == "AssumedRole" {
		o = append(o, Member{"sessionIssuer", O("type", "Role", "principalId", c.Role.ID,
			"arn", c.Role.ARN(), "accountId", c.Role.Account, "userName", c.Role.Name)})
	}
	mfa := "false"
	if c.MFA {
		mfa = "true"
	}
	o = append(o, Member{"attributes", O("creationDate", Stamp(c.Created), "mfaAuthenticated", mfa)})
	if c.Source != "" {
		o = append(o, Member{"sourceIdentity", c.Source})
	}
	return o
}

// Stamp renders a time as CloudTrail's eventTime does.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
