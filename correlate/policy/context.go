package policy

import (
	"maps"
	"slices"
	"strings"
)

// Knowledge says what is known about a condition key of a request.
type Knowledge uint8

// A key that nobody told anything about is KeyUnknown: it may be absent or
// hold any value.
const (
	KeyUnknown Knowledge = iota
	KeyAbsent            // known not to be in the request
	KeyPresent           // known, with its values
)

// Context holds the condition keys of a request. Key names are compared
// without regard to case. In the zero Context every key is unknown.
type Context struct {
	keys     map[string]entry
	complete bool
}

type entry struct {
	known  Knowledge
	multi  bool
	values []string
}

// Set records a single-valued key.
func (c *Context) Set(key, value string) {
	c.put(key, entry{known: KeyPresent, values: []string{value}})
}

// SetList records a multivalued key. Such a key takes part in conditions only
// under ForAllValues and ForAnyValue. A key without values is an absent one.
func (c *Context) SetList(key string, values ...string) {
	if len(values) == 0 {
		c.SetAbsent(key)
		return
	}
	c.put(key, entry{known: KeyPresent, multi: true, values: slices.Clone(values)})
}

// SetAbsent records that the request does not carry these keys. A name that
// ends in "/" or ":" speaks for every key of that family without an entry of
// its own: "aws:RequestTag/", "kms:EncryptionContext:".
func (c *Context) SetAbsent(keys ...string) {
	for _, key := range keys {
		c.put(key, entry{known: KeyAbsent})
	}
}

// Forget makes keys, or families of keys, unknown, even in a complete context.
func (c *Context) Forget(keys ...string) {
	for _, key := range keys {
		c.put(key, entry{known: KeyUnknown})
	}
}

// Complete declares that the request carries no keys but those recorded.
func (c *Context) Complete() { c.complete = true }

// Lookup returns what is known about a key, and its values if it is present.
// The caller must not change the values.
func (c *Context) Lookup(key string) (Knowledge, []string) {
	e := c.find(strings.ToLower(key))
	return e.known, e.values
}

// Keys lists the keys with an entry, in lower case and sorted.
func (c *Context) Keys() []string { return slices.Sorted(maps.Keys(c.keys)) }

// Clone returns a copy that can be changed on its own.
func (c *Context) Clone() Context {
	return Context{keys: maps.Clone(c.keys), complete: c.complete}
}

func (c *Context) put(key string, e entry) {
	if c.keys == nil {
		c.keys = make(map[string]entry)
	}
	c.keys[strings.ToLower(key)] = e
}

// find looks up a key in lower case.
func (c *Context) find(key string) entry {
	if e, ok := c.keys[key]; ok {
		return e
	}
	if end := familyEnd(key); end > 0 {
		if e, ok := c.keys[key[:end]]; ok {
			return e
		}
	}
	if c.complete {
		return entry{known: KeyAbsent}
	}
	return entry{}
}

// familyEnd returns the length of the family part of "aws:requesttag/owner"
// or "kms:encryptioncontext:stage", or 0.
func familyEnd(key string) int {
	if slash := strings.IndexByte(key, '/'); slash > 0 {
		return slash + 1
	}
	first := strings.IndexByte(key, ':')
	if second := strings.IndexByte(key[first+1:], ':'); second > 0 {
		return first + second + 2
	}
	return 0
}
