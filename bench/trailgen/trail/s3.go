package trail

import "time"

// s3 appends a call on a bucket; the details come from the request.
func (c *Cloud) s3(at time.Time, who Caller, name, bucket string, request Object) *Event {
	e := c.call(at, who, "s3", name)
	e.RequestID = c.R.Text(upperDigits, 16)
	e.TLSHost = bucket + ".s3." + c.Region + ".amazonaws.com"
	e.Request = append(O("bucketName", bucket, "Host", e.TLSHost), request...)
	return e
}

// Object appends a data event on one object: GetObject, PutObject, DeleteObject
// or HeadObject.
func (c *Cloud) Object(at time.Time, who Caller, name, bucket, key string, size int) *Event {
	e := c.s3(at, who, name, bucket, O("key", key))
	e.Data, e.ReadOnly = true, name == "GetObject" || name == "HeadObject"
	in, out := Float(size), Float(0)
	if e.ReadOnly {
		in, out = out, in
	}
	e.Additional = O("SignatureVersion", "SigV4", "CipherSuite", "TLS_AES_128_GCM_SHA256",
		"bytesTransferredIn", in, "AuthenticationMethod", "AuthHeader",
		"x-amz-id-2", c.R.Text(base64Tail, 75)+"=", "bytesTransferredOut", out)
	e.Resources = []Object{
		O("type", "AWS::S3::Object", "ARN", "arn:aws:s3:::"+bucket+"/"+key),
		O("accountId", c.Account, "type", "AWS::S3::Bucket", "ARN", "arn:aws:s3:::"+bucket),
	}
	return e
}

// Bucket appends a management event on a bucket.
func (c *Cloud) Bucket(at time.Time, who Caller, name, bucket string, request Object) *Event {
	e := c.s3(at, who, name, bucket, request)
	size := len(Text(request))
	e.Additional = O("SignatureVersion", "SigV4", "CipherSuite", "TLS_AES_128_GCM_SHA256",
		"bytesTransferredIn", size, "AuthenticationMethod", "AuthHeader",
		"x-amz-id-2", c.R.Text(base64Tail, 75)+"=", "bytesTransferredOut", 0)
	e.Resources = c.resource("arn:aws:s3:::"+bucket, "AWS::S3::Bucket")
	return e
}

// BucketPolicy appends PutBucketPolicy; S3 delivers the document parsed.
func (c *Cloud) BucketPolicy(at time.Time, who Caller, bucket string, doc Object) *Event {
	return c.Bucket(at, who, "PutBucketPolicy", bucket, O("bucketPolicy", doc, "policy", ""))
}

// DenyObject turns a data event into a denial in S3's wording, which quotes
// the resource.
func (e *Event) DenyObject(action, reason string) *Event {
	arn, _ := e.Resources[0].Get("ARN").(string)
	for i, m := range e.Additional {
		switch m.Key {
		case "bytesTransferredIn":
			e.Additional[i].Value = Float(0)
		case "bytesTransferredOut":
			e.Additional[i].Value = Float(float64(243 + len(arn)))
		}
	}
	return e.Deny("AccessDenied", Denial(e.Caller, action, `"`+arn+`"`, reason))
}
