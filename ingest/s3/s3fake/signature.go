package s3fake

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// refused says why a request is not let in, or nothing.
func (s *Server) refused(r *http.Request) string {
	authorization := r.Header.Get("Authorization")
	_, credential, signed := strings.Cut(authorization, "Credential=")
	scope := strings.Split(credential, "/") // key id, day, region, service
	switch {
	case s.KeyID == "", !signed && s.Anonymous:
		return ""
	case !signed:
		return "AccessDenied"
	case scope[0] != s.KeyID:
		return "InvalidAccessKeyId"
	case s.Secret != "" && (len(scope) < 4 || s.sign(r, scope[2]) != authorization):
		return "SignatureDoesNotMatch"
	}
	return ""
}

// sign returns the Authorization that a request should have.
func (s *Server) sign(r *http.Request, region string) string {
	again := r.Clone(r.Context())
	again.URL = &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	again.Header = http.Header{}
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(rest, ",")
	for name := range strings.SplitSeq(names, ";") {
		if values := r.Header.Values(name); len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	when, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "no date"
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err = signer.SignHTTP(r.Context(), aws.Credentials{AccessKeyID: s.KeyID, SecretAccessKey: s.Secret},
		again, r.Header.Get("X-Amz-Content-Sha256"), "s3", region, when)
	if err != nil {
		return err.Error()
	}
	return again.Header.Get("Authorization")
}
