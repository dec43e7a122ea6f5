package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// causeEncoder takes findings and writes at its end the causes behind them, one
// for each change that is blamed. It stands where an encoder of findings does.
type causeEncoder struct {
	groups correlate.Grouping
	w      io.Writer
	form   format
	style  style
	ended  bool
}

func newCauseEncoder(w io.Writer, form format, st style) (*causeEncoder, error) {
	switch form {
	case formatText, formatNDJSON, formatJSON:
		return &causeEncoder{w: w, form: form, style: st}, nil
	}
	return nil, usagef("--group-by cause: want --format text, ndjson or json, not %s", form)
}

func (e *causeEncoder) encode(f *correlate.Finding) error {
	e.groups.Add(f)
	return nil
}

func (e *causeEncoder) close() error {
	if e.ended {
		return nil
	}
	e.ended = true
	var out bytes.Buffer
	causes := e.groups.Causes()
	if e.form == formatText {
		writeCauses(&out, causes, e.style)
	} else if err := writeJSONList(&out, causes, e.form == formatJSON); err != nil {
		return err
	}
	_, err := e.w.Write(out.Bytes())
	return err
}

// writeJSONList writes values as lines of safe JSON, or as one array of them.
func writeJSONList[T any](out *bytes.Buffer, list []T, array bool) error {
	if array && len(list) == 0 {
		out.WriteString("[]\n")
		return nil
	}
	for i, v := range list {
		line, err := safeLine(v)
		if err != nil {
			return err
		}
		switch {
		case array && i == 0:
			out.WriteString("[\n")
		case array:
			out.WriteString(",\n")
		case i > 0:
			out.WriteString("\n")
		}
		out.Write(line)
	}
	switch {
	case array:
		out.WriteString("\n]\n")
	case len(list) > 0:
		out.WriteString("\n")
	}
	return nil
}

// safeLine returns a value as one line of safe JSON.
func safeLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return appendSafeJSON(nil, bytes.TrimRight(b.Bytes(), "\n")), nil
}

// writeCauses writes a paragraph for each cause: the change and what it broke.
func writeCauses(out *bytes.Buffer, causes []*correlate.Cause, st style) {
	for i, c := range causes {
		if i > 0 {
			out.WriteByte('\n')
		}
		p := &page{style: st}
		p.causeOf(c)
		out.Write(p.buf.Bytes())
	}
}

// blame begins the sentence that blames a change, as strongly as its level
// allows.
func blame(c *correlate.Cause) string {
	switch {
	case c.Diagnosis == correlate.DiagnosisPropagation:
		return "Granted, not yet effective:"
	case c.Level == correlate.Proven:
		return "Caused by"
	case c.Level == correlate.Observed:
		return "Very likely caused by"
	}
	return "Could have been caused by"
}

func (p *page) causeOf(c *correlate.Cause) {
	if c.Change == nil {
		p.wrap("", 0, 2, span{sgrBold, "No change is blamed"}, plain("("+string(c.Diagnosis)+")"))
	} else {
		what := c.Change.EventName
		if c.Change.Target != "" {
			what += " on " + shortName(c.Change.Target)
		}
		what = blame(c) + " " + what + ", by " + someone(origin(c.Change))
		p.wrap("", 0, 2, span{sgrAlert, what}, span{sgrYellow, "(" + string(c.Level) + ")"})
		p.field("when", plain(clock(c.Change.EventTime)))
		p.field("target", plain(c.Change.Target))
		p.field("by", plain(strings.Join(c.Change.ActorChain, ", through ")))
		p.field("event", plain(c.Change.EventID), dim(c.Change.Object))
	}
	p.field("broke", plain(fmt.Sprintf("%s in %s, %s to %s", count(c.Failures, "failure", "failures"),
		count(len(c.Findings), "finding", "findings"), clock(c.First.EventTime), clockAfter(c.First.EventTime, c.Last.EventTime))))
	var hit []string
	for _, h := range c.Hit {
		hit = append(hit, fmt.Sprintf("%s (%d)", someone(h.Principal), h.Failures))
	}
	p.field("hit", plain(count(len(hit), "principal", "principals")+": "+someOf(hit, maxNamed)))
	p.field("actions", plain(someOf(c.Actions, maxNamed)))
	p.field("resources", plain(someOf(c.Resources, maxNamed)))
	p.field("findings", dim(someOf(c.Findings, maxNamed)))
}
