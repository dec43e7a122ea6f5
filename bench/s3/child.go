//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// run starts program and waits for it.
func run(env []string, program string, args ...string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	cmd := exec.Command(self, append([]string{launch, program}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return usage{}, fmt.Errorf("launch %s: %w", program, err)
	}
	var u usage
	return u, json.Unmarshal(out, &u)
}

// launched runs args and prints what it took.
func launched(args []string) error {
	var said strings.Builder
	cmd := exec.Command(args[0], args[1:]...)
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
