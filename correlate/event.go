package correlate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trailblame/trailblame/query"
)

// Event is the typed view of one record that correlation works on. Fields that
// the record lacks, or holds with an unexpected type, are zero. An Event is
// never changed after ParseEvent and may be shared between goroutines.
type Event struct {
	Object string    // the delivery
	Index  int       // in the delivery
	Time   time.Time // eventTime, UTC

	ID            string
	Name          string // eventName; detail-type when Native
	EventSource   string // eventSource; source ("aws.codepipeline") when Native
	EventType     string
	ErrorCode     string // of a Native event, what its detail says went wrong
	ErrorMessage  string
	Region        string
	Account       string // recipientAccountId, else the caller's account
	RequestID     string
	SharedEventID string
	SourceIP      string
	UserAgent     string
	VpcEndpointID string
	ReadOnly      bool

	Identity  Identity
	Resources []Resource

	Params     map[string]any // requestParameters, nil when null
	Response   map[string]any // responseElements
	Additional map[string]any // additionalEventData
	Service    map[string]any // serviceEventDetails
	Record     map[string]any // the whole record, or what was asked for of it

	Native bool           // an EventBridge state change, not a CloudTrail record
	Detail map[string]any // its detail

	said *DenialText // what the error says; nil when it was not read yet
}

// denial is what the event's error says.
func (e *Event) denial() DenialText {
	if e.said != nil {
		return *e.said
	}
	return ParseDenial(e.ErrorCode, e.ErrorMessage)
}

// Identity is userIdentity.
type Identity struct {
	Type           string
	ARN            string
	PrincipalID    string
	AccountID      string
	UserName       string
	AccessKeyID    string
	InvokedBy      string
	IssuerARN      string // sessionContext.sessionIssuer
	IssuerType     string
	IssuerUserName string
	SourceIdentity string
	SessionCreated time.Time
}

// Resource is one entry of resources[]. ARN may be a prefix that ends in "/"
// where the record says ARNPrefix.
type Resource struct {
	ARN, Account, Type string
}

// viaCloudTrail ends the detail-type of EventBridge events that only wrap a
// CloudTrail record.
const viaCloudTrail = " via CloudTrail"

// Source cites the delivery: object#index.
func (e *Event) Source() string { return e.Object + "#" + strconv.Itoa(e.Index) }

// ParseEvent decodes q, from its columns where they tell all that was asked for.
// Only bytes that are not one JSON value are an error, or a record that cannot
// be read, which is an *unreadable: every surprise inside the record reads as
// zero.
func ParseEvent(q *query.Event) (*Event, error) {
	e, _, err := readEvent(q)
	return e, err
}

// readEvent is ParseEvent. byColumns tells whether columns told all.
func readEvent(q *query.Event) (e *Event, byColumns bool, err error) {
	raw := q.Raw
	if raw == nil && q.Values != nil {
		if e := fromColumns(q); e != nil {
			return e, true, nil
		}
		if raw, err = q.Record(); err != nil {
			return nil, false, &unreadable{err}
		}
	}
	e, err = parseRecord(q, raw)
	return e, false, err
}

// unreadable is an error of the trail.
type unreadable struct{ err error }

func (u *unreadable) Error() string { return u.err.Error() }
func (u *unreadable) Unwrap() error { return u.err }

// lost returns err when it is an error of the trail, and nil for a record that is
// no JSON.
func lost(err error) error {
	var u *unreadable
	if errors.As(err, &u) {
		return u
	}
	return nil
}

func parseRecord(q *query.Event, raw []byte) (*Event, error) {
	v, err := decodeJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("decode event %s: %w", q.Source(), err)
	}
	rec, _ := v.(map[string]any)
	e := &Event{Object: q.Object, Index: q.Index, Time: q.Time, Record: rec}
	dt := first(Str(rec, "detail-type"), Str(rec, "detailType"))
	detail := Map(rec, "detail")
	switch {
	case dt != "" && detail != nil && strings.HasSuffix(dt, viaCloudTrail):
		e.Record = detail
		e.fillRecord(detail)
		e.Account = first(e.Account, Str(rec, "account"))
	case dt != "" && Str(rec, "eventName") == "":
		e.fillNative(rec, dt, detail)
	default:
		e.fillRecord(rec)
	}
	e.ID = first(e.ID, q.ID)
	e.Account = first(e.Account, q.Account)
	if e.ErrorCode != "" || e.ErrorMessage != "" {
		said := ParseDenial(e.ErrorCode, e.ErrorMessage)
		e.said = &said
	}
	return e, nil
}

