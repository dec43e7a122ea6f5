package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/backoff"
)

// stream reads an object too large to hold as its reader goes, and goes on
// where it stopped when a body breaks.
type stream struct {
	ctx    context.Context
	cancel context.CancelFunc
	s      *Source
	key    string
	obj    ingest.Object
	body   part
	open   bool
	offset int64
	begun  int64 // where the body begins
	md5    hash.Hash
	sum    *checksum // nil if the server sends none
	tries  int       // without progress
	err    error
}

// progress is how much must come for a broken body to count as a new start.
const progress = 64 << 10

func (s *Source) stream(ctx context.Context, obj ingest.Object) (*stream, error) {
	key, err := s.key(obj.Name)
	if err != nil {
		return nil, err
	}
	r := &stream{s: s, key: key, obj: obj, md5: md5.New()}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if err := r.ask(); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// ask opens the body from offset on.
func (r *stream) ask() error {
	return r.s.again(r.ctx, func(ctx context.Context) error {
		p, err := r.s.get(ctx, r.key, r.obj, r.offset)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, p, r.offset-p.offset); err != nil {
			p.Close()
			return errors.Join(errBroken, err)
		}
		if r.offset == 0 {
			r.sum = p.sum
		}
		r.body, r.open, r.begun = p, true, r.offset
		return nil
	})
}

// Read implements io.Reader.
func (r *stream) Read(p []byte) (int, error) {
	for r.err == nil {
		if r.offset == r.obj.Size {
			r.err = r.finish()
			break
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.obj.Size-r.offset)])
		r.take(p[:n])
		if err != nil && r.offset < r.obj.Size {
			r.err = r.resume(err)
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, r.err
}

func (r *stream) take(p []byte) {
	r.offset += int64(len(p))
	r.md5.Write(p)
	if r.sum != nil {
		r.sum.hash.Write(p)
	}
	r.s.opts.Stats.Bytes.Add(int64(len(p)))
}

// finish checks the object when all of it has come.
func (r *stream) finish() error {
	if err := atEnd(r.body); err != nil {
		return err
	}
	switch {
	case r.sum != nil && !r.sum.fits():
		return permanent("its bytes are not those of its checksum; run again")
	case r.sum == nil && r.body.md5 && !r.s.opaque.Load() && hex.EncodeToString(r.md5.Sum(nil)) != r.obj.Version:
		return permanent("its bytes are not those of its ETag; run again")
	}
	return io.EOF
}

func (r *stream) resume(err error) error {
	r.shut()
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	err = errors.Join(errBroken, err)
	if r.offset-r.begun >= progress {
		r.tries = 0
	}
	if r.tries++; r.tries >= r.s.opts.Tries {
		return r.s.explain(err, r.tries)
	}
	r.s.opts.Stats.Retries.Add(1)
	if err := backoff.Sleep(r.ctx, backoff.Delay(r.s.opts.Delay, maxDelay, r.tries)); err != nil {
		return err
	}
	return r.ask()
}

func (r *stream) shut() {
	if r.open {
		r.body.Close()
		r.open = false
	}
}

// Close implements io.Closer.
func (r *stream) Close() error {
	r.cancel()
	r.shut()
	if r.err == nil {
		r.err = errors.New("the object is closed")
	}
	return nil
}
