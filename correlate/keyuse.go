package correlate

import (
	"context"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// keyUses tells which KMS key stands behind a resource: S3 refuses to read an
// object for want of its key and names neither key nor alias. The calls to KMS
// that S3 makes carry the bucket or object in their encryption context.
type keyUses struct {
	ctx   context.Context
	trail Trail
	err   error
	uses  map[string][]keyUse // by the resource that is encrypted, in order of time
}

type keyUse struct {
	at  time.Time
	key string
}

// join puts the key in the place of the encrypted resource, when the trail
// shows which it was, and notes what the call itself asked for. changes tells that
// another time may show another key.
func (k *keyUses) join(r *FailedRequest, at time.Time) (changes bool) {
	if !r.Dependent || len(r.Actions) < 2 {
		return false
	}
	r.via = passKey{entityKey(r.Principal), strings.ToLower(r.Actions[1])}
	r.viaScope = first(r.ResourceParent, r.Resource)
	if k == nil || prefixOf(r.Action) != "kms" || strings.Contains(r.Resource, ":kms:") || !strings.HasPrefix(r.Resource, "arn:") {
		return false
	}
	if key := k.keyOf(r.viaScope, at); key != "" {
		r.Resource, r.ResourceParent = key, ""
	}
	return true
}

// keyOf returns the key that was last used for a resource, or the one used
// next when none was before.
func (k *keyUses) keyOf(scope string, at time.Time) string {
	list, read := k.uses[scope]
	if !read && k.err == nil {
		list, k.err = k.load(scope)
		k.uses[scope] = list
	}
	key := ""
	for _, u := range list {
		if u.at.After(at) && key != "" {
			break
		}
		key = u.key
	}
	return key
}

// maxKeyUses bounds how many uses of keys are read for one resource.
const maxKeyUses = 10_000

func (k *keyUses) load(scope string) (list []keyUse, err error) {
	f := query.Filter{Where: []query.Term{
		query.Is(index.EventSource, "kms.amazonaws.com"),
		query.Is(index.Resource, scope, scope+"/*"),
		query.Is(index.Outcome, index.OutcomeSuccess),
	}}
	left := maxKeyUses
	for q, err := range k.trail.Events(k.ctx, f) {
		if err != nil {
			return nil, err
		}
		if left--; left < 0 {
			break
		}
		e, err := ParseEvent(q)
		if err != nil || !encrypts(e, scope) {
			continue
		}
		if key := e.keyARN(); key != "" && (len(list) == 0 || list[len(list)-1].key != key) {
			list = append(list, keyUse{e.Time, key})
		}
	}
	return list, nil
}

// encrypts reports whether a call to KMS was for a resource or what lies in it.
func encrypts(e *Event, scope string) bool {
	for _, v := range Map(e.Params, "encryptionContext") {
		if s, ok := v.(string); ok && strings.HasPrefix(s, "arn:") && within(s, scope) {
			return true
		}
	}
	return false
}