func (e *Event) fillRecord(rec map[string]any) {
	e.setTime(Str(rec, "eventTime"))
	e.ID = first(Str(rec, "eventID"), Str(rec, "eventId"))
	e.Name = Str(rec, "eventName")
	e.EventSource = Str(rec, "eventSource")
	e.EventType = Str(rec, "eventType")
	e.ErrorCode = Str(rec, "errorCode")
	e.ErrorMessage = Str(rec, "errorMessage")
	e.Region = Str(rec, "awsRegion")
	e.RequestID = Str(rec, "requestID")
	e.SharedEventID = Str(rec, "sharedEventID")
	e.SourceIP = Str(rec, "sourceIPAddress")
	e.UserAgent = Str(rec, "userAgent")
	e.VpcEndpointID = Str(rec, "vpcEndpointId")
	e.ReadOnly = strings.EqualFold(Str(rec, "readOnly"), "true")
	e.Identity = parseIdentity(Map(rec, "userIdentity"))
	e.Account = first(Str(rec, "recipientAccountId"), e.Identity.AccountID)
	e.Resources = parseResources(List(rec, "resources"))
	e.Params = Map(rec, "requestParameters")
	e.Response = Map(rec, "responseElements")
	e.Additional = Map(rec, "additionalEventData")
	e.Service = Map(rec, "serviceEventDetails")
}

// fillNative reads an EventBridge state change of CodeCommit, CodePipeline or
// CodeBuild, in its bus form or in the form notification rules send.
func (e *Event) fillNative(rec map[string]any, detailType string, detail map[string]any) {
	e.Native, e.Detail, e.Name = true, detail, detailType
	e.setTime(Str(rec, "time"))
	e.ID = Str(rec, "id")
	e.EventSource = Str(rec, "source")
	e.EventType = "EventBridge"
	e.Region = Str(rec, "region")
	e.Account = Str(rec, "account")
	e.Identity.ARN = Str(detail, "callerUserArn")
	e.Additional = Map(rec, "additionalAttributes")
	e.ErrorCode, e.ErrorMessage = nativeError(e)
	for _, r := range Strs(rec, "resources") {
		e.Resources = append(e.Resources, Resource{ARN: r, Account: arnAccount(r)})
	}
}

func (e *Event) setTime(s string) {
	if e.Time.IsZero() {
		e.Time = parseTime(s)
	}
}

func parseIdentity(m map[string]any) Identity {
	ctx := Map(m, "sessionContext")
	return Identity{
		Type:           Str(m, "type"),
		ARN:            Str(m, "arn"),
		PrincipalID:    Str(m, "principalId"),
		AccountID:      Str(m, "accountId"),
		UserName:       Str(m, "userName"),
		AccessKeyID:    Str(m, "accessKeyId"),
		InvokedBy:      Str(m, "invokedBy"),
		IssuerARN:      Str(ctx, "sessionIssuer", "arn"),
		IssuerType:     Str(ctx, "sessionIssuer", "type"),
		IssuerUserName: Str(ctx, "sessionIssuer", "userName"),
		SourceIdentity: Str(ctx, "sourceIdentity"),
		SessionCreated: parseTime(Str(ctx, "attributes", "creationDate")),
	}
}

func parseResources(list []any) []Resource {
	var rs []Resource
	for _, v := range list {
		m, _ := v.(map[string]any)
		r := Resource{
			ARN:     first(Str(m, "ARN"), Str(m, "arn"), Str(m, "ARNPrefix")),
			Account: Str(m, "accountId"),
			Type:    Str(m, "type"),
		}
		if r != (Resource{}) {
			rs = append(rs, r)
		}
	}
	return rs
}

// parseTime reads the two spellings that records use; zero when it is neither.
func parseTime(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "20060102T150405Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// service returns the first label of eventSource, e.g. "codecommit".
func (e *Event) service() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(e.EventSource, "aws."), ".")
	return host
}

// Str returns the text at path below m: strings as they are, numbers and
// booleans as written, a list of one as its element. Anything else is "".
func Str(m map[string]any, path ...string) string {
	return text(walk(m, path))
}

// Map returns the object at path below m, or nil.
func Map(m map[string]any, path ...string) map[string]any {
	o, _ := single(walk(m, path)).(map[string]any)
	return o
}

