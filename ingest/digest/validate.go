package digest

import (
	"context"
	"iter"
	"time"
)

// Options choose what Validate looks at. The zero value is everything.
type Options struct {
	// Prefix is the folder of the bucket that holds AWSLogs, or anything
	// below it. A prefix inside the deliveries of a trail means the trail.
	Prefix string
	// From and To choose digests by the hours they cover; zero is open.
	From, To time.Time
	// Accounts, Regions and Trails are names to keep; empty keeps all.
	Accounts, Regions, Trails []string
	// Parallel is how many deliveries are hashed at once; 0 means 4.
	Parallel int
	// Listed, when set, takes the deliveries that valid digests list, each
	// under the name that Summary.Verdict answers to; they are not read then.
	Listed func(name string, log LogFile)
	// MaxObject bounds the decompressed bytes of a delivery; 0 means 1 GiB.
	MaxObject int64
}

const (
	defaultParallel  = 4
	defaultMaxObject = 1 << 30
)

// Validate walks the chains of digests below opts.Prefix, each from its newest
// digest to its oldest, and checks the digests and each delivery they list. A
// trail and region come together, and standard chains before backfill ones.
//
// A digest's signature is taken from the digest after it, or else from its
// metadata, so that a store without metadata needs that of the newest digest
// of each chain only.
//
// An error means that something could not be listed or read, and then the
// Result names it and has StatusUnchecked; the walk may go on after it with
// what else there is, and ends after the error of a canceled ctx. Memory grows
// with the digests of one account and region (about 250 bytes for each hour
// and trail), not with the deliveries.
func Validate(ctx context.Context, store Store, keys KeySource, opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if opts.Parallel <= 0 {
			opts.Parallel = defaultParallel
		}
		if opts.MaxObject <= 0 {
			opts.MaxObject = defaultMaxObject
		}
		v := &validator{ctx: ctx, keys: keys, opts: opts, yield: yield, bucket: bucketOf(store), stores: map[string]Store{}}
		v.stores[v.bucket] = store
		v.run(store)
	}
}

// validator is one run of Validate. Its steps return false when the run ends.
type validator struct {
	ctx    context.Context
	keys   KeySource
	opts   Options
	yield  func(Result, error) bool
	bucket string           // of the store; empty when it does not know
	stores map[string]Store // by bucket
}

func (v *validator) run(store Store) bool {
	regions, err := discover(v.ctx, store, v.opts)
	if err != nil && !v.fail(Result{Object: object(v.bucket, v.opts.Prefix), Kind: KindDigest}, err) {
		return false
	}
	for _, region := range regions {
		chains, err := listChains(v.ctx, store, v.bucket, region, v.opts)
		if err != nil && !v.fail(Result{Object: object(v.bucket, region.folders[0]), Kind: KindDigest}, err) {
			return false
		}
		for _, chain := range chains {
			if !(&walk{validator: v, chain: chain}).run() {
				return false
			}
		}
	}
	return true
}

// fail reports what could not be read. A canceled run says so once.
func (v *validator) fail(r Result, err error) bool {
	r.Status = StatusUnchecked
	if ended := v.ctx.Err(); ended != nil {
		v.yield(r, ended)
		return false
	}
	return v.yield(r, err)
}

// emit hands on a result, unless the run was canceled meanwhile.
func (v *validator) emit(r Result) bool {
	if v.ctx.Err() != nil {
		return v.fail(r, v.ctx.Err())
	}
	return v.yield(r, nil)
}

// store returns the store of a bucket. Other buckets are kept to a handful,
// since a trail moves seldom.
func (v *validator) store(bucket string) (Store, error) {
	if v.bucket == "" {
		return v.stores[""], nil
	}
	if s, ok := v.stores[bucket]; ok {
		return s, nil
	}
	s, err := v.stores[v.bucket].(Buckets).Other(v.ctx, bucket)
	if err != nil {
		return nil, err
	}
	if len(v.stores) < maxBuckets {
		v.stores[bucket] = s
	}
	return s, nil
}

const maxBuckets = 64
