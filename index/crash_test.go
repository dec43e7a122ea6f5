package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
)

// memFS is a file system in memory that can lose what was not synced. A write is
// durable after Sync of the file, a name after syncDir of its folder.
type memFS struct {
	names   map[string]*memFile // as the running program sees them
	durable map[string]*memFile // as a crash leaves them at least
	pending []change            // to names, not durable yet
	ops     int
	fail    func(op int, what string) error
}

type memFile struct {
	data   []byte
	synced int
}

// change is one change of a folder: a name that appears (file set) or goes.
type change struct {
	name string
	file *memFile
}

func newMemFS() *memFS {
	return &memFS{names: map[string]*memFile{}, durable: map[string]*memFile{}}
}

// step counts a state-changing operation and lets the test fail it.
func (m *memFS) step(what string) error {
	m.ops++
	if m.fail == nil {
		return nil
	}
	return m.fail(m.ops, what)
}

func (m *memFS) create(name string) (file, error) {
	if err := m.step("create " + name); err != nil {
		return nil, err
	}
	if m.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	f := &memFile{}
	m.names[name] = f
	m.pending = append(m.pending, change{name, f})
	return &memHandle{m, name, f}, nil
}

func (m *memFS) open(name string) (reader, error) {
	f := m.names[name]
	if f == nil {
		return nil, corrupt(name, 0, "cannot be opened: %v", fs.ErrNotExist)
	}
	return memReader{bytes.NewReader(f.data)}, nil
}

func (m *memFS) rename(from, to string) error {
	if err := m.step("rename " + to); err != nil {
		return err
	}
	f := m.names[from]
	if f == nil {
		return fs.ErrNotExist
	}
	delete(m.names, from)
	m.names[to] = f
	m.pending = append(m.pending, change{to, f}, change{from, nil})
	return nil
}

func (m *memFS) remove(name string) error {
	if m.names[name] == nil {
		return fs.ErrNotExist
	}
	if err := m.step("remove " + name); err != nil {
		return err
	}
	delete(m.names, name)
	m.pending = append(m.pending, change{name, nil})
	return nil
}

func (m *memFS) mkdirAll(string) error { return nil }

func (m *memFS) list(dir string) ([]string, error) {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		if dir == "." || strings.HasPrefix(name, dir+"/") {
			list = append(list, name)
		}
	}
	return list, nil
}

func (m *memFS) syncDir(dir string) error {
	if err := m.step("syncdir " + dir); err != nil {
		return err
	}
	var rest []change
	for _, c := range m.pending {
		if path.Dir(c.name) == dir {
			m.durable = apply(m.durable, c)
		} else {
			rest = append(rest, c)
		}
	}
	m.pending = rest
	return nil
}

func apply(names map[string]*memFile, c change) map[string]*memFile {
	if c.file == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.file
	}
	return names
}

// crash returns what may be left after the power went: what is durable, and of
// the rest each name and each unsynced tail with the given probability.
func (m *memFS) crash(kept float64, rng *rand.Rand) *memFS {
	names := maps.Clone(m.durable)
	for _, c := range m.pending {
		if rng.Float64() < kept {
			names = apply(names, c)
		}
	}
	after := newMemFS()
	for name, f := range names {
		tail := f.data[f.synced:]
		n := int(float64(len(tail)) * kept)
		if kept > 0 && kept < 1 && len(tail) > 0 {
			n = rng.IntN(len(tail) + 1)
		}
		data := append(slices.Clone(f.data[:f.synced]), tail[:n]...)
		copied := &memFile{data: data, synced: len(data)}
		after.names[name], after.durable[name] = copied, copied
	}
	return after
}

type memHandle struct {
	fs   *memFS
	name string
	f    *memFile
}

func (h *memHandle) Write(p []byte) (int, error) {
	if err := h.fs.step("write " + h.name); err != nil {
		if errors.Is(err, errShortWrite) {
			h.f.data = append(h.f.data, p[:len(p)/2]...)
			return len(p) / 2, io.ErrShortWrite
		}
		return 0, err
	}
	h.f.data = append(h.f.data, p...)
	return len(p), nil
}

func (h *memHandle) Sync() error {
	if err := h.fs.step("sync " + h.name); err != nil {
		return err
	}
	h.f.synced = len(h.f.data)
	return nil
}

func (h *memHandle) Close() error { return nil }

type memReader struct{ *bytes.Reader }

func (memReader) Close() error  { return nil }
func (r memReader) size() int64 { return r.Size() }

var errShortWrite = errors.New("short write")

