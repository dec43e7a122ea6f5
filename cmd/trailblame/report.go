package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/correlate"
)

// reportFlags are the flags of report.
type reportFlags struct {
	findings correlateFlags
	title    string
	limit    int
}

func (a *app) reportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [SOURCE...]",
		Short: "Write a self-contained HTML report: what broke, why, and what was read",
		Long: `Write the findings of correlate as one HTML file that needs no network: a summary,
what was read and what was not, failures over time, and for each finding its
cause, the evidence for and against, the statement diff, a timeline and what to
do next. Filters and times select failures, as in correlate.`,
		Example: `  trailblame report ./AWSLogs --out report.html
  trailblame report --index ./march.index --from 2026-03-11 --title 'INC-4711' --out inc-4711.html`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.report(cmd.Context(), &flags, args)
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

func (r *reportFlags) register(flags *pflag.FlagSet) {
	r.findings.registerSelection(flags)
	flags.StringVar(&r.title, "title", "", "title of the report, such as the name of the incident")
	flags.IntVar(&r.limit, "limit", 10000, "show at most this many findings; all of them are counted")
	r.findings.output.registerFile(flags)
}

func (a *app) report(ctx context.Context, flags *reportFlags, sources []string) error {
	opts, err := flags.options(time.Now())
	if err != nil {
		return err
	}
	if flags.findings.output.out == "" && a.terminal() {
		return usagef("a report is HTML, which a terminal does not show; add --out report.html")
	}
	b, err := newReportBuilder(flags.limit)
	if err != nil {
		return err
	}
	out, err := a.openDestination(&flags.findings.output)
	if err != nil {
		return err
	}
	defer out.abandon()
	if flags.findings.trail.choice, err = correlationChoice(&opts); err != nil {
		return err
	}
	t, err := a.openTrail(ctx, &flags.findings.trail, sources)
	if err != nil {
		return err
	}
	defer t.close()
	found, err := newFindings(t.ix)
	if err != nil {
		return err
	}
	for f, err := range found.run(ctx, opts) {
		if err == nil {
			err = b.add(redactValue(a.redact, f))
		}
		if err != nil {
			return err
		}
	}
	if err := b.write(out, found, flags.title, flags.findings.selected(opts), a.redact); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := out.commit(); err != nil {
		return err
	}
	if left := b.totals.Findings - flags.limit; left > 0 {
		a.say("the report shows the first %s of %d; narrow it with filters, or raise --limit", count(flags.limit, "finding", "findings"), b.totals.Findings)
	}
	return t.finish(b.totals.Findings > 0, flags.findings.failEmpty)
}

// options turns the flags into options of the correlation.
func (r *reportFlags) options(now time.Time) (correlate.Options, error) {
	if r.limit < 1 {
		return correlate.Options{}, usagef("--limit %d: want at least 1", r.limit)
	}
	opts, err := r.findings.options(now)
	opts.Attempts = true
	return opts, err
}

// selected says which failures the flags chose, for the reader of the report.
func (c *correlateFlags) selected(opts correlate.Options) []labelled {
	var list []labelled
	add := func(label, text string) {
		if text != "" {
			list = append(list, labelled{Label: label, Text: cutReportText(safe(text))})
		}
	}
	if from := opts.Filter.From; !from.IsZero() {
		add("from", clock(correlate.Time{Time: from}))
	}
	if to := opts.Filter.To; !to.IsZero() {
		add("before", clock(correlate.Time{Time: to}))
	}
	for _, t := range c.filters.terms {
		add(t.name, strings.Join(t.values, " or "))
	}
	add("where", c.where)
	add("windows", c.windows)
	add("playbook", strings.Join(c.playbooks, ", "))
	add("baseline", strings.Join(c.baselines, ", "))
	add("failures from", c.failures)
	add("change", c.change)
	return list
}
