package main

import (
	"bufio"
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/query"
)

// inspection is what inspect tells of an index, or of one segment, of which
// there is no ledger.
type inspection struct {
	Index      string               `json:"index"`
	Format     int                  `json:"format"`
	Generation uint64               `json:"generation"`
	Segment    uint64               `json:"segment,omitempty"`
	Events     int64                `json:"events"`
	First      string               `json:"firstEventTime,omitempty"`
	Last       string               `json:"lastEventTime,omitempty"`
	Versions   int                  `json:"otherVersions"` // events that share an eventID with another
	Bytes      sizes                `json:"bytes"`
	Ledger     *ledgerView          `json:"ledger,omitempty"`
	Segments   []index.SegmentSizes `json:"segments"`
	Columns    []index.Part         `json:"columns"`
	TermParts  []index.Part         `json:"termParts"`
	Fields     []field              `json:"fields"`
	Faults     []*ingest.Entry      `json:"faults,omitempty"`
	Others     map[string]int64     `json:"others,omitempty"`
	Coverage   []query.Present      `json:"coverage"`
}

type sizes struct {
	Deliveries int64 `json:"deliveries,omitempty"` // compressed, as delivered
	Records    int64 `json:"records"`              // the text of the events kept
	Events     int64 `json:"events"`               // Parquet
	Terms      int64 `json:"terms"`
}

// ledgerView is the ledger's sum with the counts of objects.
type ledgerView struct {
	index.Totals
}

// field is a searchable field and its most frequent terms.
type field struct {
	Name  string      `json:"name"`
	Terms int         `json:"terms"` // distinct ones
	Top   []termCount `json:"top"`
}

type termCount struct {
	Term  string `json:"term"`
	Count int    `json:"count"`
}

func (a *app) inspectCommand() *cobra.Command {
	var trail trailFlags
	var form string
	var top int
	cmd := &cobra.Command{
		Use:   "inspect [SEGMENT]",
		Short: "Tell what an index holds: events, sizes, the ledger, what could not be read",
		Long: `Tell what an index holds: events and their time span, the ledger, what could not
be read, the hours that it holds of each account and region, segments, the bytes that each column and each searchable field takes,
and the most frequent terms. With SEGMENT, told by its number or by the path of
one of its files, tell of that one alone.`,
		Example: "  trailblame inspect --index ./march.index\n  trailblame inspect --format json | jq .ledger\n  trailblame inspect ./march.index/events/date=2026-03-01/00000001.parquet",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if form != "text" && form != "json" {
				return usagef("--format %s: inspect prints text or json", form)
			}
			dir, segment := trail.segment(args)
			ix, err := index.Open(dir)
			if err != nil {
				return err
			}
			defer ix.Close()
			for _, w := range ix.Warnings() {
				a.complain("%s", w)
			}
			in, err := inspectIndex(ix, dir, segment, top)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(a.stdout)
			if form == "json" {
				err = writeInspectionJSON(out, in)
			} else {
				err = writeInspection(out, in)
			}
			return cmp.Or(err, out.Flush())
		},
	}
	trail.registerIndex(cmd.Flags())
	cmd.Flags().StringVar(&form, "format", "text", "text or json")
	cmd.Flags().IntVar(&top, "top", 5, "how many of the most frequent terms to show for each field")
	return cmd
}

func inspectIndex(ix *index.Index, dir, segment string, top int) (*inspection, error) {
	in := &inspection{Index: dir, Format: ix.Format(), Generation: ix.Generation()}
	if segment != "" {
		if err := ix.Narrow(segment); err != nil {
			return nil, err
		}
		in.Segment = ix.Sizes()[0].ID
	} else if err := in.readLedger(ix); err != nil {
		return nil, err
	}
	in.sum(ix.Sizes())
	coverage, err := query.NewCoverage(ix)
	if err != nil {
		return nil, err
	}
	in.Coverage = coverage.Present()
	if in.Columns, in.TermParts, err = ix.Parts(); err != nil {
		return nil, err
	}
	for f := range index.NumFields {
		it, err := readField(ix, f, top)
		if err != nil {
			return nil, err
		}
		in.Fields = append(in.Fields, it)
	}
	return in, nil
}

func (in *inspection) sum(segments []index.SegmentSizes) {
	in.Segments = segments
	for _, s := range segments {
		in.Events += int64(s.Rows)
		in.Versions += s.Versions
		in.Bytes.Records += s.RawBytes
		in.Bytes.Events += s.EventsBytes
		in.Bytes.Terms += s.TermsBytes
		if s.First != "" && (in.First == "" || s.First < in.First) {
			in.First = s.First
		}
		in.Last = max(in.Last, s.Last)
	}
}

// readLedger gathers what could not be read, as of the last time each object
// was tried, and what was no trail.
func (in *inspection) readLedger(ix *index.Index) error {
	in.Ledger = &ledgerView{ix.Totals()}
	in.Bytes.Deliveries = ix.Totals().Bytes
	in.Others = map[string]int64{}
	faults := map[string]*ingest.Entry{}
	for e, err := range ix.Ledger() {
		if err != nil {
			return err
		}
		for shape, n := range e.Others {
			in.Others[shape] += n
		}
		delete(faults, e.Name)
		if e.Incomplete() {
			faults[e.Name] = e
		}
	}
	for _, e := range faults {
		in.Faults = append(in.Faults, e)
	}
	slices.SortFunc(in.Faults, func(a, b *ingest.Entry) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// readField counts the terms of a field and keeps the most frequent ones.
func readField(ix *index.Index, f index.Field, top int) (field, error) {
	it := field{Name: f.String(), Top: []termCount{}}
	for t, err := range ix.Terms(f) {
		if err != nil {
			return it, err
		}
		it.Terms++
		// Terms come in byte order, so that among equals the first stay.
		at, _ := slices.BinarySearchFunc(it.Top, t.Count, func(c termCount, n int) int {
			if c.Count >= n {
				return -1
			}
			return 1
		})
		if at < top {
			it.Top = slices.Insert(it.Top, at, termCount{t.Term, t.Count})
			it.Top = it.Top[:min(top, len(it.Top))]
		}
	}
	return it, nil
}
