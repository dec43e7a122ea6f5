package digest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"
)

// Verdict says what the digests say of one delivery.
type Verdict string

// The verdicts. A delivery is covered when a valid digest lists it and it
// could be read.
const (
	Verified   Verdict = "verified"
	Broken     Verdict = "broken"
	NotCovered Verdict = "notCovered"
)

// Count counts the results of one kind.
type Count struct {
	Valid     int `json:"valid"`
	Invalid   int `json:"invalid"`
	Unchecked int `json:"unchecked,omitempty"`
}

// Gap is a time for which no valid digest vouches.
type Gap struct {
	Trail
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason Reason    `json:"reason"`
}

// Span is the time over which a chain's valid digests reach, gaps included.
// What lies outside of it is as unvouched for as a gap: a digest that was
// deleted at the newest end leaves no other trace.
type Span struct {
	Trail
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Summary adds up results. Its zero value is ready. It keeps about 40 bytes
// for each delivery, for Verdict to answer from. It belongs to one goroutine
// while Add is called; afterwards any number may read.
type Summary struct {
	Digests Count `json:"digests"`
	Logs    Count `json:"logs"`
	// Covered counts the deliveries that a valid digest lists, each once.
	Covered int    `json:"covered"`
	Spans   []Span `json:"spans"`
	Gaps    []Gap  `json:"gaps"`

	verdicts map[objectHash]Reason // "" when verified
}

// objectHash stands for the name of a delivery. 16 bytes of SHA-256 do not
// collide by chance nor by design.
type objectHash [16]byte

func hashOf(name string) objectHash {
	sum := sha256.Sum256([]byte(name))
	return objectHash(sum[:16])
}

// Add takes each result of Validate, those that came with an error too.
func (s *Summary) Add(r Result) {
	switch r.Kind {
	case KindGap:
		s.Gaps = append(s.Gaps, Gap{r.Trail, *r.From, *r.To, r.Reason})
	case KindDigest:
		s.Digests.add(r.Status)
		if r.Status == StatusValid {
			s.span(r)
		}
	case KindLog:
		s.Logs.add(r.Status)
		s.cover(r)
	}
}

func (c *Count) add(status Status) {
	switch status {
	case StatusValid:
		c.Valid++
	case StatusInvalid:
		c.Invalid++
	case StatusUnchecked:
		c.Unchecked++
	}
}

func (s *Summary) span(r Result) {
	i := len(s.Spans) - 1 // the chains come one after another
	if i < 0 || s.Spans[i].Trail != r.Trail {
		s.Spans = append(s.Spans, Span{r.Trail, *r.From, *r.To})
		return
	}
	if r.From.Before(s.Spans[i].From) {
		s.Spans[i].From = *r.From
	}
	if r.To.After(s.Spans[i].To) {
		s.Spans[i].To = *r.To
	}
}

// cover keeps the worst that is known of a delivery.
func (s *Summary) cover(r Result) {
	if r.Status == StatusUnchecked {
		return
	}
	name := r.Object
	if r.local != "" {
		name = r.local
	}
	if s.verdicts == nil {
		s.verdicts = map[objectHash]Reason{}
	}
	hash := hashOf(name)
	if reason, known := s.verdicts[hash]; known && reason != "" {
		return
	}
	s.verdicts[hash] = r.Reason
	s.Covered = len(s.verdicts)
}

// Verdict answers for a delivery: by s3://bucket/key, or by its key when the
// store does not know its bucket (Folder.Key gives the key of a file). The
// reason tells how a broken one is broken. A delivery that an invalid digest
// lists is not covered.
func (s *Summary) Verdict(name string) (Verdict, Reason) {
	reason, known := s.verdicts[hashOf(name)]
	switch {
	case !known:
		return NotCovered, ""
	case reason == "":
		return Verified, ""
	}
	return Broken, reason
}

// OK reports whether nothing that was looked at is invalid. Gaps do not count,
// and neither does that there was nothing to look at.
func (s *Summary) OK() bool { return s.Digests.Invalid == 0 && s.Logs.Invalid == 0 }

// Complete reports whether everything could be read.
func (s *Summary) Complete() bool { return s.Digests.Unchecked == 0 && s.Logs.Unchecked == 0 }

// WriteText writes the lines with which `aws cloudtrail validate-logs` ends.
func (s *Summary) WriteText(w io.Writer) error {
	var b strings.Builder
	total := s.Digests.Valid + s.Digests.Invalid
	switch {
	case total == 0:
		b.WriteString("No digests found\n")
	case len(s.Spans) == 0:
		b.WriteString("No valid digests found in range\n")
	default:
		from, to := s.found()
		fmt.Fprintf(&b, "Results found for %s to %s:\n", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	if total > 0 {
		b.WriteString("\n")
	}
	s.Digests.write(&b, "digest")
	s.Logs.write(&b, "log")
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Summary) found() (from, to time.Time) {
	from, to = s.Spans[0].From, s.Spans[0].To
	for _, span := range s.Spans {
		if span.From.Before(from) {
			from = span.From
		}
		if span.To.After(to) {
			to = span.To
		}
	}
	return from, to
}

func (c Count) write(b *strings.Builder, what string) {
	total := c.Valid + c.Invalid
	if total > 0 {
		fmt.Fprintf(b, "%d/%d %s files valid", c.Valid, total, what)
		if c.Invalid > 0 {
			fmt.Fprintf(b, ", %d/%d %s files INVALID", c.Invalid, total, what)
		}
		b.WriteString("\n")
	}
	if c.Unchecked > 0 {
		fmt.Fprintf(b, "%d %s files could not be read\n", c.Unchecked, what)
	}
}
