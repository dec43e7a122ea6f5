package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/correlate/replay"
)

// correlateFlags are the flags of correlate.
type correlateFlags struct {
	trail     trailFlags
	filters   filterFlags
	output    outputFlags
	where     string
	windows   string
	playbooks []string
	baselines []string
	failures  string
	change    string
	groupBy   string
	bundle    string
	asked     invocation
	limit     int
	failEmpty bool
}

func (c *correlateFlags) register(flags *pflag.FlagSet) {
	c.registerSelection(flags)
	c.output.register(flags)
	c.registerBundle(flags)
	flags.StringVar(&c.groupBy, "group-by", "", "cause: one result for each change that is blamed, with all that it broke")
	flags.IntVar(&c.limit, "limit", 0, "stop after this many findings")
}

func (c *correlateFlags) registerBundle(flags *pflag.FlagSet) {
	flags.StringVar(&c.bundle, "bundle", "", "also write this ZIP file: the results, every record that they cite, and checksums")
}

// registerSelection registers the flags that say which findings there are.
func (c *correlateFlags) registerSelection(flags *pflag.FlagSet) {
	c.registerReading(flags)
	flags.StringVar(&c.where, "where", "", "only failures for which this expression holds")
	flags.StringVar(&c.failures, "failures", "", "file with failures from outside the trail, a JSON object a line: time, principal, action, resource, message")
	flags.StringVar(&c.change, "change", "", "only what the change with this eventID broke")
}

// registerReading registers what explain has as well.
func (c *correlateFlags) registerReading(flags *pflag.FlagSet) {
	c.trail.register(flags)
	c.filters.register(flags)
	flags.StringVar(&c.windows, "windows", "", "windows to search for changes, such as 5m,30m,1h,24h,7d")
	flags.StringArrayVar(&c.playbooks, "playbook", nil, "use this playbook: the id of a bundled one, or a file; repeatable")
	flags.StringArrayVar(&c.baselines, "baseline", nil, "policies before the trail begins: output of aws iam get-account-authorization-details; repeatable")
	flags.BoolVar(&c.failEmpty, "fail-empty", false, "exit with status 1 when there is nothing to report")
}

func (a *app) correlateCommand() *cobra.Command {
	var flags correlateFlags
	cmd := &cobra.Command{
		Use:   "correlate [SOURCE...]",
		Short: "Say which policy change broke what: failures, ranked causes, evidence",
		Long: `Find the failures in a trail and the changes that may have caused them.

A SOURCE is a file, a folder, a glob, s3://bucket/prefix, cloudwatch://log-group,
or - for standard input; without one the index is read. Filters and times select failures; changes are looked for over all
windows whatever the filters say.`,
		Example: `  trailblame correlate ./AWSLogs
  trailblame correlate --index ./march.index --principal '*juniordev' --from 24h
  trailblame correlate ./AWSLogs | jq -r '.candidates[0].change.actor // "nobody"'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.asked = invocationOf(cmd, args)
			return a.correlate(cmd.Context(), &flags, args)
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

func (a *app) correlate(ctx context.Context, flags *correlateFlags, sources []string) error {
	begun := time.Now()
	opts, err := flags.options(begun)
	if err != nil {
		return err
	}
	trouble := complaints{app: a}
	opts.Filter.Undecided = trouble.tell
	out, err := a.openOutput(&flags.output)
	if err != nil {
		return err
	}
	defer out.abandon()
	if out.encoder, err = flags.encoder(out); err != nil {
		return err
	}
	out.encoder = a.redacting(out.encoder)
	bundle, err := a.openBundle(flags)
	if err != nil {
		return err
	}
	defer bundle.abandon()
	if flags.trail.choice, err = correlationChoice(&opts); err != nil {
		return err
	}
	t, err := a.openTrail(ctx, &flags.trail, sources)
	if err != nil {
		return err
	}
	defer t.close()
	found, err := newFindings(t.ix)
	if err != nil {
		return err
	}
	sum := newSummary()
	for f, err := range found.run(ctx, opts) {
		if err != nil {
			out.encoder.close() // what was found so far stands
			return err
		}
		sum.add(f)
		if err := errors.Join(out.encoder.encode(f), bundle.finding(f)); err != nil {
			return err
		}
	}
	if out.form == formatText {
		if err := out.summarize(sum, found, a.redactedText); err != nil {
			return err
		}
	}
	if err := out.commit(); err != nil {
		return err
	}
	if err := bundle.commit(ctx, t, kept(&flags.trail, sources)); err != nil {
		return err
	}
	a.took(begun)
	if trouble.finish() {
		t.incomplete = true
	}
	return t.finish(sum.findings > 0, flags.failEmpty)
}

// encoder is the one of the findings, unless they are grouped.
func (c *correlateFlags) encoder(out *output) (findingEncoder, error) {
	switch c.groupBy {
	case "":
		return out.encoder, nil
	case "cause":
		return newCauseEncoder(out, out.form, out.style)
	}
	return nil, usagef("--group-by %s: want cause", c.groupBy)
}

// options turns the flags into options of the correlation.
func (c *correlateFlags) options(now time.Time) (correlate.Options, error) {
	opts := correlate.Options{Limit: c.limit, Change: c.change}
	var err error
	if opts.Filter, err = c.filters.filter(c.where, now); err != nil {
		return opts, err
	}
	if c.windows != "" {
		for _, text := range strings.Split(c.windows, ",") {
			w, err := correlate.ParseWindow(strings.TrimSpace(text))
			if err != nil {
				return opts, usagef("--windows: %w", err)
			}
			opts.Windows = append(opts.Windows, time.Duration(w))
		}
	}
	if opts.Playbooks, err = loadPlaybooks(c.playbooks); err != nil {
		return opts, err
	}
	return opts, c.outside(&opts)
}

// outside reads what is known besides the trail.
func (c *correlateFlags) outside(opts *correlate.Options) (err error) {
	if len(c.baselines) > 0 {
		if opts.Baseline, err = replay.LoadBaseline(c.baselines...); err != nil {
			return err
		}
	}
	if c.failures == "" {
		return nil
	}
	f, err := os.Open(c.failures)
	if err != nil {
		return err
	}
	defer f.Close()
	opts.Failures, err = correlate.ReadFailures(f, c.failures)
	return err
}
