package ingest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// accessLine is one line of an S3 server access log ("Amazon S3 server access
// log format" in the S3 user guide). The fields are as written, "-" for none,
// quotes removed.
type accessLine struct {
	bucket, ip, requester, requestID, operation, key, uri, code string
	hostID, host                                                string
	userAgent                                                   []byte
	time                                                        time.Time
	status                                                      int // 0 for none
}

// accessLine hands a line of an access log on as a record: the request in
// CloudTrail's own fields, and the line as it was.
func (s *splitter) accessLine(text []byte, start int64) error {
	a, reason := parseAccessLine(text)
	if reason != "" {
		s.bad(start, reason)
		return s.win.err
	}
	return cmp.Or(s.nested(a.appendRecord(nil, text), s.win.pos-len(text), false), s.win.err)
}

const accessTime = "02/Jan/2006:15:04:05 -0700"

// accessHead reads the owner, the bucket and the time, which tell such a line
// from any other. rest is what follows.
func accessHead(line []byte) (a accessLine, rest []byte, ok bool) {
	owner, rest, _ := bytes.Cut(line, []byte(" "))
	bucket, rest, _ := bytes.Cut(rest, []byte(" "))
	if len(owner) == 0 || len(bucket) == 0 || len(bucket) > 255 || len(rest) < len(accessTime)+3 || rest[0] != '[' || rest[len(accessTime)+1] != ']' {
		return a, nil, false
	}
	t, err := time.Parse(accessTime, string(rest[1:len(accessTime)+1]))
	a.bucket, a.time = string(bucket), t.UTC()
	return a, rest[len(accessTime)+2:], err == nil
}

// parseAccessLine reads a line. Quoted fields come from the client, who may put
// quotes and spaces into the user agent, so that the columns behind it are
// found from the end of the line; a request line holds no space of its own and
// ends at its first quote.
func parseAccessLine(line []byte) (a accessLine, reason string) {
	a, rest, ok := accessHead(bytes.TrimRight(line, " \r\t"))
	if !ok {
		return a, "a log line without owner, bucket and time"
	}
	f := accessFields{rest: rest}
	a.ip, a.requester, a.requestID, a.operation, a.key = f.plain(), f.plain(), f.plain(), f.plain(), f.plain()
	a.uri = f.quoted()
	status := f.plain()
	a.code = f.plain()
	for range 4 { // bytes sent, object size, total time, turn-around time
		f.plain()
	}
	f.quoted() // referer
	a.userAgent = f.last()
	if f.short {
		return a, "a log line that is cut off"
	}
	if status != "-" {
		n, ok := decimal([]byte(status))
		if !ok || n < 100 || n > 999 {
			return a, "a log line whose status is no number"
		}
		a.status = n
	}
	columns := strings.Fields(string(f.rest)) // version, host id, signature, cipher, authentication, host, …
	if len(columns) > 1 {
		a.hostID = columns[1]
	}
	if len(columns) > 5 {
		a.host = columns[5]
	}
	return a, ""
}

// accessFields takes a line apart. Short is set when a field is missing.
type accessFields struct {
	rest  []byte
	short bool
}

func (f *accessFields) space() {
	if len(f.rest) == 0 || f.rest[0] != ' ' {
		f.short = true
		f.rest = nil
		return
	}
	f.rest = f.rest[1:]
}

func (f *accessFields) plain() string {
	f.space()
	end := bytes.IndexByte(f.rest, ' ')
	if end < 0 {
		end = len(f.rest)
	}
	field := string(f.rest[:end])
	f.rest = f.rest[end:]
	f.short = f.short || field == ""
	return field
}

func (f *accessFields) quoted() string {
	if !bytes.HasPrefix(f.rest, []byte(` "`)) {
		return f.plain()
	}
	field, rest, ok := bytes.Cut(f.rest[2:], []byte(`" `))
	if !ok {
		f.short, f.rest = true, nil
		return ""
	}
	f.rest = f.rest[len(f.rest)-len(rest)-1:]
	return string(field)
}

// last takes the last quoted field of the line.
func (f *accessFields) last() []byte {
	if !bytes.HasPrefix(f.rest, []byte(` "`)) {
		return []byte(f.plain())
	}
	f.rest = f.rest[2:]
	end := bytes.LastIndexByte(f.rest, '"')
	if end < 0 {
		f.short = true
		return nil
	}
	field := f.rest[:end]
	f.rest = f.rest[end+1:]
	return field
}

// appendRecord writes the record of a line: what CloudTrail would say of the
// request, as far as the line tells it, and the line itself. The eventID is made
// from the line, so that a line that S3 delivered twice is one event; the
// account that owns the bucket is not in the line.
func (a *accessLine) appendRecord(dst, line []byte) []byte {
	o := objectWriter{dst: append(dst, '{')}
	o.text("eventTime", a.time.Format(eventTimeLayout))
	o.raw("userIdentity", a.identity())
	o.text("eventSource", "s3.amazonaws.com")
	o.text("eventName", a.operation)
	region := regionOf(a.host)
	o.some("awsRegion", region)
	o.some("sourceIPAddress", a.ip)
	if string(a.userAgent) != "-" {
		o.bytes("userAgent", a.userAgent)
	}
	o.some("errorCode", a.code)
	if a.status >= 400 && a.code == "-" { // the answer to HEAD has no body, hence no code
		o.text("errorMessage", strconv.Itoa(a.status)+" "+http.StatusText(a.status))
	}
	key := a.objectKey()
	o.raw("requestParameters", a.parameters(key))
	o.raw("additionalEventData", a.additional(line))
	o.some("requestID", a.requestID)
	o.text("eventID", lineID(line))
	o.raw("resources", a.resources(region, key))
	o.text("eventType", "S3ServerAccessLog")
	return append(o.dst, '}')
}

