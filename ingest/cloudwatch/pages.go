package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// pages is the text of one slice. It starts no goroutine, so that a reader who
// goes away early leaves nothing behind.
type pages struct {
	ctx    context.Context
	source *Source
	in     *cloudwatchlogs.FilterLogEventsInput
	buf    bytes.Buffer
	events int
	seen   cycle
	err    error // what Read returns when buf is empty
}

// emptySlice stands for an hour without events, which is not an empty file.
const emptySlice = `{"Records":[]}` + "\n"

// Read implements io.Reader.
func (p *pages) Read(b []byte) (int, error) {
	for p.buf.Len() == 0 && p.err == nil {
		p.err = p.fetch()
	}
	if p.buf.Len() > 0 {
		return p.buf.Read(b)
	}
	return 0, p.err
}

// Close implements io.Closer.
func (p *pages) Close() error {
	if p.err == nil {
		p.err = errors.New("read after close")
	}
	p.buf.Reset()
	return nil
}

// fetch takes one page. A page without events is no end; one without a token is.
func (p *pages) fetch() error {
	out, err := again(p.ctx, p.source.pace, func(ctx context.Context) (*cloudwatchlogs.FilterLogEventsOutput, error) {
		out, err := p.source.client.FilterLogEvents(ctx, p.in)
		// An empty body is no error to the SDK; AWS always sends the list.
		if err == nil && out.Events == nil {
			err = errNoAnswer
		}
		return out, err
	})
	if err != nil {
		return err
	}
	for _, event := range out.Events {
		if event.Message != nil {
			p.add(*event.Message)
		}
	}
	if out.NextToken != nil && *out.NextToken != "" {
		p.in.NextToken = out.NextToken
		return p.seen.next(*out.NextToken)
	}
	if p.events == 0 {
		p.buf.WriteString(emptySlice)
	}
	return io.EOF
}

func (p *pages) add(message string) {
	p.events++
	enc := json.NewEncoder(&p.buf)
	enc.SetEscapeHTML(false)
	// A bytes.Buffer takes everything, and a string is always JSON.
	_ = enc.Encode(struct {
		Message string `json:"message"`
	}{message})
}

// maxPages bounds a slice, against a server that never ends. At 10,000 events a
// page no hour comes near, even when most pages are empty.
const maxPages = 1 << 20

// cycle finds a token that came before, in whatever distance, by comparing with
// one of those before, which it replaces after twice as many each time.
type cycle struct {
	kept         string
	since, power int
	pages        int
}

func (c *cycle) next(token string) error {
	if token == c.kept {
		return errors.New("the server gave the same page token twice; its listing would never end")
	}
	if c.pages++; c.pages > maxPages {
		return fmt.Errorf("more than %d pages", maxPages)
	}
	if c.since++; c.since > c.power {
		c.kept, c.since, c.power = token, 0, 2*c.power+1
	}
	return nil
}
