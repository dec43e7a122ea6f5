package digest

import (
	"fmt"
	"time"
)

// Kind says what a Result is about.
type Kind string

// The kinds of results.
const (
	KindDigest Kind = "digest"
	KindLog    Kind = "log"
	// KindGap is a time for which no valid digest vouches, between two that
	// are valid.
	KindGap Kind = "gap"
	// KindSign and KindQueryResult are the files of a CloudTrail Lake query.
	KindSign        Kind = "sign"
	KindQueryResult Kind = "query-result"
)

// Status is the outcome for one object.
type Status string

// The outcomes. A gap has StatusGap; an object that could not be read for
// reasons outside of it, such as the network, has StatusUnchecked and comes
// with an error.
const (
	StatusValid     Status = "valid"
	StatusInvalid   Status = "invalid"
	StatusUnchecked Status = "unchecked"
	StatusGap       Status = "gap"
)

// Reason says why an object is invalid.
type Reason string

// The reasons, in the words of `aws cloudtrail validate-logs`, which users
// search and match. ReasonNoKey and ReasonBadKey go on with the region and the
// fingerprint, which Result.Text adds.
const (
	ReasonMoved     Reason = "has been moved from its original location"
	ReasonFormat    Reason = "invalid format"
	ReasonNotFound  Reason = "not found"
	ReasonSignature Reason = "signature verification failed"
	ReasonNoKey     Reason = "public key not found"
	ReasonBadKey    Reason = "Unable to load PKCS #1 key"
	ReasonHash      Reason = "hash value doesn't match"
	ReasonTrailing  Reason = "unexpected data after end of compressed stream"
)

// The reasons of gaps.
const (
	// ReasonNoDelivery: the newer digest starts a chain, so nothing was
	// delivered in between, as when logging was off.
	ReasonNoDelivery Reason = "no log files were delivered"
	// ReasonUnvouched: the digests in between are invalid or not there.
	ReasonUnvouched Reason = "no valid digest"
)

// Result is the outcome for one digest or delivery, or a gap between digests.
type Result struct {
	Object string `json:"object,omitempty"` // s3://bucket/key; empty for a gap
	Kind   Kind   `json:"kind"`
	Status Status `json:"status"`
	Reason Reason `json:"reason,omitempty"`
	// Detail says more than the fixed words of Reason.
	Detail string `json:"detail,omitempty"`
	// Digest is the digest that lists the delivery.
	Digest string `json:"digest,omitempty"`
	Trail
	// From and To are the hour of a digest, or the gap.
	From *time.Time `json:"from,omitempty"`
	To   *time.Time `json:"to,omitempty"`

	// Fingerprint names the public key.
	Fingerprint string `json:"fingerprint,omitempty"`

	local string // key in a store that does not know its bucket
}

// Text is the line that `aws cloudtrail validate-logs` would print. It holds
// keys as they are: escape it before it goes to a terminal.
func (r Result) Text() string {
	if r.Kind == KindGap {
		return r.tag() + r.gapText()
	}
	status := string(r.Status)
	if r.Status == StatusInvalid {
		status = "INVALID: " + r.reasonText()
	}
	return fmt.Sprintf("%s%s\t%s\t%s", r.tag(), kindNames[r.Kind], r.Object, status)
}

var kindNames = map[Kind]string{
	KindDigest: "Digest file", KindLog: "Log file", KindSign: "Sign file", KindQueryResult: "Query result file",
}

func (r Result) tag() string {
	if r.Backfill {
		return "(backfill) "
	}
	return ""
}

func (r Result) reasonText() string {
	switch r.Reason {
	case ReasonNoKey:
		return fmt.Sprintf("%s in region %s for fingerprint %s", r.Reason, r.Region, r.Fingerprint)
	case ReasonBadKey:
		return fmt.Sprintf("%s with fingerprint %s", r.Reason, r.Fingerprint)
	}
	return string(r.Reason)
}

func (r Result) gapText() string {
	from, to := r.From.Format(time.RFC3339), r.To.Format(time.RFC3339)
	if r.Reason == ReasonNoDelivery {
		return fmt.Sprintf("No log files were delivered by CloudTrail between %s and %s", from, to)
	}
	return fmt.Sprintf("No valid digest covers %s to %s", from, to)
}

// object names an object for Result.Object.
func object(bucket, key string) string {
	if bucket == "" {
		return key
	}
	return "s3://" + bucket + "/" + key
}
