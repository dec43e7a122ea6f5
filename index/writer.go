package index

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailblame/trailblame/ingest"
)

// When a batch of a worker is sealed and when sealed segments are committed.
const (
	batchRaw       = 96 << 20 // bytes of records
	batchHeld      = 32 << 20 // bytes of distinct values
	commitRaw      = 1 << 30
	commitInterval = 20 * time.Second
)

// Writer adds deliveries to an index. Its sinks may work at the same time, each
// in its own goroutine; the Writer's other methods are for one goroutine, while
// no sink works.
type Writer struct {
	dir  string // empty where the file system is not a folder
	fsys fileSystem
	lock *os.File
	next atomic.Uint64 // number of the next file

	// sealing is held shared while a batch becomes segments and exclusively
	// while a manifest is written, so that no manifest names an event's
	// further delivery without the event.
	sealing sync.RWMutex

	mu         sync.Mutex
	manifest   *manifest
	known      map[objectKey]struct{}
	incomplete map[string]ingest.Status // objects that last failed to be read
	pending    []segmentInfo
	entries    []*ingest.Entry
	pendingRaw int64
	lastCommit time.Time
	spilling   int // sinks amid an object of which a part is sealed
	failed     error
	days       days
	sinks      []*sink

	// Of merges in the background; see merge.go.
	limits     limits
	background bool // while sinks work
	merging    bool
	noMerge    bool    // a merge failed
	mergeCount int     // merges committed
	ready      *merged // for the next commit
	merges     sync.WaitGroup
	stopped    atomic.Bool
}

// limits say when a writer does what; tests make them small.
type limits struct {
	batch, commit int64 // bytes of records
	held          int64 // bytes of distinct values
	interval      time.Duration
	mergeAt       int
}

var defaultLimits = limits{batch: batchRaw, commit: commitRaw, held: batchHeld, interval: commitInterval, mergeAt: MergeAt}

// objectKey identifies an object that was read.
type objectKey [16]byte

func keyOf(o ingest.Object) objectKey {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", o.Name, o.Size, o.Version))
	return objectKey(h[:16])
}

// OpenWriter opens the index in dir for writing and makes it, in a folder private
// to its user, when it is not there. A *LockedError says that somebody else
// writes to it. A folder of another user is refused.
func OpenWriter(dir string) (*Writer, error) {
	if err := prepareFolder(dir); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	fsys, err := openOSFS(dir)
	if err == nil {
		var w *Writer
		if w, err = newWriter(dir, fsys); err == nil {
			w.lock = lock
			return w, nil
		}
	}
	lock.Close()
	return nil, err
}

func newWriter(dir string, fsys fileSystem) (*Writer, error) {
	m, damaged, err := loadManifest(fsys)
	if errors.Is(err, errNoIndex) {
		m, err = &manifest{NextFile: 1}, nil
	}
	if err != nil {
		return nil, err
	}
	m.Format = FormatVersion // of what will be added
	w := &Writer{dir: dir, fsys: fsys, manifest: m, known: map[objectKey]struct{}{}, incomplete: map[string]ingest.Status{},
		lastCommit: time.Now(), limits: defaultLimits}
	w.next.Store(m.NextFile)
	w.days.init(fsys, m.Segments)
	for _, f := range m.Ledger {
		for e, err := range readLedger(fsys, f) {
			if err != nil {
				return nil, err
			}
			w.note(e)
		}
	}
	if err := w.collectGarbage(); err != nil {
		return nil, err
	}
	if damaged != "" {
		return w, setCurrent(fsys, m)
	}
	return w, nil
}

// note takes an entry of the ledger into account.
func (w *Writer) note(e *ingest.Entry) {
	switch e.Status {
	case ingest.StatusDamaged, ingest.StatusUnreadable:
		w.incomplete[e.Name] = e.Status
	default:
		w.known[keyOf(e.Object)] = struct{}{}
		delete(w.incomplete, e.Name)
	}
}

// collectGarbage removes what no manifest names: the remains of writers that
// were killed, segments that were merged, manifests that no longer count. While
// somebody reads the index they stay.
func (w *Writer) collectGarbage() error {
	if err := w.fsys.mkdirAll(stagingDir); err != nil {
		return fmt.Errorf("create %s: %w", stagingDir, plainError(err))
	}
	if err := w.removeUnnamed(stagingDir); err != nil {
		return err // no reader looks there
	}
	remove := func() error { return w.removeUnnamed(eventsDir, termsDir, ledgerDir, ".") }
	if w.dir == "" {
		return remove()
	}
	_, err := withoutReaders(w.dir, remove)
	return err
}

