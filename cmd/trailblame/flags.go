package main

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// aliases lets people use the names for a time range that other tools taught
// them.
func aliases(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "since", "start-time":
		name = "from"
	case "until", "end-time":
		name = "to"
	}
	return pflag.NormalizedName(name)
}

// filterFlags select events: the same on every reading command.
type filterFlags struct {
	from, to string
	terms    []*termFlag
}

// termFlag is one repeatable filter. Its values are joined by or.
type termFlag struct {
	name   string
	help   string
	fields []index.Field
	values []string
}

func (f *filterFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "from", "", "only events at or after this time: RFC 3339, 2026-01-02, 24h, 30d")
	flags.StringVar(&f.to, "to", "", "only events before this time; --to 2026-01-02 ends as that day begins")
	f.list()
	for _, t := range f.terms {
		flags.StringArrayVar(&t.values, t.name, nil, "only events with this "+t.help+"; repeatable, * matches anything")
	}
}

// list makes the flags that look up terms.
func (f *filterFlags) list() {
	f.terms = []*termFlag{
		{name: "event-name", help: "eventName", fields: []index.Field{index.EventName}},
		{name: "event-source", help: "eventSource, such as iam.amazonaws.com", fields: []index.Field{index.EventSource}},
		{name: "principal", help: "ARN, principal id or name of who called", fields: []index.Field{index.Principal, index.Issuer, index.UserName}},
		{name: "resource", help: "ARN or name of what the call touched", fields: []index.Field{index.Resource}},
		{name: "error-code", help: "errorCode", fields: []index.Field{index.ErrorCode}},
		{name: "account", help: "account id", fields: []index.Field{index.Account}},
		{name: "region", help: "awsRegion", fields: []index.Field{index.Region}},
		{name: "access-key", help: "access key id, of the caller or handed out", fields: []index.Field{index.AccessKey, index.IssuedKey}},
		{name: "source-ip", help: "sourceIPAddress", fields: []index.Field{index.SourceIP}},
	}
}

// filter builds the filter. expr is the expression, or empty.
func (f *filterFlags) filter(expr string, now time.Time) (query.Filter, error) {
	var filter query.Filter
	var err error
	if filter.From, err = parseTime("from", f.from, now); err != nil {
		return filter, err
	}
	if filter.To, err = parseTime("to", f.to, now); err != nil {
		return filter, err
	}
	if !filter.From.IsZero() && !filter.To.IsZero() && !filter.From.Before(filter.To) {
		return filter, usagef("--from %s is not before --to %s", f.from, f.to)
	}
	for _, t := range f.terms {
		if len(t.values) > 0 {
			filter.Where = append(filter.Where, query.Term{Fields: t.fields, Values: t.values})
		}
	}
	if expr != "" {
		if filter.Expr, err = query.Compile(expr); err != nil {
			return filter, &usageError{err}
		}
	}
	return filter, nil
}

func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := query.ParseTime(text, now)
	if err != nil {
		return t, usagef("--%s: %w", flag, err)
	}
	return t, nil
}
