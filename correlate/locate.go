package correlate

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// Understood is what a pasted error text says. Empty members were not said.
type Understood struct {
	Principal string `json:"principal,omitempty"`
	Action    string `json:"action,omitempty"`
	Operation string `json:"operation,omitempty"` // API operation, where no action is named
	Resource  string `json:"resource,omitempty"`
	ErrorCode string `json:"errorCode,omitempty"`
	EventID   string `json:"eventID,omitempty"`
	RequestID string `json:"requestID,omitempty"`
	Effect    string `json:"effect,omitempty"`
	Layer     string `json:"layer,omitempty"`
	PolicyARN string `json:"policyArn,omitempty"`
	Encoded   bool   `json:"encoded,omitempty"` // says more to whoever may decode it

	text, blob string
}

// Match is an event that a question may mean.
type Match struct {
	EventID   string `json:"eventID"`
	EventTime Time   `json:"eventTime"`
	Object    string `json:"object"`
	// By is what tells that the event is meant: eventID or requestID, message
	// when it holds the very text, request when only principal, action and
	// resource agree.
	By string `json:"by"`
}

// maxPasted bounds the text that is looked at.
const maxPasted = maxDenial

// maxMatches is how many matches are kept, the latest ones.
const maxMatches = 20

var (
	pastedID        = pattern(`^[!#-&(-\[\]-z|~]{1,128}$`) // no space, quote, backslash or brace
	pastedCode      = pattern(`An error occurred \(([\w.]+)\)|[Ee]rror [Cc]ode: ([\w.]+)|api error (\w+)|"(?:errorCode|Code|code|__type)"\s*:\s*"(?:[\w.]+#)?([\w.]+)"`)
	pastedOperation = pattern(`when calling the (\w+) operation|operation error [\w ]+: (\w+)`)
	pastedRequest   = pattern(`(?i)request[ _-]?id["']?\s*[:=]\s*["']?([A-Za-z0-9][A-Za-z0-9+/=_-]{7,127})`)
	pastedBlob      = pattern(`(?i)encoded authorization failure message:\s*([A-Za-z0-9_+/=-]{16,})`)
)

// Understand reads a pasted error: the text of a denial with whatever a client
// wrote around it, or a record. Its time is linear in the text, of which at
// most 64 KiB are read.
func Understand(text string) *Understood {
	text = text[:min(len(text), maxPasted)]
	u := &Understood{}
	if rec, err := decodeJSON([]byte(text)); err == nil {
		if m, ok := rec.(map[string]any); ok && Str(m, "eventName") != "" {
			u.EventID, u.RequestID = Str(m, "eventID"), Str(m, "requestID")
			u.ErrorCode, text = Str(m, "errorCode"), Str(m, "errorMessage")
		}
	}
	u.text = joinLines(text)
	u.ErrorCode = first(u.ErrorCode, submatch(pastedCode(), u.text))
	u.Operation = submatch(pastedOperation(), u.text)
	u.RequestID = first(u.RequestID, submatch(pastedRequest(), u.text))
	u.blob = submatch(pastedBlob(), u.text)
	d := ParseDenial(u.ErrorCode, u.text)
	u.Principal, u.Action, u.Resource, u.PolicyARN, u.Encoded = d.Principal, d.Action, d.Resource, d.PolicyARN, d.Encoded
	if d.Effect != EffectUnknown {
		u.Effect = string(d.Effect)
	}
	if d.Layer != LayerUnknown {
		u.Layer = string(d.Layer)
	}
	return u
}

func submatch(re *regexp.Regexp, text string) string {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return first(m[1:]...)
}

// says reports whether the text names anything that an event can be found by.
func (u *Understood) says() bool {
	return u.Principal != "" || u.Action != "" || u.Operation != "" || u.Resource != "" || u.blob != ""
}

// finder looks for the events that a question means.
type finder struct {
	ctx    context.Context
	trail  Trail
	filter query.Filter
	found  []Match // the latest, in order of time
	count  int
	last   *query.Event
}

// locate finds the event by an id, else by what a text says. The latest match
// is the one to explain, a refused one before others.
func (fi *finder) locate(text string) (u *Understood, by string, err error) {
	text = strings.TrimSpace(text)
	if pastedID().MatchString(text) {
		by, err = fi.byID(text)
		return nil, by, err
	}
	u = Understand(text)
	for _, id := range []string{u.EventID, u.RequestID} {
		if id == "" || !pastedID().MatchString(id) {
			continue
		}
		if by, err = fi.byID(id); err != nil || fi.count > 0 {
			return u, by, err
		}
	}
	if !u.says() {
		return u, "text", nil
	}
	return u, "text", fi.byText(u)
}

