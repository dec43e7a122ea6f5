package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// What --bundle writes: a ZIP file with
//
//   - bundle.json: what was asked, of which index, with which program, and what
//     is in the bundle;
//   - findings.ndjson, or explanation.json: the results;
//   - records.ndjson: every record that the results cite, as it was delivered,
//     one a line;
//   - citations.ndjson: for each line of records.ndjson its number, the event,
//     the delivery it came from with its digest status, and the SHA-256 of the
//     line without its line break;
//   - SHA256SUMS: the sums of the other files, for sha256sum -c.
//
// The same run over the same index with the same program gives the same bytes:
// times in the archive are fixed, and it holds no time of its own.

// bundleSchema names the shape of bundle.json.
const bundleSchema = "trailblame.bundle/1"

// bundle gathers results and what they cite.
type bundle struct {
	app     *app
	dest    *destination
	results *spool
	records *spool
	cited   map[string]bool // eventIDs
	info    bundleInfo

	citations []citedRecord
	integrity func(citation string) string // nil when no digests were asked
}

type bundleInfo struct {
	Schema   string       `json:"schema"`
	Tool     bundleTool   `json:"tool"`
	Asked    invocation   `json:"asked"`
	Index    bundleIndex  `json:"index"`
	Complete bool         `json:"complete"` // false: some input of the index could not be read
	Redacted bool         `json:"redacted"` // true: records are not as they were delivered
	Results  int          `json:"results"`
	Records  int          `json:"records"`
	NotFound []string     `json:"notFound"` // cited eventIDs without a record
	Totals   index.Totals `json:"ledger"`
}

type bundleTool struct {
	Version     string `json:"version"`
	Revision    string `json:"revision,omitempty"`
	Go          string `json:"go"`
	IndexFormat int    `json:"indexFormat"`
}

// bundleIndex names the index by the hash of its manifest. One that was made for
// the run and is gone has none.
type bundleIndex struct {
	Kept           bool   `json:"kept"`
	Generation     uint64 `json:"generation,omitempty"`
	ManifestSHA256 string `json:"manifestSHA256,omitempty"`
}

type bundleRecord struct {
	Line      int            `json:"line"` // from 1
	EventID   string         `json:"eventID"`
	EventTime correlate.Time `json:"eventTime"`
	Object    string         `json:"object"` // object#index
	Digest    string         `json:"digest"` // of the object: verified, broken, notCovered or not checked
	SHA256    string         `json:"sha256"`
}

// invocation is what was asked: the command, its arguments, and the flags that
// say what to look for, not where to write it.
type invocation struct {
	Command   string              `json:"command"`
	Arguments []string            `json:"arguments"`
	Flags     map[string][]string `json:"flags"`
}

// presentation are the flags that leave the results alone.
var presentation = []string{"bundle", "out", "force", "format", "color", "quiet", "workers"}

func invocationOf(cmd *cobra.Command, args []string) invocation {
	in := invocation{Command: cmd.Name(), Arguments: append([]string{}, args...), Flags: map[string][]string{}}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(presentation, f.Name) {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			in.Flags[f.Name] = list.GetSlice()
			return
		}
		in.Flags[f.Name] = []string{f.Value.String()}
	})
	return in
}

// openBundle opens the file that the flags ask for; nil when they ask for none.
func (a *app) openBundle(flags *correlateFlags) (*bundle, error) {
	if flags.bundle == "" {
		return nil, nil
	}
	b := &bundle{app: a, cited: map[string]bool{}}
	b.info = bundleInfo{Schema: bundleSchema, Tool: toolInfo(), Asked: flags.asked, Redacted: a.redact != nil, NotFound: []string{}}
	var err error
	if b.dest, err = a.openDestination(&outputFlags{out: flags.bundle, force: flags.output.force, format: string(formatNDJSON), private: !flags.output.redact}); err != nil {
		var usage *usageError
		if errors.As(err, &usage) {
			return nil, usagef("--bundle %s: the file exists; --force replaces it", flags.bundle)
		}
		return nil, err
	}
	if b.results, err = newSpool(); err == nil {
		b.records, err = newSpool()
	}
	if err != nil {
		b.abandon()
		return nil, err
	}
	return b, nil
}

func toolInfo() bundleTool {
	t := bundleTool{Version: version, IndexFormat: index.FormatVersion}
	if info, ok := debug.ReadBuildInfo(); ok {
		t.Go = info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				t.Revision = s.Value
			}
		}
	}
	return t
}

// abandon removes what commit did not finish. It may be called on nil.
func (b *bundle) abandon() {
	if b == nil {
		return
	}
	b.dest.abandon()
	b.results.close()
	b.records.close()
}

// finding adds a finding and notes what it cites. It may be called on nil.
func (b *bundle) finding(f *correlate.Finding) error {
	if b == nil {
		return nil
	}
	b.citeFinding(f)
	return b.result(redactValue(b.app.redact, f))
}

