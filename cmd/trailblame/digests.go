package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/ingest/cloudwatch"
	"github.com/trailblame/trailblame/ingest/digest"
)

// digestFlags steer verify --digests.
type digestFlags struct {
	source     string
	publicKeys string
	from, to   string
	accounts   []string
	regions    []string
	format     string
	aws        awsFlags
}

func (d *digestFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&d.source, "digests", "", "check the digest chain of this bucket, s3://bucket/prefix, or of a copy of one, the folder that AWSLogs stands in, instead of an index")
	flags.StringVar(&d.publicKeys, "public-keys", "", "file with the output of aws cloudtrail list-public-keys; else AWS is asked")
	flags.StringVar(&d.from, "from", "", "check digests from this time on")
	flags.StringVar(&d.to, "to", "", "check digests before this time")
	flags.StringArrayVar(&d.accounts, "account", nil, "check this account only; repeatable")
	flags.StringArrayVar(&d.regions, "region", nil, "check this region only; repeatable")
	flags.StringVar(&d.format, "format", "text", "text or ndjson")
	d.aws.register(flags)
	d.aws.registerS3(flags)
}

// verifyDigests validates the digest chains of a copy of a trail and prints a
// line for each file. Something invalid gives status 1, something that could not
// be read 3; gaps are told and are no failure.
func (a *app) verifyDigests(ctx context.Context, d *digestFlags) error {
	opts := digest.Options{Accounts: d.accounts, Regions: d.regions}
	var err error
	if opts.From, err = parseTime("from", d.from, time.Now()); err != nil {
		return err
	}
	if opts.To, err = parseTime("to", d.to, time.Now()); err != nil {
		return err
	}
	if d.format != "text" && d.format != "ndjson" {
		return usagef("--format %s: digests are told as text or ndjson", d.format)
	}
	keys, err := publicKeys(ctx, d.publicKeys, &d.aws)
	if err != nil {
		return err
	}
	store, err := openDigests(ctx, d.source, &d.aws)
	if err != nil {
		return err
	}
	opts.Prefix = store.prefix
	defer store.close()
	var summary digest.Summary
	out := bufio.NewWriter(a.stdout)
	for result, err := range digest.Validate(ctx, store.store, keys, opts) {
		if err != nil {
			a.complain("%v", err)
		}
		summary.Add(result)
		if err := d.write(out, result); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if d.format == "text" {
		err = summary.WriteText(out)
	} else {
		err = d.writeSummary(out, &summary)
	}
	if err = cmp.Or(err, out.Flush()); err != nil {
		return fmt.Errorf("write standard output: %w", err)
	}
	switch {
	case !summary.Complete():
		return &silentError{exitIncomplete}
	case !summary.OK():
		return &silentError{exitFailed}
	}
	return nil
}

// publicKeys reads the keys of a file, or asks AWS for them.
func publicKeys(ctx context.Context, file string, aws *awsFlags) (digest.KeySource, error) {
	if file == "" {
		return cloudwatch.NewKeys(ctx, aws.access())
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return digest.LoadPublicKeys(f)
}

// writeSummary writes the last line of the machine-readable form.
func (d *digestFlags) writeSummary(out *bufio.Writer, s *digest.Summary) error {
	line, err := json.Marshal(struct {
		Kind string `json:"kind"`
		*digest.Summary
	}{"summary", s})
	if err != nil {
		return err
	}
	_, err = out.Write(append(appendSafeJSON(nil, line), '\n'))
	return err
}

func (d *digestFlags) write(out *bufio.Writer, r digest.Result) error {
	if d.format == "text" {
		_, err := fmt.Fprintln(out, safeColumns(r.Text()))
		return err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = out.Write(append(appendSafeJSON(nil, line), '\n'))
	return err
}

// safeColumns makes text safe but for the tabs that part its columns.
func safeColumns(text string) string {
	columns := strings.Split(text, "\t")
	for i, c := range columns {
		columns[i] = safe(c)
	}
	return strings.Join(columns, "\t")
}
