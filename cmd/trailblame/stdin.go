package main

import (
	"context"
	"io"
)

// interruptible reads until the context ends, although a read of standard input
// cannot be called back: it is then left alone, and the process ends soon.
type interruptible struct {
	ctx  context.Context
	from io.Reader
	buf  []byte
	left []byte // of buf, not handed out yet
}

type readResult struct {
	n   int
	err error
}

func (r *interruptible) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.buf == nil {
			r.buf = make([]byte, 256<<10)
		}
		done := make(chan readResult, 1)
		go func() {
			n, err := r.from.Read(r.buf)
			done <- readResult{n, err}
		}()
		select {
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		case result := <-done:
			if result.n == 0 {
				return 0, result.err
			}
			r.left = r.buf[:result.n] // an error comes again with the next read
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
