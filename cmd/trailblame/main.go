// Command trailblame says which policy change broke an access in AWS, from
// CloudTrail deliveries.
//
// Results go to standard output, everything else to standard error. The exit
// status is 0 when done, 1 on failure, 2 on wrong usage, 3 when the results are
// valid but some input could not be read, 4 when the index is damaged, 5 when
// another writer holds the index, and 130 when interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/index"
)

// Exit statuses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitDamaged     = 4
	exitLocked      = 5
	exitInterrupted = 130
	exitPipe        = 141 // the reader of the output went away
)

// memoryTarget is where the collector begins to work harder, so that what is
// held briefly does not double the peak, which is to stay below 512 MiB.
const memoryTarget = 400 << 20

// smallHeap is below what size of the heap nothing is collected: a command that
// needs no more is done before the first collection, each of which would take it
// a millisecond or two.
const smallHeap = 64 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryTarget)
	}
	if os.Getenv("GOGC") == "" {
		collectLate()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		// A second signal ends the process at once: the index is safe at
		// any point.
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// collectLate puts the first collection off until the heap has smallHeap bytes,
// and lets the collector go by its defaults from then on.
func collectLate() {
	const defaultPercent, leastHeap = 100, 4 << 20 // of the runtime
	debug.SetGCPercent(defaultPercent * (smallHeap / leastHeap))
	first := new([16]byte) // garbage that the first collection finds
	runtime.AddCleanup(first, func(percent int) { debug.SetGCPercent(percent) }, defaultPercent)
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	app := &app{stdin: os.Stdin, stdout: &standardOutput{file: os.Stdout}, stderr: os.Stderr}
	return app.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	ignoreBrokenPipes()
	root := a.root()
	root.SetArgs(args)
	if completing(args) {
		defer silence(root)()
	}
	err := known(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	err = a.stdout.outcome(err)
	code := exitCode(ctx, err)
	a.release()
	var silent *silentError
	if err != nil && !errors.As(err, &silent) {
		a.complain("%v", err)
	}
	return code
}

// completing tells whether a shell asks how a word may end.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// silence keeps cobra from telling a shell, in the middle of the user's line,
// what is wrong with it. cobra writes to os.Stderr itself.
func silence(root *cobra.Command) (undo func()) {
	root.SetErr(io.Discard)
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return func() {}
	}
	kept := os.Stderr
	os.Stderr = nowhere
	return func() {
		os.Stderr = kept
		nowhere.Close()
	}
}

// known tells whether there is such a command. What shells call to complete words
// comes and goes with cobra.
func known(root *cobra.Command, args []string) error {
	if completing(args) {
		return nil
	}
	if _, _, err := root.Find(args); err != nil {
		return usagef("%w; see trailblame help", err)
	}
	return nil
}

// exitCode maps an error to the exit status.
func exitCode(ctx context.Context, err error) int {
	var usage *usageError
	var silent *silentError
	var damage *index.CorruptError
	var locked *index.LockedError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &damage):
		return exitDamaged
	case errors.As(err, &locked):
		return exitLocked
	}
	return exitFailed
}

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// silentError ends the command with a status when all has been said already.
type silentError struct{ code int }

func (s *silentError) Error() string { return fmt.Sprintf("exit status %d", s.code) }

// app holds what the subcommands share.
type app struct {
	stdin   *os.File
	stdout  *standardOutput
	stderr  *os.File
	quiet   bool
	verbose bool
	color   string
	status  *status // the line of progress, nil when none is shown

	redact   *redactor // nil when nothing is to be redacted
	heldMu   sync.Mutex
	held     []string
	released bool
}

// complain prints one line on standard error.
func (a *app) complain(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if !a.hold(line) {
		a.status.without(func() { fmt.Fprintf(a.stderr, "trailblame: %s\n", safe(a.redactedText(line))) })
	}
}

// say prints one line on standard error unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		a.complain(format, args...)
	}
}

// tell prints one line on standard error with --verbose.
func (a *app) tell(format string, args ...any) {
	if a.verbose && !a.quiet {
		a.complain(format, args...)
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "trailblame",
		Short:         "git blame for AWS access failures",
		Long:          "git blame for AWS access failures.\n\ntrailblame reads CloudTrail deliveries and says which policy change broke a push,\na pipeline or a role, with the evidence for and against.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see trailblame help %s", err, cmd.Name())
	})
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.SetNormalizeFunc(aliases)
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing on standard error but errors")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "say on standard error what was read and how long it took")
	flags.StringVar(&a.color, "color", "auto", "colour in text: auto, always or never")
	root.AddCommand(
		a.correlateCommand(), a.explainCommand(), a.ingestCommand(), a.queryCommand(), a.timelineCommand(), a.reportCommand(),
		a.inspectCommand(), a.verifyCommand(), a.connectCommand(), a.playbooksCommand(), a.versionCommand(),
	)
	root.SetHelpCommand(a.helpCommand(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	a.completionExamples(root)
	root.AddCommand(a.manCommand(root))
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(a.stdout, a.helpText(cmd)) })
	a.completeFlags(root)
	for _, cmd := range root.Commands() {
		cmd.Flags().SetNormalizeFunc(aliases)
		a.completeFlags(cmd)
		if args := cmd.Args; args != nil {
			cmd.Args = func(cmd *cobra.Command, list []string) error {
				if err := args(cmd, list); err != nil {
					return usagef("%w; see trailblame help %s", err, cmd.Name())
				}
				return nil
			}
		}
	}
	return root
}
