package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// direct makes the GET requests. The SDK says where they go and signs them; its
// chain of some forty steps a request is left out, since it takes more time
// than the decoding of a small object does.
type direct struct {
	transport   *http.Transport
	base        *url.URL
	region      string
	credentials *aws.CredentialsCache // nil when requests are not signed
	signer      *v4.Signer
	skew        atomic.Int64 // of the server's clock against ours, nanoseconds
	payer       bool
	summed      bool // checksums are asked for
}

// emptyHash is the SHA-256 of a request without a body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// newDirect asks the SDK where the bucket is and how requests are signed there.
func (s *Source) newDirect(ctx context.Context, summed bool) (*direct, error) {
	o := s.client.Options()
	endpoint, err := o.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &s.bucket, Region: &o.Region, Endpoint: o.BaseEndpoint,
		ForcePathStyle: aws.Bool(o.UsePathStyle), Accelerate: aws.Bool(o.UseAccelerate),
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return nil, fmt.Errorf("%s%s: %s", Scheme, s.bucket, words(err))
	}
	d := &direct{
		transport: s.transport, base: &endpoint.URI, credentials: s.credentials, payer: s.opts.RequestPayer, summed: summed,
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}
	schemes, _ := auth.GetAuthOptions(&endpoint.Properties)
	for _, scheme := range schemes {
		service, _ := smithyhttp.GetSigV4SigningName(&scheme.SignerProperties)
		region, _ := smithyhttp.GetSigV4SigningRegion(&scheme.SignerProperties)
		if service == "s3" && region != "" {
			d.region = region
			return d, nil
		}
	}
	return nil, fmt.Errorf("%s%s: directory buckets and multi-region access points cannot be read", Scheme, s.bucket)
}

// get asks for an object, on the condition and from the offset that are given.
// An answer without one is an error of the SDK's kinds.
func (d *direct) get(ctx context.Context, key, ifMatch string, offset int64) (*http.Response, error) {
	req := (&http.Request{
		Method: http.MethodGet, URL: d.url(key), Host: d.base.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, 8),
	}).WithContext(ctx)
	req.Header.Set("User-Agent", "trailblame")
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	if ifMatch != "" {
		req.Header.Set("If-Match", `"`+ifMatch+`"`)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	if d.summed {
		req.Header.Set("X-Amz-Checksum-Mode", "ENABLED")
	}
	if d.payer {
		req.Header.Set("X-Amz-Request-Payer", "requester")
	}
	if err := d.sign(req); err != nil {
		return nil, err
	}
	response, err := d.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusPartialContent {
		return nil, d.refused(response)
	}
	return response, nil
}

func (d *direct) sign(req *http.Request) error {
	if d.credentials == nil {
		return nil
	}
	credentials, err := d.credentials.Retrieve(req.Context())
	if err != nil {
		return err
	}
	now := time.Now().Add(time.Duration(d.skew.Load())).UTC()
	return d.signer.SignHTTP(req.Context(), credentials, req, emptyHash, "s3", d.region, now)
}

// url is the address of an object. Every byte of the key is kept as it is, dots
// and double slashes too.
func (d *direct) url(key string) *url.URL {
	u := *d.base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + key
	u.RawPath = strings.TrimSuffix(d.base.EscapedPath(), "/") + "/" + escape(key)
	return &u
}

// escape encodes a key as the signature wants it.
func escape(key string) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(key)+16)
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// skewed is the code of a request whose time is not the server's.
const skewed = "RequestTimeTooSkewed"

// refused turns an answer without an object into an error.
func (d *direct) refused(response *http.Response) error {
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // what has come says enough
	var said struct{ Code, Message string }
	if err := xml.Unmarshal(text, &said); err != nil || said.Code == "" {
		said.Code = unknown
		if response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusNotFound {
			said.Code = strings.ReplaceAll(http.StatusText(response.StatusCode), " ", "")
		}
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil && said.Code == skewed {
		d.skew.Store(int64(time.Until(date)))
	}
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: response},
		Err:      &smithy.GenericAPIError{Code: said.Code, Message: said.Message},
	}
}
