package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/index"
)

func (a *app) verifyCommand() *cobra.Command {
	var trail trailFlags
	var digests digestFlags
	cmd := &cobra.Command{
		Use:   "verify [SEGMENT]",
		Short: "Check every byte of an index, or the digest chain of a trail",
		Long: `Check every byte of an index, or of the one SEGMENT, which is told by its number
or by the path of one of its files; or the digest chain of a trail.`,
		Example: "  trailblame verify --index ./march.index\n  trailblame verify --digests s3://trail-bucket\n  trailblame verify --digests ./bucket-copy --public-keys keys.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if digests.source != "" {
				if len(args) > 0 {
					return usagef("--digests checks a trail, %s is a segment of an index", args[0])
				}
				return a.verifyDigests(cmd.Context(), &digests)
			}
			dir, segment := trail.segment(args)
			problems := 0
			var writeErr error
			v, err := index.Verify(dir, segment, func(err error) {
				problems++
				_, failed := fmt.Fprintf(a.stdout, "%s\n", safe(err.Error()))
				writeErr = cmp.Or(writeErr, failed)
			})
			if err != nil {
				return err
			}
			for _, w := range v.Warnings {
				a.complain("%s", w)
			}
			_, failed := fmt.Fprintf(a.stdout, "%s: %d files, %d bytes, %d events, %d stray files: %d problems\n",
				safe(dir), v.Files, v.Bytes, v.Events, len(v.Stray), problems)
			if writeErr = cmp.Or(writeErr, failed); writeErr != nil {
				return fmt.Errorf("write standard output: %w", writeErr)
			}
			if problems > 0 {
				return &silentError{exitDamaged}
			}
			return nil
		},
	}
	trail.registerIndex(cmd.Flags())
	digests.register(cmd.Flags())
	return cmd
}
