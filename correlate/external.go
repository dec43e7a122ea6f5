package correlate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trailblame/trailblame/query"
)

// ExternalFailure is a failure that the trail does not record, such as one of
// an application's log. Only Time has to be there; the more is known, the more
// can be said.
type ExternalFailure struct {
	Time      time.Time
	Principal string // ARN of the caller
	Action    string // such as s3:GetObject
	Resource  string // ARN
	Message   string // as the caller saw it
	Source    string // where the line was read, and its number from 0
	Line      int
}

// ReadFailures reads a list of failures, one JSON object a line with the
// members time (RFC 3339), principal, action, resource and message. Empty
// lines are skipped. Errors name the line, from 1.
func ReadFailures(r io.Reader, name string) ([]ExternalFailure, error) {
	var out []ExternalFailure
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for n := 0; sc.Scan(); n++ {
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		f, err := readFailure(line)
		if err != nil {
			return nil, fmt.Errorf("read failures %s, line %d: %w", name, n+1, err)
		}
		f.Source, f.Line = name, n
		out = append(out, f)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read failures %s: %w", name, err)
	}
	return out, nil
}

func readFailure(line []byte) (ExternalFailure, error) {
	var in struct{ Time, Principal, Action, Resource, Message string }
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return ExternalFailure{}, fmt.Errorf(`want {"time":…,"principal":…,"action":…,"resource":…,"message":…}: %w`, err)
	}
	if in.Time == "" {
		return ExternalFailure{}, errors.New("time is missing")
	}
	at, err := time.Parse(time.RFC3339, in.Time)
	if err != nil {
		return ExternalFailure{}, fmt.Errorf("time: %w", err)
	}
	if in.Principal != "" && !strings.HasPrefix(in.Principal, "arn:") {
		return ExternalFailure{}, fmt.Errorf("principal %q is not an ARN", in.Principal)
	}
	if in.Action != "" && !strings.Contains(in.Action, ":") {
		return ExternalFailure{}, fmt.Errorf("action %q is not of the form service:Name", in.Action)
	}
	return ExternalFailure{Time: at.UTC(), Principal: in.Principal, Action: in.Action, Resource: in.Resource, Message: in.Message}, nil
}

// sighting makes the failure look as the trail would have recorded it.
func (x *ExternalFailure) sighting() (sighting, bool) {
	raw, err := json.Marshal(x.record())
	if err != nil {
		return sighting{}, false
	}
	s, ok, _ := parse(&query.Event{Raw: raw, Time: x.Time, Object: x.Source, Index: x.Line})
	if !ok {
		return s, false
	}
	s.r, _ = FailureOf(s.e)
	if x.Principal != "" {
		s.r.Principal = StablePrincipal(x.Principal).ARN
	}
	if x.Action != "" {
		s.r.Action, s.r.Actions = x.Action, []string{x.Action}
	}
	if x.Resource != "" {
		s.r.Resource, s.r.ResourceParent = x.Resource, parentOf(x.Resource)
	}
	return s, true
}

// record writes the failure as a record of CloudTrail.
func (x *ExternalFailure) record() map[string]any {
	action := first(x.Action, ParseDenial("", x.Message).Action)
	service, name, _ := strings.Cut(action, ":")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %s %s %d", x.Time.Format(time.RFC3339Nano), x.Principal, action, x.Resource, x.Message, x.Line))
	r := map[string]any{
		"eventTime": x.Time.Format(time.RFC3339Nano), "eventID": "external-" + hex.EncodeToString(sum[:8]),
		"eventSource": strings.ToLower(service) + ".amazonaws.com", "eventName": name,
		"errorCode": "AccessDenied", "errorMessage": x.Message, "userIdentity": identityOf(x.Principal),
	}
	if account := first(arnAccount(x.Principal), arnAccount(x.Resource)); account != "" {
		r["recipientAccountId"] = account
	}
	if strings.HasPrefix(x.Resource, "arn:") {
		r["resources"] = []any{map[string]any{"ARN": x.Resource}}
	}
	return r
}

// identityOf writes a caller as records do.
func identityOf(arn string) map[string]any {
	a, ok := splitARN(arn)
	if !ok {
		return map[string]any{}
	}
	m := map[string]any{"arn": arn, "accountId": a.account}
	switch {
	case strings.HasPrefix(a.resource, "user/"):
		m["type"], m["userName"] = "IAMUser", bareName(arn)
	case a.resource == "root":
		m["type"] = "Root"
	case strings.HasPrefix(a.resource, "role/"), strings.HasPrefix(a.resource, "assumed-role/"):
		m["type"] = "AssumedRole"
		role := StablePrincipal(arn).ARN
		m["sessionContext"] = map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": role, "accountId": a.account, "userName": bareName(role)}}
	}
	return m
}
