package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// CredentialsError says that S3 does not take the credentials, or that there
// are none. Nothing more can be read with them, so it ends the listing, and a
// run should end with it too: what was read before it counts, and the next run
// goes on from there.
type CredentialsError struct {
	Reason string
	Err    error
}

// Error implements error.
func (e *CredentialsError) Error() string { return e.Reason + "; run again to resume" }

// Unwrap returns what S3 or the SDK said.
func (e *CredentialsError) Unwrap() error { return e.Err }

// StopsRun says that no other object can be read either.
func (e *CredentialsError) StopsRun() bool { return true }

// errBadAnswer marks answers that are none to the request, as a proxy gives.
var errBadAnswer = errors.New("bad answer")

// badAnswer is an errBadAnswer with its own words.
type badAnswer string

func (b badAnswer) Error() string        { return string(b) }
func (b badAnswer) Is(target error) bool { return target == errBadAnswer }

func isBadAnswer(err error) bool { return errors.Is(err, errBadAnswer) }

// errBroken marks bodies that did not come whole or not as they are.
var errBroken = errors.New("the body did not come whole")

// permanent is an error of ours that another try does not mend.
type permanent string

func (p permanent) Error() string { return string(p) }

var expiredCodes = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}

// refusedCodes say that the credentials are not right, whatever is asked.
var refusedCodes = []string{
	"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId",
	"UnrecognizedClientException", "InvalidSecurity", "NotSignedUp", "AccountProblem",
}

var transientCodes = []string{"InternalError", "OperationAborted", "RequestTimeout", skewed, "ServiceUnavailable", "IncompleteBody"}

var (
	throttles  = retry.IsErrorThrottles(retry.DefaultThrottles)
	retryables = retry.IsErrorRetryables(retry.DefaultRetryables)
)

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

func isThrottle(err error) bool {
	return err != nil && (throttles.IsErrorThrottle(err) == aws.TrueTernary ||
		status(err) == http.StatusServiceUnavailable || status(err) == http.StatusTooManyRequests)
}

func isExpired(err error) bool { return slices.Contains(expiredCodes, code(err)) }

func isUnreachable(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound || errors.Is(err, syscall.ECONNREFUSED)
}

// isCutOff reports whether an answer began well and could not be read: it breaks
// off, which the SDK words in many ways.
func isCutOff(err error) bool { return status(err)/100 == 2 && code(err) == "" }

// isTransient reports whether another try may help. It is asked only while the
// caller has not given up, so that a deadline is that of one try.
func isTransient(err error) bool {
	var credentials *CredentialsError
	var fixed permanent
	var network net.Error
	var garbled *smithy.DeserializationError
	switch {
	case errors.As(err, &credentials), errors.As(err, &fixed):
		return false
	case isBadAnswer(err), errors.Is(err, errBroken), isThrottle(err), isUnreachable(err):
		return true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true
	case slices.Contains(transientCodes, code(err)), status(err) >= 500:
		return true
	case isCutOff(err):
		return true
	case status(err) >= 300 && code(err) != "":
		return false
	}
	return errors.As(err, &network) || errors.Is(err, syscall.ECONNRESET) ||
		retryables.IsErrorRetryable(err) == aws.TrueTernary || errors.As(err, &garbled)
}

// advice is what to do about the codes that S3 gives for one object or bucket.
var advice = map[string]string{
	"AccessDenied":       "access denied; s3:GetObject and s3:ListBucket are needed, and kms:Decrypt for an encrypted bucket",
	"Forbidden":          "access denied; the server does not say why (403)",
	"NoSuchKey":          "gone since it was listed; run again",
	"NotFound":           "gone since it was listed; run again",
	"NoSuchBucket":       "there is no such bucket",
	"PreconditionFailed": "changed since it was listed; run again",
	"InvalidObjectState": "archived; restore it from its storage class first",
	skewed:               "the clock of this machine is wrong; set it and run again",
}

// explain words an error in one line, with what to do, and gives those of the
// credentials their own type.
func (s *Source) explain(err error, tries int) error {
	var credentials *CredentialsError
	c := code(err)
	switch {
	case errors.As(err, &credentials):
		return credentials
	case slices.Contains(expiredCodes, c):
		return &CredentialsError{"credentials expired", err}
	case slices.Contains(refusedCodes, c):
		return &CredentialsError{"credentials not accepted (" + c + ")", err}
	case status(err) == http.StatusMovedPermanently, status(err) == http.StatusTemporaryRedirect:
		return &requestError{s.elsewhere(err), err}
	case advice[c] != "":
		return &requestError{advice[c], err}
	case isThrottle(err):
		return &requestError{fmt.Sprintf("throttled, %d tries in all; run again to resume, with a lower concurrency", tries), err}
	}
	text := words(err)
	if tries > 1 {
		text = fmt.Sprintf("%s (%d tries)", text, tries)
	}
	return &requestError{text, err}
}

// requestError is a request's failure in one line.
type requestError struct {
	text string
	err  error
}

func (r *requestError) Error() string { return r.text }
func (r *requestError) Unwrap() error { return r.err }

// elsewhere names the region that a redirect names.
func (s *Source) elsewhere(err error) string {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		if region := response.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return fmt.Sprintf("the bucket is in another region; run again with --region %s", oneLine(region))
		}
	}
	return "the bucket is in another region, which the server does not name; set --region"
}

// words is the core of an error, without the SDK's chain of operations, request
// ids and addresses that may be signed.
func words(err error) string {
	var api smithy.APIError
	var fixed permanent
	var bad badAnswer
	var network *net.OpError
	switch {
	case errors.As(err, &fixed):
		return oneLine(string(fixed))
	case errors.As(err, &bad):
		return oneLine(string(bad))
	case isTimeout(err):
		return "the server stopped answering"
	case errors.Is(err, errBroken), errors.Is(err, io.ErrUnexpectedEOF), isCutOff(err):
		return errBroken.Error()
	case errors.As(err, &api) && api.ErrorCode() != unknown:
		return oneLine(api.ErrorCode() + ": " + api.ErrorMessage())
	case status(err) >= 300:
		return fmt.Sprintf("the server answered %d %s without saying why", status(err), http.StatusText(status(err)))
	case errors.As(err, &network) && network.Op == "dial":
		return oneLine(network.Error())
	}
	for next := err; next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return oneLine(err.Error())
}

// unknown is the code that the SDK gives to an answer that holds none.
const unknown = "UnknownError"

func isTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// oneLine keeps what a server says to one short line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// explainConfig words what is wrong with the AWS configuration.
func explainConfig(err error) error {
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return fmt.Errorf("there is no AWS profile %q; see --profile", profile.Profile)
	}
	return fmt.Errorf("AWS configuration: %s", words(err))
}

// stopping keeps the error that ends a run.
func stopping(kept, err error) error {
	var credentials *CredentialsError
	if kept == nil && errors.As(err, &credentials) {
		return credentials
	}
	return kept
}
