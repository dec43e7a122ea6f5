//go:build linux

// Command s3 measures what it takes to read a bucket: processor time and wall
// time against the same trail on disk, and memory at its peak. It runs the real
// program against versitygw, a real S3 server, and writes what it found between
// the markers of its section in bench/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/trailblame/trailblame/bench/section"
)

const help = `usage: s3 cost|memory [flags]

  cost     20,000 objects from a server behind 20 ms, against the same from disk
  memory   the peak of a large trail, a large object, a gzip bomb, a wide prefix

Run it at the top of the repository.
`

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "s3:", err)
		os.Exit(1)
	}
}

// setting is what both measurements need.
type setting struct {
	ctx     context.Context
	dir     string        // scratch, removed in the end
	program string        // trailblame
	gateway string        // versitygw
	limit   time.Duration // of one run of the program
	readme  string        // to write to, or empty
	log     func(format string, args ...any)
}

func command(args []string) error {
	if len(args) > 0 && args[0] == launch {
		return launched(args[1:])
	}
	measure := map[string]func(*setting, *flag.FlagSet) func() error{"cost": cost, "memory": memory}
	if len(args) == 0 || measure[args[0]] == nil {
		fmt.Fprint(os.Stderr, help)
		return errors.New("what is to be measured?")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &setting{ctx: ctx, log: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	write := flags.Bool("write", false, "write the figures to bench/README.md")
	temp := flags.String("tmp", "", "folder to work in (default: a new one in the system's)")
	flags.StringVar(&s.program, "trailblame", "", "the program to measure (default: built from here)")
	flags.StringVar(&s.gateway, "versitygw", "", "the server (default: built from bench/tools)")
	flags.DurationVar(&s.limit, "limit", 15*time.Minute, "time that one run of the program may take")
	run := measure[args[0]](s, flags)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *write {
		s.readme = "bench/README.md"
		if _, err := os.Stat(s.readme); err != nil {
			return fmt.Errorf("run it at the top of the repository: %w", err)
		}
	}
	var err error
	if s.dir, err = os.MkdirTemp(*temp, "trailblame-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if err := s.build(); err != nil {
		return err
	}
	return run()
}

// publish prints a table, and writes it to its section if that is wanted.
func (s *setting) publish(name, table string) error {
	fmt.Print(table)
	if s.readme == "" {
		return nil
	}
	return section.Write(s.readme, name, table)
}

// build makes the programs that were not given.
func (s *setting) build() error {
	for _, p := range []struct {
		path    *string
		name    string
		options []string
	}{
		{&s.program, "trailblame", []string{"-trimpath", "./cmd/trailblame"}},
		{&s.gateway, "versitygw", []string{"-C", "bench/tools", "github.com/versity/versitygw/cmd/versitygw"}},
	} {
		if *p.path != "" {
			continue
		}
		*p.path = filepath.Join(s.dir, p.name)
		args := []string{"build"}
		if p.options[0] == "-C" {
			args, p.options = append(args, p.options[:2]...), p.options[2:]
		}
		cmd := exec.CommandContext(s.ctx, "go", append(append(args, "-o", *p.path), p.options...)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.name, err, out)
		}
	}
	return nil
}