// byID looks for an eventID, then for a requestID. The ids of state changes
// stand elsewhere in the record.
func (fi *finder) byID(id string) (by string, err error) {
	quoted := strconv.Quote(id)
	for _, try := range []struct{ by, expr string }{
		{"eventID", "eventID == " + quoted}, {"requestID", "requestID == " + quoted}, {"eventID", "id == " + quoted},
	} {
		f := fi.filter
		if f.Expr, err = query.Compile(try.expr); err != nil {
			return "", err
		}
		if strings.HasPrefix(try.expr, "id ") {
			f.Where = append(slices.Clone(f.Where), query.Is(index.Outcome, index.OutcomeNative))
		}
		denied := false
		for q, err := range fi.trail.Events(fi.ctx, f) {
			if err != nil {
				return "", err
			}
			is := isRefusal(q)
			if denied && !is {
				continue
			}
			if is && !denied {
				fi.found, fi.count, denied = nil, 0, true
			}
			fi.keep(q, try.by)
		}
		if fi.count > 0 {
			return try.by, nil
		}
	}
	return "eventID", nil
}

func isRefusal(q *query.Event) bool {
	e, err := ParseEvent(q)
	return err == nil && (IsDenial(e) || e.Native)
}

func (fi *finder) keep(q *query.Event, by string) {
	if len(fi.found) == maxMatches {
		fi.found = fi.found[1:]
	}
	fi.found = append(fi.found, Match{EventID: q.ID, EventTime: Time{q.Time}, Object: q.Source(), By: by})
	fi.count++
	fi.last = q
}

// byText looks through the refusals that the index can narrow down by the
// caller or the resource, for those that the text tells of. An event with the
// very message counts for more than any number of like requests.
func (fi *finder) byText(u *Understood) error {
	f := fi.filter
	f.Where = append(slices.Clone(f.Where), query.Is(index.Outcome, index.OutcomeDenied))
	switch {
	case strings.HasPrefix(u.Principal, "arn:"):
		f.Where = append(f.Where, query.Term{Fields: []index.Field{index.Principal, index.Issuer, index.Resource},
			Values: principalValues(u.Principal)})
	case u.blob == "" && strings.HasPrefix(u.Resource, "arn:") && u.Action == "":
		f.Where = append(f.Where, query.Is(index.Resource, u.Resource))
	}
	exact := false
	for s, err := range inOrder(fi.ctx, fi.trail.Events(fi.ctx, f), attempt) {
		if err != nil {
			return err
		}
		by := u.matches(s.e, &s.r)
		switch {
		case by == "" || exact && by != "message":
			continue
		case by == "message" && !exact:
			exact = true
			fi.found, fi.count = nil, 0
		}
		fi.keep(s.q, by)
	}
	return nil
}

// principalValues are the texts by which records name a caller. A record that
// hides its caller names it in the message, which Resource covers.
func principalValues(arn string) []string {
	w := caller{principals: set{arn: true, StablePrincipal(arn).ARN: true}}
	return w.term().Values
}

// leastMessage is how long a message must be to tell one denial from another.
const leastMessage = 40

// matches tells by what an event is the one of the text, or "".
func (u *Understood) matches(e *Event, r *FailedRequest) string {
	if !IsDenial(e) {
		return ""
	}
	said := joinLines(e.ErrorMessage)
	if u.blob != "" {
		// CloudTrail cuts long messages.
		if b := submatch(pastedBlob(), said); b != "" {
			if strings.HasPrefix(u.blob, b) || strings.HasPrefix(b, u.blob) {
				return "message"
			}
			return ""
		}
	}
	if len(said) >= leastMessage && strings.Contains(u.text, said) {
		return "message"
	}
	if u.sameRequest(e, r) {
		return "request"
	}
	return ""
}

// sameRequest compares what the text says with an event. Nothing said may
// disagree, and what was asked and by whom, or of what, has to agree.
func (u *Understood) sameRequest(e *Event, r *FailedRequest) bool {
	agreed := 0
	for _, c := range []struct {
		said string
		is   func() bool
	}{
		{u.Action, func() bool { return containsFold(r.Actions, u.Action) }},
		{u.Operation, func() bool { return u.Action != "" || strings.EqualFold(u.Operation, e.Name) }},
		{u.Principal, func() bool { return u.Principal == e.Identity.ARN || RoleKey(u.Principal) == RoleKey(r.Principal) }},
		{u.Resource, func() bool {
			return u.Resource == "*" || u.Resource == r.Resource || u.Resource == r.Denial.Resource
		}},
		{u.PolicyARN, func() bool { return r.Denial.PolicyARN == "" || r.Denial.PolicyARN == u.PolicyARN }},
		{u.ErrorCode, func() bool { return baseCode(u.ErrorCode) == baseCode(e.ErrorCode) }},
	} {
		if c.said == "" {
			continue
		}
		if !c.is() {
			return false
		}
		agreed++
	}
	asked := u.Action != "" || u.Operation != ""
	return agreed > 1 && asked && (u.Principal != "" || u.Resource != "" || u.ErrorCode != "")
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
