package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
)

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
	writeSummary(t, in)
	writeCoverage(t, in.Coverage)
	writeSegments(t, in.Segments)
	writeParts(t, "column", in.Columns)
	writeParts(t, "terms", in.TermParts)
	for _, f := range in.Fields {
		writeTopTerms(t, f)
	}
	for _, e := range in.Faults {
		fmt.Fprintf(t, "%s\t%s: %s %d malformed\n", e.Status, safe(e.Name), safe(e.Problem), e.Malformed)
	}
	return t.Flush()
}

func writeSummary(t io.Writer, in *inspection) {
	fmt.Fprintf(t, "index\t%s, format %d, generation %d\n", safe(in.Index), in.Format, in.Generation)
	fmt.Fprintf(t, "events\t%d", in.Events)
	if in.First != "" {
		fmt.Fprintf(t, ", %s to %s", in.First, in.Last)
	}
	if in.Versions > 0 {
		fmt.Fprintf(t, "; %d of them another version of an event id", in.Versions)
	}
	fmt.Fprintln(t)
	if l := in.Ledger; l != nil {
		fmt.Fprintf(t, "ledger\tin %d = kept %d + duplicate %d + malformed %d + filtered %d\n", l.In, l.Kept, l.Duplicate, l.Malformed, l.Filtered)
		fmt.Fprintf(t, "objects\t%d read, %d of them no trail; %d damaged, %d unreadable\n", l.Objects, l.NotTrail, l.Damaged, l.Unreadable)
		if l.Salvaged > 0 {
			fmt.Fprintf(t, "salvaged\t%d events from damaged objects, marked %s\n", l.Salvaged, ingest.SalvagedPrefix)
		}
		if l.Verified+l.Broken+l.NotCovered > 0 {
			fmt.Fprintf(t, "digests\t%d objects verified, %d broken, %d not covered\n", l.Verified, l.Broken, l.NotCovered)
		}
	}
	fmt.Fprint(t, "bytes\t")
	if in.Ledger != nil {
		fmt.Fprintf(t, "%d delivered, ", in.Bytes.Deliveries)
	}
	fmt.Fprintf(t, "%d of records; %d in %d segments, %d in terms\n", in.Bytes.Records, in.Bytes.Events, len(in.Segments), in.Bytes.Terms)
}

// maxSegmentsShown bounds the segments listed in text; JSON lists all.
const maxSegmentsShown = 32

func writeSegments(t io.Writer, list []index.SegmentSizes) {
	for i, s := range list[:min(len(list), maxSegmentsShown)] {
		fmt.Fprintf(t, "%s\t%d  %s  %d rows, %d bytes, %d in terms", title("segment", i), s.ID, s.Date, s.Rows, s.EventsBytes, s.TermsBytes)
		if s.First != "" {
			fmt.Fprintf(t, ", %s to %s", s.First, s.Last)
		}
		fmt.Fprintln(t)
	}
	if more := len(list) - maxSegmentsShown; more > 0 {
		fmt.Fprintf(t, "\t… %d more\n", more)
	}
}

// writeParts lists parts, the largest first.
func writeParts(t io.Writer, what string, parts []index.Part) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p index.Part) bool { return p.Bytes == 0 })
	slices.SortStableFunc(parts, func(a, b index.Part) int { return cmp.Compare(b.Bytes, a.Bytes) })
	var sum int64
	for _, p := range parts {
		sum += p.Bytes
	}
	for i, p := range parts {
		fmt.Fprintf(t, "%s\t%d  %4.1f %%  %s\n", title(what, i), p.Bytes, 100*float64(p.Bytes)/float64(sum), safe(p.Name))
	}
}

func writeTopTerms(t io.Writer, f field) {
	for i, term := range f.Top {
		name := f.Name
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(t, "%s\t%d  %s\n", name, term.Count, safe(term.Term))
	}
	if more := f.Terms - len(f.Top); more > 0 {
		fmt.Fprintf(t, "\t… %d more\n", more)
	}
}

// title is what, in front of the first of a list.
func title(what string, i int) string {
	if i > 0 {
		return ""
	}
	return what
}
