package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/digest"
	"github.com/trailblame/trailblame/ingest/s3"
)

// digestStore is where the digests of a source are.
type digestStore struct {
	store  digest.Store
	prefix string
	// name gives the name that digests know an object of the source by.
	name  func(object string) (string, bool)
	close func() error
}

// openDigests opens the bucket, or the copy of one, that a source is in: the
// folder that AWSLogs stands in.
func openDigests(ctx context.Context, source string, aws *awsFlags) (*digestStore, error) {
	if rest, ok := strings.CutPrefix(source, s3.Scheme); ok {
		bucket, prefix, _ := strings.Cut(rest, "/")
		store, err := s3.NewStore(ctx, bucket, s3.Options{Profile: aws.profile, Region: aws.region, EndpointURL: aws.endpoint,
			NoSignRequest: aws.unsigned, RequestPayer: aws.requestPayer})
		if err != nil {
			return nil, err
		}
		return &digestStore{bucketStore{store}, prefix, func(object string) (string, bool) { return object, true }, store.Close}, nil
	}
	root, prefix := filepath.Clean(source), ""
	for dir := root; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if filepath.Base(dir) == "AWSLogs" {
			rel, err := filepath.Rel(filepath.Dir(dir), root)
			if err != nil {
				return nil, err
			}
			root, prefix = filepath.Dir(dir), filepath.ToSlash(rel)
			break
		}
	}
	folder, err := digest.NewFolder(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such folder", source)
	}
	if err != nil {
		return nil, err
	}
	return &digestStore{folder, prefix, func(object string) (string, bool) { return folder.Key(filepath.FromSlash(object)) }, folder.Close}, nil
}

// bucketStore makes a bucket a digest.Store that knows other buckets.
type bucketStore struct{ *s3.Store }

// Other implements digest.Buckets.
func (b bucketStore) Other(ctx context.Context, bucket string) (digest.Store, error) {
	store, err := b.Store.Other(ctx, bucket)
	return bucketStore{store}, err
}

// Folders implements digest.Folders.
func (b bucketStore) Folders(ctx context.Context, prefix string) ([]string, error) {
	return b.Store.Folders(ctx, prefix)
}

// integrity answers for the objects of an ingest from the digests beside them.
type integrity struct {
	hashes digest.Hashes
	stores []*digestStore
	faulty bool // digests that are invalid or could not be read
	whole  bool // all objects of the sources are listed, so that none may be missing
}

// readDigests validates the digest chains of the sources. What is invalid is
// named; of deliveries it is found out as they are read.
func (a *app) readDigests(ctx context.Context, t *trailFlags, sources []string) (*integrity, error) {
	keys, err := publicKeys(ctx, t.publicKeys, &t.aws)
	if err != nil {
		return nil, err
	}
	c := &t.choice
	in := &integrity{whole: c.from.IsZero() && c.to.IsZero() && len(c.accounts)+len(c.regions) == 0}
	var summary digest.Summary
	for _, source := range sources {
		store, err := openDigests(ctx, source, &t.aws)
		if err != nil {
			in.close()
			return nil, fmt.Errorf("--verify-digests: %w", err)
		}
		in.stores = append(in.stores, store)
		opts := digest.Options{Prefix: store.prefix, From: c.from, To: c.to, Accounts: c.accounts, Regions: c.regions, Listed: in.hashes.Add}
		for r, err := range digest.Validate(ctx, store.store, keys, opts) {
			if err != nil {
				a.complain("%v", err)
			}
			if r.Status == digest.StatusInvalid || r.Kind == digest.KindGap {
				a.complain("%s", safeColumns(r.Text()))
			}
			summary.Add(r)
		}
	}
	if ctx.Err() != nil {
		in.close()
		return nil, ctx.Err()
	}
	in.faulty = !summary.OK() || !summary.Complete()
	a.say("digests: %d valid, %d invalid, %d not read, %d gaps", summary.Digests.Valid, summary.Digests.Invalid, summary.Digests.Unchecked, len(summary.Gaps))
	return in, nil
}

func (in *integrity) close() {
	for _, s := range in.stores {
		s.close()
	}
}

// names yields the names that the digests may know an object by.
func (in *integrity) names(object string, yield func(name string)) {
	for _, s := range in.stores {
		if name, ok := s.name(object); ok {
			yield(name)
		}
	}
}

// check implements ingest.Options.Verify.
func (in *integrity) check(obj ingest.Object, sum [sha256.Size]byte) string {
	verdict := digest.NotCovered
	in.names(obj.Name, func(name string) {
		if v := in.hashes.Check(name, sum); v != digest.NotCovered {
			verdict = v
		}
	})
	return string(verdict)
}

// seen notes an object that a source lists.
func (in *integrity) seen(obj ingest.Object) { in.names(obj.Name, in.hashes.Seen) }

// report says what the digests found of the objects, and whether that leaves
// the answer incomplete.
func (in *integrity) report(a *app, totals index.Totals) bool {
	a.say("objects: %d verified, %d broken, %d not covered by a valid digest", totals.Verified, totals.Broken, totals.NotCovered)
	missing := 0
	if in.whole {
		missing = in.hashes.Missing()
	}
	if missing > 0 {
		a.complain("%d objects that digests list are not there; trailblame verify --digests names them", missing)
	}
	return in.faulty || totals.Broken > 0 || missing > 0
}

// objectIntegrity answers what digests said of the objects of an index; nil
// when they were never asked.
func objectIntegrity(ix *index.Index) (func(citation string) string, error) {
	if t := ix.Totals(); t.Verified+t.Broken+t.NotCovered == 0 {
		return nil, nil
	}
	known := map[string]string{}
	for e, err := range ix.Ledger() {
		if err != nil {
			return nil, err
		}
		if e.Integrity != "" {
			known[e.Name] = e.Integrity
		}
	}
	return func(citation string) string {
		object := citation
		if i := strings.LastIndexByte(citation, '#'); i >= 0 {
			object = citation[:i]
		}
		return known[object]
	}, nil
}

// markIntegrity tells of each object that a finding cites what digests said.
func markIntegrity(f *correlate.Finding, of func(citation string) string) {
	if of == nil {
		return
	}
	for _, c := range []*correlate.Citation{&f.Failure.First, &f.Failure.Last, f.Failure.LastSuccess, f.Failure.Recovery} {
		if c != nil {
			c.Integrity = of(c.Object)
		}
	}
	for i := range f.Candidates {
		f.Candidates[i].Change.Integrity = of(f.Candidates[i].Change.Object)
	}
	for i := range f.Vetoed {
		f.Vetoed[i].Integrity = of(f.Vetoed[i].Object)
	}
}
