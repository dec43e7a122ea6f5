package policy

import (
	"slices"
	"strings"
)

// tagMembers are the request parameters that hold tags, in the spellings that
// services use.
var tagMembers = []string{"tags", "Tags", "tagSet", "tagList", "tagKeys", "Tag"}

// requestTags reads the tags of a request. found is false if the parameters
// show none: whether the service would show them is not known in general.
func requestTags(params map[string]any) (pairs [][2]string, found bool) {
	for _, name := range tagMembers {
		if value, ok := params[name]; ok && value != nil {
			pairs, found = append(pairs, readTags(value)...), true
		}
	}
	if spec, ok := params["tagSpecificationSet"]; ok { // EC2
		for _, item := range itemsOf(spec) {
			if m, ok := item.(map[string]any); ok {
				pairs, found = append(pairs, readTags(m["tags"])...), true
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return pairs, found
}

// readTags reads a map of tags, a list of key and value pairs, or a list of
// keys.
func readTags(value any) (pairs [][2]string) {
	if m, ok := value.(map[string]any); ok && m["items"] == nil {
		for key := range m {
			pairs = append(pairs, [2]string{key, text(m, key)})
		}
		return pairs
	}
	for _, item := range itemsOf(value) {
		switch t := item.(type) {
		case string:
			pairs = append(pairs, [2]string{t})
		case map[string]any:
			if key := first(t, "key", "Key", "tagKey", "TagKey"); key != "" {
				pairs = append(pairs, [2]string{key, first(t, "value", "Value", "tagValue", "TagValue")})
			}
		}
	}
	return pairs
}

// itemsOf returns a list, also one that EC2 wraps as {"items": […]}.
func itemsOf(value any) []any {
	if m, ok := value.(map[string]any); ok {
		return list(m, "items")
	}
	l, _ := value.([]any)
	return l
}