func (w *Writer) removeUnnamed(dirs ...string) error {
	keep := map[string]bool{currentName: true, lockName: true, readersName: true, manifestName(w.manifest.Generation): true}
	for _, s := range w.manifest.Segments {
		keep[s.Events.Name], keep[s.Terms.Name] = true, true
	}
	for _, l := range w.manifest.Ledger {
		keep[l.Name] = true
	}
	for _, dir := range dirs {
		names, err := w.fsys.list(dir)
		if err != nil {
			return fmt.Errorf("list %s: %w", dir, plainError(err))
		}
		for _, name := range names {
			ours := dir != "." || strings.HasPrefix(name, manifestStem)
			if !ours || keep[name] {
				continue
			}
			if err := w.fsys.remove(name); err != nil {
				return fmt.Errorf("remove %s: %w", name, plainError(err))
			}
		}
	}
	return nil
}

// Known tells whether the index holds this object already. It may be called
// while sinks work.
func (w *Writer) Known(o ingest.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.known[keyOf(o)]
	return ok
}

// NewSink returns a sink for one worker.
func (w *Writer) NewSink() ingest.Sink {
	s := &sink{w: w, out: segmentWriter{fsys: w.fsys}}
	w.mu.Lock()
	w.sinks = append(w.sinks, s)
	w.background = w.dir != ""
	w.mu.Unlock()
	return s
}

// Finish seals what the sinks still hold and commits it. After an error the
// index is as of the commit before.
func (w *Writer) Finish() error {
	errs := make([]error, len(w.sinks))
	var group sync.WaitGroup
	for i, s := range w.sinks {
		group.Go(func() { errs[i] = s.seal() })
	}
	group.Wait()
	w.sinks = nil
	w.mu.Lock()
	w.background = false
	w.mu.Unlock()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	w.merges.Wait()
	if err := w.commit(); err != nil {
		return err
	}
	return w.collectGarbage()
}

// Close gives up the lock. What was not finished is forgotten.
func (w *Writer) Close() error {
	w.StopMerging()
	w.merges.Wait()
	w.days.close()
	if w.lock == nil {
		return nil
	}
	w.lock.Truncate(0) // nobody holds it
	return w.lock.Close()
}

// sealed takes over a sink's finished segments and entries and tells whether
// enough has come together for a commit.
func (w *Writer) sealed(segments []segmentInfo, entries []*ingest.Entry, raw int64) (due bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, segments...)
	w.entries = append(w.entries, entries...)
	w.pendingRaw += raw
	return w.spilling == 0 && (w.pendingRaw >= w.limits.commit || time.Since(w.lastCommit) >= w.limits.interval)
}

// commit writes the manifest that names all that is pending.
func (w *Writer) commit() error {
	w.sealing.Lock()
	defer w.sealing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.failed != nil:
		return w.failed
	case w.spilling > 0 || len(w.entries) == 0 && w.ready == nil && w.manifest.Generation > 0:
		return nil
	}
	m, err := w.nextManifest()
	if err == nil {
		err = commit(w.fsys, m)
	}
	if err != nil {
		w.failed = err
		return err
	}
	w.manifest = m
	w.pending, w.entries, w.pendingRaw, w.lastCommit = nil, nil, 0, time.Now()
	if err := w.settleMerge(); err != nil {
		w.failed = err
		return err
	}
	if w.background {
		w.startMerge()
	}
	return nil
}

// nextManifest makes the manifest that names all that is pending.
func (w *Writer) nextManifest() (*manifest, error) {
	m := *w.manifest
	m.Generation++
	m.Segments = append(slices.Clip(m.Segments), w.pending...)
	if len(w.entries) > 0 {
		slices.SortStableFunc(w.entries, func(a, b *ingest.Entry) int { return strings.Compare(a.Name, b.Name) })
		info, err := writeLedger(w.fsys, w.next.Add(1)-1, w.entries)
		if err != nil {
			return nil, err
		}
		m.Ledger = append(slices.Clip(m.Ledger), info)
	}
	for _, e := range w.entries {
		w.note(e)
		m.Totals.add(e)
	}
	m.Totals.setIncomplete(w.incomplete)
	if w.ready != nil {
		if err := w.ready.take(w, &m); err != nil {
			return nil, err
		}
	}
	m.NextFile = w.next.Load()
	return &m, nil
}

// settleMerge makes what follows work with the merged segments, which were just
// committed, and removes what they were made of unless somebody reads it.
func (w *Writer) settleMerge() error {
	r := w.ready
	if r == nil {
		return nil
	}
	w.ready, w.mergeCount = nil, w.mergeCount+1
	if err := w.days.replace(r); err != nil {
		return err
	}
	remove := func() error {
		for _, info := range r.inputs {
			w.removeFiles(info)
		}
		return nil
	}
	if w.dir == "" {
		return remove()
	}
	_, err := withoutReaders(w.dir, remove)
	return err
}

// removeFiles removes a segment's files. Those that stay are removed by the
// next writer.
func (w *Writer) removeFiles(info segmentInfo) {
	if info.Rows > 0 {
		w.fsys.remove(info.Events.Name)
	}
	w.fsys.remove(info.Terms.Name)
}

// Totals sums up the ledger as of the last commit.
func (w *Writer) Totals() Totals { return w.manifest.Totals }
