//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/trailblame/trailblame/bench/trailgen/large"
)

// perObject is how many records an object of a large trail has, at most, on
// average.
const perObject = 60

// trail makes a trail of exactly objects deliveries in dir, or of all that
// events make if objects is 0, and returns their names and what they weigh.
func trail(dir string, events, objects int) (names []string, size int64, err error) {
	if objects > 0 {
		events = max(objects*perObject, 10_000)
	}
	if _, _, err := large.Write(dir, large.Options{Events: events, Seed: 1}); err != nil {
		return nil, 0, err
	}
	sizes := map[string]int64{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names, sizes[name] = append(names, name), info.Size()
		return err
	})
	if err != nil || len(names) < objects {
		return nil, 0, fmt.Errorf("%d records made %d objects: %w", events, len(names), err)
	}
	slices.Sort(names)
	if objects > 0 {
		for _, name := range names[objects:] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return nil, 0, err
			}
		}
		names = names[:objects]
	}
	for _, name := range names {
		size += sizes[name]
	}
	return names, size, nil
}