// List returns the elements at path below m. CloudTrail writes a list of one
// sometimes as the bare element and EC2 wraps lists in {"items": […]}; both
// read as lists.
func List(m map[string]any, path ...string) []any { return listOf(walk(m, path)) }

func listOf(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case map[string]any:
		for _, k := range []string{"items", "item"} {
			if in, ok := v[k].([]any); ok && len(v) == 1 {
				return in
			}
		}
		return []any{v}
	default:
		return []any{v}
	}
}

// Strs returns the non-empty texts of the list at path below m.
func Strs(m map[string]any, path ...string) []string {
	var out []string
	for _, v := range List(m, path...) {
		if s := text(v); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// walk follows path through objects, and through lists of one on the way.
func walk(m map[string]any, path []string) any {
	var v any = m
	for _, key := range path {
		o, ok := single(v).(map[string]any)
		if !ok {
			return nil
		}
		v = o[key]
	}
	return v
}

func single(v any) any {
	for {
		list, ok := v.([]any)
		if !ok || len(list) != 1 {
			return v
		}
		v = list[0]
	}
}

func text(v any) string {
	switch v := single(v).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// first returns the first of ss that is not empty.
func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// PrincipalID names who made a call, in the form that stays the same over
// sessions.
type PrincipalID struct {
	// ARN is the role's, user's or root's ARN, or whatever else names the
	// caller: a service host, an account id, a principal id.
	ARN string
	// Pathless is set when ARN was derived from a session's ARN, which does
	// not carry the role's path. Compare with RoleKey then.
	Pathless bool
}

// Principal returns the stable principal of the event: the role behind a
// session, the user, the account root, the federated user, the calling service,
// the other account, else the principal id.
func (e *Event) Principal() string { return e.PrincipalRef().ARN }

// PrincipalRef is Principal and whether its ARN lacks the role's path.
func (e *Event) PrincipalRef() PrincipalID {
	id := &e.Identity
	switch {
	case id.IssuerARN != "" && !strings.Contains(id.ARN, ":federated-user/"):
		return PrincipalID{ARN: id.IssuerARN}
	case id.ARN != "":
		return StablePrincipal(id.ARN)
	case id.Type == "AWSAccount" && id.AccountID != "":
		return PrincipalID{ARN: id.AccountID}
	case id.Type == "Root" && isAccountID(id.AccountID):
		return PrincipalID{ARN: "arn:" + partitionOf(e.Region) + ":iam::" + id.AccountID + ":root"}
	case id.Type == "IAMUser" && id.UserName != "" && isAccountID(id.AccountID):
		return PrincipalID{ARN: "arn:" + partitionOf(e.Region) + ":iam::" + id.AccountID + ":user/" + id.UserName, Pathless: true}
	}
	return PrincipalID{ARN: first(id.InvokedBy, id.PrincipalID, id.UserName, id.AccountID)}
}

// StablePrincipal turns a session's ARN into the ARN of its role and leaves
// every other ARN as it is.
func StablePrincipal(arn string) PrincipalID {
	a, ok := splitARN(arn)
	if !ok || a.service != "sts" {
		return PrincipalID{ARN: arn}
	}
	rest, ok := strings.CutPrefix(a.resource, "assumed-role/")
	if !ok {
		return PrincipalID{ARN: arn}
	}
	role, _, _ := strings.Cut(rest, "/")
	return PrincipalID{ARN: "arn:" + a.partition + ":iam::" + a.account + ":role/" + role, Pathless: true}
}

// RoleKey returns arn without the path of a role, so that a role named by a
// session and by its own ARN compare equal. Other ARNs are returned unchanged.
func RoleKey(arn string) string {
	a, ok := splitARN(arn)
	if !ok || a.service != "iam" || !strings.HasPrefix(a.resource, "role/") {
		return StablePrincipal(arn).ARN
	}
	name := a.resource[strings.LastIndexByte(a.resource, '/')+1:]
	return "arn:" + a.partition + ":iam::" + a.account + ":role/" + name
}

// Session returns the session name of a role session, or "".
func (e *Event) Session() string {
	if a, ok := splitARN(e.Identity.ARN); ok {
		if rest, ok := strings.CutPrefix(a.resource, "assumed-role/"); ok {
			_, name, _ := strings.Cut(rest, "/")
			return name
		}
		return ""
	}
	if e.Identity.Type == "AssumedRole" {
		_, name, _ := strings.Cut(e.Identity.PrincipalID, ":")
		return name
	}
	return ""
}
