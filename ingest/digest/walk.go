package digest

import (
	"context"
	"crypto/rsa"
	"errors"
	"io/fs"
	"time"
)

// walk follows one chain from its newest digest to its oldest. After a break it
// goes on with the next older digest that is listed.
type walk struct {
	*validator
	chain *chain
	store Store
	pos   int             // in chain.listed, behind what was visited
	tried map[string]bool // invalid digests that end at the moment triedAt
	at    time.Time       // of tried
	newer *Digest         // the last valid one
	whole bool            // nothing was invalid since newer
	link  *Digest         // the digest looked at before, if it had a form
}

func (w *walk) run() bool {
	w.store = w.stores[w.bucket]
	for cur := w.next(entry{}, false); cur != nil && w.inRange(cur); {
		d, valid, goOn := w.visit(*cur)
		if !goOn {
			return false
		}
		if w.link = d; d != nil {
			d.Logs = nil // they are done with, and may be many
		}
		following, err := w.linked(*cur, d, valid)
		if err != nil && !w.fail(w.digestResult(d.PreviousBucket, d.PreviousKey), err) {
			return false
		}
		if following == nil {
			following = w.next(*cur, valid)
		}
		if w.whole = valid; valid {
			w.newer = d
		}
		cur = following
	}
	return true
}

func (w *walk) inRange(e *entry) bool {
	return w.opts.From.IsZero() || !e.name.End.Before(w.opts.From)
}

// visit checks a digest, and what it lists when it is valid.
func (w *walk) visit(e entry) (d *Digest, valid, goOn bool) {
	d, r, err := w.check(e)
	if err != nil {
		return d, false, w.fail(r, err)
	}
	valid = r.Status == StatusValid
	if !w.gap(d, valid) || !w.emit(r) {
		return d, valid, false
	}
	return d, valid, !valid || w.logs(d)
}

func (w *walk) digestResult(bucket, key string) Result {
	return Result{Object: object(bucket, key), Kind: KindDigest, Trail: w.chain.Trail}
}

// next returns the newest listed digest that is older than cur. When cur is
// invalid another one of the same hour will do: it may be a copy.
func (w *walk) next(cur entry, valid bool) *entry {
	if !w.at.Equal(cur.name.End) || w.tried == nil {
		w.tried, w.at = map[string]bool{}, cur.name.End
	}
	w.tried[cur.key] = true
	for first := cur.key == ""; w.pos < len(w.chain.listed); {
		e := w.chain.listed[w.pos]
		w.pos++
		switch c := e.name.End.Compare(cur.name.End); {
		case first, c < 0, c == 0 && !valid && !w.tried[e.key]:
			return &e
		}
	}
	return nil
}

// linked returns the digest that a valid one names as the one before it. Only
// an older one will do, so that no walk goes in circles.
func (w *walk) linked(cur entry, d *Digest, valid bool) (*entry, error) {
	if !valid || d.PreviousKey == "" {
		return nil, nil
	}
	name, ok := ParseName(d.PreviousKey)
	if !ok || !name.End.Before(cur.name.End) {
		return nil, nil
	}
	previous := &entry{d.PreviousBucket, d.PreviousKey, name}
	if w.bucket == "" || d.PreviousBucket == d.Bucket {
		return previous, nil
	}
	if err := w.moveTo(*previous, cur.name.End); err != nil {
		return nil, err
	}
	return previous, nil
}

// moveTo goes on in the bucket of a digest, where those before it are too.
func (w *walk) moveTo(e entry, before time.Time) error {
	store, err := w.validator.store(e.bucket)
	if err != nil {
		return err
	}
	opts := w.opts
	opts.To = before
	chains, err := listChains(w.ctx, store, e.bucket, region{e.name.Account, e.name.Region, []string{folderOf(e.key)}}, opts)
	if err != nil {
		return err
	}
	w.store, w.chain, w.pos = store, &chain{Trail: w.chain.Trail}, 0
	for _, c := range chains {
		if c.Trail == e.name.Trail {
			w.chain = c
		}
	}
	return nil
}

// gap reports the time between d and the valid digest after it.
func (w *walk) gap(d *Digest, valid bool) bool {
	if !valid || w.newer == nil || !d.End.Before(w.newer.Start) {
		return true
	}
	r := Result{Kind: KindGap, Status: StatusGap, Reason: ReasonUnvouched, Trail: w.chain.Trail, From: &d.End, To: &w.newer.Start}
	if w.whole && w.newer.PreviousKey == "" {
		r.Reason = ReasonNoDelivery
	}
	return w.emit(r)
}

