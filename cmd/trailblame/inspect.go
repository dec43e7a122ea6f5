package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

// inspection is what inspect tells of an index.
type inspection struct {
	Index      string                 `json:"index"`
	Format     int                    `json:"format"`
	Generation uint64                 `json:"generation"`
	Events     int64                  `json:"events"`
	First      string                 `json:"firstEventTime,omitempty"`
	Last       string                 `json:"lastEventTime,omitempty"`
	Bytes      sizes                  `json:"bytes"`
	Ledger     ledgerView             `json:"ledger"`
	Segments   []index.SegmentSizes   `json:"segments"`
	Terms      map[string][]termCount `json:"topTerms"`
	Faults     []*ingest.Entry        `json:"faults"`
	Others     map[string]int64       `json:"others"`
}

type sizes struct {
	Deliveries int64 `json:"deliveries"` // compressed, as delivered
	Records    int64 `json:"records"`    // the text of the events kept
	Events     int64 `json:"events"`     // Parquet
	Terms      int64 `json:"terms"`
}

// ledgerView is the ledger's sum with the counts of objects.
type ledgerView struct {
	index.Totals
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
		Use:     "inspect",
		Short:   "Tell what an index holds: events, sizes, the ledger, what could not be read",
		Example: "  trailblame inspect --index ./march.index\n  trailblame inspect --format json | jq .ledger",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if form != "text" && form != "json" {
				return usagef("--format %s: inspect prints text or json", form)
			}
			ix, err := index.Open(trail.dir())
			if err != nil {
				return err
			}
			defer ix.Close()
			in, err := inspectIndex(ix, trail.dir(), top)
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

func inspectIndex(ix *index.Index, dir string, top int) (*inspection, error) {
	in := &inspection{Index: dir, Format: index.FormatVersion, Generation: ix.Generation(), Ledger: ledgerView{ix.Totals()},
		Segments: ix.Sizes(), Terms: map[string][]termCount{}, Others: map[string]int64{}, Faults: []*ingest.Entry{}}
	in.Bytes.Deliveries = ix.Totals().Bytes
	for _, s := range in.Segments {
		in.Events += int64(s.Rows)
		in.Bytes.Records += s.RawBytes
		in.Bytes.Events += s.EventsBytes
		in.Bytes.Terms += s.TermsBytes
	}
	if err := in.readLedger(ix); err != nil {
		return nil, err
	}
	return in, in.readSegments(ix, top)
}

// readLedger gathers what could not be read, as of the last time each object
// was tried, and what was no trail.
func (in *inspection) readLedger(ix *index.Index) error {
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

func (in *inspection) readSegments(ix *index.Index, top int) error {
	var counts [index.NumFields]map[string]int
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return err
		}
		for _, s := range segments {
			if first, last, ok := s.Span(); ok {
				in.extend(first.Format("2006-01-02T15:04:05Z"), last.Format("2006-01-02T15:04:05Z"))
			}
			if err := countTerms(s, &counts); err != nil {
				return err
			}
		}
	}
	for f, terms := range counts {
		in.Terms[index.Field(f).String()] = mostFrequent(terms, top)
	}
	return nil
}

func (in *inspection) extend(first, last string) {
	if in.First == "" || first < in.First {
		in.First = first
	}
	in.Last = max(in.Last, last)
}

func countTerms(s *index.Segment, counts *[index.NumFields]map[string]int) error {
	for f := range index.NumFields {
		if counts[f] == nil {
			counts[f] = map[string]int{}
		}
		err := s.Terms(f, func(t index.TermCount) bool {
			counts[f][t.Term] += t.Count
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func mostFrequent(counts map[string]int, top int) []termCount {
	list := make([]termCount, 0, len(counts))
	for term, n := range counts {
		list = append(list, termCount{term, n})
	}
	slices.SortFunc(list, func(a, b termCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Term, b.Term))
	})
	return list[:min(top, len(list))]
}

func writeInspectionJSON(w io.Writer, in *inspection) error {
	b, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(appendSafeJSON(nil, b), '\n'))
	return err
}

func writeInspection(w io.Writer, in *inspection) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	l := in.Ledger
	fmt.Fprintf(t, "index\t%s, format %d, generation %d\n", safe(in.Index), in.Format, in.Generation)
	fmt.Fprintf(t, "events\t%d", in.Events)
	if in.First != "" {
		fmt.Fprintf(t, ", %s to %s", in.First, in.Last)
	}
	fmt.Fprintf(t, "\nledger\tin %d = kept %d + duplicate %d + malformed %d + filtered %d\n", l.In, l.Kept, l.Duplicate, l.Malformed, l.Filtered)
	fmt.Fprintf(t, "objects\t%d read, %d of them no trail; %d damaged, %d unreadable\n", l.Objects, l.NotTrail, l.Damaged, l.Unreadable)
	fmt.Fprintf(t, "bytes\t%d delivered, %d of records; %d in %d segments, %d in terms\n", in.Bytes.Deliveries, in.Bytes.Records,
		in.Bytes.Events, len(in.Segments), in.Bytes.Terms)
	for f := range index.NumFields {
		for i, term := range in.Terms[f.String()] {
			name := f.String()
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(t, "%s\t%d  %s\n", name, term.Count, safe(term.Term))
		}
	}
	for _, e := range in.Faults {
		fmt.Fprintf(t, "%s\t%s: %s %d malformed\n", e.Status, safe(e.Name), safe(e.Problem), e.Malformed)
	}
	return t.Flush()
}
