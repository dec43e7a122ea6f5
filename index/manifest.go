package index

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/ingest"
)

// A manifest is one line of JSON and a line with its SHA-256 in hex. CURRENT
// holds the name of the manifest that counts and the same hash. Writing CURRENT
// by rename is the commit; when CURRENT is damaged, the newest manifest whose
// own hash is right takes its place.
type manifest struct {
	Format     int           `json:"format"`
	Generation uint64        `json:"generation"`
	NextFile   uint64        `json:"nextFile"`
	Segments   []segmentInfo `json:"segments"`
	Ledger     []ledgerFile  `json:"ledger"`
	Totals     Totals        `json:"totals"`
	hash       [sha256.Size]byte
}

// Totals sum up the ledger.
type Totals struct {
	Objects    int64 `json:"objects"`            // read to the end
	NotTrail   int64 `json:"notTrail"`           // of those, without any record
	Damaged    int64 `json:"damaged"`            // not read, known to be damaged
	Unreadable int64 `json:"unreadable"`         // could not be opened
	Bytes      int64 `json:"bytes"`              // compressed, of the objects read
	Salvaged   int64 `json:"salvaged,omitempty"` // events kept from damaged objects alone
	// What digests said of the objects read, of those that they were asked
	// about.
	Verified   int64 `json:"verified,omitempty"`
	Broken     int64 `json:"broken,omitempty"`
	NotCovered int64 `json:"notCovered,omitempty"`
	ingest.Counts
}

// add counts an object that was read.
func (t *Totals) add(e *ingest.Entry) {
	switch e.Status {
	case ingest.StatusDamaged, ingest.StatusUnreadable:
		return
	case ingest.StatusSalvaged:
		t.Salvaged += e.Kept
		t.Counts.Add(e.Counts)
		return
	case ingest.StatusNotTrail:
		t.NotTrail++
	}
	switch e.Integrity {
	case "verified":
		t.Verified++
	case "broken":
		t.Broken++
	case "notCovered":
		t.NotCovered++
	}
	t.Objects++
	t.Bytes += e.Size
	t.Counts.Add(e.Counts)
}

// setIncomplete counts the objects that could not be read when they were last
// tried.
func (t *Totals) setIncomplete(objects map[string]ingest.Status) {
	t.Damaged, t.Unreadable = 0, 0
	for _, status := range objects {
		if status == ingest.StatusDamaged {
			t.Damaged++
		} else {
			t.Unreadable++
		}
	}
}

// fileInfo binds a file to the manifest.
type fileInfo struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// segmentInfo describes one segment. A segment without rows holds further
// deliveries only and has no events file.
type segmentInfo struct {
	ID   uint64 `json:"id"`
	Date string `json:"date"`
	Rows int    `json:"rows"`
	Min  int64  `json:"minMicros"` // eventTime of the first row
	Max  int64  `json:"maxMicros"`
	Raw  int64  `json:"rawBytes"` // of the records
	// Versions counts the events whose eventID and eventTime an earlier
	// event has, with other bytes.
	Versions int      `json:"versions,omitempty"`
	Events   fileInfo `json:"events"`
	Terms    fileInfo `json:"terms"`
	Root     string   `json:"termsRoot"` // see terms_file.go
}

// ledgerFile is a list of entries, one JSON object a line, gzipped.
type ledgerFile struct {
	fileInfo
	Entries int `json:"entries"`
}

func (m *manifest) encode() ([]byte, [sha256.Size]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	b = append(b, '\n')
	hash := sha256.Sum256(b)
	return append(b, hex.EncodeToString(hash[:])+"\n"...), hash, nil
}

// maxManifest bounds a manifest's size: a thousand times what a trail of years
// makes.
const maxManifest = 1 << 30

func readManifest(fsys fileSystem, name string) (*manifest, error) {
	b, err := readAll(fsys, name, maxManifest)
	if err != nil {
		return nil, err
	}
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return nil, corrupt(name, int64(len(b)), "the manifest is cut off")
	}
	m := &manifest{hash: sha256.Sum256(b[:len(line)+1])}
	if string(rest) != hex.EncodeToString(m.hash[:])+"\n" {
		return nil, corrupt(name, int64(len(line))+1, "the manifest does not match its hash")
	}
	if err := m.decode(line); err != nil {
		return nil, corrupt(name, 0, "%v", err)
	}
	if m.Format < 1 || m.Format > FormatVersion {
		return nil, fmt.Errorf("%s: the index has format %d; this program reads up to %d, use a newer one", name, m.Format, FormatVersion)
	}
	if name != manifestName(m.Generation) {
		return nil, corrupt(name, 0, "the manifest is that of generation %d", m.Generation)
	}
	return m, m.check(name)
}

