package ingest

import (
	"encoding/json"
	"net/url"
)

// notification is what the messages say that tell of a delivery: CloudTrail's
// own to a topic, S3's to a queue, and S3's to EventBridge.
type notification struct {
	Bucket string   `json:"s3Bucket"`
	Keys   []string `json:"s3ObjectKey"`
	S3     place    `json:"s3"`
	Source string   `json:"source"`
	Detail place    `json:"detail"`
}

// place is a bucket and key as S3 writes them.
type place struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key string `json:"key"`
	} `json:"object"`
}

// pointers returns the deliveries that a notification tells of, as
// s3://bucket/key.
func (r *Record) pointers() []string {
	var n notification
	// Members of another type than expected are left out, the others stay.
	_ = json.Unmarshal(r.Raw, &n)
	var list []string
	add := func(bucket, key string) {
		if bucket != "" && key != "" {
			list = append(list, "s3://"+bucket+"/"+key)
		}
	}
	for _, key := range n.Keys {
		add(n.Bucket, key)
	}
	// S3 encodes keys in its messages to queues and topics, and only there.
	if key, err := url.QueryUnescape(n.S3.Object.Key); err == nil {
		add(n.S3.Bucket.Name, key)
	}
	if n.Source == "aws.s3" {
		add(n.Detail.Bucket.Name, n.Detail.Object.Key)
	}
	return list
}