// ingestInto reads the trail in two commits with one worker, as an ingest that
// commits in between does, and returns the error that ended it.
func ingestInto(fsys fileSystem, halves [][]string) error {
	for _, paths := range halves {
		w, err := newWriter("", fsys)
		if err != nil {
			return err
		}
		var sources []ingest.Source
		for _, p := range paths {
			src, err := ingest.NewLocal(p)
			if err != nil {
				return err
			}
			sources = append(sources, src)
		}
		opts := ingest.Options{Workers: 1, Limits: ingest.DefaultLimits, Known: w.Known, NewSink: w.NewSink}
		err = ingest.Run(context.Background(), sources, opts)
		if err == nil {
			err = w.Finish()
		}
		if err == nil {
			err = w.Merge(true)
		}
		w.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// content returns all records of the index, nil when there is none.
func content(fsys fileSystem) ([]string, error) {
	ix, err := open("mem", fsys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	return records(ix)
}

// records returns all records of an index, sorted.
func records(ix *Index) ([]string, error) {
	var all []string
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			rows, err := s.Reader()
			if err != nil {
				return nil, err
			}
			for i := range s.Rows() {
				raw, err := rows.AppendRaw(nil, i)
				if err != nil {
					return nil, err
				}
				all = append(all, string(raw))
			}
			rows.Close()
		}
	}
	slices.Sort(all)
	return all, nil
}

// smallTrail is a trail in two halves that share an event.
func smallTrail(t *testing.T) [][]string {
	dir := t.TempDir()
	return [][]string{
		{write(t, dir, "a.json.gz", event(1), event(2), event(4)), write(t, dir, "b.json.gz", event(2), event(5))},
		{write(t, dir, "c.json.gz", event(7), event(1)), write(t, dir, "d.json.gz", event(8))},
	}
}

// full tells whether the tests are to look at every case rather than a sample.
func full() bool { return os.Getenv("TRAILBLAME_TEST") == "full" }

// Power is lost after every operation, with none, some and all of what was not
// synced kept: what is left is an index as of some commit, and reading the trail
// again makes it what it would have been.
func TestPowerLoss(t *testing.T) {
	halves := smallTrail(t)
	golden := newMemFS()
	if err := ingestInto(golden, halves); err != nil {
		t.Fatal(err)
	}
	want, err := content(golden)
	if err != nil || len(want) != 6 {
		t.Fatal(len(want), err)
	}
	half := newMemFS()
	if err := ingestInto(half, halves[:1]); err != nil {
		t.Fatal(err)
	}
	afterHalf, err := content(half)
	if err != nil {
		t.Fatal(err)
	}
	states := 0
	stride := 7
	if full() {
		stride = 1
	}
	for op := 1; op <= golden.ops; op += stride {
		for kept, seeds := range map[float64]uint64{0: 1, 0.5: 3, 1: 1} {
			for seed := range seeds {
				m := newMemFS()
				m.fail = func(n int, _ string) error {
					if n >= op {
						return syscall.EIO
					}
					return nil
				}
				if err := ingestInto(m, halves); err == nil {
					t.Fatalf("op %d of %d: no error", op, golden.ops)
				}
				crashed := m.crash(kept, rand.New(rand.NewPCG(uint64(op), seed)))
				got, err := content(crashed)
				if err != nil {
					t.Fatalf("op %d, %v kept, seed %d: %v", op, kept, seed, err)
				}
				if n := len(got); n != 0 && !slices.Equal(got, afterHalf) && !slices.Equal(got, want) {
					t.Fatalf("op %d, %v kept, seed %d: %d events, a mixture", op, kept, seed, n)
				}
				if err := ingestInto(crashed, halves); err != nil {
					t.Fatalf("op %d, %v kept, seed %d: again: %v", op, kept, seed, err)
				}
				again, err := content(crashed)
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(want, again); diff != "" {
					t.Fatalf("op %d, %v kept, seed %d (-want +got):\n%s", op, kept, seed, diff)
				}
				states++
			}
		}
	}
	t.Logf("%d operations, %d states", golden.ops, states)
}

// names tells whether an error tells the file of an operation, and its kind.
func names(err error, what string) bool {
	op, name, _ := strings.Cut(what, " ")
	verb := map[string]string{"create": "create", "write": "write", "sync": "write", "syncdir": "sync", "rename": "publish", "remove": "remove"}[op]
	text := err.Error()
	if name == currentName || name == "." {
		return strings.Contains(text, "commit") || strings.Contains(text, "sync")
	}
	return strings.Contains(text, verb) && strings.Contains(text, name)
}

// Each operation fails once, or from then on: the error is clean, and without
// the fault the run gives what it would have given.
func TestFaults(t *testing.T) {
	halves := smallTrail(t)
	golden := newMemFS()
	if err := ingestInto(golden, halves); err != nil {
		t.Fatal(err)
	}
	want, err := content(golden)
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	stride := 7
	if full() {
		stride = 1
	}
	for op := 1; op <= golden.ops; op += stride {
		for _, fault := range []error{syscall.EIO, syscall.ENOSPC, syscall.EMFILE, errShortWrite} {
			for _, sticky := range []bool{false, true} {
				m := newMemFS()
				what := ""
				m.fail = func(n int, op0 string) error {
					if n == op || sticky && n > op {
						if what == "" || strings.HasPrefix(what, "remove ") {
							what = op0
						}
						return fault
					}
					return nil
				}
				err := ingestInto(m, halves)
				name := fmt.Sprintf("op %d (%s), %v, sticky %v", op, what, fault, sticky)
				if err == nil && !strings.HasPrefix(what, "remove ") {
					t.Fatalf("%s: no error", name)
				}
				if err != nil && !names(err, what) {
					t.Fatalf("%s: the error does not tell where: %v", name, err)
				}
				if _, readErr := content(m); readErr != nil {
					t.Fatalf("%s: index afterwards: %v", name, readErr)
				}
				m.fail = nil
				if err := ingestInto(m, halves); err != nil {
					t.Fatalf("%s: again: %v", name, err)
				}
				got, err := content(m)
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", name, diff)
				}
				runs++
			}
		}
	}
	t.Logf("%d operations, %d runs", golden.ops, runs)
}
