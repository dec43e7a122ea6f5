package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailblame/trailblame/correlate"
)

// TestWriteReportPages writes reports for bench/browser to open, into the folder
// that TRAILBLAME_PAGES names: of findings that no trail of ours would give.
func TestWriteReportPages(t *testing.T) {
	dir := os.Getenv("TRAILBLAME_PAGES")
	if dir == "" {
		t.Skip("TRAILBLAME_PAGES names no folder; bench/browser sets it")
	}
	var nasty []*correlate.Finding
	for i := range 130 {
		f := poisonWith(nasties[i%len(nasties)])
		f.ID = fmt.Sprintf("%s%d", f.ID, i)
		nasty = append(nasty, f)
	}
	for name, list := range map[string][]*correlate.Finding{
		"hostile": nasty, "many": manyFindings(10000), "nothing": nil, "kinds": kindsOfFindings(), "silent": kindsOfFindings(),
	} {
		files := trailFile(nasties[1])
		if name == "silent" {
			files = hourlyTrail(30, silences)
		}
		page := reportOn(t, "", list, files)
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s.html: %d bytes", name, len(page))
	}
}

// kindsOfFindings are a finding of every diagnosis, and one that is less sure.
func kindsOfFindings() []*correlate.Finding {
	var list []*correlate.Finding
	for i, name := range sortedNames(samples()) {
		f := samples()[name]
		f.ID = fmt.Sprintf("%016x", i)
		list = append(list, f)
	}
	weak := sampleChange()
	weak.ID, weak.Candidates[0].Level, weak.Candidates[0].AlsoSufficient = "ffff", correlate.Observed, []string{weak.Vetoed[5].EventID}
	return append(list, weak)
}

// manyFindings are n findings over three months, each of another caller, with
// the ids, sizes and spread that those of a large trail have.
func manyFindings(n int) []*correlate.Finding {
	r := rand.New(rand.NewPCG(1, 2))
	id := func() string {
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
	}
	var list []*correlate.Finding
	kinds := []func() *correlate.Finding{sampleChange, samplePropagation, sampleNeverAllowed, sampleUnexplained, sampleChange, sampleChange}
	for i := range n {
		f := kinds[r.IntN(len(kinds))]()
		shift := time.Duration(i) * 90 * 24 * time.Hour / time.Duration(n)
		move := func(at *correlate.Time) { at.Time = at.Add(shift) }
		f.ID = fmt.Sprintf("%016x", i)
		f.Failure.Principal = fmt.Sprintf("arn:aws:iam::%012d:role/service/caller-%d", 111122223333+i%40, i)
		f.Failure.Account = fmt.Sprint(111122223333 + i%40)
		f.Failure.Count = 12 + i
		f.Failure.Resource = fmt.Sprintf("arn:aws:s3:::bucket-%x/%x", r.Uint32(), r.Uint64())
		f.Failure.First.EventID, f.Failure.Last.EventID = id(), id()
		move(&f.Failure.First.EventTime)
		move(&f.Failure.Last.EventTime)
		for k := range f.Candidates {
			c := &f.Candidates[k].Change
			c.EventID, c.Object = id(), delivery+fmt.Sprint(r.IntN(9000))
			move(&c.EventTime)
		}
		for k := range f.Vetoed {
			f.Vetoed[k].EventID = id()
			move(&f.Vetoed[k].EventTime)
		}
		for k := range 24 {
			at := f.Failure.First.EventTime
			at.Time = at.Add(time.Duration(k*r.IntN(900)) * time.Second)
			f.Attempts = append(f.Attempts, correlate.Attempt{EventID: id(), EventTime: at, Target: f.Failure.Resource, Failed: k > 0})
		}
		list = append(list, f)
	}
	return list
}
