package correlate

import (
	"strings"
	"sync"

	"github.com/trailblame/trailblame/correlate/policy"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// A success that tells nothing of the failures costs a page of each of its columns
// to read. So the reader is told from what asks for least, its time and who called,
// then what was asked for, whether to read the rest.

// requestColumns tell what a call asked for, bareColumns also do in most calls: what
// services add about a call seldom matters.
var (
	requestColumns = query.NewPart(append(bareRequest[:len(bareRequest):len(bareRequest)], ingest.AdditionalEventData)...)
	bareColumns    = query.NewPart(bareRequest...)

	bareRequest = []ingest.Column{
		ingest.EventSource, ingest.EventName, ingest.AWSRegion, ingest.RecipientAccountID,
		ingest.RequestParameters, ingest.ResponseElements, ingest.Resources,
		ingest.UserType, ingest.UserPrincipalID, ingest.UserARN, ingest.UserAccountID,
		ingest.UserName, ingest.UserInvokedBy, ingest.UserIdentityProvider, ingest.IssuerARN,
	}
)

// requestParsers read these columns alone.
var requestParsers = sync.Pool{New: func() any { return newColumnParser() }}

// callerOf returns the key of who made a call, "" when that takes a look at all of
// it.
func (p *columnParser) callerOf(v *query.Values) string {
	o := p.outline(v.Template)
	if o == nil {
		return ""
	}
	arn := o.arn.of(v)
	switch issuer := o.issuer.of(v); {
	case arn == "":
		return ""
	case issuer != "" && !strings.Contains(arn, ":federated-user/"):
		return entityKey(issuer)
	}
	return entityKey(arn)
}

// scopeOf returns the scope of what a call that succeeded asked for, "" when that
// takes a look at all of it.
func (p *columnParser) scopeOf(v *query.Values) string {
	o := p.outline(v.Template)
	if o == nil {
		return ""
	}
	columns := requestColumns
	if v.Text(ingest.EventSource) == s3Source {
		columns = bareColumns
	}
	e, err := p.event(&query.Event{Values: v.Part(columns)}, o)
	if err == nil && columns == bareColumns && !(e.EventSource == s3Source && asksPlainly(e)) {
		e, err = p.event(&query.Event{Values: v.Part(requestColumns)}, o)
	}
	if err != nil {
		return ""
	}
	r, _ := FailureOf(e)
	return r.scope()
}

// asksPlainly tells whether additionalEventData says nothing of what a call asked
// for: it is looked at only for want of anything else.
func asksPlainly(e *Event) bool {
	_, resource := policy.Asked(e.Record)
	return resource != ""
}
