package main

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/index"
)

// The views of connect.sql in the language of Athena and Trino. Those over JSON
// text keep it as text there, since a view of Athena holds no JSON; use
// json_extract on it.
//
//go:embed connect_athena.sql
var athenaViews string

// s3Folder is what Athena takes as a location: a bucket's name and a key
// without anything that would need quoting.
var s3Folder = pattern(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*()=/-]*)?$`)

// athenaScript returns statements that make a table of the index's copy under
// location, and the views over it.
func athenaScript(location string, dates []string) (string, error) {
	if !s3Folder().MatchString(location) || strings.Contains(strings.TrimPrefix(location, "s3://"), "//") {
		return "", usagef("--athena %s: want s3://bucket/prefix, the place of a copy of the index", location)
	}
	events := strings.TrimSuffix(location, "/") + "/" + index.EventsDir + "/"
	var b strings.Builder
	fmt.Fprintf(&b, "-- Copy the index, while nothing writes to it, with:  aws s3 sync --delete INDEX %s\n", location)
	b.WriteString("-- Run these statements again when it has got other days. Athena takes one at a time.\n\n")
	b.WriteString("CREATE EXTERNAL TABLE trailblame_events (\n")
	for i, c := range index.HiveColumns() {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  `%s` %s", c.Name, c.Type)
	}
	fmt.Fprintf(&b, "\n)\nPARTITIONED BY (`%s` string)\nSTORED AS PARQUET\nLOCATION '%s'\nTBLPROPERTIES (\n", index.PartitionColumn, events)
	properties := append([][2]string{{"projection.enabled", "true"}}, projection(dates)...)
	properties = append(properties, [2]string{"storage.location.template", events + index.PartitionColumn + "=${" + index.PartitionColumn + "}/"})
	for i, p := range properties {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  '%s' = '%s'", p[0], p[1])
	}
	b.WriteString("\n);\n\n")
	b.WriteString(athenaViews)
	return b.String(), nil
}

// projection tells Athena the partitions without a catalogue of them: by the
// range of their dates, or one by one where events without a time or wide gaps
// make no range of them.
func projection(dates []string) [][2]string {
	property := func(name, value string) [2]string {
		return [2]string{"projection." + index.PartitionColumn + "." + name, value}
	}
	first, firstErr := time.Parse(time.DateOnly, dates[0])
	last, lastErr := time.Parse(time.DateOnly, dates[len(dates)-1])
	days := int(last.Sub(first).Hours()/24) + 1
	if firstErr != nil || lastErr != nil || days > 2*len(dates)+30 {
		return [][2]string{property("type", "enum"), property("values", strings.Join(dates, ","))}
	}
	return [][2]string{property("type", "date"), property("format", "yyyy-MM-dd"), property("range", dates[0]+","+dates[len(dates)-1]),
		property("interval", "1"), property("interval.unit", "DAYS")}
}
