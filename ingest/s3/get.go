package s3

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// part is the body of one answer: the object from offset on.
type part struct {
	io.ReadCloser
	offset int64
	md5    bool      // the ETag may be the MD5 of the whole object
	sum    *checksum // of the whole object, if this is its beginning
}

// get asks for an object from offset on. The answer may begin earlier, with a
// server that knows no ranges; what was not listed is refused.
func (s *Source) get(ctx context.Context, key string, obj ingest.Object, offset int64) (part, error) {
	tag := ""
	if isTag(obj.Version) {
		tag = obj.Version
	}
	s.opts.Stats.Gets.Add(1)
	response, err := s.direct.get(ctx, key, tag, offset)
	if err != nil {
		if status(err) == http.StatusRequestedRangeNotSatisfiable {
			err = permanent(advice["PreconditionFailed"])
		}
		return part{}, err
	}
	p := part{ReadCloser: response.Body, md5: isMD5(tag) && !encrypted(response.Header), sum: checksumOf(response)}
	if err := p.check(response, obj, tag, offset); err != nil {
		response.Body.Close()
		return part{}, err
	}
	return p, nil
}

// check compares an answer with what was listed and asked for.
func (p *part) check(response *http.Response, obj ingest.Object, tag string, offset int64) error {
	if got := strings.Trim(response.Header.Get("ETag"), `"`); tag != "" && got != "" && got != tag {
		return permanent(advice["PreconditionFailed"])
	}
	size := response.ContentLength
	if spec := response.Header.Get("Content-Range"); spec != "" {
		var last int64
		if n, _ := fmt.Sscanf(spec, "bytes %d-%d/%d", &p.offset, &last, &size); n != 3 || p.offset != offset {
			return badAnswer(fmt.Sprintf("the server answered with the range %q, not with that from %d on", oneLine(spec), offset))
		}
	}
	// Without a length the size shows when the body ends.
	if size >= 0 && size != obj.Size {
		return badAnswer(fmt.Sprintf("it has %d bytes where %d were listed; run again", size, obj.Size))
	}
	return nil
}

// isMD5 reports whether an ETag looks like the MD5 of an object. That of one
// uploaded in parts, with a dash, is none.
func isMD5(tag string) bool {
	return len(tag) == 2*md5.Size && strings.Trim(tag, "0123456789abcdef") == ""
}

// isTag tells an ETag from the time that stands for it where there is none.
func isTag(version string) bool {
	if isMD5(version) {
		return true
	}
	_, err := time.Parse(time.RFC3339Nano, version)
	return version != "" && err != nil
}

// encrypted reports whether the ETag is not that of the bytes, because S3
// encrypts the object with a key of KMS or of the caller.
func encrypted(h http.Header) bool {
	return strings.HasPrefix(h.Get("X-Amz-Server-Side-Encryption"), "aws:kms") ||
		h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != ""
}

// slowest is the rate, in bytes a second, below which a server that sends at
// least something is given up and asked again.
const slowest = 16 << 10

// fetch reads an object of moderate size whole. What has come is kept when a
// body breaks, and the rest asked for.
func (s *Source) fetch(ctx context.Context, obj ingest.Object) ([]byte, error) {
	key, err := s.key(obj.Name)
	if err != nil {
		return nil, err
	}
	f := &fetch{s: s, key: key, obj: obj, buf: make([]byte, 0, obj.Size)}
	limit := 2*s.opts.Idle + time.Duration(obj.Size/slowest)*time.Second
	err = s.again(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return f.once(ctx)
	})
	return f.buf, err
}

// fetch is an object on its way.
type fetch struct {
	s     *Source
	key   string
	obj   ingest.Object
	buf   []byte
	sum   *checksum
	wrong string // MD5 of bytes that did not fit the ETag
}

func (f *fetch) once(ctx context.Context) error {
	p, err := f.s.get(ctx, f.key, f.obj, int64(len(f.buf)))
	if err != nil {
		return err
	}
	defer p.Close()
	if p.sum != nil {
		f.sum = p.sum
	}
	f.buf = f.buf[:p.offset]
	before := len(f.buf)
	for len(f.buf) < cap(f.buf) && err == nil {
		var n int
		n, err = p.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
	}
	f.s.opts.Stats.Bytes.Add(int64(len(f.buf) - before))
	if int64(len(f.buf)) < f.obj.Size {
		return errors.Join(errBroken, err)
	}
	if err := atEnd(p); err != nil {
		return err
	}
	return f.verify(p.md5)
}

// atEnd checks that a body ends where the object does. Reading its end also
// lets the connection be used again.
func atEnd(r io.Reader) error {
	var more [1]byte
	for {
		n, err := r.Read(more[:])
		if n > 0 {
			return badAnswer("it has more bytes than were listed; run again")
		}
		if err != nil {
			return nil //nolint:nilerr // all has come; how the connection ends does not matter
		}
	}
}

// verify compares the bytes with their ETag, where that is their MD5, and else
// with their checksum, where there is one. The ETags of some servers only look
// like MD5s: bytes that have the right checksum, or come twice the same and are
// a whole gzip file, are what the server holds.
func (f *fetch) verify(tagged bool) error {
	got := ""
	if tagged && !f.s.opaque.Load() {
		if got = md5Of(f.buf); got == f.obj.Version {
			return nil
		}
	}
	if f.sum != nil {
		f.sum.hash.Reset()
		f.sum.hash.Write(f.buf)
		if !f.sum.fits() {
			f.buf = f.buf[:0]
			return badAnswer("its bytes are not those of its checksum")
		}
	}
	switch {
	case got == "":
		return nil
	case f.sum != nil, got == f.wrong && wholeGzip(f.buf):
		f.s.opaque.Store(true)
		return nil
	}
	f.wrong, f.buf = got, f.buf[:0]
	return badAnswer("its bytes are not those of its ETag")
}

func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func wholeGzip(b []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, z)
	return err == nil
}