// explanation adds an explanation, with what it cites.
func (b *bundle) explanation(x *correlate.Explanation) error {
	if b == nil {
		return nil
	}
	for _, m := range x.Matches {
		b.cite(m.EventID)
	}
	for _, m := range x.Timeline {
		b.cite(m.EventID)
	}
	if x.Finding != nil {
		b.citeFinding(x.Finding)
	}
	return b.result(redactValue(b.app.redact, x))
}

func (b *bundle) result(v any) error {
	line, err := safeLine(v)
	if err != nil {
		return err
	}
	b.info.Results++
	return b.results.line(line)
}

func (b *bundle) cite(ids ...string) {
	for _, id := range ids {
		if id != "" {
			b.cited[id] = true
		}
	}
}

func (b *bundle) citeFinding(f *correlate.Finding) {
	b.cite(f.Failure.First.EventID, f.Failure.Last.EventID)
	for _, e := range []*correlate.Citation{f.Failure.LastSuccess, f.Failure.Recovery} {
		if e != nil {
			b.cite(e.EventID)
		}
	}
	for i := range f.Candidates {
		b.cite(f.Candidates[i].Change.EventID)
		b.cite(f.Candidates[i].AlsoSufficient...)
	}
	for _, v := range f.Vetoed {
		b.cite(v.EventID)
	}
}

// commit looks the cited records up and writes the archive.
func (b *bundle) commit(ctx context.Context, t *trail, kept bool) error {
	if b == nil {
		return nil
	}
	b.info.Complete, b.info.Totals = !t.incomplete, t.ix.Totals()
	if b.info.Index.Kept = kept; kept {
		b.info.Index.Generation, b.info.Index.ManifestSHA256 = t.ix.Generation(), t.ix.ManifestSHA256()
	}
	var err error
	if b.integrity, err = objectIntegrity(t.ix); err != nil {
		return err
	}
	if err := b.lookUp(ctx, query.NewEngine(t.ix)); err != nil {
		return err
	}
	if err := b.write(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return b.dest.commit()
}

// idsAtOnce is how many eventIDs one query asks for.
const idsAtOnce = 200

// lookUp copies the cited records, in the order of events in the end.
func (b *bundle) lookUp(ctx context.Context, engine *query.Engine) error {
	ids := make([]string, 0, len(b.cited))
	for id := range b.cited {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	found := map[string]bool{}
	for chunk := range slices.Chunk(ids, idsAtOnce) {
		filters, err := filtersOf(chunk)
		if err != nil {
			return err
		}
		for _, f := range filters {
			for e, err := range engine.Events(ctx, f) {
				if err == nil {
					found[e.ID] = true
					err = b.record(e)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	for _, id := range ids {
		if !found[id] {
			b.info.NotFound = append(b.info.NotFound, b.app.redactedText(id))
		}
	}
	slices.SortFunc(b.citations, func(x, y citedRecord) int {
		return cmp.Or(x.EventTime.Compare(y.EventTime.Time), cmp.Compare(x.EventID, y.EventID), cmp.Compare(x.Object, y.Object), cmp.Compare(x.SHA256, y.SHA256))
	})
	b.info.Records = len(b.citations)
	return nil
}

// filtersOf select the events with some ids: records, and state changes, which
// keep their id elsewhere.
func filtersOf(ids []string) ([]query.Filter, error) {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = strconv.Quote(id)
	}
	list := "[" + strings.Join(quoted, ",") + "]"
	records, err := query.Compile("eventID in " + list)
	if err != nil {
		return nil, fmt.Errorf("look up cited events: %w", err)
	}
	native, err := query.Compile("eventID == nil && id in " + list)
	if err != nil {
		return nil, fmt.Errorf("look up cited events: %w", err)
	}
	return []query.Filter{{Expr: records}, {Expr: native, Where: []query.Term{query.Is(index.Outcome, index.OutcomeNative)}}}, nil
}

// record adds one record. Redaction is the only thing that changes it.
func (b *bundle) record(e *query.Event) error {
	digest := "not checked"
	if b.integrity != nil {
		digest = cmp.Or(b.integrity(e.Source()), digest)
	}
	e = b.app.redacted(e)
	sum := sha256.Sum256(e.Raw)
	b.citations = append(b.citations, citedRecord{bundleRecord: bundleRecord{EventID: e.ID, EventTime: correlate.Time{Time: e.Time},
		Object: e.Source(), Digest: digest, SHA256: hex.EncodeToString(sum[:])}, at: b.records.size, size: len(e.Raw)})
	return b.records.line(e.Raw)
}

// citedRecord is a record with its place in the spool.
type citedRecord struct {
	bundleRecord
	at   int64
	size int
}
