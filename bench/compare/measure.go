package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// cost is what one run of a program took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // peak resident bytes
	out       []byte
}

// time runs a program to its end.
func (b *bench) time(program string, args ...string) (cost, error) {
	cmd := exec.CommandContext(b.ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start), out: stdout.Bytes()}
	if err != nil {
		return c, fmt.Errorf("%s %v: %w: %s", program, args, err, &stderr)
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.memory = peak(cmd.ProcessState)
	return c, nil
}

// contestant is one of the programs that run in turns. Before each run prepare
// removes what the run before left.
type contestant struct {
	name    string
	prepare func() error
	program string
	args    []string
	costs   []cost
}

// turns runs all contestants runs times, in turns, so that what else the machine
// does hits all of them alike.
func (b *bench) turns(runs int, list ...*contestant) error {
	for range runs {
		for _, c := range list {
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					return err
				}
			}
			took, err := b.time(c.program, c.args...)
			if err != nil {
				return err
			}
			c.costs = append(c.costs, took)
		}
	}
	return nil
}

func (c *contestant) sorted(of func(cost) time.Duration) []time.Duration {
	list := make([]time.Duration, len(c.costs))
	for i, one := range c.costs {
		list[i] = of(one)
	}
	slices.Sort(list)
	return list
}

func wallOf(c cost) time.Duration { return c.wall }
func cpuOf(c cost) time.Duration  { return c.cpu }

func (c *contestant) wall() time.Duration { return median(c.sorted(wallOf)) }
func (c *contestant) cpu() time.Duration  { return median(c.sorted(cpuOf)) }

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

// memory is the most that a run took.
func (c *contestant) memory() int64 {
	most := int64(0)
	for _, one := range c.costs {
		most = max(most, one.memory)
	}
	return most
}

// row is a line of a table of times.
func (c *contestant) row(base *contestant) string {
	wall, cpu := c.sorted(wallOf), c.sorted(cpuOf)
	return fmt.Sprintf("| %s | %s | %s–%s | %s | %s | %.2f × | %.2f × |\n", c.name,
		seconds(median(wall)), seconds(wall[0]), seconds(wall[len(wall)-1]), seconds(median(cpu)), mebibytes(c.memory()),
		ratio(c.wall(), base.wall()), ratio(c.cpu(), base.cpu()))
}

const rowHead = "| | wall, median | spread | CPU | peak memory | wall against %s | CPU against %[1]s |\n|---|---|---|---|---|---|---|\n"

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