// check refuses what no writer of ours makes, so that a forged manifest cannot
// lead outside the folder or to absurd sizes.
func (m *manifest) check(name string) error {
	for _, s := range m.Segments {
		for _, f := range [...]fileInfo{s.Events, s.Terms} {
			if f.Name == "" && s.Rows == 0 {
				continue
			}
			if !cleanName(f.Name) || f.Size < 0 || s.Rows < 0 || s.Rows > math.MaxInt32 {
				return corrupt(name, 0, "bad entry for segment %d", s.ID)
			}
		}
	}
	for _, l := range m.Ledger {
		if !cleanName(l.Name) || l.Size < 0 {
			return corrupt(name, 0, "bad entry for ledger file %q", l.Name)
		}
	}
	return nil
}

// loadManifest finds the manifest that counts. A warning tells that CURRENT was
// damaged and something else took its place. No manifest at all is errNoIndex.
func loadManifest(fsys fileSystem) (m *manifest, warning string, err error) {
	current, err := readAll(fsys, currentName, 4096)
	if err == nil {
		line, whole := strings.CutSuffix(string(current), "\n")
		name, hash, ok := strings.Cut(line, " ")
		if whole && ok && cleanName(name) && strings.HasPrefix(name, manifestStem) {
			if m, err = readManifest(fsys, name); err != nil {
				return nil, "", err
			}
			if hex.EncodeToString(m.hash[:]) == hash {
				return m, "", nil
			}
		}
		err = corrupt(currentName, 0, "does not name a manifest")
	}
	m, found, newerErr := newestManifest(fsys)
	if newerErr != nil {
		return nil, "", newerErr
	}
	if m == nil {
		if !found && !exists(fsys, currentName) {
			return nil, "", errNoIndex // nothing was ever committed
		}
		return nil, "", err
	}
	return m, fmt.Sprintf("%s is damaged or missing; using generation %d, the newest whole manifest", currentName, m.Generation), nil
}

// errNoIndex says that the folder holds no index yet.
var errNoIndex = errors.New("no index")

func exists(fsys fileSystem, name string) bool {
	names, err := fsys.list(".")
	return err != nil || slices.Contains(names, name)
}

// newestManifest returns the newest manifest that is whole. found tells whether
// there are others, the very first one apart: without CURRENT, a first manifest
// that is not whole is a first commit that did not come to its end. A whole one
// of a newer version is an error.
func newestManifest(fsys fileSystem) (best *manifest, found bool, err error) {
	names, _ := fsys.list(".")
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(b, a) })
	for _, name := range names {
		if !strings.HasPrefix(name, manifestStem) {
			continue
		}
		m, err := readManifest(fsys, name)
		if _, damaged := err.(*CorruptError); !damaged {
			return m, true, err
		}
		found = found || name != manifestName(1)
	}
	return nil, found, nil
}

func manifestName(generation uint64) string { return fmt.Sprintf("%s%08d", manifestStem, generation) }

// commit makes m the manifest that counts. All files that it names must be
// durable. Once it returns nil, m survives anything; when it fails, the one
// before it still counts.
func commit(fsys fileSystem, m *manifest) error {
	b, hash, err := m.encode()
	if err != nil {
		return err
	}
	m.hash = hash
	name := manifestName(m.Generation)
	fsys.remove(name) // of a commit that did not come to its end
	if err := writeDurably(fsys, name, func(w io.Writer) error { return writeAll(w, b) }); err != nil {
		return err
	}
	if err := fsys.syncDir("."); err != nil {
		return fmt.Errorf("sync the index folder: %w", err)
	}
	return setCurrent(fsys, m)
}

// setCurrent makes CURRENT name m, whose file is durable.
func setCurrent(fsys fileSystem, m *manifest) error {
	tmp := stagingDir + "/" + currentName
	fsys.remove(tmp)
	line := manifestName(m.Generation) + " " + hex.EncodeToString(m.hash[:]) + "\n"
	if err := writeDurably(fsys, tmp, func(w io.Writer) error { return writeAll(w, []byte(line)) }); err != nil {
		return err
	}
	if err := fsys.rename(tmp, currentName); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := fsys.syncDir("."); err != nil {
		return fmt.Errorf("sync the index folder: %w", err)
	}
	return nil
}

func writeAll(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}
