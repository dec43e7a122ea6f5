package index

import "fmt"

// Field is a searchable attribute of an event: the index keeps a term
// dictionary with one bitmap per value for it. A record may have several terms
// in one field (a record names many resources) or none.
type Field uint8

// The searchable fields. Their order is part of the segment format: add at
// the end, never reorder.
const (
	EventName   Field = iota // eventName
	EventSource              // eventSource
	ErrorCode                // errorCode, when not empty
	Account                  // recipientAccountId and userIdentity.accountId
	Region                   // awsRegion
	Principal                // userIdentity.arn, .principalId, .invokedBy
	Issuer                   // userIdentity.sessionContext.sessionIssuer.arn
	UserName                 // userIdentity.userName and the issuer's userName
	AccessKey                // userIdentity.accessKeyId
	SourceIP                 // sourceIPAddress
	Resource                 // ARNs and names of what the call touched, also those only named in errorMessage
	IssuedKey                // responseElements.credentials.accessKeyId, .accessKey.accessKeyId: keys that this call handed out
	SharedEvent              // sharedEventID
	Outcome                  // one of the Outcome… values
	NumFields
)

// Values of the Outcome field. OutcomeDenied is generous: it marks every record
// whose error code or message could be a refusal, so that a reader who decides
// exactly never misses one.
const (
	OutcomeSuccess = "success" // neither errorCode nor errorMessage
	OutcomeError   = "error"   // some error
	OutcomeDenied  = "denied"  // an error that may be a refusal; such a record has OutcomeError too
	OutcomeNative  = "native"  // an EventBridge state change rather than a CloudTrail record
	// OutcomeAddendum marks, beside the above, a record with an addendum: it
	// came late, or corrects the event addendum.originalEventID.
	OutcomeAddendum = "addendum"
)

var fieldNames = [NumFields]string{
	"eventName", "eventSource", "errorCode", "account", "region", "principal", "issuer",
	"userName", "accessKey", "sourceIP", "resource", "issuedKey", "sharedEvent", "outcome",
}

// String returns the field's name as inspect and explain print it.
func (f Field) String() string {
	if f < NumFields {
		return fieldNames[f]
	}
	return fmt.Sprintf("field(%d)", uint8(f))
}
