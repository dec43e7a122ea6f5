package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
)

// version is set by the release build.
var version = "dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the program and of its formats",
		Example: "  trailblame version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			build := "unknown Go"
			if info, ok := debug.ReadBuildInfo(); ok {
				build = info.GoVersion
			}
			_, err := fmt.Fprintf(a.stdout, "trailblame %s (%s), index format %d, findings %s\n",
				version, build, index.FormatVersion, correlate.Schema)
			return err
		},
	}
}
