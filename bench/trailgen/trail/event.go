package trail

import "time"

// Event is one record before it is written. Request and Response that are nil
// are written as null, Additional and Resources not at all.
type Event struct {
	Time       time.Time
	Caller     Caller
	Service    string // the part of eventSource before .amazonaws.com
	Name       string
	Type       string // AwsApiCall when empty
	Region     string
	Account    string // recipientAccountId
	ErrorCode  string
	ErrorText  string
	Request    Object
	Response   Object
	Additional Object
	RequestID  string
	ID         string
	ReadOnly   bool
	Data       bool // a data event, not a management event
	Resources  []Object
	SharedID   string
	TLSHost    string // no tlsDetails when a service makes the call
}

// Deny makes the event a refused one. The request stays, as S3 and CodeCommit
// keep it; see DenyBlind for those that do not.
func (e *Event) Deny(code, text string) *Event {
	e.ErrorCode, e.ErrorText, e.Response = code, text, nil
	return e
}

// DenyBlind makes the event a refused one that says what was asked for in its
// text alone, as IAM and STS do.
func (e *Event) DenyBlind(code, text string) *Event {
	e.Request = nil
	return e.Deny(code, text)
}

// Append appends the record to dst, keys in CloudTrail's order.
func (e *Event) Append(dst []byte) []byte {
	o := O("eventVersion", "1.11",
		"userIdentity", e.Caller.identity(),
		"eventTime", Stamp(e.Time),
		"eventSource", e.Service+".amazonaws.com",
		"eventName", e.Name,
		"awsRegion", e.Region,
		"sourceIPAddress", e.Caller.IP,
		"userAgent", e.agent())
	if e.ErrorCode != "" {
		o = append(o, Member{"errorCode", e.ErrorCode}, Member{"errorMessage", e.ErrorText})
	}
	o = append(o, Member{"requestParameters", e.Request}, Member{"responseElements", e.Response})
	if e.Additional != nil {
		o = append(o, Member{"additionalEventData", e.Additional})
	}
	o = append(o, O("requestID", e.RequestID, "eventID", e.ID, "readOnly", e.ReadOnly)...)
	if e.Resources != nil {
		o = append(o, Member{"resources", e.Resources})
	}
	return AppendJSON(dst, append(o, e.tail()...))
}

// agent is the user agent; S3 puts that of a client in brackets.
func (e *Event) agent() string {
	if e.Service == "s3" && e.Caller.InvokedBy == "" {
		return "[" + e.Caller.Agent + "]"
	}
	return e.Caller.Agent
}

// tail is the part of the record after resources.
func (e *Event) tail() Object {
	kind, category := e.Type, "Management"
	if kind == "" {
		kind = "AwsApiCall"
	}
	if e.Data {
		category = "Data"
	}
	o := O("eventType", kind, "managementEvent", !e.Data, "recipientAccountId", e.Account)
	if e.SharedID != "" {
		o = append(o, Member{"sharedEventID", e.SharedID})
	}
	if e.Caller.Endpoint != "" {
		o = append(o, Member{"vpcEndpointId", e.Caller.Endpoint})
	}
	o = append(o, Member{"eventCategory", category})
	if e.Caller.InvokedBy == "" {
		o = append(o, Member{"tlsDetails", O("tlsVersion", "TLSv1.3",
			"cipherSuite", "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader", e.TLSHost)})
	}
	if e.Caller.Console {
		o = append(o, Member{"sessionCredentialFromConsole", "true"})
	}
	return o
}
