package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// logOutcome is what checking one delivery gives.
type logOutcome struct {
	result Result
	err    error
}

// logs checks the deliveries that a valid digest lists, some at once, and
// hands on the results in the order of the digest.
func (w *walk) logs(d *Digest) bool {
	if w.opts.Listed != nil {
		for _, log := range d.Logs {
			w.opts.Listed(w.nameOf(log), log)
		}
		return true
	}
	outcomes := make([]logOutcome, min(w.opts.Parallel, len(d.Logs)))
	for done := 0; done < len(d.Logs); done += len(outcomes) {
		batch := d.Logs[done:min(done+len(outcomes), len(d.Logs))]
		var running sync.WaitGroup
		for i, log := range batch {
			// Here, since the table of stores is not made for several goroutines.
			store, err := w.validator.store(log.Bucket)
			running.Go(func() { outcomes[i] = w.log(d, store, log, err) })
		}
		running.Wait()
		for _, o := range outcomes[:len(batch)] {
			if !w.outcome(o) {
				return false
			}
		}
	}
	return true
}

// nameOf is how a delivery is named in the store.
func (w *walk) nameOf(log LogFile) string {
	if w.bucket == "" {
		return log.Key
	}
	return object(log.Bucket, log.Key)
}

func (w *walk) outcome(o logOutcome) bool {
	if o.err != nil {
		return w.fail(o.result, o.err)
	}
	return w.emit(o.result)
}

func (w *walk) log(d *Digest, store Store, log LogFile, err error) logOutcome {
	r := Result{
		Object: object(log.Bucket, log.Key), Kind: KindLog, Status: StatusValid,
		Digest: object(d.Bucket, d.Key), Trail: w.chain.Trail,
	}
	if w.bucket == "" {
		r.local = log.Key
	}
	if err == nil {
		err = w.hash(store, log)
	}
	var wrong *hashError
	reason, broken := contentReason(err)
	switch {
	case err == nil:
		return logOutcome{result: r}
	case errors.As(err, &wrong):
		return logOutcome{result: r.invalid(ReasonHash, err)}
	case errors.Is(err, fs.ErrNotExist):
		return logOutcome{result: r.invalid(ReasonNotFound, nil)}
	case broken:
		return logOutcome{result: r.invalid(reason, err)}
	}
	return logOutcome{r, err}
}

// hashError says that the content of a delivery is not what was delivered.
type hashError struct{ got string }

func (e *hashError) Error() string { return "the content has " + e.got }

func (w *walk) hash(store Store, log LogFile) error {
	if log.Algorithm != "SHA-256" {
		return fmt.Errorf("%s: unknown hash algorithm %q", log.Key, log.Algorithm)
	}
	body, err := store.Get(w.ctx, log.Key)
	if err != nil {
		return err
	}
	defer body.Close()
	sum := sha256.New()
	if err := inflate(sum, body, w.opts.MaxObject); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, log.Hash) {
		return &hashError{got}
	}
	return nil
}
