//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// memory measures the peak of what could grow with its input.
func memory(s *setting, flags *flag.FlagSet) func() error {
	ready := flags.String("trail", "", "folder with a trail to use as the large one, in place of making it")
	events := flags.Int("events", 7_900_000, "records of the large trail; 7.9 million are 2 GiB of gzip")
	size := flags.Int64("object", 500, "MiB of the large object when decompressed")
	bomb := flags.Int64("bomb", 10, "GiB of a gzip bomb when decompressed")
	wide := flags.Int("wide", 100_000, "objects of the wide prefix")
	only := flags.String("only", "", "measure only what has this in its name")
	return func() error {
		m := &peaks{setting: s, only: *only}
		for _, measure := range []func() error{
			func() error { return m.trail(*ready, *events) },
			func() error { return m.object(*size << 20) },
			func() error { return m.bombs(*bomb << 30) },
			func() error { return m.prefix(*wide) },
		} {
			if err := measure(); err != nil {
				return err
			}
		}
		return s.publish("s3 memory", "| | peak resident memory | took |\n|---|---|---|\n"+m.rows.String()+"\nThe goal is 512 MiB.\n")
	}
}

// peaks gathers the rows of the table.
type peaks struct {
	*setting
	only string
	rows strings.Builder
}

func (m *peaks) wants(name string) bool { return strings.Contains(name, m.only) }

// measure runs the program and notes what it took. It must end with status, and
// take in as many records as there are, where that is known.
func (m *peaks) measure(name string, status int, records int64, args ...string) (usage, error) {
	index := filepath.Join(m.dir, "index")
	defer os.RemoveAll(index)
	u, err := m.run(append([]string{"ingest", "--index", index}, args...)...)
	if err != nil {
		return u, err
	}
	if u.Status != status {
		return u, fmt.Errorf("%s: status %d, want %d: %s", name, u.Status, status, u.Said)
	}
	got, err := m.records(index)
	if err != nil || records >= 0 && got != records {
		return u, fmt.Errorf("%s: %d records, want %d: %w", name, got, records, err)
	}
	m.log("%s: %.0f MiB in %.1f s, %d records", name, mib(u.Peak), u.Wall.Seconds(), got)
	if records < 0 && status == 0 && got == 0 {
		return u, fmt.Errorf("%s: no records were read", name)
	}
	fmt.Fprintf(&m.rows, "| %s | %.0f MiB | %.1f s |\n", name, mib(u.Peak), u.Wall.Seconds())
	return u, nil
}

// twice measures what fill puts into the bucket as a folder and as a bucket.
func (m *peaks) twice(name string, fill func(folder string) (title string, records int64, err error)) error {
	if !m.wants(name) {
		return nil
	}
	g, err := m.serve()
	if err != nil {
		return err
	}
	defer g.close()
	folder := filepath.Join(g.folder, bucket, "in")
	start := time.Now()
	title, records, err := fill(folder)
	if err != nil {
		return err
	}
	m.log("%s: ready after %v", title, time.Since(start).Round(time.Second))
	if _, err := m.measure(title+", from disk", 0, records, folder); err != nil {
		return err
	}
	_, err = m.measure(title+", from a server", 0, records, "s3://"+bucket+"/in/", "--endpoint-url", "http://"+g.address)
	return err
}

// trail is a large trail of small objects: one that is there already, or one
// made of so many events.
func (m *peaks) trail(ready string, events int) error {
	const name = "a large trail"
	return m.twice(name, func(folder string) (string, int64, error) {
		var names []string
		var size int64
		var err error
		if ready != "" {
			names, size, err = lend(ready, folder)
		} else {
			names, size, err = trail(folder, events, 0)
		}
		return fmt.Sprintf("%s of %.2f GiB gzip, %d objects", name, mib(size)/1024, len(names)), -1, err
	})
}

// object is one object that has to be streamed.
func (m *peaks) object(size int64) error {
	name := fmt.Sprintf("one object of %.0f MiB", mib(size))
	return m.twice(name, func(folder string) (string, int64, error) {
		records, err := writeObject(filepath.Join(folder, "one.json.gz"), size)
		return name, records, err
	})
}

// bombs are objects that are far larger than they look. Each that looks like a
// trail's must be named, and what is good beside them be read.
func (m *peaks) bombs(size int64) error {
	name := fmt.Sprintf("four gzip bombs of %d GiB", size>>30)
	if !m.wants(name) {
		return nil
	}
	folder := filepath.Join(m.dir, "bombs")
	defer os.RemoveAll(folder)
	if _, err := writeObject(filepath.Join(folder, "good.json.gz"), 1000); err != nil {
		return err
	}
	kinds := map[string][2]string{
		"zeros":    {"", "\x00"},
		"string":   {`{"Records":[{"eventID":"`, "a"},
		"brackets": {"", "["},
		"records":  {`{"Records":[`, `{"eventID":"","eventTime":"2026-01-02T03:04:05Z"},`},
	}
	for kind, text := range kinds {
		if err := writeBomb(filepath.Join(folder, kind+".json.gz"), text[0], text[1], size); err != nil {
			return err
		}
	}
	u, err := m.measure(name, 3, -1, folder)
	for kind := range kinds {
		if err == nil && kind != "zeros" && !strings.Contains(u.Said, kind+".json.gz: ") {
			err = fmt.Errorf("%s.json.gz is not named: %s", kind, u.Said)
		}
	}
	return err
}

// prefix is a prefix with very many objects in one folder.
func (m *peaks) prefix(objects int) error {
	name := fmt.Sprintf("a prefix of %d objects", objects)
	if !m.wants(name) {
		return nil
	}
	fake := s3fake.New(bucket)
	defer fake.Close()
	for i := range objects {
		fake.Put(bucket, fmt.Sprintf("flat/%08d.json.gz", i), packed(`{"Records":[`+record(uint64(i))+`]}`), nil)
	}
	_, err := m.measure(name, 0, int64(objects), "s3://"+bucket+"/flat/", "--endpoint-url", fake.URL)
	return err
}
