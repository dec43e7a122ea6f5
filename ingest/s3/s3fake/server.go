// Package s3fake is an S3 server in memory for tests: ListObjectsV2, Get, Head
// and Put with the order, paging, ranges, conditions and errors of the real
// one, and with scripted faults. The tests of the package s3 keep it honest: they
// run against it and against a real server.
package s3fake

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is the fake. Set its exported fields before the first request.
type Server struct {
	*httptest.Server
	// Bucket is the bucket that the server began with.
	Bucket string
	// KeyID, when set, is the only access key that may sign; without a
	// signature access is denied unless Anonymous. With Secret the signature
	// must be right.
	KeyID     string
	Secret    string
	Anonymous bool
	// Latency passes before each answer.
	Latency time.Duration
	// MaxKeys bounds a page of a listing; 0 is S3's own 1000.
	MaxKeys int
	// RawKeys makes the server ignore EncodingType, as some servers do.
	RawKeys bool
	// Fault is asked for each request what goes wrong with it; nil is nothing.
	Fault func(Call) *Fault

	requests atomic.Int64
	once     sync.Once
	done     chan struct{} // closed when the server ends
	mu       sync.Mutex
	buckets  map[string]*bucket
	calls    map[Call]int
	uploads  map[string]map[int][]byte // parts of the uploads under way, by number
	behind   *behind                   // nil if the server is all there is
}

// Call is one request, as Server.Fault sees it.
type Call struct {
	Op  string // "List", "Get", "Head", or "Put" for all that changes objects
	Key string // the object's key, or the prefix of a listing
	Nth int    // counts the calls with this Op and Key, from 1
}

type bucket struct {
	objects map[string]*object
	keys    []string // sorted by bytes, nil when to be sorted again
}

type object struct {
	body     []byte
	etag     string
	modified time.Time
	header   http.Header
}

// New starts a server with one empty bucket. Close it in the end.
func New(name string) *Server {
	s := newServer(name)
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

func newServer(name string) *Server {
	return &Server{
		Bucket:  name,
		done:    make(chan struct{}),
		buckets: map[string]*bucket{name: {objects: map[string]*object{}}},
		calls:   map[Call]int{},
		uploads: map[string]map[int][]byte{},
	}
}

// Close ends the server and the stalled answers.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.done)
		s.CloseClientConnections()
		s.Server.Close()
	})
}

// Requests returns how many requests came so far.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Put keeps an object. Header may hold what Get is to answer beside the body.
func (s *Server) Put(name, key string, body []byte, header http.Header) {
	if s.behind != nil {
		must(s.behind.client.Put(context.Background(), name, key, body))
		return
	}
	s.PutETag(name, key, body, sum(body), header)
}

// PutETag keeps an object whose ETag is not its MD5.
func (s *Server) PutETag(name, key string, body []byte, etag string, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if _, ok := b.objects[key]; !ok {
		b.keys = nil
	}
	b.objects[key] = &object{body, `"` + etag + `"`, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), header}
}

// Delete removes an object.
func (s *Server) Delete(name, key string) {
	if s.behind != nil {
		must(s.behind.client.Delete(context.Background(), name, key))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets[name].objects, key)
	s.buckets[name].keys = nil
}

// sorted returns the keys in S3's order: that of their UTF-8 bytes.
func (b *bucket) sorted() []string {
	if b.keys == nil {
		b.keys = make([]string, 0, len(b.objects))
		for key := range b.objects {
			b.keys = append(b.keys, key)
		}
		sort.Strings(b.keys)
	}
	return b.keys
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	call := Call{Op: operation(r.Method, key), Key: key}
	if call.Op == "List" {
		call.Key = r.URL.Query().Get("prefix")
	}
	fault := s.fault(&call)
	if s.Latency > 0 {
		time.Sleep(s.Latency)
	}
	if fault != nil && fault.instead(s, w, r) {
		return
	}
	if s.behind != nil {
		s.pass(w, r, fault)
		return
	}
	if code := s.refused(r); code != "" {
		fail(w, http.StatusForbidden, code)
		return
	}
	s.mu.Lock()
	b := s.buckets[name]
	s.mu.Unlock()
	switch {
	case b == nil:
		fail(w, http.StatusNotFound, "NoSuchBucket")
	case s.parts(w, r, name, key):
	case r.Method == http.MethodDelete:
		s.Delete(name, key)
		w.WriteHeader(http.StatusNoContent)
	case call.Op == "List":
		s.list(w, r.URL.Query(), name, b, fault)
	case call.Op == "Put":
		s.put(w, r, name, key)
	default:
		s.get(w, r, b, key, fault)
	}
}

func operation(method, key string) string {
	switch {
	case method == http.MethodPut, method == http.MethodPost, method == http.MethodDelete:
		return "Put"
	case method == http.MethodHead:
		return "Head"
	case key == "":
		return "List"
	}
	return "Get"
}

func (s *Server) fault(call *Call) *Fault {
	if s.Fault == nil {
		return nil
	}
	s.mu.Lock()
	s.calls[*call]++
	nth := s.calls[*call]
	s.mu.Unlock()
	call.Nth = nth
	return s.Fault(*call)
}

// sumHeader begins the headers of checksums.
const sumHeader = "X-Amz-Checksum-"

// fail answers with an error as S3 words it.
func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s, says the server</Message></Error>`, code, code)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, name, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	kept := http.Header{}
	for name, values := range r.Header {
		if strings.HasPrefix(name, sumHeader) || strings.HasPrefix(name, "X-Amz-Meta-") {
			kept[name] = values
		}
	}
	s.Put(name, key, body, kept)
	w.Header().Set("ETag", `"`+sum(body)+`"`)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, b *bucket, key string, fault *Fault) {
	s.mu.Lock()
	obj := b.objects[key]
	s.mu.Unlock()
	if obj == nil {
		fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && (fault == nil || !fault.NoMatch) && strings.Trim(match, `"`) != strings.Trim(obj.etag, `"`) {
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	body, status := obj.body, http.StatusOK
	if spec := r.Header.Get("Range"); spec != "" && (fault == nil || !fault.NoRange) {
		first, last, ok := byteRange(spec, len(body))
		if !ok {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(body)))
			fail(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(body)))
		body, status = body[first:last+1], http.StatusPartialContent
	}
	h := w.Header()
	for name, values := range obj.header {
		if !strings.HasPrefix(name, sumHeader) || status == http.StatusOK && r.Header.Get(sumHeader+"Mode") == "ENABLED" {
			h[name] = values
		}
	}
	h.Set("ETag", obj.etag)
	h.Set("Last-Modified", obj.modified.Format(http.TimeFormat))
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	if fault != nil {
		fault.body(s, w, r, status, body)
		return
	}
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

// byteRange reads "bytes=A-B", "bytes=A-" and "bytes=-N".
func byteRange(spec string, size int) (first, last int, ok bool) {
	from, to, found := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
	if !found {
		return 0, 0, false
	}
	last = size - 1
	if from == "" {
		n, err := strconv.Atoi(to)
		return max(size-n, 0), last, err == nil && n > 0 && size > 0
	}
	first, err := strconv.Atoi(from)
	if err != nil || first >= size {
		return 0, 0, false
	}
	if to != "" {
		n, err := strconv.Atoi(to)
		if err != nil || n < first {
			return 0, 0, false
		}
		last = min(last, n)
	}
	return first, last, true
}

// escape encodes a key as EncodingType=url asks for.
func escape(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }
