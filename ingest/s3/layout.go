package s3

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// place is where in the layout of a trail's bucket a key is:
//
//	[prefix/]AWSLogs/[o-id/]ACCOUNT/KIND/REGION/YYYY/MM/DD/ACCOUNT_KIND_REGION_YYYYMMDDTHHMMZ_id.json.gz
//
// Fields that the key does not tell are empty.
type place struct {
	account, kind, region string
	date                  string // YYYY, YYYY/MM or YYYY/MM/DD
	// level is the deepest folder of the layout that the key is in, or is.
	level level
	// odd says that a folder deeper than level is none of the layout.
	odd bool
}

// level counts the folders of the layout.
type level int

const (
	outside level = iota
	inLogs
	inOrganization
	inAccount
	inKind
	inRegion
	inYear
	inMonth
	inDay
)

var (
	organizationFolder = pattern(`^o-[a-z0-9]{10,32}$`)
	accountFolder      = pattern(`^[0-9]{12}$`)
	regionFolder       = pattern(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)
	yearFolder         = pattern(`^[0-9]{4}$`)
	twoDigits          = pattern(`^[0-9]{2}$`)
	fileName           = pattern(`^([0-9]{12})_(CloudTrail(?:-[A-Za-z]+)?)_([a-z0-9-]+)_(?:.*_)?([0-9]{4})([0-9]{2})([0-9]{2})T[0-9]{4,6}Z`)
)

const logsFolder = "AWSLogs"

// locate finds the place of a key, or of a folder, which ends in a slash. The
// last AWSLogs counts, since a prefix may hold the word too.
func locate(key string) place {
	parts := strings.Split(key, "/")
	folders, name := parts[:len(parts)-1], parts[len(parts)-1]
	var p place
	for i := len(folders) - 1; i >= 0; i-- {
		if folders[i] == logsFolder {
			p = descend(folders[i+1:])
			break
		}
	}
	if m := fileName().FindStringSubmatch(name); m != nil {
		p.account, p.kind, p.region = first(p.account, m[1]), first(p.kind, m[2]), first(p.region, m[3])
		if len(p.date) < len("YYYY/MM/DD") {
			p.date = m[4] + "/" + m[5] + "/" + m[6]
		}
	}
	return p
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func descend(folders []string) place {
	p := place{level: inLogs}
	for _, name := range folders {
		if !p.enter(name) {
			p.odd = true
			break
		}
	}
	return p
}

// enter goes one folder deeper, if that is one of the layout.
func (p *place) enter(name string) bool {
	switch {
	case p.level == inLogs && organizationFolder().MatchString(name):
		p.level = inOrganization
	case p.level <= inOrganization && accountFolder().MatchString(name):
		p.level, p.account = inAccount, name
	case p.level == inAccount && name != "":
		p.level, p.kind = inKind, name
	case p.level == inKind && regionFolder().MatchString(name):
		p.level, p.region = inRegion, name
	case p.level == inRegion && yearFolder().MatchString(name):
		p.level, p.date = inYear, name
	case (p.level == inYear || p.level == inMonth) && twoDigits().MatchString(name):
		p.level++
		p.date += "/" + name
	default:
		return false
	}
	return true
}

// kinds are the folders of an account that hold events. Digests, Insights,
// aggregated events and the logs of other services are beside them.
var kinds = map[string]bool{"CloudTrail": true, "CloudTrail-NetworkActivity": true}

// choice is what of the layout is to be read.
type choice struct {
	accounts, regions []string
	kind              string // read beside kinds, because the prefix names it
	from, to          string // days, YYYY/MM/DD, both included; empty is no bound
}

const day = "2006/01/02"

func newChoice(prefix string, opts Options) (choice, error) {
	c := choice{accounts: opts.Accounts, regions: opts.Regions}
	for _, glob := range append(append([]string{}, opts.Accounts...), opts.Regions...) {
		if _, err := path.Match(glob, ""); err != nil {
			return c, fmt.Errorf("bad pattern %q", glob)
		}
	}
	if !opts.From.IsZero() {
		c.from = opts.From.UTC().Format(day)
	}
	if !opts.To.IsZero() {
		c.to = opts.To.Add(opts.LookAhead - time.Nanosecond).UTC().Format(day)
	}
	// A prefix may end within the name of a folder, or be that of an object.
	c.kind = first(locate(prefix).kind, locate(prefix+"/").kind)
	return c, nil
}

// wants reports whether what is at p may be to be read. What the place does not
// tell counts for it.
func (c *choice) wants(p place) bool {
	return matches(c.accounts, p.account) && matches(c.regions, p.region) &&
		(p.kind == "" || kinds[p.kind] || c.kind != "" && strings.HasPrefix(p.kind, c.kind)) &&
		(c.from == "" || p.date == "" || p.date >= c.from[:min(len(p.date), len(c.from))]) &&
		(c.to == "" || p.date == "" || p.date <= c.to[:min(len(p.date), len(c.to))])
}

func matches(globs []string, name string) bool {
	if len(globs) == 0 || name == "" {
		return true
	}
	for _, glob := range globs {
		if ok, err := path.Match(glob, name); ok && err == nil {
			return true
		}
	}
	return false
}

// clip gives the keys between which those of the chosen days are, if prefix is
// the folder of a month: after the first, before the second.
func (c *choice) clip(prefix string) (after, before string) {
	p := locate(prefix)
	if p.level != inMonth || p.odd {
		return "", ""
	}
	base := strings.TrimSuffix(prefix, p.date+"/")
	if strings.HasPrefix(c.from, p.date) {
		after = base + c.from
	}
	if strings.HasPrefix(c.to, p.date) {
		before = base + c.to + "0" // what follows the slash
	}
	return after, before
}
