// Package bundled tells the stories of the trails that are kept in the
// repository, testdata/trails.
package bundled

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// stories are the bundled trails by folder.
var stories = []struct {
	name string
	tell func() *trail.Cloud
}{
	{"push-denied", pushDenied},
	{"pipeline-denied", pipelineDenied},
}

// deliveryPeriod is how long an object of a bundled trail stays open, a little
// more than CloudTrail's own five minutes.
const deliveryPeriod = 6 * time.Minute

// Main writes the trails and returns the exit status.
func Main(args []string) int {
	flags := flag.NewFlagSet("bundled", flag.ContinueOnError)
	out := flags.String("out", "testdata/trails", "folder to write the trails to")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if err := Write(*out); err != nil {
		fmt.Fprintln(os.Stderr, "trailgen bundled:", err)
		return 1
	}
	return 0
}

// Write writes every trail into a folder of its own under dir.
func Write(dir string) error {
	for _, s := range stories {
		if err := writeStory(filepath.Join(dir, s.name), s.tell()); err != nil {
			return fmt.Errorf("write %s: %w", s.name, err)
		}
	}
	return nil
}

// writeStory replaces the trail under dir, so that no object of an earlier
// version stays behind.
func writeStory(dir string, c *trail.Cloud) error {
	files, err := c.Objects(deliveryPeriod)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "AWSLogs")); err != nil {
		return err
	}
	return trail.Write(dir, files)
}

// clock returns the time of day d on a day; the bundled stories are told in
// UTC.
func clock(day time.Time, d string) time.Time {
	t, err := time.Parse(time.TimeOnly, d)
	if err != nil {
		panic(err)
	}
	return day.Add(time.Duration(t.Hour())*time.Hour +
		time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second)
}
