package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// timelineFlags are the flags of timeline.
type timelineFlags struct {
	trail     trailFlags
	filters   filterFlags
	output    outputFlags
	where     string
	finding   string
	around    string
	at        string
	window    string
	lanes     string
	follow    bool
	noFold    bool
	all       bool
	limit     int
	failEmpty bool
}

func (t *timelineFlags) register(flags *pflag.FlagSet) {
	t.trail.register(flags)
	t.filters.register(flags)
	t.output.registerWith(flags, "text, ndjson, json, csv, markdown or timesketch (default: text on a terminal, else ndjson)")
	flags.StringVar(&t.where, "where", "", "only events for which this expression holds")
	flags.StringVar(&t.finding, "finding", "", "the timeline of the finding with this id; filters select failures, as in correlate")
	flags.StringVar(&t.around, "around", "", "what happened around the event with this eventID, to its principal and its resource")
	flags.StringVar(&t.at, "at", "", "what happened around this time")
	flags.StringVar(&t.window, "window", "30m", "how far around: 30m, 6h, 2d")
	flags.BoolVar(&t.follow, "follow-session", false, "add what the sessions did that these events began, and the sessions of those")
	flags.StringVar(&t.lanes, "lanes", "principal", "what has a lane of its own in text: principal, resource or none")
	flags.BoolVar(&t.noFold, "no-fold", false, "print each event of a storm")
	flags.BoolVar(&t.all, "all", false, "print every event in the time range, also those that merely happened")
	flags.IntVar(&t.limit, "limit", 0, "stop after this many lines")
	flags.BoolVar(&t.failEmpty, "fail-empty", false, "exit with status 1 when there is nothing to print")
}

// formatTimesketch is Timesketch's form of a timeline: JSON lines with message,
// datetime and timestamp_desc.
const formatTimesketch format = "timesketch"

func (a *app) timelineCommand() *cobra.Command {
	var flags timelineFlags
	cmd := &cobra.Command{
		Use:   "timeline [SOURCE...]",
		Short: "One line of time: failures, changes, sessions, pipelines around something",
		Long: `Print what happened around a finding, an event, a time, or whatever the filters
select, in one line of time: each event once, storms of alike events folded into
one line, failures, changes, sessions and pipelines marked. With neither of them it
prints every failure, change and pipeline of the trail.`,
		Example: `  trailblame timeline --index ./march.index --around 1a2b3c4d-… --window 30m
  trailblame timeline --access-key AKIAIOSFODNN7EXAMPLE --follow-session
  trailblame timeline ./AWSLogs --principal '*juniordev' --from 2026-03-11
  trailblame timeline --finding 0f3a… --format markdown
  trailblame timeline --from 24h --format timesketch --out incident.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.timeline(cmd.Context(), &flags, args)
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

func (a *app) timeline(ctx context.Context, flags *timelineFlags, sources []string) error {
	trouble := complaints{app: a}
	opts, err := flags.options(time.Now())
	if err != nil {
		return err
	}
	opts.Filter.Undecided = trouble.tell
	dest, err := a.openDestination(&flags.output, formatTimesketch)
	if err != nil {
		return err
	}
	defer dest.abandon()
	if err := flags.choose(opts); err != nil {
		return err
	}
	t, err := a.openTrail(ctx, &flags.trail, sources)
	if err != nil {
		return err
	}
	defer t.close()
	engine := query.NewEngine(t.ix)
	if flags.finding != "" {
		if opts.Finding, err = findFinding(ctx, t.ix, flags.finding, opts.Filter); err != nil {
			return err
		}
		opts.Filter = query.Filter{}
	}
	line, err := correlate.NewTimeline(ctx, engine, opts)
	if errors.Is(err, correlate.ErrNoEvent) {
		return usagef("--around: %w", err)
	}
	if err != nil {
		return err
	}
	out := newTimelineWriter(dest, line.Origin, flags.lanes)
	n := 0
	for en, err := range line.Entries(ctx) {
		if err != nil {
			out.close() // what was found so far stands
			return err
		}
		n++
		if out.entry(redactValue(a.redact, en)); out.err != nil || n == flags.limit {
			break
		}
	}
	if err := out.close(); err != nil {
		return err
	}
	if err := dest.commit(); err != nil {
		return err
	}
	if left := out.untimed; left > 0 {
		a.complain("%d events left out: they have no time, which Timesketch wants", left)
		t.incomplete = true
	}
	if trouble.finish() {
		t.incomplete = true
	}
	return t.finish(n > 0, flags.failEmpty)
}

// choose narrows what is read of buckets and log groups to what the timeline may
// hold.
func (t *timelineFlags) choose(opts correlate.TimelineOptions) (err error) {
	from, to := opts.Filter.From, opts.Filter.To
	switch {
	case t.finding != "":
		t.trail.choice, err = correlationChoice(&correlate.Options{Filter: opts.Filter})
		return err
	case !opts.At.IsZero():
		if at := opts.At.Add(-opts.Window); from.Before(at) {
			from = at
		}
		if at := opts.At.Add(opts.Window + time.Second); to.IsZero() || at.Before(to) {
			to = at
		}
	}
	if t.follow && !to.IsZero() {
		to = to.Add(48 * time.Hour)
	}
	t.trail.choice = readingChoice(from, to)
	return nil
}

// options turns the flags into options of the timeline.
func (t *timelineFlags) options(now time.Time) (opts correlate.TimelineOptions, err error) {
	opts = correlate.TimelineOptions{Around: t.around, FollowSessions: t.follow, NoFold: t.noFold, All: t.all}
	if opts.Filter, err = t.filters.filter(t.where, now); err != nil {
		return opts, err
	}
	if opts.At, err = parseTime("at", t.at, now); err != nil {
		return opts, err
	}
	w, err := correlate.ParseWindow(t.window)
	if err != nil {
		return opts, usagef("--window: %w", err)
	}
	opts.Window = time.Duration(w)
	asked := 0
	for _, on := range []bool{t.finding != "", t.around != "", t.at != ""} {
		if on {
			asked++
		}
	}
	selects := len(opts.Filter.Where) > 0 || opts.Filter.Expr != nil || t.all
	switch {
	case asked > 1:
		return opts, usagef("--finding, --around and --at exclude each other")
	case t.follow && t.finding == "" && t.around == "" && !selects:
		return opts, usagef("--follow-session needs events that begin sessions: --around, --principal, --access-key or another filter")
	case t.lanes != "principal" && t.lanes != "resource" && t.lanes != "none":
		return opts, usagef("--lanes %s: want principal, resource or none", t.lanes)
	case t.limit < 0:
		return opts, usagef("--limit wants a number of at least 0")
	}
	return opts, nil
}

// findFinding correlates until the finding with an id comes.
func findFinding(ctx context.Context, ix *index.Index, id string, failures query.Filter) (*correlate.Finding, error) {
	found, err := newFindings(ix)
	if err != nil {
		return nil, err
	}
	for f, err := range found.run(ctx, correlate.Options{Filter: failures}) {
		if err != nil {
			return nil, err
		}
		if f.ID == id {
			return f, nil
		}
	}
	return nil, usagef("--finding %s: the trail has no such finding; trailblame correlate prints their ids", id)
}
