package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) ingestCommand() *cobra.Command {
	var trail trailFlags
	var from, to, form string
	cmd := &cobra.Command{
		Use:     "ingest SOURCE...",
		Short:   "Read trails into an index; a re-run reads only what is new",
		Long:    "Read CloudTrail deliveries into an index. A SOURCE is a file, a folder, a glob,\ns3://bucket/prefix, cloudwatch://log-group, or - for standard input. Objects that the index holds already are not read again.\n\nAn event stands in the folder of the day on which it was delivered, so --to reads one\nday more than it names; --from reads none before its own. --dry-run tells what that is.",
		Example: "  trailblame ingest ./AWSLogs --index ./march.index\n  trailblame ingest s3://bucket/AWSLogs --from 30d --account 111122223333 --dry-run\n  aws s3 cp s3://bucket/key.json.gz - | trailblame ingest -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trail.index = trail.dir() // kept, whether named or not
			var err error
			if trail.choice.from, err = parseTime("from", from, time.Now()); err != nil {
				return err
			}
			if trail.choice.to, err = parseTime("to", to, time.Now()); err != nil {
				return err
			}
			if form != "text" && form != "json" {
				return usagef("--format %s: a plan is text or json", form)
			}
			if trail.plan {
				return a.plan(cmd.Context(), &trail, args, form)
			}
			result, err := a.ingest(cmd.Context(), &trail, trail.dir(), args)
			if err != nil {
				return err
			}
			p := &result.progress
			a.say("%s: %d objects read, %d known already, %d records; the index holds %d events", trail.dir(),
				p.Objects.Load(), p.Skipped.Load(), p.Records.Load(), result.totals.Kept)
			if t := result.totals; !t.Balanced() {
				return fmt.Errorf("the ledger does not add up: %+v; please report this", t.Counts)
			}
			if result.incomplete {
				return &silentError{exitIncomplete}
			}
			return nil
		},
	}
	trail.register(cmd.Flags())
	cmd.Flags().BoolVar(&trail.compact, "compact", false, "merge all segments of each day into one")
	cmd.Flags().BoolVar(&trail.verify, "verify-digests", false, "check each object against the digests beside it and note what they say; findings cite it")
	cmd.Flags().StringVar(&trail.publicKeys, "public-keys", "", "file with the output of aws cloudtrail list-public-keys, for --verify-digests; else AWS is asked")
	cmd.Flags().StringVar(&form, "format", "text", "text or json, of --dry-run")
	cmd.Flags().StringVar(&from, "from", "", "read objects of a bucket or a log group from this time on")
	cmd.Flags().StringVar(&to, "to", "", "read objects of a bucket or a log group before this time")
	cmd.Flags().StringArrayVar(&trail.choice.accounts, "account", nil, "read objects of this account in a bucket; repeatable")
	cmd.Flags().StringArrayVar(&trail.choice.regions, "region", nil, "read objects of this region in a bucket; repeatable")
	return cmd
}
