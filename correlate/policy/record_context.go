package policy

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// globalKeys records the aws: keys, by "AWS global condition context keys".
func (v *recordView) globalKeys() {
	v.principalKeys()
	v.timeKeys()
	v.sessionKeys()
	v.networkKeys()
	v.chainKeys()
	v.tagKeys()
	c := v.context()
	setKnown(c, "aws:RequestedRegion", text(v.record, "awsRegion"))
	setKnown(c, "aws:ResourceAccount", v.request.owner())
}

// setKnown records a key whose absence from the record proves nothing.
func setKnown(c *Context, key, value string) {
	if value != "" {
		c.Set(key, value)
	}
}

// setOrAbsent records a key that the record would show.
func setOrAbsent(c *Context, key, value string) {
	if value == "" {
		c.SetAbsent(key)
		return
	}
	c.Set(key, value)
}

// principalTypes are the values of aws:PrincipalType.
var principalTypes = map[PrincipalKind]string{
	Root: "Account", User: "User", RoleSession: "AssumedRole", Role: "AssumedRole",
	FederatedUser: "FederatedUser", Anonymous: "Anonymous",
}

// principalKeys records the keys of the table in "IAM policy elements:
// Variables and tags".
func (v *recordView) principalKeys() {
	c, p := v.context(), &v.request.Principal
	setKnown(c, "aws:PrincipalAccount", p.Account)
	setKnown(c, "kms:CallerAccount", p.Account)
	setKnown(c, "aws:PrincipalType", principalTypes[p.Kind])
	setKnown(c, "aws:userid", p.ID)
	switch p.Kind {
	case User:
		setKnown(c, "aws:PrincipalArn", p.ARN)
		setKnown(c, "aws:username", text(v.user, "userName"))
	case RoleSession:
		// The key holds the role, not the session.
		setKnown(c, "aws:PrincipalArn", p.Issuer)
		c.SetAbsent("aws:username")
	case Root, FederatedUser, Role:
		setKnown(c, "aws:PrincipalArn", p.ARN)
		c.SetAbsent("aws:username")
	case Service, Anonymous:
		c.SetAbsent("aws:PrincipalArn", "aws:username", "aws:PrincipalTag/", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths")
	}
	service := p.Kind == Service
	if p.Kind != UnknownPrincipal {
		c.Set("aws:PrincipalIsAWSService", strconv.FormatBool(service))
	}
	switch {
	case service:
		setKnown(c, "aws:PrincipalServiceName", p.Name)
	case p.Kind != UnknownPrincipal:
		// Only direct calls of a service carry the resource they act for.
		c.SetAbsent("aws:PrincipalServiceName", "aws:PrincipalServiceNamesList", "aws:SourceArn",
			"aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths")
	}
}

func (v *recordView) timeKeys() {
	at := text(v.record, "eventTime")
	if t, ok := readDate(at); ok {
		c := v.context()
		c.Set("aws:CurrentTime", t.Format(time.RFC3339))
		c.Set("aws:EpochTime", strconv.FormatInt(t.Unix(), 10))
	}
}

// sessionKeys records what the credentials tell. CloudTrail shows session
// attributes for temporary credentials and none for long-term ones, whose
// requests carry none of these keys.
func (v *recordView) sessionKeys() {
	c, session := v.context(), object(v.user, "sessionContext")
	attributes := object(session, "attributes")
	switch {
	case len(attributes) > 0:
		v.temporaryKeys(session, attributes)
	case v.longTerm():
		c.SetAbsent("aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:TokenIssueTime",
			"aws:SourceIdentity", "aws:FederatedProvider", "ec2:RoleDelivery", "ec2:SourceInstanceARN",
			"lambda:SourceFunctionArn")
	}
	scope := object(v.user, "inScopeOf")
	if text(scope, "issuerType") == "AWS::Lambda::Function" {
		setKnown(c, "lambda:SourceFunctionArn", text(scope, "credentialsIssuedTo"))
	}
}

// longTerm reports whether the caller used an access key or password of its
// own, or none at all.
func (v *recordView) longTerm() bool {
	switch v.request.Principal.Kind {
	case Anonymous, Service, FederatedLogin:
		return true
	case User, Root:
		return !strings.HasPrefix(text(v.user, "accessKeyId"), "ASIA") && object(v.user, "sessionContext") == nil
	}
	return false
}

func (v *recordView) temporaryKeys(session, attributes map[string]any) {
	c := v.context()
	issued, dated := readDate(text(attributes, "creationDate"))
	if dated {
		c.Set("aws:TokenIssueTime", issued.Format(time.RFC3339))
	}
	if mfa := text(attributes, "mfaAuthenticated"); isBool(mfa) {
		c.Set("aws:MultiFactorAuthPresent", mfa)
		now, timed := readDate(text(v.record, "eventTime"))
		switch {
		case strings.EqualFold(mfa, "false"):
			c.SetAbsent("aws:MultiFactorAuthAge")
		case timed && dated && !now.Before(issued):
			c.Set("aws:MultiFactorAuthAge", strconv.FormatInt(int64(now.Sub(issued).Seconds()), 10))
		}
	}
	if identity := text(session, "sourceIdentity"); identity != "" || v.atLeast(1, 8) {
		setOrAbsent(c, "aws:SourceIdentity", identity)
	}
	setKnown(c, "aws:FederatedProvider", text(object(session, "webIdFederationData"), "federatedProvider"))
	setKnown(c, "ec2:RoleDelivery", text(session, "ec2RoleDelivery"))
}

// atLeast compares the record's eventVersion.
func (v *recordView) atLeast(major, minor int) bool {
	a, b, _ := strings.Cut(text(v.record, "eventVersion"), ".")
	m, errMajor := strconv.Atoi(a)
	n, errMinor := strconv.Atoi(b)
	return errMajor == nil && errMinor == nil && (m > major || m == major && n >= minor)
}

// networkKeys records where the request came from. A request through a VPC
// endpoint has aws:VpcSourceIp instead of aws:SourceIp. A service name in the
// place of an address tells nothing about the address.
func (v *recordView) networkKeys() {
	c := v.context()
	endpoint := text(v.record, "vpcEndpointId")
	if endpoint == "" {
		endpoint = text(v.extra, "vpcEndpointId")
	}
	address, err := netip.ParseAddr(text(v.record, "sourceIPAddress"))
	known := err == nil && v.direct()
	switch {
	case endpoint != "":
		c.Set("aws:SourceVpce", endpoint)
		c.SetAbsent("aws:SourceIp")
		if known {
			c.Set("aws:VpcSourceIp", address.String())
		}
	case known && !address.IsPrivate() && !address.IsLoopback():
		c.Set("aws:SourceIp", address.String())
		c.SetAbsent("aws:SourceVpce", "aws:SourceVpc", "aws:VpcSourceIp")
	}
	if v.direct() {
		agent := text(v.record, "userAgent")
		if strings.HasPrefix(agent, "[") && strings.HasSuffix(agent, "]") {
			agent = agent[1 : len(agent)-1] // S3 writes the header in brackets
		}
		setKnown(c, "aws:UserAgent", agent)
	}
	v.transportKeys()
}

func (v *recordView) transportKeys() {
	version := text(object(v.record, "tlsDetails"), "tlsVersion")
	number, tls := strings.CutPrefix(version, "TLSv")
	if tls || strings.HasPrefix(text(v.extra, "CipherSuite"), "ECDHE-") {
		v.context().Set("aws:SecureTransport", "true")
	}
	if tls {
		if !strings.Contains(number, ".") {
			number += ".0"
		}
		v.context().Set("s3:TlsVersion", number)
	}
}

// through returns the service that made the request with the caller's
// permissions, if one did.
func (v *recordView) through() string {
	service := text(v.user, "invokedBy")
	if v.request.Principal.Kind == Service || service == "signin.amazonaws.com" {
		return ""
	}
	return service
}

// direct reports whether the caller itself sent the request.
func (v *recordView) direct() bool {
	return v.through() == "" && !strings.HasSuffix(text(v.record, "sourceIPAddress"), ".amazonaws.com") &&
		text(v.record, "sourceIPAddress") != "AWS Internal"
}

// chainKeys records whether a service passed the request on. The record names
// only the last service of the chain.
func (v *recordView) chainKeys() {
	c, through := v.context(), v.through()
	switch {
	case v.request.Principal.Kind == Service:
		c.Set("aws:ViaAWSService", "false")
		c.SetAbsent("aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast")
	case through == "" && v.direct():
		c.Set("aws:ViaAWSService", "false")
		c.SetAbsent("aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "kms:ViaService")
	case strings.HasSuffix(through, ".amazonaws.com") && through != "internal.amazonaws.com":
		c.Set("aws:ViaAWSService", "true")
		c.Set("aws:CalledViaLast", through)
		if region := text(v.record, "awsRegion"); region != "" {
			c.Set("kms:ViaService", strings.TrimSuffix(through, ".amazonaws.com")+"."+region+".amazonaws.com")
		}
	}
}

// tagKeys records tags: those of the request, and those that CloudTrail adds
// to its own copy of the context.
func (v *recordView) tagKeys() {
	c := v.context()
	event := object(v.record, "eventContext")
	for key, value := range object(event, "requestContext") {
		if s, ok := value.(string); ok {
			c.Set(key, s)
		}
	}
	tags := object(event, "tagContext")
	for key := range object(tags, "principalTags") {
		c.Set("aws:PrincipalTag/"+key, text(object(tags, "principalTags"), key))
	}
	for _, item := range list(tags, "resourceTags") {
		if one, ok := item.(map[string]any); ok {
			for key := range object(one, "tags") {
				c.Set("aws:ResourceTag/"+key, text(object(one, "tags"), key))
			}
		}
	}
	v.requestTagKeys()
}

func (v *recordView) requestTagKeys() {
	c := v.context()
	pairs, found := requestTags(v.params)
	if !found {
		return
	}
	keys := make([]string, 0, len(pairs))
	c.SetAbsent("aws:RequestTag/")
	for _, pair := range pairs {
		c.Set("aws:RequestTag/"+pair[0], pair[1])
		keys = append(keys, pair[0])
	}
	c.SetList("aws:TagKeys", keys...)
}
