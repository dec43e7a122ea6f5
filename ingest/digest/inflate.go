package digest

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// formatError says that an object's content is not what it should be, as
// opposed to a failure to read it.
type formatError struct{ detail string }

func (e *formatError) Error() string { return e.detail }

// errTrailing says that bytes follow the compressed stream. CloudTrail writes
// exactly one gzip member; what comes behind it is covered by no hash.
var errTrailing = errors.New("data behind the end of the compressed stream")

// errTooLarge says that an object goes over the limit of decompressed bytes.
var errTooLarge = errors.New("larger than the limit")

// failing keeps the error of its reader apart from what gzip makes of it.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// inflate writes to dst the content of body, which has to be a single gzip
// member to its last byte. It returns a *formatError, errTrailing,
// errTooLarge, or an error of the reader.
func inflate(dst io.Writer, body io.Reader, limit int64) error {
	source := &failing{r: body}
	err := inflateMember(dst, bufio.NewReaderSize(source, 64<<10), limit)
	switch {
	case source.err != nil:
		return source.err
	case err == nil, errors.Is(err, errTrailing), errors.Is(err, errTooLarge):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &formatError{"the compressed data ends too early"}
	}
	return &formatError{err.Error()}
}

// inflateMember relies on gzip reading a ByteReader no further than the end of
// the member.
func inflateMember(dst io.Writer, body *bufio.Reader, limit int64) error {
	zip, err := gzip.NewReader(body)
	if err != nil {
		return err
	}
	zip.Multistream(false)
	n, err := io.Copy(dst, io.LimitReader(zip, limit+1))
	if err != nil {
		return err
	}
	if n > limit {
		return fmt.Errorf("%w of %d decompressed bytes", errTooLarge, limit)
	}
	switch _, err := body.ReadByte(); {
	case err == nil:
		return errTrailing
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
