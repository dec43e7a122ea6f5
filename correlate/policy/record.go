package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// RequestsFromRecord turns a CloudTrail record into the requests that AWS had
// to decide: one, or one per reference for CodeCommit operations on several.
// (How AWS decides a push of several references is not documented; one that
// is denied is taken to deny the push.)
//
// What the record reveals is in the requests, keys it proves absent are marked
// absent, everything else is unknown. Action and resource are what the record
// itself says; a caller that knows better, from the denial message for
// instance, replaces them with Request.With. Numbers may be json.Number or
// float64. The record is not changed.
func RequestsFromRecord(record map[string]any) ([]Request, error) {
	view, err := viewOf(record)
	if err != nil {
		return nil, err
	}
	view.globalKeys()
	view.serviceKeys()
	return view.perReference(), nil
}

// Asked returns the action and the resource of what RequestsFromRecord makes of
// a record, which all its requests share; both are "" where it fails. It reads
// much less.
func Asked(record map[string]any) (action, resource string) {
	view, err := viewOf(record)
	if err != nil {
		return "", ""
	}
	return view.request.Action, view.request.Resource
}

// viewOf reads principal, action and resource.
func viewOf(record map[string]any) (*recordView, error) {
	source, name := text(record, "eventSource"), text(record, "eventName")
	if source == "" || name == "" {
		return nil, errors.New("read record: no eventSource or eventName")
	}
	view := &recordView{
		record: record,
		user:   object(record, "userIdentity"),
		params: object(record, "requestParameters"),
		extra:  object(record, "additionalEventData"),
		source: source,
		event:  withoutVersion(name),
	}
	view.request.Principal = view.principal()
	view.request.Action = view.action(name)
	view.resource()
	return view, nil
}

// RequestsFromJSON is RequestsFromRecord for a record as it was delivered.
func RequestsFromJSON(data []byte) ([]Request, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var record map[string]any
	if err := dec.Decode(&record); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	return RequestsFromRecord(record)
}

// recordView reads a record into a request.
type recordView struct {
	record, user, params, extra map[string]any

	source  string
	event   string // without API version
	request Request
}

func (v *recordView) context() *Context { return &v.request.Context }

// action picks the action; S3 authorizes requests for one version of an
// object by an action of their own.
func (v *recordView) action(name string) string {
	actions := Actions(v.source, name)
	if len(actions) == 0 {
		return ""
	}
	action := actions[0]
	if v.source != "s3.amazonaws.com" || text(v.params, "versionId") == "" {
		return action
	}
	switch action {
	case "s3:GetObject", "s3:DeleteObject", "s3:GetObjectAcl", "s3:PutObjectAcl",
		"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging":
		return strings.Replace(action, "Object", "ObjectVersion", 1)
	}
	return action
}

// principal reads userIdentity.
func (v *recordView) principal() Principal {
	session := object(v.user, "sessionContext")
	p := Principal{
		ARN:     text(v.user, "arn"),
		Account: text(v.user, "accountId"),
		ID:      text(v.user, "principalId"),
		Issuer:  text(object(session, "sessionIssuer"), "arn"),
	}
	switch kind := text(v.user, "type"); kind {
	case "Root":
		p.Kind = Root
	case "IAMUser":
		p.Kind = User
	case "AssumedRole":
		p.Kind = RoleSession
	case "Role":
		p.Kind = Role
	case "FederatedUser":
		p.Kind = FederatedUser
	case "SAMLUser", "WebIdentityUser":
		p.Kind, p.Name = FederatedLogin, text(v.user, "identityProvider")
	case "AWSService":
		p.Kind, p.Name = Service, text(v.user, "invokedBy")
	case "AWSAccount":
		if p.Account == "anonymous" || strings.EqualFold(p.ID, "anonymous") {
			return Principal{Kind: Anonymous}
		}
		if p.ARN != "" {
			p.Kind = principalOf(p.ARN).Kind
		}
	}
	if p.ARN == "" && p.Kind.hasIdentity() {
		p.Kind = UnknownPrincipal // only account and id are known
	}
	return p
}

// text returns a member as text, or "". Redacted values count as missing.
func text(m map[string]any, name string) string {
	switch t := m[name].(type) {
	case string:
		if t == "HIDDEN_DUE_TO_SECURITY_REASONS" || t == "***" {
			return ""
		}
		return t
	case json.Number:
		return t.String()
	case bool:
		return fmt.Sprint(t)
	case float64:
		return strconv.FormatFloat(t, 'f', -1, 64)
	}
	return ""
}

func object(m map[string]any, name string) map[string]any {
	o, _ := m[name].(map[string]any)
	return o
}

func list(m map[string]any, name string) []any {
	l, _ := m[name].([]any)
	return l
}

// first returns the first of several members that is there.
func first(m map[string]any, names ...string) string {
	for _, name := range names {
		if t := text(m, name); t != "" {
			return t
		}
	}
	return ""
}
