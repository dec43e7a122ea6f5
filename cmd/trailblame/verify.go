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
		Use:     "verify",
		Short:   "Check every byte of an index, or the digest chain of a trail",
		Example: "  trailblame verify --index ./march.index\n  trailblame verify --digests ./bucket-copy --public-keys keys.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if digests.source != "" {
				return a.verifyDigests(cmd.Context(), &digests)
			}
			problems := 0
			var writeErr error
			v, err := index.Verify(trail.dir(), func(err error) {
				problems++
				_, failed := fmt.Fprintf(a.stdout, "%s\n", safe(err.Error()))
				writeErr = cmp.Or(writeErr, failed)
			})
			if err != nil {
				return err
			}
			_, failed := fmt.Fprintf(a.stdout, "%s: %d files, %d bytes, %d events, %d stray files: %d problems\n",
				safe(trail.dir()), v.Files, v.Bytes, v.Events, len(v.Stray), problems)
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
