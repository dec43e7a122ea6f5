package policy

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// actions.txt lists the CloudTrail events whose IAM actions are not simply
// their own name behind the prefix of their service. A line without
// indentation is an event source, without ".amazonaws.com", and its IAM prefix
// if that differs from the source's first label. The indented lines below are
// its events with their actions: the one the event is authorized by, then
// those it may need besides. "=" is the event's own name; a name without
// prefix has the service's.
//
//go:embed actions.txt
var actionLines string

type service struct {
	prefix string
	events map[string][]string
}

var services = sync.OnceValue(func() map[string]*service {
	table := make(map[string]*service)
	var current *service
	for line := range strings.Lines(actionLines) {
		words := strings.Fields(line)
		if line[0] != '\t' {
			current = &service{prefix: defaultPrefix(words[0]), events: make(map[string][]string)}
			if len(words) > 1 {
				current.prefix = words[1]
			}
			table[words[0]] = current
			continue
		}
		event, actions := words[0], words[1:]
		for i, action := range actions {
			if action == "=" {
				action = event
			}
			if !strings.Contains(action, ":") {
				action = current.prefix + ":" + action
			}
			actions[i] = action
		}
		current.events[event] = actions
	}
	return table
})

func defaultPrefix(source string) string {
	prefix, _, _ := strings.Cut(source, ".")
	return prefix
}

// versioned matches the API version that some services append to the names of
// their events: Invoke20150331v2, CreateDistribution2020_05_31.
var versioned = regexp.MustCompile(`(\d{8}|\d{4}_\d{2}_\d{2})(v\d+)?$`)

func withoutVersion(eventName string) string {
	if last := len(eventName) - 1; last < 0 || eventName[last] < '0' || eventName[last] > '9' {
		return eventName // as nearly all are, and an expression takes its time
	}
	if plain := versioned.ReplaceAllString(eventName, ""); plain != "" {
		return plain
	}
	return eventName
}

// logged maps the operations of S3 server access logs to events.
var logged = map[string]string{
	"REST.GET.OBJECT": "GetObject", "REST.HEAD.OBJECT": "HeadObject", "REST.PUT.OBJECT": "PutObject",
	"REST.DELETE.OBJECT": "DeleteObject", "REST.COPY.OBJECT": "CopyObject", "REST.COPY.OBJECT_GET": "GetObject",
	"REST.PUT.PART": "UploadPart", "REST.POST.UPLOAD": "CompleteMultipartUpload", "REST.POST.UPLOADS": "CreateMultipartUpload",
	"REST.GET.ACL": "GetObjectAcl", "REST.PUT.ACL": "PutObjectAcl", "REST.POST.MULTI_OBJECT_DELETE": "DeleteObjects",
	"REST.GET.BUCKET": "ListObjects", "REST.HEAD.BUCKET": "HeadBucket", "REST.GET.BUCKETPOLICY": "GetBucketPolicy",
	"REST.GET.BUCKETVERSIONS": "ListObjectVersions", "REST.GET.LOCATION": "GetBucketLocation",
}

// Actions returns the IAM actions a CloudTrail event is authorized by, from
// its source and name: the action of the event itself first, then the actions
// it may need besides, such as iam:PassRole or kms:Decrypt. The caller must
// not change the list.
func Actions(eventSource, eventName string) []string {
	source := strings.TrimSuffix(eventSource, ".amazonaws.com")
	if source == "" || eventName == "" {
		return nil
	}
	if name, ok := logged[eventName]; ok && source == "s3" {
		eventName = name
	}
	s := services()[source]
	if s == nil {
		s = &service{prefix: defaultPrefix(source)}
	}
	plain := withoutVersion(eventName)
	for _, name := range [...]string{eventName, plain} {
		if actions, ok := s.events[name]; ok {
			return slices.Clip(actions)
		}
	}
	return []string{s.prefix + ":" + plain}
}
