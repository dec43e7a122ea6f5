// Command trailgen makes the trails that tests and measurements run on.
package main

import (
	"fmt"
	"os"

	"github.com/trailblame/trailblame/bench/trailgen/bundled"
	"github.com/trailblame/trailblame/bench/trailgen/large"
	"github.com/trailblame/trailblame/bench/trailgen/scenario"
	"github.com/trailblame/trailblame/bench/trailgen/score"
)

const usage = `usage: trailgen <command> [flags]

commands:
  bundled   write the trails that are kept in the repository
  large     write a trail of any size, with planted causes
  scenarios write many small trails, each with a label
  score     correlate such trails and hold what is found against the labels
`

// commands take their own arguments and return the exit status.
var commands = map[string]func(args []string) int{
	"bundled":   bundled.Main,
	"large":     large.Main,
	"scenarios": scenario.Main,
	"score":     score.Main,
}

func main() {
	if len(os.Args) > 1 {
		if command := commands[os.Args[1]]; command != nil {
			os.Exit(command(os.Args[2:]))
		}
	}
	fmt.Fprint(os.Stderr, usage)
	os.Exit(2)
}
