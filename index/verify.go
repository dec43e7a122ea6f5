package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/trailblame/trailblame/ingest"
)

// Verification is what Verify looked at.
type Verification struct {
	Files  int   `json:"files"`
	Bytes  int64 `json:"bytes"`
	Events int64 `json:"events"`
	// Stray lists files that no manifest names: the remains of a writer
	// that was killed, which the next one removes. They are no damage.
	Stray []string `json:"stray"`
	// Warnings are those of the index; see Index.Warnings.
	Warnings []string `json:"warnings,omitempty"`
}

// Verify reads every byte of the index in dir and calls report for each problem
// that it finds: damage as *CorruptError. With segment, named as in Narrow, it
// reads the files of that one alone. It returns an error only when there is no
// index, or no such segment, to look at.
func Verify(dir, segment string, report func(error)) (*Verification, error) {
	ix, err := Open(dir)
	var damage *CorruptError
	if errors.As(err, &damage) {
		report(err)
		return &Verification{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	v := &verifier{ix: ix, report: report, seen: map[string]bool{}}
	v.result.Warnings = ix.warnings
	if segment != "" {
		if err := ix.Narrow(segment); err != nil {
			return nil, err
		}
		v.segment(ix.manifest.Segments[0])
		return &v.result, nil
	}
	v.manifest()
	for _, info := range ix.manifest.Segments {
		v.segment(info)
	}
	v.ledger()
	v.stray()
	return &v.result, nil
}

type verifier struct {
	ix     *Index
	report func(error)
	seen   map[string]bool
	result Verification
}

func (v *verifier) manifest() {
	m := v.ix.manifest
	for _, name := range [...]string{currentName, manifestName(m.Generation)} {
		v.seen[name] = true
		v.result.Files++
		if b, err := readAll(v.ix.fsys, name, maxManifest); err == nil {
			v.result.Bytes += int64(len(b))
		}
	}
	if v.ix.mended {
		v.report(corrupt(currentName, 0, "it does not name the manifest that counts"))
	}
}

// segment verifies one segment: its files, block by block so that damage has a
// place, then what is in them.
func (v *verifier) segment(info segmentInfo) {
	problems := 0
	collect := func(err error) error {
		problems++
		v.report(err)
		return nil
	}
	whole := v.sameHash(info.Terms)
	if info.Rows > 0 {
		whole = v.sameHash(info.Events) && whole
	}
	seg, err := openSegment(v.ix.fsys, info)
	if err != nil {
		v.report(err)
		return
	}
	defer seg.Close()
	seg.terms.r.verify(collect)
	if info.Rows > 0 {
		v.eventBlocks(seg, collect)
	}
	if problems == 0 && !whole {
		collect(corrupt(info.Terms.Name, 0, "segment %d does not match its hashes", info.ID))
	}
	if problems > 0 {
		return
	}
	if err := v.content(seg); err != nil {
		v.report(err)
	}
}

// sameHash counts a file and compares its hash.
func (v *verifier) sameHash(f fileInfo) bool {
	v.seen[f.Name] = true
	r, err := v.ix.fsys.open(f.Name)
	if err != nil {
		return false
	}
	defer r.Close()
	v.result.Files++
	v.result.Bytes += r.size()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, r.size())); err != nil {
		return false
	}
	return hex.EncodeToString(h.Sum(nil)) == f.SHA256
}

// eventBlocks verifies the blocks of a segment's Parquet file.
func (v *verifier) eventBlocks(seg *Segment, collect func(error) error) {
	info := seg.info.Events
	f, err := v.ix.fsys.open(info.Name)
	if err != nil {
		collect(err)
		return
	}
	defer f.Close()
	if f.size() != info.Size {
		collect(corrupt(info.Name, min(f.size(), info.Size), "%d bytes instead of %d", f.size(), info.Size))
		return
	}
	blocks, err := seg.terms.events(info.Name, f)
	if err != nil {
		collect(err)
		return
	}
	blocks.verify(collect)
}

// content checks that the rows are in order, are records, and have exactly the
// terms and fingerprints that the terms file says.
func (v *verifier) content(seg *Segment) error {
	if seg.info.Rows == 0 {
		_, err := seg.terms.deliveries()
		return err
	}
	var want segmentTerms
	rows, err := seg.Reader()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := rows.checkFrames(); err != nil {
		return err
	}
	var reader TermReader
	var raw []byte
	for i := range seg.info.Rows {
		if raw, err = rows.AppendRaw(raw[:0], i); err != nil {
			return err
		}
		native, err := rows.Native(i)
		if err != nil {
			return err
		}
		if err := reader.read(raw, native); err != nil {
			return corrupt(seg.info.Events.Name, 0, "row %d is no record: %v", i, err)
		}
		want.add(&reader.rows, 0, i)
		if date := dateOf(reader.rows.micros[0]); date != seg.info.Date {
			return corrupt(seg.info.Events.Name, 0, "row %d belongs to %s", i, date)
		}
		v.result.Events++
	}
	return v.sections(seg, &want)
}

