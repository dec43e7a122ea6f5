package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// scale measures cost per event and memory for trails of several sizes.
func (b *bench) scale(sizes string) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "%s; %s; one run each.\n\n", machine(), time.Now().UTC().Format(time.DateOnly))
	out.WriteString("| events | gzip | ingest, CPU per event | against gunzip, CPU | ingest, wall | peak memory | index / gzip | query by access key | correlate | its memory |\n|---|---|---|---|---|---|---|---|---|---|\n")
	list := strings.Split(sizes, ",")
	for i, text := range list {
		events, err := strconv.Atoi(text)
		if err != nil {
			return "", fmt.Errorf("-sizes: %w", err)
		}
		if err := b.scaleRow(&out, events, i == len(list)-1 && len(list) > 1); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (b *bench) scaleRow(out *strings.Builder, events int, ingestOnly bool) error {
	trail, err := b.trail(events)
	if err != nil {
		return err
	}
	index := trail + ".index"
	if err := os.RemoveAll(index); err != nil {
		return err
	}
	defer func() {
		if ingestOnly { // nobody searches it, and it is large
			os.RemoveAll(index)
		}
	}()
	floor, err := b.time(b.path("compare"), "gunzip", trail)
	if err != nil {
		return err
	}
	took, err := b.time(b.path("trailblame"), "ingest", "-q", "--index", index, trail)
	if err != nil {
		return err
	}
	_, gz := size(trail)
	_, bytes := size(index)
	fmt.Fprintf(out, "| %d | %d MB | %.1f µs | %.2f × | %s | %s | %.0f %% |", events, gz/1e6, float64(took.cpu.Microseconds())/float64(events),
		ratio(took.cpu, floor.cpu), seconds(took.wall), mebibytes(took.memory), percent(bytes, gz))
	if ingestOnly {
		out.WriteString(" | | |\n")
		return nil
	}
	list, err := b.pick(index)
	if err != nil {
		return err
	}
	search, err := b.time(b.path("trailblame"), "query", "-q", "--index", index, list[1].expression())
	if err != nil {
		return err
	}
	found, err := b.time(b.path("trailblame"), "correlate", "-q", "--index", index, "--format", "ndjson")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, " %s | %s | %s |\n", seconds(search.wall), seconds(found.wall), mebibytes(found.memory))
	return nil
}
