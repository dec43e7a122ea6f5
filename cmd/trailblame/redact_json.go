package main

import (
	"bytes"
	"encoding/json"
)

// json replaces what JSON text holds: keys and values, string by string. All
// that needs no replacing stays as it is written. What is no JSON is redacted as
// text.
func (r *redactor) json(b []byte) []byte {
	if !json.Valid(b) {
		return []byte(r.text(string(b)))
	}
	out := make([]byte, 0, len(b)+64)
	secret := false // the value to come belongs to a secret's name
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			end := stringEnd(b, i)
			isKey := bytes.HasPrefix(bytes.TrimLeft(b[end:], " \t\r\n"), []byte(":"))
			var s string
			_ = json.Unmarshal(b[i:end], &s) // valid as a whole, so in its parts
			to := r.text(s)
			if secret && !isKey && s != "" {
				to = r.hide(s)
			}
			secret = isKey && secretMembers().MatchString(s)
			out = appendRedacted(out, b[i:end], s, to)
			i = end
		case '0' <= c && c <= '9':
			end := i
			for end < len(b) && '0' <= b[end] && b[end] <= '9' {
				end++
			}
			out = append(out, r.text(string(b[i:end]))...)
			i = end
		default:
			if c == '{' || c == '[' || c == ',' {
				secret = secret && c != ','
			}
			out = append(out, c)
			i++
		}
	}
	return out
}

// appendRedacted appends a string token, as it was written when nothing in it
// was replaced.
func appendRedacted(out, token []byte, s, to string) []byte {
	if s == to {
		return append(out, token...)
	}
	var q bytes.Buffer
	enc := json.NewEncoder(&q)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(to) // a string always can be
	return append(out, bytes.TrimRight(q.Bytes(), "\n")...)
}

// stringEnd returns the position behind the string whose quote stands at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