// check reads and validates one digest, which is nil when it has no form. The
// error is one of reading what it takes to tell.
func (w *walk) check(e entry) (*Digest, Result, error) {
	r := Result{Object: object(w.shown(e.bucket), e.key), Kind: KindDigest, Trail: e.name.Trail}
	if w.bucket == "" {
		r.local = e.key
	}
	body, err := w.store.Get(w.ctx, e.key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, r.invalid(ReasonNotFound, nil), nil
	}
	if err != nil {
		return nil, r, err
	}
	defer body.Close()
	d, err := readDigest(body)
	if reason, broken := contentReason(err); broken {
		if reason == ReasonTrailing {
			reason = ReasonFormat
		}
		return nil, r.invalid(reason, err), nil
	}
	if err != nil {
		return nil, r, err
	}
	r.Fingerprint, r.From, r.To = d.Fingerprint, &d.Start, &d.End
	if d.Key != e.key || e.bucket != "" && d.Bucket != e.bucket {
		return d, r.invalid(ReasonMoved, errors.New("it was written as "+object(d.Bucket, d.Key))), nil
	}
	r.Object = object(d.Bucket, d.Key)
	r, err = w.authentic(d, e, r)
	return d, r, err
}

// shown is the name of a bucket for messages, when only its neighbors tell it.
func (w *walk) shown(bucket string) string {
	if bucket == "" && w.newer != nil {
		return w.newer.Bucket
	}
	return bucket
}

// key returns the public key that q asks for. Without one that serves, the result
// says why.
func (r Result) key(ctx context.Context, keys KeySource, q KeyQuery) (*rsa.PublicKey, Result, error) {
	der, err := keys.PublicKey(ctx, q)
	if errors.Is(err, ErrNoKey) {
		return nil, r.invalid(ReasonNoKey, nil), nil
	}
	if err != nil {
		return nil, r, err
	}
	key, err := parseKey(der)
	if err != nil {
		return nil, r.invalid(ReasonBadKey, err), nil
	}
	return key, r, nil
}

func (r Result) invalid(reason Reason, detail error) Result {
	r.Status, r.Reason = StatusInvalid, reason
	if detail != nil {
		r.Detail = detail.Error()
	}
	return r
}

// contentReason tells damage to an object from a failure to read it.
func contentReason(err error) (Reason, bool) {
	var format *formatError
	switch {
	case errors.As(err, &format):
		return ReasonFormat, true
	case errors.Is(err, errTrailing):
		return ReasonTrailing, true
	}
	return "", false
}

// authentic finds the key and the signature of a digest and verifies it.
func (w *walk) authentic(d *Digest, e entry, r Result) (Result, error) {
	s := &signatures{walk: w, key: e.key}
	query, err := w.query(d, e, s)
	if err != nil {
		return r, err
	}
	key, r, err := r.key(w.ctx, w.keys, query)
	if key == nil {
		return r, err
	}
	fault, err := s.verify(d, key)
	if err != nil {
		return r, err
	}
	if fault != nil {
		return r.invalid(ReasonSignature, fault), nil
	}
	r.Status = StatusValid
	if n := w.link; n != nil && n == w.newer && n.PreviousKey == d.Key && n.PreviousHash != "" && !d.hashIs(n.PreviousHash) {
		r.Detail = "the digest after it gives another hash for it"
	}
	return r, nil
}

// Keys are asked for with a margin, since a digest is signed after its hour.
const (
	keyMargin      = 2 * time.Hour
	backfillMargin = time.Hour
	backfillTime   = "backfill-generation-timestamp"
)

func (w *walk) query(d *Digest, e entry, s *signatures) (KeyQuery, error) {
	q := KeyQuery{Region: e.name.Region, Fingerprint: d.Fingerprint, From: d.Start, To: d.End.Add(keyMargin)}
	if !e.name.Backfill {
		return q, nil
	}
	meta, err := s.metadata()
	if err != nil {
		return q, err
	}
	if made, err := time.Parse(time.RFC3339, meta[backfillTime]); err == nil {
		q.From, q.To = made.Add(-backfillMargin), made.Add(backfillMargin)
	} else {
		q.To = time.Time{} // made at some time since
	}
	return q, nil
}
