package s3fake

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// parts takes the requests of an upload in parts: its beginning, a part, its
// end. It reports whether the request was one of them.
func (s *Server) parts(w http.ResponseWriter, r *http.Request, name, key string) bool {
	q := r.URL.Query()
	id := q.Get("uploadId")
	switch {
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.mu.Lock()
		id = strconv.Itoa(len(s.uploads) + 1)
		s.uploads[id] = map[int][]byte{}
		s.mu.Unlock()
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
			xmlText(name), xmlText(key), id)
	case r.Method == http.MethodPut && id != "":
		body, err := io.ReadAll(r.Body)
		number, _ := strconv.Atoi(q.Get("partNumber"))
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil || s.uploads[id] == nil || number < 1 {
			fail(w, http.StatusBadRequest, "InvalidPart")
			return true
		}
		s.uploads[id][number] = body
		w.Header().Set("ETag", `"`+sum(body)+`"`)
	case r.Method == http.MethodPost && id != "":
		s.complete(w, name, key, id)
	default:
		return false
	}
	return true
}

// complete makes an object of the parts. Its ETag is the MD5 of their MD5s with
// their number.
func (s *Server) complete(w http.ResponseWriter, name, key, id string) {
	s.mu.Lock()
	parts := s.uploads[id]
	delete(s.uploads, id)
	s.mu.Unlock()
	var whole, sums []byte
	for number := 1; number <= len(parts); number++ {
		one := md5.Sum(parts[number])
		whole, sums = append(whole, parts[number]...), append(sums, one[:]...)
	}
	etag := fmt.Sprintf("%s-%d", sum(sums), len(parts))
	s.PutETag(name, key, whole, etag, nil)
	fmt.Fprintf(w, "<CompleteMultipartUploadResult><ETag>&quot;%s&quot;</ETag></CompleteMultipartUploadResult>", etag)
}

func sum(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
