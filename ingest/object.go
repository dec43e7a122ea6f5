package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Limits bound what one object may cost.
type Limits struct {
	Object int64 // decompressed bytes of one object
	Record int   // bytes of one record
}

// DefaultLimits are the limits unless the user sets others.
var DefaultLimits = Limits{Object: 1 << 30, Record: 16 << 20}

// wholeSize is up to which size, compressed and not, an object is held in
// memory whole. Larger ones are read twice: once to check them, once for their
// records, so that no record of a damaged object is ever handed on.
const wholeSize = 64 << 20

// checkedSize is above which an object that is held whole is checked before it
// is handed on, because a sink may have put a part of it away by then.
const checkedSize = 24 << 20

// objectReader reads objects one after another, reusing its memory.
type objectReader struct {
	limits Limits
	packed bytes.Buffer
	plain  []byte
	zip    *gzip.Reader
	flat   inflater
	split  splitter
	verify func(Object, [sha256.Size]byte) string
	check  string // what verify said of the object that is being read
	// salvage reports whether records of a damaged object are wanted under
	// the name of salvagedObject; nil when none are.
	salvage func(Object) bool
	keeping bool // records in front of damage are being handed on
	held    bool // plain holds all of the object that is being read
}

func newObjectReader(limits Limits) *objectReader {
	return &objectReader{limits: limits, split: splitter{maxRecord: limits.Record, dec: decoder{outlines: &outlines{}}}}
}

// read reads obj from src and hands its records to sink, all or none. Damage
// to the object is told in the entry; an error is one of the sink or of ctx.
func (o *objectReader) read(ctx context.Context, src Source, obj Object, sink Sink) (*Entry, error) {
	entry := &Entry{Object: obj, Status: StatusRead}
	o.check, o.held = "", false
	err := o.load(ctx, src, obj)
	var broken *brokenGzip
	switch {
	case err == nil:
		o.held = true
		err = o.whole(obj, entry, sink)
	case errors.As(err, &broken):
		err = o.pass(window{buf: o.plain, err: err}, obj, entry, checkOnly{})
	case errors.Is(err, errLarge):
		err = o.large(ctx, src, obj, entry, sink)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var fault *fault
	if errors.As(err, &fault) {
		*entry = Entry{Object: obj, Status: fault.status, Problem: fault.reason, Salvageable: entry.In - entry.Malformed}
		return entry, o.keep(ctx, src, entry, broken, sink)
	}
	if err == nil && entry.In == 0 {
		entry.Status, entry.Integrity = StatusNotTrail, "" // digests list deliveries only
	}
	return entry, err
}

// fault is damage to an object, as opposed to a failure of the run.
type fault struct {
	status Status
	reason string
}

func (f *fault) Error() string { return f.reason }

func damaged(format string, args ...any) error {
	return &fault{StatusDamaged, fmt.Sprintf(format, args...)}
}

// unreadable is a fault of one object, unless err ends the run.
func unreadable(err error) error {
	var stop StopError
	if errors.As(err, &stop) && stop.StopsRun() {
		return err
	}
	return &fault{StatusUnreadable, err.Error()}
}

// errLarge says that the object is too large to be held whole.
var errLarge = errors.New("large object")

// load reads the object into o.plain, decompressed.
func (o *objectReader) load(ctx context.Context, src Source, obj Object) error {
	if obj.Size > wholeSize {
		return errLarge
	}
	body, err := src.Open(ctx, obj)
	if err != nil {
		return unreadable(err)
	}
	defer body.Close()
	o.packed.Reset()
	if _, err := io.Copy(&o.packed, io.LimitReader(body, wholeSize+1)); err != nil {
		return unreadable(err)
	}
	if o.packed.Len() > wholeSize {
		return errLarge
	}
	b := o.packed.Bytes()
	if !isGzip(b) {
		o.plain = append(o.plain[:0], b...)
		o.ask(obj, o.plain)
		return nil
	}
	if err := o.inflate(b); err != nil {
		return err
	}
	o.ask(obj, o.plain)
	if !isGzip(o.plain) {
		return nil
	}
	// Firehose compresses once more what a log subscription hands it
	// compressed.
	o.packed.Reset()
	o.packed.Write(o.plain)
	return o.inflate(o.packed.Bytes())
}

// ask asks the digests about an object's content.
func (o *objectReader) ask(obj Object, content []byte) {
	if o.verify != nil {
		o.check = o.verify(obj, sha256.Sum256(content))
	}
}

// room makes o.plain hold at least n bytes.
func (o *objectReader) room(n int) {
	if cap(o.plain) < n {
		o.plain = make([]byte, 0, max(n, 1<<20))
	}
}

// inflate decompresses b into o.plain.
func (o *objectReader) inflate(b []byte) error {
	o.room(min(gzipSize(b), wholeSize) + slack)
	var ok bool
	if o.plain, ok = o.flat.gunzip(o.plain[:0], b, wholeSize); ok {
		return nil
	}
	return o.inflateSlowly(b)
}

// inflateSlowly does so for what the fast way does not take, and tells what is
// wrong with it.
func (o *objectReader) inflateSlowly(b []byte) error {
	zip, err := o.gunzip(bytes.NewReader(b))
	if err != nil {
		return damaged("broken gzip: %v", err)
	}
	o.plain = o.plain[:0]
	for {
		if len(o.plain) == cap(o.plain) {
			if len(o.plain) >= wholeSize {
				return errLarge
			}
			o.plain = append(make([]byte, 0, min(2*cap(o.plain), wholeSize)), o.plain...)
		}
		n, err := zip.Read(o.plain[len(o.plain):cap(o.plain)])
		o.plain = o.plain[:len(o.plain)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &brokenGzip{err}
		}
	}
}

// brokenGzip is damage behind which o.plain holds what could be decompressed.
type brokenGzip struct{ err error }

func (b *brokenGzip) Error() string { return "broken gzip: " + gzipReason(b.err) }

func gzipReason(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the compressed data ends too early"
	case errors.Is(err, gzip.ErrHeader):
		return "bytes follow the end of the compressed data"
	case errors.Is(err, gzip.ErrChecksum):
		return "checksum mismatch"
	}
	return err.Error()
}

