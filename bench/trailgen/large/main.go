package large

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Main runs the subcommand and returns the exit status.
func Main(args []string) int {
	err := run(args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp) || errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(os.Stderr, "trailgen large:", err)
	return 1
}

// errUsage marks a command line that the flag package has complained about.
var errUsage = errors.New("usage")

func run(args []string) error {
	var o Options
	flags := flag.NewFlagSet("large", flag.ContinueOnError)
	flags.IntVar(&o.Events, "events", 1_000_000, "unique records")
	flags.Uint64Var(&o.Seed, "seed", 1, "equal seeds make equal trails")
	flags.IntVar(&o.Days, "days", 0, "days covered (0: by the number of records)")
	flags.IntVar(&o.Causes, "causes", 0, "planted causes (0: one in 100,000 records)")
	flags.IntVar(&o.Denials, "denials", 0, "denials in all (0: one record in a hundred)")
	flags.IntVar(&o.Workers, "workers", 0, "days made at a time (0: one a core)")
	out := flags.String("out", "", "folder of the trail, new or empty (required)")
	labels := flags.String("labels", "", "file of the labels (default: OUT.labels.ndjson)")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if *out == "" {
		return errors.New("-out is required")
	}
	if *labels == "" {
		*labels = filepath.Clean(*out) + ".labels.ndjson"
	}
	return generate(*out, *labels, o)
}

func generate(out, labels string, o Options) error {
	if err := mustBeEmpty(out); err != nil {
		return err
	}
	began := time.Now()
	stats, truth, err := Write(out, o)
	if err != nil {
		return err
	}
	if err := writeLabels(labels, truth); err != nil {
		return err
	}
	report(os.Stderr, stats, len(truth), time.Since(began))
	return nil
}

// mustBeEmpty refuses a folder that holds something: objects of another seed
// beside ours would make the labels wrong.
func mustBeEmpty(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	return err
}

func writeLabels(path string, labels []Label) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, l := range labels {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func report(w io.Writer, s Stats, labels int, took time.Duration) {
	fmt.Fprintf(w, "%d events (+%d duplicates) in %d objects, %d labels\n", s.Events, s.Duplicates, s.Objects, labels)
	fmt.Fprintf(w, "%.1f MB raw, %.1f MB gzip (%.1fx), %.1f s, %.0f events/s\n",
		float64(s.Raw)/1e6, float64(s.Gzip)/1e6, s.Ratio(), took.Seconds(), float64(s.Events)/took.Seconds())
}
