package correlate

import (
	"encoding/json"
	"strings"
)

// openEndpointPolicy is what an endpoint has whose policy was reset.
const openEndpointPolicy = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// adjust settles what the catalogue cannot say in one line.
func (c *Change) adjust() {
	e := c.Event
	switch c.Kind {
	case KindManagedPolicy:
		c.Version = first(Str(e.Params, "versionId"), Str(e.Response, "policyVersion", "versionId"), Str(e.Response, "policy", "defaultVersionId"))
	case KindSCP:
		c.organizationPolicy()
	case KindSession:
		c.sessionPolicy()
	case KindVPCEndpoint:
		c.endpoint()
	case KindKeyPolicy, KindGrant, KindKeyState, KindKeyBinding:
		c.keyAlias()
	case KindResourcePolicy:
		c.addedStatement()
	}
}

// organizationPolicy reads of which type a policy of the organization is. An
// attachment names only its id; then it stays a service control policy unless
// its id is the one of the managed resource control policy.
func (c *Change) organizationPolicy() {
	e := c.Event
	c.PolicyARN = first(c.PolicyARN, Str(e.Response, "policy", "policySummary", "arn"))
	typ := first(Str(e.Params, "type"), Str(e.Params, "policyType"), Str(e.Response, "policy", "policySummary", "type"))
	c.Typed = typ != "" || strings.HasPrefix(c.PolicyName, "p-RCP") || c.PolicyName == "p-FullAWSAccess"
	switch {
	case typ == "RESOURCE_CONTROL_POLICY" || strings.HasPrefix(c.PolicyName, "p-RCP"):
		c.Kind, c.Layer = KindRCP, LayerRCP
	case typ != "" && typ != "SERVICE_CONTROL_POLICY":
		c.Kind, c.Layer = KindOrgPolicy, LayerUnknown
	}
}

// sessionPolicy collects the managed policies that narrow a session, and fails
// to know the document when there are no other parts to it.
func (c *Change) sessionPolicy() {
	c.SessionARN = leaves(c.Event.Params, []string{"policyArns", "arn"})
	if c.Document == "" && len(c.SessionARN) > 0 {
		c.DocumentUnknown = false
	}
}

// endpoint tells an edit of an endpoint's policy from one of its network.
func (c *Change) endpoint() {
	req := Map(c.Event.Params, "ModifyVpcEndpointRequest")
	if c.Event.Name != "ModifyVpcEndpoint" || c.Failed || c.Document != "" {
		return
	}
	switch {
	case strings.EqualFold(Str(req, "ResetPolicy"), "true"):
		c.Document, c.DocumentUnknown = openEndpointPolicy, false
	case req != nil && walk(req, []string{"PolicyDocument"}) == nil:
		c.Kind, c.Layer, c.Op, c.DocumentUnknown = KindRoute, LayerUnknown, OpReplace, false
	}
}

// keyAlias keeps the alias by which the request named its key.
func (c *Change) keyAlias() {
	for _, name := range []string{"keyId", "aliasName"} {
		if a := Str(c.Event.Params, name); strings.HasPrefix(a, "alias/") || strings.Contains(a, ":alias/") {
			c.Aliases = append(c.Aliases, a)
		}
	}
}

// addedStatement writes out the statement that AddPermission of SNS and SQS
// makes of its parameters.
func (c *Change) addedStatement() {
	if c.Event.Name != "AddPermission" || c.Failed || len(c.Resources) == 0 {
		return
	}
	var prefix, field string
	switch c.Event.service() {
	case "sns":
		prefix, field = "sns:", "actionName"
	case "sqs":
		prefix, field = "sqs:", "actions"
	default:
		return
	}
	actions := Strs(c.Event.Params, field)
	for i := range actions {
		actions[i] = prefix + actions[i]
	}
	b, err := json.Marshal(map[string]any{
		"Sid": c.PolicyName, "Effect": "Allow", "Principal": map[string]any{"AWS": c.Subjects},
		"Action": actions, "Resource": c.Resources[0],
	})
	if err == nil && len(actions) > 0 {
		c.Statement = string(b)
	}
}
