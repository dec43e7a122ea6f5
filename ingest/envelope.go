package ingest

import "bytes"

// Shape says what a JSON element of a delivery turned out to be.
type Shape uint8

// The shapes. Only ShapeRecord is kept; the others are counted.
const (
	ShapeRecord       Shape = iota // a CloudTrail record, a native state change, a line of an access log
	ShapeDigest                    // a digest file of CloudTrail's integrity validation
	ShapeInsight                   // a CloudTrail Insights event
	ShapeAggregate                 // an aggregated event: counts, not a call
	ShapeNotification              // an S3, SNS or SQS notification of a delivery
	ShapeControl                   // a control message of a log subscription
	ShapeEmpty                     // an envelope that holds nothing
	ShapeOther                     // something else
	ShapeEventBridge               // an EventBridge event that tells of no call and no pipeline
	ShapeColumn                    // a column of a Logs Insights result beside the record
	ShapeQueryResult               // a result of CloudTrail Lake, whose columns are no record
	ShapeOCSF                      // an OCSF event without the record that it was made from
	ShapeParquet                   // a Parquet file, such as Security Lake writes
	ShapeArchive                   // a zip, tar, zstd, bzip2, xz, 7z or lz4 file: not unpacked, and so unreadable
	numShapes
)

var shapeNames = [numShapes]string{
	"record", "digest", "insight", "aggregate", "notification", "control", "empty", "other",
	"eventbridge", "column", "query-result", "ocsf", "parquet", "archive",
}

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
	keyBody
	keyData
	keyField
	keyValue
	keyQueryRows
	keyClassUID
	numEnvelopeKeys
)

var envelopeKeys = map[string]envelopeKey{
	"Records": keyRecords, "detail": keyDetail, "detail-type": keyDetailType, "detailType": keyDetailType, "source": keySource,
	"message": keyMessage, "@message": keyMessage, "CloudTrailEvent": keyCloudTrailEvent,
	"logEvents": keyLogEvents, "events": keyEvents, "Events": keyLookupEvents, "messageType": keyMessageType,
	"digestS3Object": keyDigestObject, "logFiles": keyLogFiles, "timeWindow": keyTimeWindow,
	"s3Bucket": keyS3Bucket, "s3": keyS3, "Message": keyNotification, "body": keyBody, "Body": keyBody, "data": keyData,
	"field": keyField, "value": keyValue, "QueryResultRows": keyQueryRows, "class_uid": keyClassUID,
}

// streamed lists the envelopes whose first key may introduce an array too
// large to hold: their elements are decoded one by one.
var streamed = [...]string{`"Records"`, `"events"`, `"Events"`, `"logEvents"`, `"results"`}

func (r *Record) has(k envelopeKey) bool { return r.env[k].end != 0 }

func (r *Record) envelope(k envelopeKey) []byte {
	sp := r.env[k]
	return r.Raw[sp.start:sp.end]
}

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

// kind names what holds neither a record nor an envelope.
func (r *Record) kind() Shape {
	switch s := r.shape(); {
	case s != ShapeOther:
		return s
	case r.has(keyDetail) && r.has(keyDetailType):
		return ShapeEventBridge
	case r.has(keyClassUID):
		return ShapeOCSF
	case r.has(keyQueryRows):
		return ShapeQueryResult
	case r.isColumn():
		return ShapeColumn
	}
	return ShapeOther
}

// isColumn tells a cell of a Logs Insights result.
func (r *Record) isColumn() bool { return r.has(keyField) && r.has(keyValue) }

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

// list returns the text of the list that an envelope holds, when its key is not
// the first one and so did not stream.
func (r *Record) list() ([]byte, bool) {
	for _, k := range [...]envelopeKey{keyRecords, keyLogEvents, keyEvents, keyLookupEvents} {
		if t := r.envelope(k); len(t) > 0 && t[0] == '[' {
			return t, true
		}
	}
	return nil, false
}

// carried is a string token in which an envelope carries a record.
type carried struct {
	token []byte
	form  carriedForm
}

type carriedForm uint8

const (
	carriedJSON   carriedForm = iota // a record; anything that begins like JSON and is none is malformed
	carriedText                      // any text, perhaps JSON
	carriedBase64                    // base64 of JSON, or of gzip
)

// carried lists the strings that may carry records: of log events, looked-up
// events, messages of queues and topics, and data handed to a function.
func (r *Record) carried() (list []carried) {
	add := func(k envelopeKey, form carriedForm) {
		if t := r.envelope(k); len(t) > 2 && t[0] == '"' {
			list = append(list, carried{t, form})
		}
	}
	add(keyCloudTrailEvent, carriedJSON)
	add(keyMessage, carriedJSON)
	if r.isColumn() && string(r.envelope(keyField)) == `"@message"` {
		add(keyValue, carriedJSON)
	}
	add(keyNotification, carriedText)
	add(keyBody, carriedText)
	if t := r.envelope(keyData); bytes.HasPrefix(t, []byte(`"H4sI`)) || bytes.HasPrefix(t, []byte(`"eyJ`)) {
		add(keyData, carriedBase64)
	}
	return list
}

// nativeSources are the EventBridge sources whose own state changes are kept
// as events: they tell of pipelines, builds and branches what no API call does.
var nativeSources = [...]string{`"aws.codecommit"`, `"aws.codepipeline"`, `"aws.codebuild"`}

func (r *Record) isNative() bool {
	if !r.has(keyDetail) || !r.has(keyDetailType) || r.envelope(keyDetail)[0] != '{' {
		return false
	}
	source := r.envelope(keySource)
	for _, s := range nativeSources {
		if string(source) == s {
			return true
		}
	}
	return false
}

// foreign names text that is no JSON and no log, from how it begins.
func foreign(text []byte) Shape {
	for _, m := range [...]struct {
		magic string
		shape Shape
	}{
		{"PAR1", ShapeParquet},
		{"# Execution Time", ShapeQueryResult}, {`"eventID",`, ShapeQueryResult}, {`"eventTime",`, ShapeQueryResult},
	} {
		if bytes.HasPrefix(text, []byte(m.magic)) {
			return m.shape
		}
	}
	if archive(text) != "" {
		return ShapeArchive
	}
	return ShapeOther
}

// archive names the form of an archive or of a compression other than gzip, or
// nothing for what is none.
func archive(text []byte) string {
	for _, m := range [...]struct{ magic, name string }{
		{"PK\x03\x04", "zip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"BZh", "bzip2"}, {"\xfd7zXZ\x00", "xz"},
		{"7z\xbc\xaf\x27\x1c", "7z"}, {"\x04\x22\x4d\x18", "lz4"},
	} {
		if bytes.HasPrefix(text, []byte(m.magic)) {
			return m.name
		}
	}
	if len(text) > 262 && string(text[257:262]) == "ustar" {
		return "tar"
	}
	return ""
}
