package digest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of a search for digests, against stores that are not what they seem.
const (
	maxDepth   = 12        // folders from the prefix to a region
	maxFolders = 100_000   // listed on the way
	maxDigests = 4_000_000 // keys of one account and region
)

// region is the digests of one account and region. An account has several
// folders when the prefix of its trail was changed, or when one was copied.
type region struct {
	account, name string
	folders       []string // each ends with a slash
}

// entry is the key of a digest that was listed or linked to.
type entry struct {
	bucket, key string
	name        Name
}

// chain is the listed digests of one trail and region, newest first.
type chain struct {
	Trail
	listed []entry
	// after is the first digest behind the range, if there is one: it holds
	// the signature of the newest in the range.
	after *entry
}

// discover finds the folders of digests below opts.Prefix.
func discover(ctx context.Context, store Store, opts Options) ([]region, error) {
	d := &discovery{ctx: ctx, opts: opts, found: map[[2]string]*region{}}
	err := d.search(store, trailPrefix(opts.Prefix))
	regions := make([]region, 0, len(d.found))
	for _, r := range d.found {
		slices.Sort(r.folders)
		regions = append(regions, *r)
	}
	slices.SortFunc(regions, func(a, b region) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.name, b.name))
	})
	return regions, err
}

// trailPrefix cuts a prefix that leads into CloudTrail's own folders, because
// digests stand beside the deliveries.
func trailPrefix(prefix string) string {
	parts := strings.Split(prefix, "/")
	for i, part := range parts {
		if part == "CloudTrail" || strings.HasPrefix(part, "CloudTrail-") {
			return strings.Join(append(parts[:i:i], ""), "/")
		}
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return prefix
}

type discovery struct {
	ctx   context.Context
	opts  Options
	asked int
	found map[[2]string]*region
}

func (d *discovery) search(store Store, prefix string) error {
	if folders, ok := store.(Folders); ok {
		return d.descend(folders, prefix, maxDepth)
	}
	for key, err := range store.List(d.ctx, prefix) {
		if err != nil {
			return err
		}
		if name, ok := ParseName(key); ok {
			// …/REGION/YYYY/MM/DD/FILE
			parts := strings.Split(key, "/")
			d.add(name.Account, name.Region, strings.Join(parts[:len(parts)-4], "/")+"/")
		}
	}
	return nil
}

// descend looks for folders of digests below prefix. It goes on past a folder
// that cannot be listed.
func (d *discovery) descend(store Folders, prefix string, depth int) error {
	if d.asked++; d.asked > maxFolders {
		return fmt.Errorf("more than %d folders; name the prefix of the trail", maxFolders)
	}
	names, err := store.Folders(d.ctx, prefix)
	errs := []error{err}
	for _, name := range names {
		switch {
		case name == digestFolder:
			errs = append(errs, d.regions(store, prefix+name+"/"))
		case strings.HasPrefix(name, "CloudTrail") || depth == 0 || isAccount(name) && !keeps(d.opts.Accounts, name):
		case d.asked <= maxFolders:
			errs = append(errs, d.descend(store, prefix+name+"/", depth-1))
		}
	}
	return errors.Join(errs...)
}

// regions adds the folders of regions below the folder of an account's digests.
func (d *discovery) regions(store Folders, prefix string) error {
	parts := strings.Split(prefix, "/")
	if len(parts) < 3 {
		return nil
	}
	names, err := store.Folders(d.ctx, prefix)
	for _, name := range names {
		d.add(parts[len(parts)-3], name, prefix+name+"/")
	}
	return err
}

func (d *discovery) add(account, name, folder string) {
	if !keeps(d.opts.Accounts, account) || !keeps(d.opts.Regions, name) {
		return
	}
	id := [2]string{account, name}
	if d.found[id] == nil {
		d.found[id] = &region{account: account, name: name}
	}
	if r := d.found[id]; !slices.Contains(r.folders, folder) {
		r.folders = append(r.folders, folder)
	}
}

func isAccount(name string) bool {
	return len(name) == 12 && strings.Trim(name, "0123456789") == ""
}

func keeps(wanted []string, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}

// listChains lists the digests of a region and sorts them into chains:
// standard before backfill, newest first.
func listChains(ctx context.Context, store Store, bucket string, r region, opts Options) ([]*chain, error) {
	found := map[Trail]*chain{}
	count := 0
	var errs []error
	for _, prefix := range prefixes(r.folders, opts) {
		for key, err := range store.List(ctx, prefix) {
			if err != nil {
				errs = append(errs, err)
				break
			}
			name, ok := ParseName(key)
			if !ok || !opts.wants(name) || name.Account != r.account || name.Region != r.name {
				continue
			}
			if count++; count > maxDigests {
				return nil, fmt.Errorf("more than %d digests; choose a time range", maxDigests)
			}
			if found[name.Trail] == nil {
				found[name.Trail] = &chain{Trail: name.Trail}
			}
			found[name.Trail].add(entry{bucket, key, name}, opts)
		}
	}
	return sorted(found), errors.Join(errs...)
}

func (c *chain) add(e entry, opts Options) {
	switch {
	case !opts.after(e.name):
		c.listed = append(c.listed, e)
	case c.after == nil || e.name.End.Before(c.after.name.End):
		c.after = &e
	}
}

func sorted(found map[Trail]*chain) []*chain {
	var chains []*chain
	for _, c := range found {
		slices.SortFunc(c.listed, func(a, b entry) int {
			return cmp.Or(b.name.End.Compare(a.name.End), cmp.Compare(a.key, b.key))
		})
		c.listed = slices.Compact(c.listed)
		chains = append(chains, c)
	}
	slices.SortFunc(chains, func(a, b *chain) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.HomeRegion, b.HomeRegion), compareBool(a.Backfill, b.Backfill))
	})
	return chains
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// A digest is written within the hour after the one it covers.
const digestDelay = time.Hour

// wants reports whether a digest is of a trail that was chosen, and not before
// the range. One that ends just as the range begins still counts as in it.
func (o *Options) wants(n Name) bool {
	return keeps(o.Trails, n.Name) && (o.From.IsZero() || !n.End.Before(o.From))
}

// after reports whether a digest is behind the range.
func (o *Options) after(n Name) bool {
	return !o.To.IsZero() && n.End.After(o.To.Add(digestDelay))
}

// prefixes are what to list: the months of the range, or all when it is open
// or long.
func prefixes(folders []string, opts Options) []string {
	if opts.From.IsZero() || opts.To.IsZero() || opts.To.Sub(opts.From) > 5*365*24*time.Hour {
		return folders
	}
	var list []string
	// The digest behind the range ends within two hours of it.
	from, to := opts.From.UTC().Add(-digestDelay), opts.To.UTC().Add(2*digestDelay)
	for _, folder := range folders {
		for month := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC); !month.After(to); month = month.AddDate(0, 1, 0) {
			list = append(list, folder+month.Format("2006/01/"))
		}
	}
	return list
}
