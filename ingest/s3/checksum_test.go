package s3

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// The sums of "123456789", as published with the algorithms.
var published = map[string]string{
	"Crc32": "y/Q5Jg==", "Crc32c": "4waSgw==", "Crc64nvme": "rosUhgp5mIg=",
	"Sha1": "98O8HYCOBHMq32eZZczDTKeuNEE=", "Sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
}

func TestSums(t *testing.T) {
	for kind, want := range published {
		response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Amz-Checksum-" + kind: {want}}}
		sum := checksumOf(response)
		if sum == nil {
			t.Errorf("%s is not heeded", kind)
			continue
		}
		fmt.Fprint(sum.hash, "123456789")
		if !sum.fits() {
			t.Errorf("%s does not fit", kind)
		}
		fmt.Fprint(sum.hash, "0")
		if sum.fits() {
			t.Errorf("%s fits anything", kind)
		}
		response.StatusCode = http.StatusPartialContent
		if checksumOf(response) != nil {
			t.Errorf("%s of a part is heeded", kind)
		}
	}
	for _, header := range []http.Header{
		{"X-Amz-Checksum-Crc32": {"y/Q5Jg==-3"}},
		{"X-Amz-Checksum-Crc32": {"y/Q5Jg=="}, "X-Amz-Checksum-Type": {"COMPOSITE"}},
		{"X-Amz-Checksum-Crc99": {"y/Q5Jg=="}},
	} {
		if checksumOf(&http.Response{StatusCode: http.StatusOK, Header: header}) != nil {
			t.Errorf("%v is heeded", header)
		}
	}
}

// A checksum finds what an ETag cannot, whether the object is held or streamed.
func TestChecksums(t *testing.T) {
	const noMD5 = "0123456789abcdef0123456789abcdef"
	record := `{"Records":[{"eventID":"p","eventTime":"2026-01-02T03:04:05Z","eventName":"X","pad":"`
	long := record + strings.Repeat("x", maxBody) + `"}]}`
	encrypted := http.Header{"X-Amz-Server-Side-Encryption": {"aws:kms"}}
	for name, c := range map[string]struct {
		text string
		sum  string // in place of the right one
		flip int    // how many answers have a bit flipped
		cut  bool   // the first answer breaks
		want string
	}{
		"right":             {text: record + `"}]}`},
		"flipped once":      {text: record + `"}]}`, flip: 1},
		"broken":            {text: record + `"}]}`, cut: true},
		"wrong":             {text: record + `"}]}`, sum: "AAAAAA==", want: "not those of its checksum"},
		"streamed, right":   {text: long},
		"streamed, broken":  {text: long, cut: true},
		"streamed, flipped": {text: long, flip: 2, want: "not those of its checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			sum := checksumOf(&http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Amz-Checksum-Crc32": {"?"}}})
			fmt.Fprint(sum.hash, c.text)
			header := encrypted.Clone()
			header.Set("X-Amz-Checksum-Crc32", first(c.sum, encoded(sum)))
			server.PutETag(bucketName, "a", []byte(c.text), noMD5, header)
			server.Fault = func(call s3fake.Call) *s3fake.Fault {
				switch {
				case call.Op != "Get":
					return nil
				case c.cut && call.Nth == 1:
					return cut(s3fake.CutReset, len(c.text)/2)
				case call.Nth <= c.flip:
					return cut(s3fake.CutFlip, len(c.text)-10)
				}
				return nil
			}
			limits := ingest.DefaultLimits
			limits.Record = 2 * maxBody
			got := ingestAll(t.Context(), newSource(t, server, "", Options{}), ingest.Options{Limits: limits})
			problem := fmt.Sprint(got.problem)
			if c.want == "" && (len(got.ids) != 1 || got.ids[0]+"]}" != c.text[len(`{"Records":[`):] || len(got.problem) > 0) ||
				c.want != "" && (len(got.ids) != 0 || !strings.Contains(problem, c.want)) {
				t.Errorf("%d records, %v, want %q", len(got.ids), problem, c.want)
			}
		})
	}
}