func (a *accessLine) parameters(key string) []byte {
	o := objectWriter{dst: []byte{'{'}}
	o.text("bucketName", a.bucket)
	if key != "" {
		o.text("key", key)
	}
	o.some("Host", a.host)
	return append(o.dst, '}')
}

func (a *accessLine) additional(line []byte) []byte {
	o := objectWriter{dst: []byte{'{'}}
	o.bytes("line", line)
	if a.status != 0 {
		o.raw("httpStatus", []byte(strconv.Itoa(a.status)))
	}
	o.some("x-amz-id-2", a.hostID)
	return append(o.dst, '}')
}

func (a *accessLine) resources(region, key string) []byte {
	arn := "arn:" + Partition(region) + ":s3:::" + a.bucket
	dst := []byte{'['}
	if key != "" {
		o := objectWriter{dst: append(dst, '{')}
		o.text("type", "AWS::S3::Object")
		o.text("ARN", arn+"/"+key)
		dst = append(o.dst, "},"...)
	}
	o := objectWriter{dst: append(dst, '{')}
	o.text("type", "AWS::S3::Bucket")
	o.text("ARN", arn)
	return append(o.dst, "}]"...)
}

// identity tells who asked: an ARN, a service, a canonical user id, or nobody.
func (a *accessLine) identity() []byte {
	o := objectWriter{dst: []byte{'{'}}
	arn := strings.SplitN(a.requester, ":", 6)
	switch host, isService := strings.CutPrefix(a.requester, "svc:"); {
	case a.requester == "-":
		o.text("type", "AWSAccount")
		o.text("principalId", "")
		o.text("accountId", "anonymous")
	case isService, a.requester == "AmazonS3":
		o.text("type", "AWSService")
		o.text("invokedBy", host)
	case len(arn) == 6 && arn[0] == "arn":
		name := arn[5][strings.LastIndexByte(arn[5], '/')+1:]
		o.some("type", identityType(arn[5]))
		o.text("arn", a.requester)
		o.some("accountId", arn[4])
		if strings.HasPrefix(arn[5], "user/") {
			o.text("userName", name)
		}
	default:
		o.text("type", "AWSAccount")
		o.text("principalId", a.requester)
	}
	return append(o.dst, '}')
}

func identityType(resource string) string {
	kind, _, _ := strings.Cut(resource, "/")
	switch kind {
	case "user":
		return "IAMUser"
	case "assumed-role":
		return "AssumedRole"
	case "role":
		return "Role"
	case "federated-user":
		return "FederatedUser"
	case "root":
		return "Root"
	}
	return "Unknown"
}

// objectKey returns the key as it is in the bucket. The log encodes it once, or
// once more than the request did; the request's own path tells which.
func (a *accessLine) objectKey() string {
	if a.key == "-" {
		return ""
	}
	once, err := url.PathUnescape(a.key)
	if err != nil {
		return a.key
	}
	twice, err := url.PathUnescape(once)
	if err != nil || twice == once {
		return once
	}
	_, path, _ := strings.Cut(a.uri, " ")
	path, _, _ = strings.Cut(path, " ")
	path, _, _ = strings.Cut(path, "?")
	if path, err = url.PathUnescape(path); err == nil && strings.HasSuffix(path, "/"+twice) && !strings.HasSuffix(path, "/"+once) {
		return twice
	}
	return once
}

// regionOf reads the region from the host that was asked, or returns "-".
func regionOf(host string) string {
	host = strings.TrimSuffix(host, ".cn")
	name, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return "-"
	}
	label := name[strings.LastIndexByte(name, '.')+1:]
	label = strings.TrimPrefix(label, "s3-")
	if n := len(label); strings.Count(label, "-") >= 2 && n < 32 && label[n-2] == '-' && '0' <= label[n-1] && label[n-1] <= '9' {
		return label
	}
	return "-"
}

// Partition is the partition that a region belongs to, as ARNs name it.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// lineID is a UUID of version 8, made from the hash of the line.
func lineID(line []byte) string {
	h := sha256.Sum256(line)
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	x := hex.EncodeToString(h[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// objectWriter appends the members of a JSON object.
type objectWriter struct{ dst []byte }

func (o *objectWriter) raw(key string, value []byte) {
	if o.dst[len(o.dst)-1] != '{' {
		o.dst = append(o.dst, ',')
	}
	o.dst = append(append(append(o.dst, '"'), key...), `":`...)
	o.dst = append(o.dst, value...)
}

func (o *objectWriter) bytes(key string, value []byte) { o.raw(key, AppendQuoted(nil, value)) }

func (o *objectWriter) text(key, value string) { o.bytes(key, []byte(value)) }

// some writes a field that the line has.
func (o *objectWriter) some(key, value string) {
	if value != "-" && value != "" {
		o.text(key, value)
	}
}
