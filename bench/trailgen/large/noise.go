package large

import "strconv"

// noisy appends one record of everyday life. The mix is that of real trails:
// data events of S3 and the use of keys make most of it, then the hand-out of
// credentials, then reads of every service.
func (d *day) noisy(b []byte, cell, sec int) []byte {
	w := d.p.world
	a := &w.accounts[w.cells[cell].account]
	c := &call{account: a.id, region: w.cells[cell].region}
	switch u := d.r.IntN(1000); {
	case u < 50:
		return d.aclCheck(b, c, a, sec)
	case u < 250 && d.changes > 0 && c.region == "us-east-1":
		return d.burst(b, c, a, sec)
	}
	i := skewed(d.r, len(a.principals))
	p := &a.principals[i]
	ident, fresh := d.identity(w.cells[cell].account, i, p, sec)
	if fresh {
		return d.assumed(b, c, p, ident)
	}
	return d.usual(b, c, a, p, ident.ident, sec)
}

// usual appends a call that a principal makes all day.
func (d *day) usual(b []byte, c *call, a *account, p *principal, ident []byte, sec int) []byte {
	switch u := d.r.IntN(100); {
	case u < 44:
		return d.object3(b, c, a, p, ident, sec, u < 27)
	case u < 58:
		return d.key(b, c, a, p, ident, sec)
	case u < 68:
		return d.setting(b, c, a, p, ident, sec)
	case u < 72:
		return d.git(b, c, a, p, ident, sec)
	}
	return d.look(b, c, a, p, ident, sec)
}

// identity returns the principal's userIdentity. Sessions last an hour; fresh
// is true when a new one has just begun and its AssumeRole is to be recorded.
func (d *day) identity(account, i int, p *principal, sec int) (s *session, fresh bool) {
	s = d.live[account][i]
	if s != nil && (p.user || sec >= s.from && sec < s.from+3600) {
		return s, false
	}
	s = &session{from: sec / 300 * 300}
	d.live[account][i] = s
	if p.user {
		s.ident = []byte(p.head)
		return s, false
	}
	s.ident = d.text(append([]byte(p.head), "ASIA"...), base32, 16)
	s.ident = d.stamp(append(s.ident, p.role...), s.from)
	s.ident = append(s.ident, `","mfaAuthenticated":"false"}}}`...)
	return s, d.r.IntN(100) < 20
}

// assumed appends the AssumeRole that began a session.
func (d *day) assumed(b []byte, c *call, p *principal, s *session) []byte {
	c.service, c.name, c.readOnly, c.internal = "sts", "AssumeRole", true, true
	ident := append(append([]byte(`{"type":"AWSService","invokedBy":"`), p.host...), `"}`...)
	b = d.open(b, c, ident, s.from, p.host, p.host)
	b = append(append(b, `{"roleArn":"`...), p.rarn...)
	b = append(append(b, `","roleSessionName":"`...), p.name...)
	b = append(b, `","durationSeconds":3600},"responseElements":{"credentials":{"accessKeyId":"`...)
	b = append(b, s.ident[len(p.head):len(p.head)+20]...)
	b = d.text(append(b, `","sessionToken":"`...), base64, 200)
	b = append(append(b, `=="},"assumedRoleUser":{"assumedRoleId":"`...), p.id...)
	b = append(append(append(b, `","arn":"`...), p.arn...), `"}}`...)
	b = d.ids(b, c)
	b = append(append(b, `,"resources":[{"accountId":"`...), c.account...)
	b = append(append(b, `","type":"AWS::IAM::Role","ARN":"`...), p.rarn...)
	return d.end(append(b, `"}]`...), c)
}

// aclCheck appends CloudTrail's check of the bucket it delivers to.
func (d *day) aclCheck(b []byte, c *call, a *account, sec int) []byte {
	c.service, c.name, c.readOnly, c.internal = "s3", "GetBucketAcl", true, true
	const host = "cloudtrail.amazonaws.com"
	b = d.open(b, c, []byte(`{"type":"AWSService","invokedBy":"`+host+`"}`), sec, host, host)
	bucket := a.buckets[0]
	b = append(append(b, `{"bucketName":"`...), bucket...)
	b = append(append(b, `","Host":"`...), bucket...)
	b = append(append(append(b, `.s3.`...), c.region...), `.amazonaws.com","acl":""},"responseElements":null`...)
	b = d.transfer(b, 0, 480, false)
	b = d.ids(b, c)
	b = append(append(b, `,"resources":[{"accountId":"`...), c.account...)
	b = append(append(b, `","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::`...), bucket...)
	return d.end(append(b, `"}]`...), c)
}

// transfer appends S3's additionalEventData; data events write the byte counts
// with a fraction.
func (d *day) transfer(b []byte, in, out int, fraction bool) []byte {
	tail := ""
	if fraction {
		tail = ".0"
	}
	b = append(b, `,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":`...)
	b = append(strconv.AppendInt(b, int64(in), 10), tail...)
	b = d.text(append(b, `,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"`...), base64, 75)
	b = append(strconv.AppendInt(append(b, `=","bytesTransferredOut":`...), int64(out), 10), tail...)
	return append(b, '}')
}
