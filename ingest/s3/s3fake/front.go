package s3fake

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// behind is a real server that a Server stands in front of.
type behind struct {
	endpoint *url.URL
	client   *Client
	http     *http.Transport
}

// Front returns a Server that holds nothing itself: it passes requests on to the
// real server at endpoint, and its faults spoil what that answers. Faults that
// change requests or pages, and PutETag, are for the fake alone.
func Front(endpoint, keyID, secret, bucket string) (*Server, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	client := NewClient(endpoint, keyID, secret)
	if err := client.CreateBucket(context.Background(), bucket); err != nil {
		return nil, fmt.Errorf("make a bucket at %s: %w", endpoint, err)
	}
	s := newServer(bucket)
	s.KeyID, s.Secret = keyID, secret
	s.behind = &behind{u, client, &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s, nil
}

// Real reports whether a real server answers.
func (s *Server) Real() bool { return s.behind != nil }

// CloseClientConnections ends all connections, those to a real server too.
func (s *Server) CloseClientConnections() {
	s.Server.CloseClientConnections()
	if s.behind != nil {
		s.behind.http.CloseIdleConnections()
		s.behind.client.Close()
	}
}

// pass asks the real server. The client has signed for the front's own host,
// which stays in the request.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, fault *Fault) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = s.behind.endpoint.Scheme, s.behind.endpoint.Host, ""
	response, err := s.behind.http.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler) // cuts the connection, as the server did
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	if fault != nil && response.StatusCode < http.StatusMultipleChoices {
		fault.body(s, w, r, response.StatusCode, body)
		return
	}
	w.WriteHeader(response.StatusCode)
	w.Write(body) //nolint:errcheck // the client has gone
}

// must stops a test that cannot set up its server.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
