package trail

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// File is one delivered object: its key in the bucket and its gzip bytes.
type File struct {
	Key  string
	Body []byte
}

// batch is the content of one object.
type batch struct {
	region string
	end    time.Time
	events []*Event
}

// Objects delivers the account's records. CloudTrail collects for some
// minutes and then writes one object a region, in no order and at least once:
// a record arrives one to four minutes after its event, an object closes a
// period after the first record it takes, and about one record in fifty comes
// again in the next object of its region.
func (c *Cloud) Objects(period time.Duration) ([]File, error) {
	batches := c.batches(period)
	c.redeliver(batches)
	files := make([]File, len(batches))
	for i, b := range batches {
		body, err := b.pack()
		if err != nil {
			return nil, err
		}
		files[i] = File{c.key(b), body}
	}
	return files, nil
}

// arrival is a record with the moment it reaches CloudTrail.
type arrival struct {
	at    time.Time
	event *Event
}

// batches groups the records by region and time of arrival, oldest first
// within each region.
func (c *Cloud) batches(period time.Duration) []*batch {
	var list []*batch
	for _, a := range c.arrivals() {
		n := len(list) - 1
		if n < 0 || list[n].region != a.event.Region || a.at.After(list[n].end) {
			end := a.at.Add(period).Truncate(time.Minute)
			list = append(list, &batch{region: a.event.Region, end: end})
			n++
		}
		list[n].events = append(list[n].events, a.event)
	}
	return list
}

func (c *Cloud) arrivals() []arrival {
	list := make([]arrival, len(c.Events))
	for i, e := range c.Events {
		delay := NewRand(c.seed, "delay", e.ID).Between(60, 240)
		list[i] = arrival{e.Time.Add(time.Duration(delay) * time.Second), e}
	}
	slices.SortFunc(list, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.event.Region, b.event.Region), a.at.Compare(b.at),
			cmp.Compare(a.event.ID, b.event.ID))
	})
	return list
}

// redeliver copies some records into the next object of their region.
func (c *Cloud) redeliver(list []*batch) {
	var again []*Event
	for i, b := range list {
		if i > 0 && list[i-1].region != b.region {
			again = nil
		}
		own := b.events
		b.events = append(slices.Clip(own), again...)
		again = nil
		for _, e := range own {
			if NewRand(c.seed, "again", e.ID).IntN(50) == 0 {
				again = append(again, e)
			}
		}
	}
}

// pack orders the records by their IDs, which is no order at all in time, and
// compresses them. The gzip header holds no time, so the bytes depend on the
// records alone.
func (b *batch) pack() ([]byte, error) {
	slices.SortFunc(b.events, func(x, y *Event) int { return cmp.Compare(x.ID, y.ID) })
	text := []byte(`{"Records":[`)
	for i, e := range b.events {
		if i > 0 {
			text = append(text, ',')
		}
		text = e.Append(text)
	}
	return Gzip(append(text, "]}"...))
}

// Gzip compresses the text of one object.
func Gzip(text []byte) ([]byte, error) {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (c *Cloud) key(b *batch) string {
	minute := b.end.Format("20060102T1504Z")
	return Key(c.Account, b.region, b.end, NewRand(c.seed, "object", b.region, minute).Alnum(16))
}

// Key returns the key of an object delivered at a time; unique is the 16
// characters that tell objects of one minute apart.
func Key(account, region string, at time.Time, unique string) string {
	return "AWSLogs/" + account + "/CloudTrail/" + region + at.Format("/2006/01/02/") +
		account + "_CloudTrail_" + region + at.Format("_20060102T1504Z_") + unique + ".json.gz"
}

// Write puts the objects under dir.
func Write(dir string, files []File) error {
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Body, 0o644); err != nil {
			return err
		}
	}
	return nil
}
