package main

import (
	"strings"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/query"
)

// eventColumns are what a table of whole events shows.
var eventColumns = mustPaths("eventTime,eventName,eventSource,principal,sourceIPAddress,awsRegion,recipientAccountId,errorCode,errorMessage,eventID,object")

var eventColumnNames = func() []string {
	var names []string
	for _, p := range eventColumns {
		names = append(names, p.String())
	}
	return names
}()

func mustPaths(list string) []query.Path {
	paths, err := query.ParsePaths(list)
	if err != nil {
		panic(err)
	}
	return paths
}

// event writes an event: the record itself as NDJSON and JSON, what identifies
// it as a table.
func (r *rowWriter) event(e *query.Event) {
	switch r.dest.form {
	case formatText:
		r.text(eventSpans(e))
	case formatCSV, formatMarkdown:
		values := make([][]byte, len(eventColumns))
		for i, p := range eventColumns {
			values[i] = p.Value(e)
		}
		r.row(values)
	default:
		r.object(e.Raw)
	}
}

var textColumns = mustPaths("eventSource,eventName,detail-type,principal,errorCode,sourceIPAddress,awsRegion")

// eventSpans are the columns of an event for people.
func eventSpans(e *query.Event) []span {
	v := make([]string, len(textColumns))
	for i, p := range textColumns {
		v[i] = plainText(p.Value(e))
	}
	service := strings.TrimSuffix(v[0], ".amazonaws.com")
	name := v[1]
	if name == "" {
		name = v[2]
	}
	who := v[3]
	if who != "" {
		who = shortName(who)
	}
	at := "no time"
	if !e.Time.IsZero() {
		at = strings.TrimSuffix(clock(correlate.Time{Time: e.Time}), " UTC")
	}
	return []span{dim(at), plain(service), {sgrBold, name}, plain(who), {sgrRed, v[4]}, plain(v[5]), plain(v[6]), dim(e.ID)}
}