func (v *verifier) sections(seg *Segment, want *segmentTerms) error {
	// Older indexes have more bits of these.
	older := map[uint64][]byte{sectionRequestIDs: want.requests.encode(eventSpare), sectionSharedIDs: want.shared.encode(eventSpare)}
	ids, bodies, err := want.sections()
	if err != nil {
		return err
	}
	for i, id := range ids {
		got, at, err := seg.terms.load(id)
		if err != nil {
			return err
		}
		same := bytes.Equal(got, bodies[i]) || id == sectionHours && got == nil || len(got) > 0 && bytes.Equal(got, older[id])
		if !same && id >= sectionField {
			same, err = seg.sameTerms(Field(id-sectionField), want)
		}
		if err != nil {
			return err
		}
		if !same {
			return corrupt(seg.info.Terms.Name, at, "%s are not those of the events", sectionName(id))
		}
	}
	_, err = seg.terms.deliveries()
	return err
}

// sameTerms tells whether a field holds the terms and rows of want, in whatever
// blocks: older versions spelled them in another way.
func (s *Segment) sameTerms(f Field, want *segmentTerms) (bool, error) {
	field, err := s.field(f)
	if err != nil {
		return false, err
	}
	dictionary := &want.fields[f]
	order := dictionary.order()
	rows, starts := dictionary.rows()
	same, last := field.terms == len(order), []byte(nil)
	for k, separator := range field.seps {
		begins := true
		err := field.scan(k, k+1, func(term []byte, d *decbuf) bool {
			if begins {
				same = same && separator <= string(term) && (k == 0 || separator > string(last))
				begins = false
			}
			if same = same && len(order) > 0; !same {
				return false
			}
			t, found := order[0], NewRowSet()
			d.postings(found, field.long)
			same = string(term) == string(dictionary.text(t)) && slices.Equal(found.ToArray(), rows[starts[t]:starts[t+1]])
			order, last = order[1:], append(last[:0], term...)
			return same
		})
		if err != nil || !same {
			return false, err
		}
	}
	return same && len(order) == 0, nil
}

func (v *verifier) ledger() {
	var sum ingest.Counts
	for _, f := range v.ix.manifest.Ledger {
		v.seen[f.Name] = true
		v.result.Files++
		v.result.Bytes += f.Size
		for e, err := range readLedger(v.ix.fsys, f) {
			if err != nil {
				v.report(err)
				return
			}
			if e.Status != ingest.StatusDamaged && e.Status != ingest.StatusUnreadable {
				sum.Add(e.Counts)
			}
		}
	}
	var rows int64
	for _, s := range v.ix.manifest.Segments {
		rows += int64(s.Rows)
	}
	if total := v.ix.manifest.Totals.Counts; sum != total || !total.Balanced() || total.Kept != rows {
		v.report(fmt.Errorf("the ledger does not add up: entries %+v, totals %+v, %d events", sum, total, rows))
	}
	if deliveries, ok := v.deliveries(); ok && deliveries != sum.Duplicate {
		v.report(fmt.Errorf("the ledger tells of %d duplicates, the segments of %d further deliveries", sum.Duplicate, deliveries))
	}
}

// deliveries counts the further deliveries of events that are there; ok is
// false when they cannot all be read, which is told elsewhere.
func (v *verifier) deliveries() (n int64, ok bool) {
	rows := map[uint64]int{}
	for _, info := range v.ix.manifest.Segments {
		rows[info.ID] = info.Rows
	}
	for _, info := range v.ix.manifest.Segments {
		list, err := deliveriesIn(v.ix.fsys, info)
		if err != nil {
			return 0, false
		}
		for _, d := range list {
			// An event that was merged has its deliveries elsewhere too.
			if d.row < rows[d.segment] {
				n++
			}
		}
	}
	return n, true
}

func (v *verifier) stray() {
	for _, dir := range [...]string{".", eventsDir, termsDir, ledgerDir, stagingDir} {
		names, err := v.ix.fsys.list(dir)
		if err != nil {
			v.report(fmt.Errorf("list %s: %w", dir, err))
			continue
		}
		for _, name := range names {
			if !v.seen[name] && name != lockName && name != readersName && !slices.Contains(v.result.Stray, name) {
				v.result.Stray = append(v.result.Stray, name)
			}
		}
	}
}
