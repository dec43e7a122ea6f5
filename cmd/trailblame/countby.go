package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// maxGroupBytes bounds what the groups of --count-by may take: whoever calls AWS
// chooses many of the values, and could choose a new one each time.
const maxGroupBytes = 256 << 20

// groupCost is about what a group takes besides its values.
const groupCost = 64

// tally counts events by the values of some fields.
type tally struct {
	paths  []query.Path
	counts map[string]*int64
	size   int
}

// group is a combination of values and how often it was found.
type group struct {
	values [][]byte // JSON, nil for what is missing
	count  int64
}

// add counts an event.
func (t *tally) add(e *query.Event) error {
	key := make([]byte, 0, 128)
	for i, p := range t.paths {
		if i > 0 {
			key = append(key, 0) // which no JSON text holds
		}
		key = append(key, spelledOnce(p.Value(e))...)
	}
	if n := t.counts[string(key)]; n != nil {
		*n++
		return nil
	}
	if t.size += len(key) + groupCost; t.size > maxGroupBytes {
		return fmt.Errorf("--count-by: more than %d different values, which would take too much memory; narrow the query by time or filters", len(t.counts))
	}
	n := int64(1)
	t.counts[string(key)] = &n
	return nil
}

// spelledOnce gives values that are equal one spelling: strings without needless
// escapes, lists and objects without spaces.
func spelledOnce(v []byte) []byte {
	switch {
	case len(v) == 0:
		return nil
	case v[0] == '"' && bytes.IndexByte(v, '\\') >= 0:
		return ingest.AppendQuoted(nil, ingest.Unquote(nil, v))
	case v[0] == '{' || v[0] == '[':
		var b bytes.Buffer
		if json.Compact(&b, v) == nil {
			return b.Bytes()
		}
	}
	return v
}

// groups returns the groups, most frequent first, then by their values; only the
// first top ones unless top is 0.
func (t *tally) groups(top int) []group {
	keys := make([]string, 0, len(t.counts))
	for key := range t.counts {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(*t.counts[b], *t.counts[a]), cmp.Compare(a, b))
	})
	if top > 0 {
		keys = keys[:min(top, len(keys))]
	}
	list := make([]group, len(keys))
	for i, key := range keys {
		for v := range strings.SplitSeq(key, "\x00") {
			value := []byte(v)
			if v == "" {
				value = nil
			}
			list[i].values = append(list[i].values, value)
		}
		list[i].count = *t.counts[key]
	}
	return list
}

// countName is the column of the count.
const countName = "count"

// row returns the values of a group with its count.
func (g *group) row() [][]byte {
	return append(g.values, strconv.AppendInt(nil, g.count, 10))
}