func (o *objectReader) gunzip(r io.Reader) (*gzip.Reader, error) {
	if o.zip == nil {
		o.zip = new(gzip.Reader)
	}
	return o.zip, o.zip.Reset(r)
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// whole splits o.plain, which holds all of the object.
func (o *objectReader) whole(obj Object, entry *Entry, sink Sink) error {
	if len(o.plain) == 0 {
		return damaged("the file is empty")
	}
	if isGzip(o.plain) {
		return damaged("compressed three times; decompress it once and try again")
	}
	if int64(len(o.plain)) > o.limits.Object {
		return damaged("%v", tooLarge(o.limits.Object))
	}
	if len(o.plain) > checkedSize {
		if err := o.pass(window{buf: o.plain}, obj, entry, checkOnly{}); err != nil {
			return err
		}
		*entry = Entry{Object: obj, Status: StatusRead}
	}
	entry.Integrity = o.check
	return o.pass(window{buf: o.plain}, obj, entry, sink)
}

// pass splits win once, as one transaction of sink.
func (o *objectReader) pass(win window, obj Object, entry *Entry, sink Sink) error {
	if err := sink.Begin(obj); err != nil {
		return err
	}
	o.split.win, o.split.lines, o.split.counters = win, noLines, counters{packable: o.limits.Object}
	visit := &delivery{entry: entry, sink: sink}
	o.split.visit = visit
	err := o.split.run()
	switch {
	case err == nil:
		return sink.End(entry)
	case errors.Is(err, errNotJSON):
		rest := o.split.win.buf[o.split.win.pos:]
		if kind := archive(rest); kind != "" {
			sink.Abort()
			return packedOtherwise(kind)
		}
		entry.other(foreign(rest))
		return sink.End(entry)
	}
	var broken *brokenGzip
	isDamage := errors.As(err, &broken) || errors.Is(err, errTruncated) || errors.Is(err, errTooLarge)
	if visit.err == nil && isDamage && o.keeping {
		return sink.End(entry)
	}
	sink.Abort()
	switch {
	case visit.err != nil:
		return visit.err
	case isDamage:
		return damaged("%v", err)
	}
	return unreadable(err)
}

// packedOtherwise is the fault of an object that may well hold deliveries, in a
// form that is not undone. It is no file that is simply something else.
func packedOtherwise(kind string) error {
	return &fault{StatusUnreadable, "it is a " + kind + " file, which is not unpacked here; unpack it and name the folder"}
}

// delivery counts what a splitter finds and hands the records on.
type delivery struct {
	entry *Entry
	sink  Sink
	err   error
}

func (d *delivery) record(r *Record, index int) error {
	d.entry.In++
	d.err = d.sink.Record(r, index)
	return d.err
}

func (d *delivery) malformed(index int, offset int64, reason string) {
	d.entry.malformed(index, offset, reason)
}

func (d *delivery) other(s Shape) { d.entry.other(s) }

func (d *delivery) points(name string) { d.entry.points(name) }

// large reads an object too large to hold: a first pass finds out whether it is
// whole, a second one hands its records on.
func (o *objectReader) large(ctx context.Context, src Source, obj Object, entry *Entry, sink Sink) error {
	if err := o.streamed(ctx, src, obj, entry, checkOnly{}); err != nil {
		return err
	}
	*entry = Entry{Object: obj, Status: StatusRead, Integrity: o.check}
	return o.streamed(ctx, src, obj, entry, sink)
}

func (o *objectReader) streamed(ctx context.Context, src Source, obj Object, entry *Entry, sink Sink) error {
	return o.streamedAs(ctx, src, obj, obj, entry, sink)
}

// streamedAs reads obj and hands its records on as those of as.
func (o *objectReader) streamedAs(ctx context.Context, src Source, obj, as Object, entry *Entry, sink Sink) error {
	body, err := src.Open(ctx, obj)
	if err != nil {
		return unreadable(err)
	}
	defer body.Close()
	r, zipped := sniffed(ctxReader{ctx, body})
	var sum hash.Hash
	if !zipped {
		r = o.hashing(r, &sum)
	} else {
		zip, err := o.gunzip(r)
		if err != nil {
			return damaged("broken gzip: %v", err)
		}
		if r, zipped = sniffed(o.hashing(gzipErrors{zip}, &sum)); zipped {
			inner, err := gzip.NewReader(r)
			if err != nil {
				return damaged("broken gzip: %v", err)
			}
			r = gzipErrors{inner}
		}
	}
	limit := &limitReader{r: r, left: o.limits.Object, limit: o.limits.Object}
	err = o.pass(window{src: limit, buf: o.plain[:0]}, as, entry, sink)
	if err == nil && sum != nil {
		o.check = o.verify(obj, [sha256.Size]byte(sum.Sum(nil)))
	}
	return err
}

// hashing takes the hash of what is read, when somebody wants it.
func (o *objectReader) hashing(r io.Reader, sum *hash.Hash) io.Reader {
	if o.verify == nil {
		return r
	}
	*sum = sha256.New()
	return io.TeeReader(r, *sum)
}

// sniffed tells whether r begins like gzip, and returns it as it was.
func sniffed(r io.Reader) (io.Reader, bool) {
	var magic [2]byte
	n, err := io.ReadFull(r, magic[:])
	begin := bytes.NewReader(magic[:n])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return io.MultiReader(begin, failing{err}), false
	}
	return io.MultiReader(begin, r), isGzip(magic[:n])
}

