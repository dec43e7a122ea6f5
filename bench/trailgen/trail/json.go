package trail

import (
	"fmt"
	"strconv"
)

// Member is one key of an Object with its value.
type Member struct {
	Key   string
	Value any
}

// Object is a JSON object that keeps the order it is written in: CloudTrail's
// key order is part of what a reader of real trails meets.
type Object []Member

// Float is a number that is written with a fraction even when whole, as the
// byte counts of S3 data events are.
type Float float64

// O builds an Object from alternating keys and values.
func O(pairs ...any) Object {
	o := make(Object, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		o = append(o, Member{pairs[i].(string), pairs[i+1]})
	}
	return o
}

// Get returns the value of a key, or nil.
func (o Object) Get(key string) any {
	for _, m := range o {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// With returns a copy of the object with one more key at its end.
func (o Object) With(key string, value any) Object {
	return append(append(make(Object, 0, len(o)+1), o...), Member{key, value})
}

// Text renders an object as the JSON text that IAM and KMS requests carry a
// policy in.
func Text(o Object) string { return string(AppendJSON(nil, o)) }

// AppendJSON appends v to dst. It panics on a type it does not know: that is
// a mistake in the generator, not in its input.
func AppendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return AppendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case Float:
		return append(strconv.AppendFloat(dst, float64(v), 'f', 0, 64), ".0"...)
	case Object:
		return appendObject(dst, v)
	case []Object:
		return appendList(dst, v)
	case []string:
		return appendList(dst, v)
	}
	panic(fmt.Sprintf("trail: no JSON form for %T", v))
}

// appendObject writes a nil object as null, an empty one as {}.
func appendObject(dst []byte, o Object) []byte {
	if o == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, m := range o {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, m.Key)
		dst = append(dst, ':')
		dst = AppendJSON(dst, m.Value)
	}
	return append(dst, '}')
}

func appendList[T any](dst []byte, list []T) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(dst, v)
	}
	return append(dst, ']')
}

// AppendString appends s as a JSON string. It escapes what JSON must have
// escaped and nothing more: encoding/json would turn <, > and & into \u forms
// that AWS does not write.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
