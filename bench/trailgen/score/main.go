package score

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/trailblame/trailblame/bench/section"
)

// Main runs the subcommand and returns the exit status: 1 when a bar is missed.
func Main(args []string) int {
	flags := flag.NewFlagSet("score", flag.ContinueOnError)
	n := flags.Int("n", 600, "number of scenarios; mechanisms come in turn")
	seed := flags.Uint64("seed", 9, "equal seeds make equal scenarios")
	write := flags.Bool("write", false, "put the table into bench/README.md; run it at the top of the repository")
	faults := flags.Bool("faults", false, "list every scenario in which something was wrong")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *n < 1 || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "trailgen score: -n is at least 1, and there are no arguments")
		return 2
	}
	if err := run(*seed, *n, *write, *faults); err != nil {
		fmt.Fprintln(os.Stderr, "trailgen score:", err)
		return 1
	}
	return 0
}

func run(seed uint64, n int, write, faults bool) error {
	start := time.Now()
	cases, err := Run(context.Background(), seed, n)
	if err != nil {
		return err
	}
	t := Count(cases)
	var b strings.Builder
	t.Markdown(&b)
	fmt.Print(b.String())
	if faults {
		for _, f := range t.All.Faults {
			fmt.Fprintln(os.Stderr, f)
		}
	}
	fmt.Fprintf(os.Stderr, "trailgen score: %d scenarios in %s\n", n, time.Since(start).Round(time.Second))
	if write {
		text := fmt.Sprintf("%d scenarios, seed %d.\n\n%s", n, seed, b.String())
		if err := section.Write("bench/README.md", "scenarios", text); err != nil {
			return err
		}
	}
	if missed := t.Missed(); len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, "; "))
	}
	return nil
}
