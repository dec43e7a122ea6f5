package query

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// truth is the value of v as a condition: everything but true is false.
func truth(v any) bool {
	b, _ := v.(bool)
	return b
}

// normal maps a value onto the types that evaluation knows. DecodeRecord gives
// no others; a record made by hand may.
func normal(v any) any {
	switch v := v.(type) {
	case nil, bool, string, int64, float64, []any, map[string]any:
		return v
	case int:
		return int64(v)
	case json.Number:
		return number(string(v))
	}
	return nil
}

// number reads a JSON number: an integer that fits stays exact.
func number(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	// Out of range is ±Inf, which compares as it should.
	x, _ := strconv.ParseFloat(text, 64)
	return whole(x)
}

// whole turns a float that is exactly an int64 into one, so that 1, 1.0 and 1e0
// are the same value.
func whole(x float64) any {
	if x == math.Trunc(x) && x >= -1<<63 && x < 1<<63 {
		return int64(x)
	}
	return x
}

// toInt returns v when it is a whole number that fits an int.
func toInt(v any) (int, bool) {
	n, ok := v.(int64)
	return int(n), ok && int64(int(n)) == n
}

// order compares numbers with numbers and strings with strings. ok is false for
// everything else, NaN included.
func (f *frame) order(a, b any) (c int, ok bool) {
	switch a := a.(type) {
	case string:
		if b, isString := b.(string); isString && f.text(min(len(a), len(b))) {
			return strings.Compare(a, b), true
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return compareInts(a, b), true
		case float64:
			c, ok = compareMixed(a, b)
			return c, ok
		}
	case float64:
		switch b := b.(type) {
		case int64:
			c, ok = compareMixed(b, a)
			return -c, ok
		case float64:
			return compareFloats(a, b)
		}
	}
	return 0, false
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareFloats(a, b float64) (int, bool) {
	switch {
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	}
	return 0, a == b
}

// compareMixed compares without the rounding of a conversion to float64.
func compareMixed(a int64, b float64) (int, bool) {
	switch {
	case b != b:
		return 0, false
	case b >= 1<<63:
		return -1, true
	case b < -1<<63:
		return 1, true
	}
	floor := math.Floor(b)
	if c := compareInts(a, int64(floor)); c != 0 || floor == b {
		return c, true
	}
	return -1, true
}

// equal is ==: nil with nil, and values of one type by content.
func (f *frame) equal(a, b any) bool {
	if !f.spend(1) {
		return false
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case []any:
		b, ok := b.([]any)
		return ok && f.equalLists(a, b)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && f.equalMaps(a, b)
	}
	c, ok := f.order(a, b)
	return ok && c == 0
}

func (f *frame) equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !f.equal(normal(a[i]), normal(b[i])) {
			return false
		}
	}
	return true
}

func (f *frame) equalMaps(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok || !f.equal(normal(v), normal(w)) {
			return false
		}
	}
	return true
}

// contains is `a in b`: an element of a list or a key of an object. nil is in
// nothing.
func (f *frame) contains(b, a any) bool {
	if a == nil {
		return false
	}
	switch b := b.(type) {
	case []any:
		for _, v := range b {
			if f.equal(a, normal(v)) {
				return true
			}
			if f.left < 0 {
				return false
			}
		}
	case map[string]any:
		if key, ok := a.(string); ok {
			_, ok = b[key]
			return ok
		}
	}
	return false
}

// member is v[key]: a member of an object or an element of a list, counted from
// its end when key is negative.
func member(v, key any) any {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := key.(string); ok {
			return normal(v[name])
		}
	case []any:
		if i, ok := toInt(key); ok {
			if i < 0 {
				i += len(v)
			}
			if i >= 0 && i < len(v) {
				return normal(v[i])
			}
		}
	}
	return nil
}
