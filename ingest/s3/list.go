package s3

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailblame/trailblame/ingest"
)

// listing is one walk over the keys that begin with a prefix, in their order.
type listing struct {
	source *Source
	prefix string
	// after skips the keys up to it, without reading them.
	after string
	// folded lists the folders below prefix in place of the keys in them.
	folded bool

	token               string
	done                bool
	lastKey, lastFolder string
	idle                int // pages without a key, in a row
}

// maxIdlePages bounds the empty pages that S3 gives where many versions of keys
// were deleted.
const maxIdlePages = 1000

// page is what one request lists.
type page struct {
	objects []ingest.Object // named by their keys alone
	folders []string
	next    string
}

// read gets the next page, or sets done with the last one. A page that does not
// pass check is asked for again, as a proxy in the way may have given it.
func (l *listing) read(ctx context.Context) (page, error) {
	var p page
	err := l.source.again(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*l.source.opts.Idle)
		defer cancel()
		l.source.opts.Stats.Listings.Add(1)
		out, err := l.source.client.ListObjectsV2(ctx, l.input())
		if err == nil {
			p, err = l.check(out)
		}
		return err
	})
	if err != nil {
		return page{}, err
	}
	if n := len(p.objects); n > 0 {
		l.lastKey = p.objects[n-1].Name
	}
	if n := len(p.folders); n > 0 {
		l.lastFolder = p.folders[n-1]
	}
	l.token, l.done = p.next, p.next == ""
	return p, nil
}

func (l *listing) input() *s3.ListObjectsV2Input {
	in := &s3.ListObjectsV2Input{
		Bucket: &l.source.bucket,
		// Without it a key with a control character makes a page that no XML
		// reader takes.
		EncodingType: types.EncodingTypeUrl,
		RequestPayer: l.source.payer(),
	}
	if l.prefix != "" {
		in.Prefix = &l.prefix
	}
	if l.folded {
		in.Delimiter = aws.String("/")
	}
	switch {
	case l.token != "":
		in.ContinuationToken = &l.token
	case l.after != "":
		in.StartAfter = &l.after
	}
	return in
}

// check turns an answer into a page, or says why it is none: the SDK takes an
// empty answer, and a web page, for an empty listing.
func (l *listing) check(out *s3.ListObjectsV2Output) (page, error) {
	var p page
	if name := aws.ToString(out.Name); name != l.source.bucket && (name == "" || !l.aliased()) {
		return p, badAnswer(fmt.Sprintf("the answer is no listing of the bucket (it names %q); is a proxy in the way?", name))
	}
	decode := func(s string) (string, error) { return s, nil }
	if out.EncodingType == types.EncodingTypeUrl {
		decode = url.QueryUnescape
	}
	last := l.lastKey
	for _, o := range out.Contents {
		key, err := decode(aws.ToString(o.Key))
		if err := l.inOrder(key, last, err); err != nil {
			return p, err
		}
		last = key
		if aws.ToInt64(o.Size) < 0 || o.Size == nil {
			return p, badAnswer(fmt.Sprintf("the listing gives %q no possible size", short(key)))
		}
		p.objects = append(p.objects, ingest.Object{Name: key, Size: *o.Size, Version: version(o.ETag, o.LastModified)})
	}
	last = l.lastFolder
	for _, f := range out.CommonPrefixes {
		folder, err := decode(aws.ToString(f.Prefix))
		if err := l.inOrder(folder, last, err); err != nil {
			return p, err
		}
		last = folder
		p.folders = append(p.folders, folder)
	}
	return p, l.leads(&p, out)
}

// aliased reports whether the bucket is named by an access point's alias, for
// which S3 may answer with another name.
func (l *listing) aliased() bool { return strings.HasSuffix(l.source.bucket, "-s3alias") }

// inOrder checks that a key or folder is one of the listing and comes behind
// the last: else a server would go round in circles, or leave keys out.
func (l *listing) inOrder(key, last string, err error) error {
	switch {
	case err != nil:
		return badAnswer(fmt.Sprintf("the listing has a key that cannot be decoded: %v", err))
	case key == "" || !strings.HasPrefix(key, l.prefix):
		return badAnswer(fmt.Sprintf("the listing has the key %q, which begins otherwise", short(key)))
	case last != "" && key <= last:
		return badAnswer(fmt.Sprintf("the listing is out of order: %q comes after %q", short(key), short(last)))
	}
	return nil
}

// short is the end of a key, for messages.
func short(key string) string {
	if len(key) > 60 {
		return "…" + strings.ToValidUTF8(key[len(key)-60:], "")
	}
	return key
}

// leads checks where a page leads to: the SDK ends quietly when the next token
// is missing, and runs in circles when it stays the same.
func (l *listing) leads(p *page, out *s3.ListObjectsV2Output) error {
	p.next = aws.ToString(out.NextContinuationToken)
	switch more := aws.ToBool(out.IsTruncated); {
	case !more:
		p.next = ""
	case p.next == "":
		return badAnswer("the listing breaks off: there is more, but the server does not say where")
	case p.next == l.token:
		return badAnswer("the listing goes round in circles: the same page follows again")
	}
	if l.idle++; len(p.objects)+len(p.folders) > 0 {
		l.idle = 0
	}
	if l.idle > maxIdlePages {
		return permanent("the listing does not get on: the server keeps sending empty pages")
	}
	return nil
}

// version tells one content of a key from another: by the ETag, or by the time
// where there is none.
func version(etag *string, modified *time.Time) string {
	if tag := strings.Trim(aws.ToString(etag), `"`); tag != "" {
		return tag
	}
	return aws.ToTime(modified).UTC().Format(time.RFC3339Nano)
}
