package digest

import (
	"strings"
	"time"
)

// digestFolder is the folder, beside CloudTrail's own, that holds digests.
const digestFolder = "CloudTrail-Digest"

const (
	nameTime    = "20060102T150405Z"
	nameSuffix  = ".json.gz"
	backfillTag = "_backfill"
)

// Trail identifies one chain of digests.
type Trail struct {
	Account    string `json:"account,omitempty"`
	Region     string `json:"region,omitempty"`
	Name       string `json:"trail,omitempty"`
	HomeRegion string `json:"homeRegion,omitempty"`
	// Backfill chains are apart from the standard ones.
	Backfill bool `json:"backfill,omitempty"`
}

// Name is what the key of a digest object says.
type Name struct {
	Trail
	End time.Time // of the hour that the digest covers
}

// ParseName reads the key of a digest object from its right end, since the
// prefix may hold anything, and the name of the trail may hold underscores.
func ParseName(key string) (Name, bool) {
	parts := strings.Split(key, "/")
	if len(parts) < 7 || len(key) > maxName {
		return Name{}, false
	}
	parts = parts[len(parts)-7:]
	account, region, file := parts[0], parts[2], parts[6]
	if parts[1] != digestFolder || account == "" || region == "" {
		return Name{}, false
	}
	file, ok := strings.CutPrefix(file, account+"_"+digestFolder+"_"+region+"_")
	if !ok {
		return Name{}, false
	}
	if file, ok = strings.CutSuffix(file, nameSuffix); !ok {
		return Name{}, false
	}
	n := Name{Trail: Trail{Account: account, Region: region}}
	file, n.Backfill = strings.CutSuffix(file, backfillTag)
	return n, n.tail(file)
}

// tail takes TRAIL_HOME-REGION_TIME.
func (n *Name) tail(file string) bool {
	rest, stamp, ok := cutLast(file, "_")
	if !ok {
		return false
	}
	if n.Name, n.HomeRegion, ok = cutLast(rest, "_"); !ok || n.Name == "" || n.HomeRegion == "" {
		return false
	}
	var err error
	n.End, err = time.Parse(nameTime, stamp)
	return err == nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
