// Package cloudwatch reads trails that are delivered to CloudWatch Logs, and
// fetches the public keys of digests. It is one of the two homes of the AWS
// SDK; its options are plain values, so that no caller needs the SDK.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/trailblame/trailblame/ingest/backoff"
)

// Access says as whom and where to call AWS. Empty values come from the
// environment and the AWS configuration files.
type Access struct {
	Profile, Region string
	// Endpoint is the URL of a server other than AWS's own.
	Endpoint string
}

// CredentialsError says that AWS did not take the credentials, or that there
// are none. Nothing more can be read with them; a later run goes on.
type CredentialsError struct{ Err error }

// Error implements error.
func (e *CredentialsError) Error() string {
	return "AWS credentials are missing, wrong or expired; run again with fresh ones: " + e.Err.Error()
}

// StopsRun implements ingest.StopError.
func (e *CredentialsError) StopsRun() bool { return true }

// Unwrap returns what AWS or the SDK said.
func (e *CredentialsError) Unwrap() error { return e.Err }

// Retries are our own: the SDK's stop as soon as a budget, shared by all calls
// of a client, is spent, which throttling does in seconds.
const (
	maxTries   = 10
	firstDelay = 200 * time.Millisecond
	maxDelay   = 20 * time.Second
	tryTimeout = time.Minute // of one request, whose answer is 1 MB at most
)

// pace is how calls are tried again; tests make it faster.
type pace struct {
	first, timeout time.Duration
}

var defaultPace = pace{firstDelay, tryTimeout}

func (a Access) load(ctx context.Context) (aws.Config, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		// What goes wrong is told in errors; the SDK would warn on standard error.
		config.WithLogger(logging.Nop{}),
	}
	if a.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(a.Profile))
	}
	if a.Region != "" {
		opts = append(opts, config.WithRegion(a.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return cfg, err
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region is set; name one with --aws-region or AWS_REGION")
	}
	if a.Endpoint != "" {
		cfg.BaseEndpoint = &a.Endpoint
	}
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = tryTimeout
	})
	if cfg.Credentials != nil {
		cfg.Credentials = aws.NewCredentialsCache(marked{cfg.Credentials})
	}
	return cfg, nil
}

// marked tells failures to get credentials from those of a call.
type marked struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &CredentialsError{err}
	}
	return c, err
}

// again calls f until it works, fails for good, or was tried often enough.
func again[T any](ctx context.Context, p pace, f func(context.Context) (T, error)) (T, error) {
	for try := 1; ; try++ {
		out, err := once(ctx, p.timeout, f)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return out, ctx.Err()
		case !transient(err):
			return out, explain(err)
		case try == maxTries:
			return out, fmt.Errorf("given up after %d tries: %w", try, explain(err))
		}
		if err := backoff.Sleep(ctx, backoff.Delay(p.first, maxDelay, try)); err != nil {
			return out, err
		}
	}
}

func once[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f(ctx)
}

// errNoAnswer says that the text that came back is not an answer to the call.
var errNoAnswer = errors.New("the server's answer is not one to this request")

var retryables = retry.IsErrorRetryables(retry.DefaultRetryables)

// transient reports whether another try may help. It is asked only while the
// caller has not given up, so that a deadline is that of one try.
func transient(err error) bool {
	var marked *CredentialsError
	var garbled *smithy.DeserializationError
	var api smithy.APIError
	switch {
	case errors.As(err, &marked):
		return false
	case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded):
		return true
	case retryables.IsErrorRetryable(err) == aws.TrueTernary:
		return true
	case errors.As(err, &api):
		return slices.Contains(transientCodes, api.ErrorCode())
	}
	return errors.As(err, &garbled)
}

// transientCodes are those that the SDK does not count as such by itself.
var transientCodes = []string{"LimitExceededException", "ServiceUnavailableException", "InternalServerException", "InternalFailure"}

var credentialCodes = []string{
	"ExpiredTokenException", "ExpiredToken", "RequestExpired", "UnrecognizedClientException",
	"InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationTokenException", "IncompleteSignature",
}

// explain gives the errors their own types, and leaves out the SDK's chain of
// operations where AWS's words are enough.
func explain(err error) error {
	var marked *CredentialsError
	var api smithy.APIError
	switch {
	case errors.As(err, &marked):
		return marked
	case errors.As(err, &api) && slices.Contains(credentialCodes, api.ErrorCode()):
		return &CredentialsError{err}
	case errors.As(err, &api):
		return &callError{api.ErrorCode(), api.ErrorMessage(), err}
	}
	return err
}

// callError is what AWS answered, in its own words.
type callError struct {
	code, message string
	err           error
}

func (e *callError) Error() string {
	if e.message == "" {
		return e.code
	}
	return e.code + ": " + e.message
}

func (e *callError) Unwrap() error { return e.err }
