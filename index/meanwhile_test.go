package index

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
)

// small makes a writer seal, commit and merge all the time, and split objects.
var small = limits{batch: 6 << 10, held: 1 << 30, commit: 1, interval: 0, mergeAt: 3}

// mergeTrail is a trail of many files of a few days, in which every event comes
// at least twice.
func mergeTrail(t *testing.T, files int) string {
	dir := t.TempDir()
	for f := range files {
		var records []string
		for n := range 30 {
			records = append(records, event(f*15+n))
		}
		if f%10 == 0 { // large enough to be split
			for n := range 60 {
				records = append(records, event((f*7+n*3)%(files*15)))
			}
		}
		write(t, dir, fmt.Sprintf("f%03d.json.gz", f), records...)
	}
	return dir
}

// While a trail is read and its segments are merged, readers see nothing but
// ever more of the truth; in the end the index is what it would have been.
func TestMergeMeanwhile(t *testing.T) {
	files := 30
	if testing.Short() {
		files = 14
	}
	in := mergeTrail(t, files)
	reference := filepath.Join(t.TempDir(), "reference")
	totals := read(t, reference, 1, in)
	want := dump(t, reference)
	truth := map[string][]string{} // events by the objects that they came in
	for _, e := range want {
		for _, d := range e.Deliveries {
			object, _, _ := strings.Cut(d, "#")
			truth[object] = append(truth[object], e.Raw)
		}
	}
	dir := filepath.Join(t.TempDir(), "ix")
	w, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.limits = small
	if err := w.commit(); err != nil { // an empty index, so that readers find one
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	var done atomic.Bool
	var looks atomic.Int64
	for range 3 {
		readers.Go(func() {
			last := 0
			for !done.Load() {
				got, objects, err := snapshot(dir)
				if err != nil {
					t.Errorf("reader: %v", err)
					return
				}
				var want []string
				for _, o := range objects {
					want = append(want, truth[o]...)
				}
				slices.Sort(want)
				if want = slices.Compact(want); !slices.Equal(got, want) || len(got) < last {
					t.Errorf("%d events after %d, want the %d of %v", len(got), last, len(want), objects)
					return
				}
				last = len(got)
				looks.Add(1)
				time.Sleep(3 * time.Millisecond)
			}
		})
	}
	readInto(t, w, 4, in)
	if w.noMerge {
		t.Error("a merge failed")
	}
	if w.mergeCount == 0 {
		t.Error("nothing was merged in the background")
	}
	mergedMeanwhile, left := w.mergeCount, len(w.manifest.Segments)
	if err := w.Merge(true); err != nil {
		t.Fatal(err)
	}
	done.Store(true)
	readers.Wait()
	w.Close()
	if looks.Load() < 3 {
		t.Errorf("readers looked %d times", looks.Load())
	}
	if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	again, err := OpenWriter(dir) // clears what readers held
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Totals(); got != totals {
		t.Errorf("totals %+v, want %+v", got, totals)
	}
	again.Close()
	v, err := Verify(dir, "", func(err error) { t.Error(err) })
	if err != nil || len(v.Stray) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	t.Logf("%d commits, %d merges meanwhile, %d segments left to the last one; %d looks", w.manifest.Generation, mergedMeanwhile, left, looks.Load())
}

// snapshot returns the events of an index and the objects that it says to have
// read.
func snapshot(dir string) (events, objects []string, err error) {
	ix, err := Open(dir)
	if err != nil {
		return nil, nil, err
	}
	defer ix.Close()
	for e, err := range ix.Ledger() {
		if err != nil {
			return nil, nil, err
		}
		objects = append(objects, filepath.Base(e.Name))
	}
	events, err = records(ix)
	return events, objects, err
}

// Deliveries find their events in whatever order batches, commits and merges
// come.
func TestMergeOrders(t *testing.T) {
	in := mergeTrail(t, 12)
	reference := filepath.Join(t.TempDir(), "reference")
	read(t, reference, 1, in)
	want := dump(t, reference)
	names, err := filepath.Glob(filepath.Join(in, "*.gz"))
	if err != nil || len(names) != 12 {
		t.Fatal(names, err)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	merges := 0
	rounds := 2
	if full() {
		rounds = 24
	}
	for round := range rounds {
		dir := filepath.Join(t.TempDir(), "ix")
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, part := range [][]string{names[:5], names} {
			w, err := OpenWriter(dir)
			if err != nil {
				t.Fatal(err)
			}
			w.limits = small
			w.limits.mergeAt = 2 + rng.IntN(4)
			w.limits.batch = int64(4<<10 + rng.IntN(10<<10))
			readInto(t, w, 1+round%4, part...)
			if w.noMerge {
				t.Fatal("a merge failed")
			}
			merges += w.mergeCount
			if round%2 == 0 {
				if err := w.Merge(round%4 == 0); err != nil {
					t.Fatal(err)
				}
			}
			w.Close()
		}
		if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		if _, err := Verify(dir, "", func(err error) { t.Error(err) }); err != nil {
			t.Error(err)
		}
	}
	if merges == 0 {
		t.Error("nothing was merged in the background")
	}
	t.Logf("%d merges in the background", merges)
}

// TestMain lets the tests start this program again as a writer, to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TRAILBLAME_TEST_WRITER"); dir != "" {
		if err := writeUntilKilled(dir, os.Getenv("TRAILBLAME_TEST_TRAIL")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeUntilKilled reads a trail, merging all the time, and says on standard
// output when it has begun and what it has read.
func writeUntilKilled(dir, trail string) error {
	w, err := OpenWriter(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	w.limits = small
	src, err := ingest.NewLocal(trail)
	if err != nil {
		return err
	}
	fmt.Println("begun")
	opts := ingest.Options{Workers: 4, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink,
		Done: func(*ingest.Entry) { fmt.Println("read") }}
	if err := ingest.Run(context.Background(), []ingest.Source{src}, opts); err != nil {
		return err
	}
	if err := w.Finish(); err != nil {
		return err
	}
	return w.Merge(true)
}

// A writer that merges is killed at random times: what it merged, or was about
// to, costs nothing.
func TestKilledMerge(t *testing.T) {
	in := mergeTrail(t, 20)
	reference := filepath.Join(t.TempDir(), "reference")
	totals := read(t, reference, 1, in)
	want := dump(t, reference)
	rounds := 2
	if full() {
		rounds = 60
	}
	rng := rand.New(rand.NewPCG(9, 10))
	kills, leftovers := 0, 0
	for round := range rounds {
		dir := filepath.Join(t.TempDir(), "ix")
		for range 1 + round%3 {
			if killedWriter(t, dir, in, rng.IntN(20), time.Duration(rng.IntN(100))*time.Millisecond) {
				kills++
			}
			if _, err := os.Stat(filepath.Join(dir, currentName)); err != nil {
				continue
			}
			v, err := Verify(dir, "", func(err error) { t.Errorf("round %d: %v", round, err) })
			if err != nil {
				t.Fatal(err)
			}
			leftovers += len(v.Stray)
		}
		if got := read(t, dir, 2, in); got != totals {
			t.Errorf("round %d: totals %+v, want %+v", round, got, totals)
		}
		if diff := gocmp.Diff(want, dump(t, dir)); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		v, err := Verify(dir, "", func(err error) { t.Error(err) })
		if err != nil || len(v.Stray) > 0 {
			t.Fatalf("round %d: %+v, %v", round, v, err)
		}
	}
	if kills == 0 {
		t.Error("no writer was killed")
	}
	t.Logf("%d rounds, %d kills, %d files left behind and cleared", rounds, kills, leftovers)
}

// killedWriter starts a writer and kills it some time after it has read so many
// objects.
func killedWriter(t *testing.T, dir, trail string, objects int, after time.Duration) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TRAILBLAME_TEST_WRITER="+dir, "TRAILBLAME_TEST_TRAIL="+trail)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 1 + objects {
		lines.Scan()
	}
	time.Sleep(after)
	cmd.Process.Kill()
	return cmd.Wait() != nil
}

// What a killed writer left under a name that comes next is in nobody's way,
// even while a reader keeps anything from being removed.
func TestLeftoversUnderAReader(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ix")
	read(t, dir, 1, write(t, t.TempDir(), "a.json", event(1)))
	ix, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	date := eventsDir + "/" + datePrefix + dateOf(0)
	if err := os.MkdirAll(filepath.Join(dir, date), 0o700); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(4) {
		next := ix.manifest.NextFile + n
		for _, name := range []string{staged(next, parquetSuffix), staged(next, termsSuffix), manifestName(2 + n),
			fmt.Sprintf("%s/%08d%s", termsDir, next, termsSuffix), fmt.Sprintf("%s/%08d%s", date, next, parquetSuffix),
			fmt.Sprintf("%s/%08d.ndjson.gz", ledgerDir, next)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if totals := read(t, dir, 1, write(t, t.TempDir(), "b.json", event(2))); totals.Kept != 2 {
		t.Errorf("%+v", totals)
	}
	if got := dump(t, dir); len(got) != 2 {
		t.Errorf("%d events", len(got))
	}
}
