package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// timelineColumn is a column of the CSV and Markdown tables of a timeline.
type timelineColumn struct {
	name  string
	brief bool // in Markdown too, which people read
	value func(w *timelineWriter, en *correlate.TimelineEntry) string
}

var timelineColumns = []timelineColumn{
	{"time", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Time.String() }},
	{"relative", true, func(w *timelineWriter, en *correlate.TimelineEntry) string { return w.text.relative(en) }},
	{"mark", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return string(en.Mark) }},
	{"about", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.About }},
	{"count", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return strconv.Itoa(en.Count) }},
	{"lastTime", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return lastOf(en).String() }},
	{"eventName", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.EventName }},
	{"eventSource", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.EventSource }},
	{"principal", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Principal }},
	{"session", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Session }},
	{"resource", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Resource }},
	{"resources", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return orEmpty(en.Resources) }},
	{"errorCode", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.ErrorCode }},
	{"errorMessage", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.ErrorMessage }},
	{"state", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.State }},
	{"account", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Account }},
	{"region", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Region }},
	{"sourceIP", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.SourceIP }},
	{"accessKey", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.AccessKey }},
	{"issuedKey", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.IssuedKey }},
	{"depth", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return orEmpty(en.Depth) }},
	{"eventID", true, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.EventID }},
	{"lastEventID", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.LastEventID }},
	{"object", false, func(_ *timelineWriter, en *correlate.TimelineEntry) string { return en.Object }},
}

func lastOf(en *correlate.TimelineEntry) correlate.Time {
	if en.Last == nil {
		return correlate.Time{}
	}
	return *en.Last
}

func orEmpty(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// timelineWriter writes the entries of a timeline in any format.
type timelineWriter struct {
	*rowWriter
	text    timelineText
	untimed int // entries that Timesketch cannot take
}

func newTimelineWriter(d *destination, origin time.Time, lanes string) *timelineWriter {
	var names []string
	for _, c := range timelineColumns {
		if c.brief || d.form != formatMarkdown {
			names = append(names, c.name)
		}
	}
	return &timelineWriter{rowWriter: newRowWriter(d, names), text: timelineText{style: d.style, origin: origin, by: lanes}}
}

func (w *timelineWriter) entry(en *correlate.TimelineEntry) {
	switch w.dest.form {
	case formatText:
		p := &page{style: w.dest.style}
		w.text.write(p, en)
		w.write(p.buf.Bytes())
	case formatCSV, formatMarkdown:
		w.table(en)
	case formatTimesketch:
		w.timesketch(en)
	default:
		w.json(en)
	}
}

func (w *timelineWriter) table(en *correlate.TimelineEntry) {
	var cells []string
	for _, c := range timelineColumns {
		switch {
		case w.dest.form == formatCSV:
			cells = append(cells, csvCell(c.value(w, en)))
		case c.brief:
			cells = append(cells, markdownCell(c.value(w, en)))
		}
	}
	w.text.last = en.Time.Time
	w.cells(cells)
}

// json writes a value as safe JSON.
func (w *timelineWriter) json(v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && w.err == nil {
		w.err = err
	}
	w.object(appendSafeJSON(nil, bytes.TrimRight(b.Bytes(), "\n")))
}

// timesketchEvent has the fields that Timesketch wants (message, datetime,
// timestamp_desc, and timestamp in microseconds) and those that analysts search.
type timesketchEvent struct {
	Message   string `json:"message"`
	Datetime  string `json:"datetime"`
	Timestamp int64  `json:"timestamp"`
	Desc      string `json:"timestamp_desc"`
	Mark      string `json:"mark"`
	About     string `json:"about,omitempty"`
	Count     int    `json:"count"`
	Last      string `json:"last_datetime,omitempty"`
	EventID   string `json:"event_id"`
	EventName string `json:"event_name"`
	Source    string `json:"event_source"`
	Principal string `json:"principal"`
	Session   string `json:"session,omitempty"`
	Resource  string `json:"resource,omitempty"`
	ErrorCode string `json:"error_code,omitempty"`
	ErrorText string `json:"error_message,omitempty"`
	Account   string `json:"account"`
	Region    string `json:"aws_region"`
	SourceIP  string `json:"source_ip,omitempty"`
	AccessKey string `json:"access_key,omitempty"`
	Object    string `json:"object"`
}

// timesketchTime is ISO 8601 with a numerical offset, as Timesketch documents it.
const timesketchTime = "2006-01-02T15:04:05.999999-07:00"

func (w *timelineWriter) timesketch(en *correlate.TimelineEntry) {
	if en.Time.IsZero() {
		w.untimed++
		return
	}
	e := timesketchEvent{
		Message: message(en), Datetime: en.Time.UTC().Format(timesketchTime), Timestamp: en.Time.UnixMicro(), Desc: "Event Logged",
		Mark: string(en.Mark), About: en.About, Count: en.Count, EventID: en.EventID, EventName: en.EventName, Source: en.EventSource,
		Principal: en.Principal, Session: en.Session, Resource: en.Resource, ErrorCode: en.ErrorCode, ErrorText: en.ErrorMessage,
		Account: en.Account, Region: en.Region, SourceIP: en.SourceIP, AccessKey: en.AccessKey, Object: en.Object,
	}
	if en.Last != nil {
		e.Last = en.Last.UTC().Format(timesketchTime)
	}
	w.json(e)
}

// message says an entry in one sentence.
func message(en *correlate.TimelineEntry) string {
	text := string(en.Mark) + ": " + en.EventName
	if en.Resource != "" {
		text += " on " + shortName(en.Resource)
	}
	if en.Principal != "" {
		text += " by " + shortName(en.Principal)
	}
	if en.ErrorCode != "" {
		text += ", " + en.ErrorCode
	}
	if en.State != "" {
		text += ", " + en.State
	}
	if en.Count > 1 {
		text += fmt.Sprintf(", %d times", en.Count)
	}
	return text
}
