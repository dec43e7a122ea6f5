package s3

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
)

const (
	dialTimeout = 15 * time.Second
	// fallbackRegion is asked when none is set; S3 says where the bucket is.
	fallbackRegion = "us-east-1"
)

// connect makes the client. Trying again is left to us: the SDK's retries stop
// as soon as a budget, shared by all calls of a client, is spent, which
// throttling does in seconds, and they do not cover bodies.
func (s *Source) connect(ctx context.Context) error {
	cfg, err := s.config(ctx)
	if err != nil {
		return explainConfig(err)
	}
	if s.opts.NoSignRequest {
		cfg.Credentials = aws.AnonymousCredentials{}
	} else if cfg.Credentials != nil {
		s.credentials = aws.NewCredentialsCache(marked{cfg.Credentials})
		cfg.Credentials = s.credentials
	}
	s.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = s.httpClient(cfg.HTTPClient)
		if s.opts.EndpointURL != "" {
			o.BaseEndpoint = &s.opts.EndpointURL
		}
		o.UsePathStyle = s.opts.PathStyle || o.BaseEndpoint != nil || strings.Contains(s.bucket, ".")
		// Listings have none, and not every server understands what asks for them.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	s.direct, err = s.newDirect(ctx, cfg.ResponseChecksumValidation != aws.ResponseChecksumValidationWhenRequired)
	return err
}

func (s *Source) config(ctx context.Context) (aws.Config, error) {
	// What goes wrong is told in errors; the SDK would warn on standard error.
	opts := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if s.opts.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(s.opts.Profile))
	}
	if s.opts.Region != "" {
		opts = append(opts, config.WithRegion(s.opts.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err == nil && cfg.Region == "" {
		cfg.Region = fallbackRegion
	}
	return cfg, err
}

// httpClient keeps of the configured client what is the user's, as a bundle of
// CA certificates. It follows no redirect: S3's lead to other regions, where
// the signature is not right.
func (s *Source) httpClient(configured aws.HTTPClient) *http.Client {
	s.transport = http.DefaultTransport.(*http.Transport).Clone()
	if b, ok := configured.(*awshttp.BuildableClient); ok {
		s.transport = b.GetTransport()
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	t := s.transport
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &watched{conn, s.opts.Idle}, nil
	}
	t.TLSHandshakeTimeout = dialTimeout
	t.ResponseHeaderTimeout = s.opts.Idle
	t.MaxIdleConns = maxAtATime
	t.MaxIdleConnsPerHost = maxAtATime
	t.IdleConnTimeout = s.opts.Idle / 2
	t.DisableCompression = true
	t.ReadBufferSize = 32 << 10 // most bodies in one read, with their header
	// S3 speaks HTTP/1.1 only, with one request at a time on a connection.
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close gives up what was fetched and not opened, and the connections that are
// idle. What is open stays open.
func (s *Source) Close() error {
	s.dropAll()
	s.transport.CloseIdleConnections()
	return nil
}

// watched is a connection on which a read fails when nothing comes for long:
// neither net/http nor the SDK ends a body that stalls.
type watched struct {
	net.Conn
	idle time.Duration
}

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	if err := w.SetReadDeadline(time.Now().Add(w.idle)); err != nil {
		return 0, err
	}
	return w.Conn.Read(p)
}

// Write implements net.Conn. The answer to what is written may take as long
// again, however long the connection was idle before.
func (w *watched) Write(p []byte) (int, error) {
	if err := w.SetReadDeadline(time.Now().Add(w.idle)); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// marked tells failures to get credentials from those of a request.
type marked struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &CredentialsError{Reason: "no usable credentials", Err: err}
	}
	return c, err
}

// payer is the header of requests to buckets whose readers pay.
func (s *Source) payer() types.RequestPayer {
	if s.opts.RequestPayer {
		return types.RequestPayerRequester
	}
	return ""
}
