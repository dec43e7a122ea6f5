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
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailblame/trailblame/ingest"
)

// part is the body of one answer: the object from offset on.
type part struct {
	io.ReadCloser
	offset int64
	md5    bool // the ETag may be the MD5 of the whole object
}

// get asks for an object from offset on. The answer may begin earlier, with a
// server that knows no ranges; what was not listed is refused.
func (s *Source) get(ctx context.Context, key string, obj ingest.Object, offset int64) (part, error) {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, RequestPayer: s.payer()}
	tagged := isTag(obj.Version)
	if tagged {
		in.IfMatch = aws.String(`"` + obj.Version + `"`)
	}
	if offset > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	s.opts.Stats.Gets.Add(1)
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		if status(err) == http.StatusRequestedRangeNotSatisfiable {
			err = permanent(advice["PreconditionFailed"])
		}
		return part{}, err
	}
	p := part{ReadCloser: out.Body, md5: isMD5(obj.Version) && !encrypted(out)}
	if err := p.check(out, obj, offset, tagged); err != nil {
		out.Body.Close()
		return part{}, err
	}
	return p, nil
}

// check compares an answer with what was listed and asked for.
func (p *part) check(out *s3.GetObjectOutput, obj ingest.Object, offset int64, tagged bool) error {
	if tag := strings.Trim(aws.ToString(out.ETag), `"`); tagged && tag != "" && tag != obj.Version {
		return permanent(advice["PreconditionFailed"])
	}
	size := aws.ToInt64(out.ContentLength)
	if spec := aws.ToString(out.ContentRange); spec != "" {
		var last int64
		if n, _ := fmt.Sscanf(spec, "bytes %d-%d/%d", &p.offset, &last, &size); n != 3 || p.offset != offset {
			return badAnswer(fmt.Sprintf("the server answered with the range %q, not with that from %d on", oneLine(spec), offset))
		}
	}
	// Without a length the size shows when the body ends.
	if size > 0 && size != obj.Size {
		return badAnswer(fmt.Sprintf("it has %d bytes where %d were listed; run again", size, obj.Size))
	}
	return nil
}

var plainMD5 = regexp.MustCompile(`^[0-9a-f]{32}$`)

// isMD5 reports whether an ETag looks like the MD5 of an object. That of one
// uploaded in parts, with a dash, is none.
func isMD5(tag string) bool { return plainMD5.MatchString(tag) }

// isTag tells an ETag from the time that stands for it where there is none.
func isTag(version string) bool {
	_, err := time.Parse(time.RFC3339Nano, version)
	return version != "" && err != nil
}

// encrypted reports whether the ETag is not that of the bytes, because S3
// encrypts the object with a key of KMS or of the caller.
func encrypted(out *s3.GetObjectOutput) bool {
	return strings.HasPrefix(string(out.ServerSideEncryption), "aws:kms") || out.SSECustomerAlgorithm != nil
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
	wrong string // MD5 of bytes that did not fit the ETag
}

func (f *fetch) once(ctx context.Context) error {
	p, err := f.s.get(ctx, f.key, f.obj, int64(len(f.buf)))
	if err != nil {
		return err
	}
	defer p.Close()
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

// verify compares the bytes with their ETag, where that is their MD5. Bytes
// that come twice the same and are a whole gzip file are what the server holds:
// its ETags only look like MD5s.
func (f *fetch) verify(tagged bool) error {
	if !tagged || f.s.opaque.Load() {
		return nil
	}
	sum := md5.Sum(f.buf)
	got := hex.EncodeToString(sum[:])
	switch {
	case got == f.obj.Version:
		return nil
	case got == f.wrong && wholeGzip(f.buf):
		f.s.opaque.Store(true)
		return nil
	}
	f.wrong, f.buf = got, f.buf[:0]
	return badAnswer("its bytes are not those of its ETag")
}

func wholeGzip(b []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, z)
	return err == nil
}
