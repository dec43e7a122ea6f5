//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
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
	names, sizes, err := files(dir)
	if err != nil || len(names) < objects {
		return nil, 0, fmt.Errorf("%d records made %d objects: %w", events, len(names), err)
	}
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

// files returns the files in dir, sorted, and their sizes.
func files(dir string) (names []string, sizes map[string]int64, err error) {
	sizes = map[string]int64{}
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
	slices.Sort(names)
	return names, sizes, err
}

// lend puts the files of a trail that is there into another folder, as links, or
// as copies where the file system wants it so.
func lend(from, to string) (names []string, size int64, err error) {
	names, sizes, err := files(from)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no files in it", from)
	}
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return nil, 0, err
		}
		if err := os.Link(source, target); err != nil {
			if err := duplicate(source, target); err != nil {
				return nil, 0, err
			}
		}
		size += sizes[name]
	}
	return names, size, nil
}

func duplicate(source, target string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
