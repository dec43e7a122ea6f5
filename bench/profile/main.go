// Command profile says where the processor time of an ingest goes: it reads a
// trail several times under the profiler, undoes its gzip alone in between, and
// writes the share of each stage into bench/PROFILE.md.
//
//	go run ./bench/profile -trail DIR [-runs 5]
//
// A trail is made by go run ./bench/trailgen large.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailblame/trailblame/bench/section"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

func main() {
	trail := flag.String("trail", "", "folder of a trail")
	runs := flag.Int("runs", 5, "how often it is read")
	out := flag.String("out", "bench/PROFILE.md", "file to write the table into")
	flag.Parse()
	if err := profile(*trail, *runs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func profile(trail string, runs int, out string) error {
	dir, err := os.MkdirTemp("", "trailblame-profile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var ours, floor []string
	var events int64
	for i := range runs {
		floor = append(floor, filepath.Join(dir, fmt.Sprintf("gunzip-%d", i)))
		if err := sample(floor[i], func() error { return gunzip(trail) }); err != nil {
			return err
		}
		ours = append(ours, filepath.Join(dir, fmt.Sprintf("ingest-%d", i)))
		if err := sample(ours[i], func() (err error) {
			events, err = read(trail, filepath.Join(dir, fmt.Sprintf("index-%d", i)))
			return err
		}); err != nil {
			return err
		}
	}
	all, err := top(ours)
	if err != nil {
		return err
	}
	alone, err := top(floor)
	if err != nil {
		return err
	}
	return section.Write(out, "profile", table(all, alone, runs, events))
}

// sample profiles f into a file.
func sample(path string, f func() error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// read ingests the trail with two workers.
func read(trail, dir string) (events int64, err error) {
	w, err := index.OpenWriter(dir)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	src, err := ingest.NewLocal(trail)
	if err != nil {
		return 0, err
	}
	opts := ingest.Options{Workers: 2, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink}
	if err := ingest.Run(context.Background(), []ingest.Source{src}, opts); err != nil {
		return 0, err
	}
	if err := w.Finish(); err != nil {
		return 0, err
	}
	return w.Totals().Kept, w.Merge(false)
}

// gunzip undoes the gzip of every object, one after another.
func gunzip(trail string) error {
	var z gzip.Reader
	buf := make([]byte, 1<<20)
	files := 0
	err := filepath.WalkDir(trail, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".gz") {
			return err
		}
		files++
		packed, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := z.Reset(bytes.NewReader(packed)); err != nil {
			return err
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, &z, buf)
		return err
	})
	if err == nil && files == 0 {
		return errors.New("-trail names no folder with deliveries")
	}
	return err
}

// times are the processor seconds of a profile: of all, and below each function.
type times struct {
	total float64
	below map[string]float64
}

// top reads profiles with pprof.
func top(paths []string) (t times, err error) {
	exe, err := os.Executable()
	if err != nil {
		return t, err
	}
	args := append([]string{"tool", "pprof", "-top", "-cum", "-unit=s", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0", exe}, paths...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return t, err
	}
	t.below = map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), "Total samples = "); ok {
			t.total = seconds(strings.Fields(rest)[0])
		}
		if len(fields) >= 6 && strings.HasSuffix(fields[4], "%") {
			name := fields[5]
			t.below[name[strings.LastIndexByte(name, '/')+1:]] = seconds(fields[3])
		}
	}
	if t.total == 0 || len(t.below) == 0 {
		return t, errors.New("pprof says nothing")
	}
	return t, nil
}

func seconds(text string) float64 {
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds()
	}
	v, _ := strconv.ParseFloat(strings.TrimSuffix(text, "s"), 64) // 0 shows in the table
	return v
}

// stages are functions that do not call each other.
var stages = []struct {
	name      string
	functions []string
	without   []string // a part of them that is another stage
}{
	{"list and read the files", []string{"ingest.list", "ingest.(*objectReader).load"}, []string{"ingest.(*objectReader).inflate"}},
	{"undo gzip", []string{"ingest.(*objectReader).inflate"}, nil},
	{"split and decode the records", []string{"ingest.(*splitter).decode"}, nil},
	{"number the values of the batch, templates", []string{"index.(*rows).append"}, nil},
	{"sort", []string{"index.(*rows).byDate"}, nil},
	{"find duplicates", []string{"index.(*day).admit"}, nil},
	{"gather and write terms", []string{"index.(*segmentTerms).addRows", "index.(*segmentWriter).writeTerms"}, nil},
	{"write Parquet", []string{"index.(*segmentWriter).rowGroup", "index.(*segmentWriter).closeEvents"}, nil},
	{"read back", []string{"index.(*segmentWriter).readBack"}, nil},
}

func table(all, alone times, runs int, events int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d cores, %s events, %d runs in turns with gunzip alone.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), strconv.FormatInt(events, 10), runs)
	fmt.Fprintf(&b, "| stage | share | against gunzip alone | µs per event |\n|---|---|---|---|\n")
	line := func(name string, v float64) {
		fmt.Fprintf(&b, "| %s | %.0f %% | %.2f | %.2f |\n", name, 100*v/all.total, v/alone.total, v*1e6/float64(events)/float64(runs))
	}
	rest := all.total
	for _, s := range stages {
		v := 0.0
		for _, f := range s.functions {
			v += all.below[f]
		}
		for _, f := range s.without {
			v -= all.below[f]
		}
		rest -= v
		line(s.name, v)
	}
	line("all else", rest)
	line("**an ingest**", all.total)
	return b.String()
}
