package scenario

import (
	"flag"
	"fmt"
	"os"
)

// Main runs the subcommand and returns the exit status.
func Main(args []string) int {
	flags := flag.NewFlagSet("scenarios", flag.ContinueOnError)
	n := flags.Int("n", 2*len(mechanisms), "number of scenarios; mechanisms come in turn")
	seed := flags.Uint64("seed", 1, "equal seeds make equal scenarios")
	out := flags.String("out", "", "folder to write to, new or empty (required)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *out == "" || *n < 1 {
		fmt.Fprintln(os.Stderr, "trailgen scenarios: -out is required and -n is at least 1")
		return 2
	}
	if list, _ := os.ReadDir(*out); len(list) > 0 {
		fmt.Fprintf(os.Stderr, "trailgen scenarios: %s is not empty\n", *out)
		return 1
	}
	if err := Write(*out, *seed, *n); err != nil {
		fmt.Fprintln(os.Stderr, "trailgen scenarios:", err)
		return 1
	}
	return 0
}
