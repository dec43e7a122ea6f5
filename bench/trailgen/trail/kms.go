package trail

import "time"

// kms appends a call on one key.
func (c *Cloud) kms(at time.Time, who Caller, name, key string, request Object) *Event {
	e := c.call(at, who, "kms", name)
	e.Request = request
	e.Resources = c.resource(c.ARN("kms", "key/"+key), "AWS::KMS::Key")
	return e
}

// KeyPolicy appends PutKeyPolicy.
func (c *Cloud) KeyPolicy(at time.Time, who Caller, key string, doc Object) *Event {
	return c.kms(at, who, "PutKeyPolicy", key, O("keyId", key, "policyName", "default",
		"policy", Text(doc), "bypassPolicyLockoutSafetyCheck", false))
}

// Decrypt appends a use of a key, named by ARN, with an encryption context.
func (c *Cloud) Decrypt(at time.Time, who Caller, key string, context Object) *Event {
	e := c.kms(at, who, "Decrypt", key, O("encryptionAlgorithm", "SYMMETRIC_DEFAULT",
		"keyId", c.ARN("kms", "key/"+key), "encryptionContext", context))
	e.ReadOnly = true
	return e
}

// DataKey appends GenerateDataKey.
func (c *Cloud) DataKey(at time.Time, who Caller, key string, context Object) *Event {
	e := c.kms(at, who, "GenerateDataKey", key, O("keyId", c.ARN("kms", "key/"+key),
		"encryptionContext", context, "keySpec", "AES_256"))
	e.ReadOnly = true
	return e
}

// Key appends any other call on a key.
func (c *Cloud) Key(at time.Time, who Caller, name, key string, extra Object) *Event {
	return c.kms(at, who, name, key, append(O("keyId", c.ARN("kms", "key/"+key)), extra...))
}
