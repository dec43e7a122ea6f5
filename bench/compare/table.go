package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// table measures the whole side-by-side table.
func (b *bench) table() (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "%s; %s; medians of %d runs in turns.\n", machine(), time.Now().UTC().Format(time.DateOnly), b.runs)
	for _, part := range []func(*strings.Builder) error{b.ingest, b.needles, b.correlate} {
		if err := part(&out); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

// ingest compares the ways from a trail to a store.
func (b *bench) ingest(out *strings.Builder) error {
	trail, err := b.trail(b.events)
	if err != nil {
		return err
	}
	fresh := func(name string) (string, func() error) {
		path := b.path(name)
		return path, func() error { return os.RemoveAll(path) }
	}
	index, dropIndex := fresh("index")
	same, dropSame := fresh("same")
	plain, dropPlain := fresh("plain.parquet")
	ours := &contestant{name: "trailblame ingest", prepare: dropIndex, program: b.path("trailblame"), args: []string{"ingest", "-q", "--index", index, trail}}
	duck := &contestant{name: "DuckDB, the same work", prepare: dropSame, program: b.path("peer"), args: []string{"same", trail, same}}
	copied := &contestant{name: "DuckDB, plain copy", prepare: dropPlain, program: b.path("peer"), args: []string{"copy", trail, plain}}
	floor := &contestant{name: "gunzip alone", program: b.path("compare"), args: []string{"gunzip", trail}}
	if err := b.turns(b.runs, floor, ours, duck, copied); err != nil {
		return err
	}
	files, gz := size(trail)
	fmt.Fprintf(out, "\n### Ingest\n\n%d events in %d objects, %d MB gzip.\n\n", b.events, files, gz/1e6)
	fmt.Fprintf(out, rowHead, "gunzip")
	for _, c := range []*contestant{floor, ours, duck, copied} {
		out.WriteString(c.row(floor))
	}
	_, ourSize := size(index)
	_, terms := size(filepath.Join(index, "terms"))
	_, duckSize := size(same)
	fmt.Fprintf(out, "\nBytes, against the gzipped trail: index %.0f %% (its terms %.0f %%), DuckDB's Parquet %.0f %%.\n"+
		"trailblame takes %.2f × the wall time of DuckDB doing the same work (CPU %.2f ×).\n",
		percent(ourSize, gz), percent(terms, gz), percent(duckSize, gz), ratio(ours.wall(), duck.wall()), ratio(ours.cpu(), duck.cpu()))
	return nil
}

func percent(a, b int64) float64 { return 100 * float64(a) / float64(b) }

// size returns how many files there are below path and their bytes.
func size(path string) (files int, bytes int64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			files++
			bytes += info.Size()
		}
		return err
	})
	return files, bytes
}

// needle is a search for few events by one value.
type needle struct {
	name, column string // in Parquet and in expressions
	value        string
}

// expression is the needle as trailblame query takes it.
func (n *needle) expression() string { return fmt.Sprintf("%s == %q", n.column, n.value) }

// needles compares whole processes that look one value up.
func (b *bench) needles(out *strings.Builder) error {
	events := b.events
	if b.needle > 0 {
		events = b.needle
	}
	trail, err := b.trail(events)
	if err != nil {
		return err
	}
	index, same := b.path(fmt.Sprintf("index-%d", events)), b.path(fmt.Sprintf("same-%d", events))
	if _, err := b.time(b.path("trailblame"), "ingest", "-q", "--index", index, trail); err != nil {
		return err
	}
	if _, err := os.Stat(same); err != nil {
		if _, err := b.time(b.path("peer"), "same", trail, same); err != nil {
			return err
		}
	}
	list, err := b.pick(index)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n### Needles\n\nOne value among %d events, the whole process; DuckDB searches the Parquet it made itself.\n\n", events)
	out.WriteString("| | events found | trailblame query | DuckDB | DuckDB against trailblame |\n|---|---|---|---|---|\n")
	for _, n := range list {
		ours := &contestant{program: b.path("trailblame"), args: []string{"query", "-q", "--index", index, n.expression()}}
		duck := &contestant{program: b.path("peer"), args: []string{"find", same, n.column, n.value}}
		if err := b.turns(b.runs, ours, duck); err != nil {
			return err
		}
		if got, want := lines(ours.costs[0].out), lines(duck.costs[0].out); got != want || got == 0 {
			return fmt.Errorf("%s %s: trailblame finds %d events, DuckDB %d", n.name, n.value, got, want)
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s | %.1f × |\n", n.name, lines(ours.costs[0].out), seconds(ours.wall()), seconds(duck.wall()), ratio(duck.wall(), ours.wall()))
	}
	return nil
}

func lines(text []byte) int { return bytes.Count(text, []byte("\n")) }

// pick takes values of the last event of the trail that has them all.
func (b *bench) pick(index string) ([]*needle, error) {
	took, err := b.time(b.path("trailblame"), "query", "-q", "--index", index, "--limit", "50",
		`userIdentity.type == "AssumedRole" && userIdentity.accessKeyId startsWith "ASIA" && sourceIPAddress contains "."`)
	if err != nil {
		return nil, err
	}
	all := bytes.Split(bytes.TrimSpace(took.out), []byte("\n"))
	var e struct {
		EventID         string
		SourceIPAddress string
		UserIdentity    struct{ ARN, AccessKeyID string }
	}
	if err := json.Unmarshal(all[len(all)-1], &e); err != nil {
		return nil, fmt.Errorf("no event to look for: %w", err)
	}
	return []*needle{
		{"eventID", "eventID", e.EventID},
		{"access key", "userIdentity.accessKeyId", e.UserIdentity.AccessKeyID},
		{"source address", "sourceIPAddress", e.SourceIPAddress},
		{"principal", "userIdentity.arn", e.UserIdentity.ARN},
	}, nil
}

// correlatedDays is how long the trails are that correlate is measured on. Left to
// itself the generator makes a longer trail with more causes of more events.
const correlatedDays = 10

// correlate measures failures, and what ten times the other events add.
func (b *bench) correlate(out *strings.Builder) error {
	denials := b.events / 10
	if b.failures > 0 {
		denials = b.failures
	}
	causes := max(3, b.events/100_000)
	var runs []*contestant
	for _, events := range []int{10 * denials, 100 * denials} {
		trail, err := b.trail(events, "-denials", fmt.Sprint(denials), "-causes", fmt.Sprint(causes), "-days", fmt.Sprint(correlatedDays))
		if err != nil {
			return err
		}
		index := trail + ".index"
		if _, err := b.time(b.path("trailblame"), "ingest", "-q", "--index", index, trail); err != nil {
			return err
		}
		runs = append(runs, &contestant{name: fmt.Sprintf("%d failures in %d events", denials, events),
			program: b.path("trailblame"), args: []string{"correlate", "-q", "--index", index, "--format", "ndjson"}})
	}
	if err := b.turns(b.runs, runs...); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n### Correlate\n\nThe whole process on an index. Both trails have the same number of denials and of planted causes (%d) in the same %d days;\nonly the other events are ten times as many.\n\n", causes, correlatedDays)
	fmt.Fprintf(out, rowHead, "the first")
	for _, c := range runs {
		out.WriteString(c.row(runs[0]))
	}
	fmt.Fprintf(out, "\nPer 100,000 failures: %s.\n", seconds(time.Duration(float64(runs[0].wall())*1e5/float64(denials))))
	return nil
}
