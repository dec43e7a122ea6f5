package large

import "strconv"

// object3 appends a read or a write of one object.
func (d *day) object3(b []byte, c *call, a *account, p *principal, ident []byte, sec int, read bool) []byte {
	c.service, c.name, c.data, c.readOnly = "s3", "PutObject", true, read
	if read {
		c.name = "GetObject"
	}
	bucket := pick(d.r, a.buckets)
	b = d.open(b, c, ident, sec, p.ip, p.agent)
	b = append(append(b, `{"bucketName":"`...), bucket...)
	b = append(append(b, `","Host":"`...), bucket...)
	b = append(append(append(b, `.s3.`...), c.region...), `.amazonaws.com","key":"`...)
	from := len(b)
	b = d.name3(b)
	key := b[from:]
	b = append(b, `"},"responseElements":null`...)
	size := d.r.IntN(1 << (4 + d.r.IntN(20)))
	if read {
		b = d.transfer(b, 0, size, true)
	} else {
		b = d.transfer(b, size, 0, true)
	}
	b = d.ids(b, c)
	b = append(append(b, `,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::`...), bucket...)
	b = append(append(b, '/'), key...)
	b = append(append(b, `"},{"accountId":"`...), c.account...)
	b = append(append(b, `","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::`...), bucket...)
	return d.end(append(b, `"}]`...), c, bucket, ".s3.", c.region, ".amazonaws.com")
}

// name3 appends an object's key: few are read often, most are met once.
func (d *day) name3(b []byte) []byte {
	b = append(append(b, words[d.r.IntN(len(words))]...), '/')
	if d.r.IntN(3) == 0 {
		b = append(append(b, verbs[d.r.IntN(len(verbs))]...), '/')
		return append(strconv.AppendInt(b, int64(skewed(d.r, 5000)), 10), ".json"...)
	}
	b = append(append(b, "date="...), d.prefix[:10]...)
	return append(d.text(append(b, "/part-"...), hexes, 16), ".parquet"...)
}

// key appends a use of a KMS key, half of them by a service in the
// principal's name.
func (d *day) key(b []byte, c *call, a *account, p *principal, ident []byte, sec int) []byte {
	c.service, c.name, c.readOnly = "kms", "Decrypt", true
	if d.r.IntN(3) == 0 {
		c.name = "GenerateDataKey"
	}
	id := pick(d.r, a.keys)
	ip, agent := p.ip, p.agent
	if d.r.IntN(2) == 0 {
		c.internal, ip, agent = true, "AWS Internal", "AWS Internal"
		ident = append(append([]byte{}, ident[:len(ident)-1]...), `,"invokedBy":"AWS Internal"}`...)
	}
	b = d.open(b, c, ident, sec, ip, agent)
	b = append(b, `{"keyId":"`...)
	b = d.keyARN(b, c, id)
	b = append(append(b, `","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::`...), pick(d.r, a.buckets)...)
	b = append(b, `"}},"responseElements":null`...)
	b = d.ids(b, c)
	b = append(append(b, `,"resources":[{"accountId":"`...), c.account...)
	b = d.keyARN(append(b, `","type":"AWS::KMS::Key","ARN":"`...), c, id)
	return d.end(append(b, `"}]`...), c, "kms.", c.region, ".amazonaws.com")
}

func (d *day) keyARN(b []byte, c *call, id string) []byte {
	return append(d.arn(b, c, "kms:"), "key/"+id...)
}

// arn appends an ARN in the record's account and region up to the resource.
func (d *day) arn(b []byte, c *call, service string) []byte {
	b = append(append(b, "arn:aws:"...), service...)
	b = append(append(b, c.region...), ':')
	return append(append(b, c.account...), ':')
}

// setting appends the read of a parameter or a secret.
func (d *day) setting(b []byte, c *call, a *account, p *principal, ident []byte, sec int) []byte {
	c.service, c.name, c.readOnly = "ssm", "GetParameter", true
	before, after := `{"name":"`, `","withDecryption":true},"responseElements":null`
	if d.r.IntN(3) == 0 {
		c.service, c.name = "secretsmanager", "GetSecretValue"
		before, after = `{"secretId":"`, `"},"responseElements":null`
	}
	b = d.open(b, c, ident, sec, p.ip, p.agent)
	b = append(append(append(b, before...), pick(d.r, a.params)...), after...)
	return d.end(d.ids(b, c), c, c.service, ".", c.region, ".amazonaws.com")
}

// git appends one record of the git protocol.
func (d *day) git(b []byte, c *call, a *account, p *principal, ident []byte, sec int) []byte {
	c.service, c.name, c.readOnly = "codecommit", "GitPull", true
	push := d.r.IntN(4) == 0
	if push {
		c.name, c.readOnly = "GitPush", false
	}
	repo := pick(d.r, a.repos)
	b = d.open(b, c, ident, sec, p.ip, "git/2.47.1")
	if push {
		b = d.text(append(b, `{"references":[{"commit":"`...), hexes, 40)
		b = append(b, `","ref":"refs/heads/feature/`...)
		b = append(strconv.AppendInt(b, int64(skewed(d.r, 400)), 10), `"}]}`...)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"responseElements":null,"additionalEventData":{"protocol":"HTTP","dataTransferred":true,"repositoryName":"`...)
	b = append(append(b, repo...), `","repositoryId":"`...)
	b = append(append(b, a.keys[len(repo)%len(a.keys)]...), `"}`...)
	b = d.ids(b, c)
	b = append(append(b, `,"resources":[{"accountId":"`...), c.account...)
	b = d.arn(append(b, `","type":"AWS::CodeCommit::Repository","ARN":"`...), c, "codecommit:")
	return d.end(append(append(b, repo...), `"}]`...), c, "git-codecommit.", c.region, ".amazonaws.com")
}

// burst appends one of the policy changes that a deployment makes: each falls
// on a role of its own that no other record names.
func (d *day) burst(b []byte, c *call, a *account, sec int) []byte {
	c.service, c.name = "iam", "PutRolePolicy"
	d.changes--
	p := &a.principals[5]
	b = d.open(b, c, []byte(p.head), sec, p.ip, agents[5])
	b = strconv.AppendInt(append(b, `{"roleName":"deploy-`...), int64(d.r.IntN(1<<30)), 10)
	b = append(b, `","policyName":"inline","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Resource\":\"*\"}]}"},"responseElements":null`...)
	return d.end(d.ids(b, c), c, "iam.amazonaws.com")
}
