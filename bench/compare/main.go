package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/trailblame/trailblame/bench/section"
)

// bench is what a run was asked for and where it keeps its files.
type bench struct {
	ctx      context.Context
	events   int
	runs     int
	needle   int
	failures int
	seed     uint64
	dir      string // scratch, with the programs
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) == 2 && args[0] == "gunzip" {
		return gunzip(args[1])
	}
	b := &bench{ctx: ctx}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.IntVar(&b.events, "events", 250_000, "events of the ingested trail")
	flags.IntVar(&b.needle, "needle", 0, "events of the trail that is searched (0: the ingested one)")
	flags.IntVar(&b.failures, "failures", 0, "failures that are correlated, among ten and a hundred times as many events (0: a tenth of -events)")
	flags.IntVar(&b.runs, "runs", 5, "runs of each contestant")
	flags.Uint64Var(&b.seed, "seed", 1, "seed of the trails")
	flags.StringVar(&b.dir, "dir", "", "scratch folder; what it holds of an earlier run is used again (default: a new one, removed)")
	out := flags.String("write", "bench/README.md", "file with the sections for the results; empty to print them only")
	scale := flags.Bool("scale", false, "measure cost and memory by the size of the trail")
	sizes := flags.String("sizes", "1000000,10000000,30000000", "events of the trails of -scale; the last is only ingested")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "trailblame-compare-"); err != nil {
			return err
		}
		defer os.RemoveAll(b.dir)
	}
	if err := b.build(); err != nil {
		return err
	}
	var body string
	name := "compare"
	if *scale {
		name = "scale"
		body, err = b.scale(*sizes)
	} else {
		body, err = b.table()
	}
	if err != nil {
		return err
	}
	fmt.Print(body)
	if *out == "" {
		return nil
	}
	return section.Write(*out, name, body)
}

// build makes the three programs that run.
func (b *bench) build() error {
	for _, p := range []struct {
		name, module, path string
		cgo                bool
	}{
		{"trailblame", ".", "./cmd/trailblame", false},
		{"trailgen", ".", "./bench/trailgen", false},
		{"compare", ".", "./bench/compare", false},
		{"peer", "bench/duckdb", "./peer", true},
	} {
		cmd := exec.CommandContext(b.ctx, "go", "build", "-C", p.module, "-o", b.path(p.name), p.path)
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+strconv.Itoa(btoi(p.cgo)))
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.name, err, text)
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *bench) path(name string) string {
	abs, err := filepath.Abs(filepath.Join(b.dir, name))
	if err != nil {
		return filepath.Join(b.dir, name)
	}
	return abs
}

// trail makes a trail, unless it is there.
func (b *bench) trail(events int, more ...string) (string, error) {
	name := fmt.Sprintf("trail-%d-%d", b.seed, events)
	for _, arg := range more {
		name += arg
	}
	dir := b.path(name)
	if _, err := os.Stat(dir + ".labels.ndjson"); err == nil {
		return dir, nil
	}
	args := append([]string{"large", "-events", strconv.Itoa(events), "-seed", strconv.FormatUint(b.seed, 10), "-out", dir}, more...)
	_, err := b.time(b.path("trailgen"), args...)
	return dir, err
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}
