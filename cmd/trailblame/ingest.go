package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) ingestCommand() *cobra.Command {
	var trail trailFlags
	cmd := &cobra.Command{
		Use:     "ingest SOURCE...",
		Short:   "Read trails into an index; a re-run reads only what is new",
		Long:    "Read CloudTrail deliveries into an index. A SOURCE is a file, a folder, a glob,\nor - for standard input. Objects that the index holds already are not read again.",
		Example: "  trailblame ingest ./AWSLogs --index ./march.index\n  aws s3 cp s3://bucket/key.json.gz - | trailblame ingest -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trail.index = trail.dir() // kept, whether named or not
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
	return cmd
}
