//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// usage is what a run of the program took.
type usage struct {
	Wall, CPU time.Duration
	Peak      int64 // bytes of resident memory at most
	Status    int   // of the exit
	Said      string
}

// launch is the name under which this program starts another one and measures
// it. It does so from a process of its own, since Linux counts the memory that
// the parent had when it started a child as the child's.
const launch = "launch"

// run starts program and waits for it, no longer than a measurement may take.
func (s *setting) run(args ...string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, append([]string{launch, s.program}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // ends what it launched too
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	switch {
	case s.ctx.Err() != nil:
		return usage{}, s.ctx.Err()
	case ctx.Err() != nil:
		return usage{}, fmt.Errorf("%v: not done after %v; see -limit", args, s.limit)
	case err != nil:
		return usage{}, fmt.Errorf("launch %s: %w", s.program, err)
	}
	var u usage
	return u, json.Unmarshal(out, &u)
}

// launched runs args, until it is told to end, and prints what it took.
func launched(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = &said
	start := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return err
	}
	r := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return json.NewEncoder(os.Stdout).Encode(usage{
		Wall: time.Since(start), CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		Peak: r.Maxrss << 10, Status: cmd.ProcessState.ExitCode(), Said: said.String(),
	})
}
