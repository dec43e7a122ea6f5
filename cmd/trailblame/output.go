package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// format is a way to write findings.
type format string

// The formats.
const (
	formatText     format = "text"
	formatNDJSON   format = "ndjson"
	formatJSON     format = "json"
	formatCSV      format = "csv"
	formatMarkdown format = "markdown"
)

// parseFormat reads the name of a format, one of the common ones or of more.
// Without a name it is text on a terminal and NDJSON elsewhere.
func parseFormat(name string, terminal bool, more ...format) (format, error) {
	if slices.Contains(more, format(name)) {
		return format(name), nil
	}
	switch f := format(name); f {
	case formatText, formatNDJSON, formatJSON, formatCSV, formatMarkdown:
		return f, nil
	case "":
		if terminal {
			return formatText, nil
		}
		return formatNDJSON, nil
	}
	names := "text, ndjson, json, csv"
	for _, f := range more {
		names += ", " + string(f)
	}
	return "", fmt.Errorf("--format %s: want %s or markdown", safe(name), names)
}

// findingEncoder writes a stream of findings. close writes what the format needs
// at its end, also when there was no finding, and what is still buffered; it does
// not close the writer. After an error nothing more is written, and every call
// returns that error. The error of a finding may come as late as close.
type findingEncoder interface {
	encode(f *correlate.Finding) error
	close() error
}

// bufferSize is how much output is gathered before it is written.
const bufferSize = 64 << 10

// newFindingEncoder returns an encoder that writes to w, a finding at a time.
func newFindingEncoder(w io.Writer, form format, st style) findingEncoder {
	e := &encoder{w: bufio.NewWriterSize(w, bufferSize), style: st}
	switch form {
	case formatText:
		e.each, e.prompt = e.text, true
	case formatJSON:
		e.each, e.end = e.jsonElement, e.jsonEnd
	case formatCSV:
		e.start, e.each = e.csvHeader, e.csvRows
	case formatMarkdown:
		e.start, e.each = e.markdownHeader, e.markdownRows
	default:
		e.each = e.ndjson
	}
	return e
}

// encoder is a format in parts: what comes before the first finding, for each
// one, and at the end. Each part fills buf, which goes to w as a whole, so that
// every write to the outside ends with a whole finding.
type encoder struct {
	w      *bufio.Writer
	style  style
	buf    bytes.Buffer
	count  int  // findings so far
	begun  bool // start has run
	prompt bool // people wait: show each finding at once
	err    error

	start, end func() error
	each       func(f *correlate.Finding) error
}

func (e *encoder) encode(f *correlate.Finding) error {
	e.begin()
	e.write(func() error { return e.each(f) })
	e.count++
	return e.err
}

func (e *encoder) close() error {
	e.begin()
	e.write(e.end)
	e.flush()
	return e.err
}

func (e *encoder) begin() {
	if !e.begun {
		e.begun = true
		e.write(e.start)
	}
}

// write runs a part and writes what it put into buf.
func (e *encoder) write(part func() error) {
	if e.err != nil || part == nil {
		return
	}
	e.buf.Reset()
	if e.err = part(); e.err != nil {
		return
	}
	if e.buf.Len() > e.w.Available() {
		e.flush()
	}
	if e.err == nil {
		_, e.err = e.w.Write(e.buf.Bytes())
	}
	if e.prompt {
		e.flush()
	}
}

func (e *encoder) flush() {
	if e.err == nil {
		e.err = e.w.Flush()
	}
}

// text separates findings by a rule.
func (e *encoder) text(f *correlate.Finding) error {
	if e.count > 0 {
		e.buf.WriteString("\n" + e.style.paint(sgrDim, strings.Repeat("-", e.style.width)) + "\n\n")
	}
	return writeFinding(&e.buf, f, e.style)
}

func (e *encoder) ndjson(f *correlate.Finding) error {
	line, err := findingJSON(f)
	e.buf.Write(line)
	e.buf.WriteByte('\n')
	return err
}

// jsonElement writes one object of the array, on a line of its own.
func (e *encoder) jsonElement(f *correlate.Finding) error {
	if e.count == 0 {
		e.buf.WriteString("[\n")
	} else {
		e.buf.WriteString(",\n")
	}
	line, err := findingJSON(f)
	e.buf.Write(line)
	return err
}

func (e *encoder) jsonEnd() error {
	if e.count == 0 {
		e.buf.WriteString("[]\n")
	} else {
		e.buf.WriteString("\n]\n")
	}
	return nil
}

// findingJSON returns a finding as one line of safe JSON.
func findingJSON(f *correlate.Finding) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("encode finding %s: %w", f.ID, err)
	}
	return appendSafeJSON(nil, bytes.TrimRight(b.Bytes(), "\n")), nil
}
