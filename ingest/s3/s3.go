// Package s3 reads trails from S3 and from servers that speak its protocol. It
// is the home of the AWS SDK's S3 client; its options are plain values, so that
// no caller needs the SDK.
//
// Between the SDK and the rest stand guards against every way in which a
// listing or a body can lose data without an error: an answer that is no
// listing, a page that leads nowhere, keys out of order, a body that breaks,
// stalls, ends early or is not what was listed. What still fails is an error
// that names the object; nothing is left out quietly.
//
// The source fetches bodies ahead of its reader, as many at a time as the
// reader can use and S3 lets it, so that a decoder does not wait for the
// network.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailblame/trailblame/ingest"
)

// Scheme begins the name of a bucket as a source.
const Scheme = "s3://"

// Options say how to reach a bucket and what of it to read. The zero value
// reads everything below the prefix, as whom and where the environment and the
// AWS configuration files say.
type Options struct {
	Profile, Region string
	// EndpointURL is a server other than AWS's own.
	EndpointURL string
	// NoSignRequest reads public buckets without credentials.
	NoSignRequest bool
	// RequestPayer agrees to pay for reading a requester-pays bucket.
	RequestPayer bool
	// PathStyle puts the bucket into the path of a URL. It is always so with
	// an endpoint of one's own, and for bucket names with a dot.
	PathStyle bool

	// From and To choose objects by the day of their folder, or of their name
	// where the folders name none; a zero time is no bound. An event sits in
	// the folder of the day on which it was delivered, minutes after it
	// happened as a rule, so the days run from From's to the one that LookAhead
	// after To falls on. Records are not looked at: what is read holds events
	// from outside as well.
	From, To time.Time
	// LookAhead is how late a delivery may be; 0 is a day.
	LookAhead time.Duration
	// Accounts and Regions choose folders; * and ? stand for any text and any
	// letter. What names no account or region is read. Events of global
	// services (IAM, STS) are in us-east-1 since November 2021.
	Accounts, Regions []string

	// Known tells objects that will not be opened. They are listed like all
	// others but not fetched ahead.
	Known func(ingest.Object) bool

	// Concurrency is the number of requests at a time; 0 finds a number that
	// keeps the reader busy. Throttling lowers it in any case.
	Concurrency int
	// Stats, when set, counts the source's requests.
	Stats *Stats

	// Idle is how long a server may be silent before the request is given up
	// and made again; 0 is 30 seconds.
	Idle time.Duration
	// Delay bounds the pause before the second try of a request, and doubles
	// for each one more; 0 is 100 ms. Tries is the number of tries, 0 is 10.
	Delay time.Duration
	Tries int
}

// Stats counts what a source does. Its fields may be read at any time.
type Stats struct {
	Listings  atomic.Int64 // requests for a page
	Gets      atomic.Int64 // requests for a body, or for the rest of one
	Retries   atomic.Int64 // requests that were made again
	Throttled atomic.Int64 // answers that asked to slow down
	Bytes     atomic.Int64 // of bodies
	AtATime   atomic.Int64 // requests that may run at a time now
	// Found and FoundBytes are what the listings found to read, Walked the
	// listings that are through: what is left is known when all are.
	Found, FoundBytes, Walked atomic.Int64
	LeftOut                   atomic.Int64 // folders and single objects that are no trail's, or not chosen
}

// Defaults of Options.
const (
	defaultIdle      = 30 * time.Second
	defaultDelay     = 100 * time.Millisecond
	defaultTries     = 10
	defaultLookAhead = 24 * time.Hour
)

func (o *Options) defaults() {
	setDefault(&o.Idle, defaultIdle)
	setDefault(&o.Delay, defaultDelay)
	setDefault(&o.Tries, defaultTries)
	setDefault(&o.LookAhead, defaultLookAhead)
	if o.Stats == nil {
		o.Stats = new(Stats)
	}
}

func setDefault[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// Source is a bucket, or what begins with a prefix in it, as an ingest.Source.
// A prefix that names a folder or an object means that alone: s3://b/prod is
// prod/ where there is such a folder, and not prod-old/.
type Source struct {
	bucket, prefix string
	opts           Options
	client         *s3.Client
	direct         *direct
	transport      *http.Transport
	credentials    *aws.CredentialsCache // nil when requests are not signed
	pace           *pace
	choice         choice
	opaque         atomic.Bool // ETags of this server are no MD5s

	mu     sync.Mutex
	bodies map[string]*body // fetched ahead, by the object's name
	held   int64            // bytes of bodies that are fetched, or opened and not closed
	freed  chan struct{}    // told when held goes down
}

// New returns the source that rawURL, s3://bucket/prefix, names. It makes no
// request to the bucket yet.
func New(ctx context.Context, rawURL string, opts Options) (*Source, error) {
	bucket, prefix, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	opts.defaults()
	s := &Source{
		bucket: bucket, prefix: prefix, opts: opts,
		pace: newPace(opts), bodies: map[string]*body{}, freed: make(chan struct{}, 1),
	}
	if s.choice, err = newChoice(prefix, opts); err != nil {
		return nil, err
	}
	return s, s.connect(ctx)
}

func parseURL(rawURL string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(rawURL, Scheme)
	bucket, prefix, _ = strings.Cut(rest, "/")
	switch {
	case !ok:
		return "", "", fmt.Errorf("%q does not begin with s3://", rawURL)
	case bucket == "":
		return "", "", errors.New("s3://: the name of a bucket is missing")
	case strings.ContainsAny(bucket, " ?#%@:\\"):
		return "", "", fmt.Errorf("%q is no name of a bucket", bucket)
	}
	return bucket, prefix, nil
}

// name is how objects of the source are named outside of it.
func (s *Source) name(key string) string { return Scheme + s.bucket + "/" + key }

// key is the opposite of name.
func (s *Source) key(name string) (string, error) {
	key, ok := strings.CutPrefix(name, s.name(""))
	if !ok || key == "" {
		return "", fmt.Errorf("%q is no object of %s%s", name, Scheme, s.bucket)
	}
	return key, nil
}
