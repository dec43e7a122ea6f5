package ingest

import "bytes"

// Shape says what a JSON element of a delivery turned out to be.
type Shape uint8

// The shapes. Only ShapeRecord is kept; the others are counted.
const (
	ShapeRecord       Shape = iota // a CloudTrail record, or a native state change
	ShapeDigest                    // a digest file of CloudTrail's integrity validation
	ShapeInsight                   // a CloudTrail Insights event
	ShapeAggregate                 // an aggregated event: counts, not a call
	ShapeNotification              // an S3, SNS or SQS notification of a delivery
	ShapeControl                   // a control message of a log subscription
	ShapeEmpty                     // an envelope that holds nothing
	ShapeOther                     // something else
	numShapes
)

var shapeNames = [numShapes]string{"record", "digest", "insight", "aggregate", "notification", "control", "empty", "other"}

// String returns the shape's name as the ledger prints it.
func (s Shape) String() string { return shapeNames[s] }

// envelopeKey is a top-level key that tells an envelope or a look-alike.
type envelopeKey uint8

const (
	keyRecords envelopeKey = iota
	keyDetail
	keyDetailType
	keySource
	keyMessage
	keyCloudTrailEvent
	keyLogEvents
	keyEvents
	keyLookupEvents
	keyMessageType
	keyDigestObject
	keyLogFiles
	keyTimeWindow
	keyS3Bucket
	keyS3
	keyNotification
	numEnvelopeKeys
)

var envelopeKeys = map[string]envelopeKey{
	"Records": keyRecords, "detail": keyDetail, "detail-type": keyDetailType, "source": keySource,
	"message": keyMessage, "CloudTrailEvent": keyCloudTrailEvent,
	"logEvents": keyLogEvents, "events": keyEvents, "Events": keyLookupEvents, "messageType": keyMessageType,
	"digestS3Object": keyDigestObject, "logFiles": keyLogFiles, "timeWindow": keyTimeWindow,
	"s3Bucket": keyS3Bucket, "s3": keyS3, "Message": keyNotification,
}

// streamed lists the envelopes whose first key may introduce an array too
// large to hold: their elements are decoded one by one.
var streamed = [...]string{`"Records"`, `"events"`, `"Events"`}

func (r *Record) has(k envelopeKey) bool { return r.env[k].end != 0 }

// shape decides what the decoded object is, envelopes aside.
func (r *Record) shape() Shape {
	switch {
	case r.has(keyDigestObject) && r.has(keyLogFiles):
		return ShapeDigest
	case r.tokens[InsightDetails].end != 0, r.is(EventType, "AwsCloudTrailInsight"):
		return ShapeInsight
	case r.has(keyTimeWindow), r.is(EventType, "AwsAggregatedEvent"):
		return ShapeAggregate
	case r.has(keyS3), r.has(keyS3Bucket), r.has(keyNotification), bytes.HasPrefix(r.Token(EventSource), []byte(`"aws:`)):
		return ShapeNotification
	case r.has(keyMessageType):
		return ShapeControl
	case r.has(keyRecords), r.has(keyLogEvents), r.has(keyLookupEvents):
		return ShapeEmpty // a list would have been read as one
	case r.marks() >= 3:
		return ShapeRecord
	}
	return ShapeOther
}

// ofTrail tells a record, or an envelope with a list, from anything else.
func (r *Record) ofTrail() bool {
	_, list := r.list()
	return list || r.shape() == ShapeRecord
}

func (r *Record) is(c Column, text string) bool {
	t := r.Token(c)
	return len(t) == len(text)+2 && string(t[1:len(t)-1]) == text
}

// marks counts the keys that every CloudTrail record has. Three of them make a
// record: odd ones are kept, look-alikes are not.
func (r *Record) marks() int {
	n := 0
	for _, c := range [...]Column{EventVersion, EventTime, EventSource, EventName, AWSRegion, EventID, RecipientAccountID, EventType} {
		if r.tokens[c].end != 0 {
			n++
		}
	}
	for _, c := range [...]Column{UserType, UserPrincipalID, UserARN, UserAccountID, UserInvokedBy} {
		if r.tokens[c].end != 0 {
			return n + 1
		}
	}
	return n
}

// nativeSources are the EventBridge sources whose own state changes are kept
// as events: they tell of pipelines, builds and branches what no API call does.
var nativeSources = [...]string{`"aws.codecommit"`, `"aws.codepipeline"`, `"aws.codebuild"`}

// unwrap follows an envelope around one record or around a list of records. It
// decodes the inner object in d and returns true, or leaves d's record as it is.
// The outer object begins at base.
func (d *decoder) unwrap(base int) bool {
	if d.rec.has(keyDetail) && d.rec.has(keyDetailType) {
		return d.eventBridge(base)
	}
	at, ok := d.wrapped(base, 1)
	if !ok {
		at = base
	}
	return d.inner(base, at) && ok
}

// maxWrapped is how deep below an object of unknown shape a record is looked
// for: log shippers and exports write {"aws":{"cloudtrail":{…}}},
// {"_source":{…}} and the like.
const maxWrapped = 3

// wrapped finds the first record or list of records among the members of the object at position
// at.
func (d *decoder) wrapped(at, depth int) (found int, ok bool) {
	var inner []int
	_, err := d.members(at, 0, func(_, _, val, depth int) (int, error) {
		if d.b[val] == '{' {
			inner = append(inner, val)
		}
		return d.value(val, depth)
	})
	if err != nil || len(inner) > maxMembers {
		return 0, false
	}
	for _, val := range inner {
		if _, err := d.decode(val, recordTree); err == nil && d.rec.ofTrail() {
			return val, true
		}
		if depth < maxWrapped {
			if found, ok = d.wrapped(val, depth+1); ok {
				return found, true
			}
		}
	}
	return 0, false
}

// maxMembers bounds the objects looked into on each level.
const maxMembers = 64

func (d *decoder) eventBridge(base int) bool {
	source := bytes.Clone(d.rec.envelope(keySource))
	if d.inner(base, base+int(d.rec.env[keyDetail].start)) {
		return true
	}
	for _, s := range nativeSources {
		if string(source) == s {
			_, err := d.decode(base, nativeTree)
			d.rec.Native = err == nil
			return err == nil
		}
	}
	return false
}

// inner decodes the object at position at as a record; when it is none, the
// outer object is decoded again.
func (d *decoder) inner(base, at int) bool {
	if d.b[at] == '{' {
		if _, err := d.decode(at, recordTree); err == nil && d.rec.ofTrail() {
			return true
		}
	}
	if _, err := d.decode(base, recordTree); err != nil {
		panic("ingest: an object that was valid no longer is") // the text is ours alone
	}
	return false
}