// failing is a reader whose reader failed before.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// gzipErrors marks a gzip reader's errors as damage to the object.
type gzipErrors struct{ r io.Reader }

func (g gzipErrors) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	var fetching *bodyError
	var broken *brokenGzip
	if err != nil && err != io.EOF && !errors.As(err, &fetching) && !errors.As(err, &broken) {
		err = &brokenGzip{err}
	}
	return n, err
}

// bodyError is a failure to fetch an object, which says nothing about what is
// in it.
type bodyError struct{ err error }

func (b *bodyError) Error() string { return b.err.Error() }
func (b *bodyError) Unwrap() error { return b.err }

// ctxReader ends with ctx, and marks the errors of the body it reads.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}

// errTooLarge says that an object goes over the limit of decompressed bytes.
var errTooLarge = errors.New("larger than the limit")

// limitReader fails when more than left bytes come, where io.LimitReader would
// quietly end.
type limitReader struct {
	r           io.Reader
	left, limit int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, tooLarge(l.limit)
	}
	return n, err
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w of %d decompressed bytes; raise it with --max-object-size", errTooLarge, limit)
}

// checkOnly is the sink of a pass that looks for damage.
type checkOnly struct{}

func (checkOnly) Begin(Object) error        { return nil }
func (checkOnly) Record(*Record, int) error { return nil }
func (checkOnly) End(*Entry) error          { return nil }
func (checkOnly) Abort()                    {}
func (checkOnly) Failed(*Entry) error       { return nil }
