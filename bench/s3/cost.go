//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// cost compares a bucket behind a slow line with a disk, and a real server with
// the fake.
func cost(s *setting, flags *flag.FlagSet) func() error {
	objects := flags.Int("objects", 20_000, "deliveries in the trail")
	latency := flags.Duration("latency", 20*time.Millisecond, "time by which the server is late")
	rounds := flags.Int("rounds", 3, "times that all is measured; the middle one counts")
	return func() error {
		folder := filepath.Join(s.dir, "trail")
		names, size, err := trail(folder, 0, *objects)
		if err != nil {
			return err
		}
		s.log("%d objects, %.0f MiB", len(names), mib(size))
		real, err := s.serve()
		if err != nil {
			return err
		}
		defer real.close()
		if err := real.upload(s.ctx, folder, names); err != nil {
			return err
		}
		address, stop, err := delayed(real.address, *latency)
		if err != nil {
			return err
		}
		defer stop()
		fake, err := pretend(folder, names, *latency)
		if err != nil {
			return err
		}
		defer fake.Close()
		var all []figures
		for range *rounds {
			f, err := s.round(folder, "http://"+address, fake.URL)
			if err != nil {
				return err
			}
			s.log("disk: CPU %v, wall %v; server: CPU %v, wall %v; fake: CPU %v, wall %v; CPU %.2f times, wall %.2f times",
				f.disk.CPU, f.disk.Wall, f.real.CPU, f.real.Wall, f.fake.CPU, f.fake.Wall, f.cpu(), f.wall())
			all = append(all, f)
		}
		return s.writeCost(len(names), size, *latency, all)
	}
}

// pretend is the fake with the same objects.
func pretend(folder string, names []string, latency time.Duration) (*s3fake.Server, error) {
	fake := s3fake.New(bucket)
	for _, name := range names {
		body, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		fake.Put(bucket, filepath.ToSlash(name), body, nil)
	}
	fake.Latency = latency
	return fake, nil
}

// figures are what one round took.
type figures struct{ disk, real, fake usage }

func (f figures) cpu() float64  { return f.real.CPU.Seconds() / f.disk.CPU.Seconds() }
func (f figures) wall() float64 { return f.real.Wall.Seconds() / f.fake.Wall.Seconds() }

// round reads the trail from each place once, and checks that all gave the same
// records.
func (s *setting) round(folder, real, fake string) (f figures, err error) {
	var records [3]int64
	for i, from := range []struct {
		use  *usage
		args []string
	}{
		{&f.disk, []string{folder}},
		{&f.real, []string{"s3://" + bucket, "--endpoint-url", real}},
		{&f.fake, []string{"s3://" + bucket, "--endpoint-url", fake}},
	} {
		index := filepath.Join(s.dir, "index")
		*from.use, err = s.run(append([]string{"ingest", "--index", index}, from.args...)...)
		if err != nil {
			return f, err
		}
		if from.use.Status != 0 {
			return f, fmt.Errorf("ingest %v: status %d: %s", from.args, from.use.Status, from.use.Said)
		}
		if records[i], err = s.records(index); err != nil {
			return f, err
		}
		if err := os.RemoveAll(index); err != nil {
			return f, err
		}
	}
	if records[0] == 0 || records[1] != records[0] || records[2] != records[0] {
		return f, fmt.Errorf("records from disk, server and fake: %d", records)
	}
	return f, nil
}

// records is how many records an index took in.
func (s *setting) records(index string) (int64, error) {
	out, err := exec.Command(s.program, "inspect", "--index", index, "--format", "json").Output()
	if err != nil {
		return 0, fmt.Errorf("inspect: %w", err)
	}
	var said struct{ Ledger struct{ In int64 } }
	return said.Ledger.In, json.Unmarshal(out, &said)
}

func (s *setting) writeCost(objects int, size int64, latency time.Duration, all []figures) error {
	slices.SortFunc(all, func(a, b figures) int { return int(1000 * (a.cpu() - b.cpu())) })
	cpu := all[len(all)/2]
	slices.SortFunc(all, func(a, b figures) int { return int(1000 * (a.wall() - b.wall())) })
	wall := all[len(all)/2]
	return s.publish("s3 cost", fmt.Sprintf(`%d objects, %.0f MiB, versitygw behind %v; the middle of %d rounds.

| | measured | goal |
|---|---|---|
| client CPU, server against disk | %.1f s against %.1f s, %.2f times | 1.3 times |
| wall, server against the fake with the same latency | %.1f s against %.1f s, %.2f times | 1.5 times |
`, objects, mib(size), latency, len(all),
		cpu.real.CPU.Seconds(), cpu.disk.CPU.Seconds(), cpu.cpu(),
		wall.real.Wall.Seconds(), wall.fake.Wall.Seconds(), wall.wall()))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
