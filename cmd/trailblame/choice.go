package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/ingest/s3"
)

// What a command reads of a bucket or a log group
//
//   - Times narrow it, by the day of the folders. A correlation reads as much
//     more before its failures as its longest window, and some days more after
//     them; a query and a timeline read the days that they print.
//   - --account and --region narrow it for ingest alone, where they choose
//     folders. Elsewhere they select records, and what those mean may stand in
//     the folder of another account or region: a service control policy, the
//     policy of a shared key, the call of a role from another account, the
//     records of IAM.
//   - What was left out is said, since nothing can be said about it.

// choice narrows which objects of a bucket or a log group are read. Records are
// not looked at.
type choice struct {
	from, to          time.Time
	accounts, regions []string
	why               string // in words, what from and to are made of
}

func (c *choice) narrows() bool {
	return !c.from.IsZero() || !c.to.IsZero() || len(c.accounts)+len(c.regions) > 0
}

// after is how long after its last failure a correlation looks for what
// followed: the end of an episode, a recovery.
const after = 7 * 24 * time.Hour

// correlationChoice is what to read for a correlation: changes are looked for
// over the whole reach before the failures, and what followed after them. The
// failures of --failures are not selected by time, so it spans them too.
func correlationChoice(opts *correlate.Options) (choice, error) {
	reach, err := opts.Reach()
	if err != nil {
		return choice{}, err
	}
	c := choice{from: opts.Filter.From, to: opts.Filter.To}
	for _, f := range opts.Failures {
		if !c.from.IsZero() && f.Time.Before(c.from) {
			c.from = f.Time
		}
		if end := f.Time.Add(time.Second); !c.to.IsZero() && c.to.Before(end) {
			c.to = end
		}
	}
	var parts []string
	if !c.from.IsZero() {
		c.from = c.from.Add(-reach)
		parts = append(parts, correlate.Window(reach).String()+" before the failures for their causes")
	}
	if !c.to.IsZero() {
		c.to = c.to.Add(after)
		parts = append(parts, correlate.Window(after).String()+" after them for what followed")
	}
	c.why = strings.Join(parts, ", ")
	return c, nil
}

// readingChoice is what to read to print the records of a span.
func readingChoice(from, to time.Time) choice { return choice{from: from, to: to} }

// leftOut says what of the buckets and log groups was not read.
func (a *app) leftOut(t *trailFlags, names []string) {
	remote := ""
	for _, name := range names {
		if strings.Contains(name, "://") {
			remote = name
		}
	}
	if c := &t.choice; remote != "" && c.narrows() {
		a.say("%s: %s", remote, c.describe(t.stats))
	}
}

func (c *choice) describe(stats *s3.Stats) string {
	var b strings.Builder
	b.WriteString("read deliveries")
	if !c.from.IsZero() {
		fmt.Fprintf(&b, " from %s on", c.from.UTC().Format(time.DateOnly))
	}
	if !c.to.IsZero() {
		fmt.Fprintf(&b, " up to %s, and a day more for late ones", c.to.Add(-time.Nanosecond).UTC().Format(time.DateOnly))
	}
	if c.why != "" {
		fmt.Fprintf(&b, " (%s)", c.why)
	}
	if len(c.accounts)+len(c.regions) > 0 {
		b.WriteString(" of the chosen accounts and regions")
	}
	fmt.Fprintf(&b, "; %d folders and objects beside them were not, and what they hold is not known", stats.LeftOut.Load())
	return b.String()
}

// dryRun tells what would be read in place of reading it.
func (a *app) dryRun(ctx context.Context, t *trailFlags, sources []string) error {
	if len(sources) == 0 {
		return usagef("--dry-run tells what would be read of a SOURCE, and there is none")
	}
	if err := a.plan(ctx, t, sources, "text"); err != nil {
		return err
	}
	return &silentError{exitDone}
}
