package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3"
)

// ingestPlan is what an ingest would read, and from where.
type ingestPlan struct {
	Schema   string    `json:"schema"`
	Index    string    `json:"index"` // empty for one that is made for one look
	Objects  int64     `json:"objects"`
	Bytes    int64     `json:"bytes"` // as stored, compressed
	Known    int64     `json:"known"`
	Requests int64     `json:"requests"`
	Sources  []s3.Plan `json:"sources"`
}

// planSchema names the form of a plan in JSON.
const planSchema = "trailblame.plan/1"

// plan lists the sources and prints what an ingest would read. It writes no
// index and opens no object.
func (a *app) plan(ctx context.Context, t *trailFlags, names []string, form string) error {
	known, err := knownTo(t.index)
	if err != nil {
		return err
	}
	t.known = func(o ingest.Object) bool { return known[o] }
	p := &ingestPlan{Schema: planSchema, Index: t.index}
	failed := 0
	for _, name := range names {
		one, err := t.planSource(ctx, name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && len(one.Problems) == 0 {
			one.Problems = append(one.Problems, err.Error())
		}
		for _, problem := range one.Problems {
			a.complain("%s", problem)
		}
		failed += min(len(one.Problems), 1)
		p.add(one)
	}
	out := bufio.NewWriter(a.stdout)
	if form == "json" {
		err = p.writeJSON(out)
	} else {
		p.write(out)
	}
	switch {
	case cmp.Or(err, out.Flush()) != nil:
		return cmp.Or(err, out.Flush())
	case failed == len(names) && p.Objects+p.Known == 0:
		return &silentError{exitFailed}
	case failed > 0:
		return &silentError{exitIncomplete}
	}
	return nil
}

// knownTo returns the objects that an index holds; none if it is not there, or
// will be made for one look.
func knownTo(dir string) (map[ingest.Object]bool, error) {
	known := map[ingest.Object]bool{}
	if dir == "" {
		return known, nil
	}
	ix, err := index.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	defer ix.Close()
	for e, err := range ix.Ledger() {
		if err != nil {
			return nil, err
		}
		if e.Status == ingest.StatusRead || e.Status == ingest.StatusNotTrail {
			known[e.Object] = true
		}
	}
	return known, nil
}

// planSource plans one source. Its plan names it even if there is an error.
func (t *trailFlags) planSource(ctx context.Context, name string) (s3.Plan, error) {
	p := s3.Plan{Source: name}
	if name == "-" {
		p.Note = "standard input is read to its end"
		return p, nil
	}
	src, err := t.remote(ctx, name)
	if err == nil && src == nil {
		src, err = ingest.NewLocal(name)
	}
	if err != nil {
		return p, err
	}
	if c, ok := src.(io.Closer); ok {
		defer c.Close()
	}
	switch src := src.(type) {
	case *s3.Source:
		return src.Plan(ctx)
	case *ingest.Local:
		t.planFiles(ctx, src, &p)
	default:
		p.Note = "a log group is read page by page and tells no sizes beforehand"
	}
	return p, nil
}

// planFiles plans what is on disk, which is read whatever its name says.
func (t *trailFlags) planFiles(ctx context.Context, src *ingest.Local, p *s3.Plan) {
	days, accounts, regions := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for obj, err := range src.Objects(ctx) {
		if err != nil {
			p.Problems = append(p.Problems, obj.Name+": "+err.Error())
			continue
		}
		if t.known(obj) {
			p.Known++
		} else {
			p.Objects++
			p.Bytes += obj.Size
		}
		account, region, day := s3.Located(filepath.ToSlash(obj.Name))
		accounts[account], regions[region], days[day] = true, true, true
	}
	for _, set := range []struct {
		of   map[string]bool
		list *[]string
	}{{days, &p.Days}, {accounts, &p.Accounts}, {regions, &p.Regions}} {
		delete(set.of, "")
		*set.list = slices.AppendSeq([]string{}, maps.Keys(set.of))
		slices.Sort(*set.list)
	}
}

func (p *ingestPlan) add(one s3.Plan) {
	p.Sources = append(p.Sources, one)
	p.Objects += one.Objects
	p.Bytes += one.Bytes
	p.Known += one.Known
	p.Requests += one.Requests()
}

func (p *ingestPlan) writeJSON(w io.Writer) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return err
	}
	_, err := w.Write(append(appendSafeJSON(nil, bytes.TrimSpace(b.Bytes())), '\n'))
	return err
}

func (p *ingestPlan) write(w io.Writer) {
	for i := range p.Sources {
		writeSourcePlan(w, &p.Sources[i])
	}
	fmt.Fprintf(w, "would read %s, %s, into %s", count(int(p.Objects), "object", "objects"), inBytes(p.Bytes), safe(cmp.Or(p.Index, "an index for this run")))
	if p.Requests > 0 {
		fmt.Fprintf(w, ", with %s", count(int(p.Requests), "request", "requests"))
	}
	fmt.Fprintln(w, "; nothing was read or written")
}

func writeSourcePlan(w io.Writer, p *s3.Plan) {
	fmt.Fprintln(w, safe(p.Source))
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-10s %s\n", label, safe(fmt.Sprintf(format, args...)))
	}
	if p.Note != "" {
		line("", "%s", p.Note)
		return
	}
	if p.Access != nil {
		line("reached", "%s, region %s, credentials: %s", p.Access.Endpoint, p.Access.Region, p.Access.Credentials)
	}
	line("to read", "%s, %s", count(int(p.Objects), "object", "objects"), inBytes(p.Bytes))
	if p.Known > 0 {
		line("known", "%s in the index already", count(int(p.Known), "object", "objects"))
	}
	if p.From != "" || p.To != "" {
		line("chosen", "%s to %s; no day before --from, and the day after --to, since deliveries come late", cmp.Or(p.From, "the first day"), cmp.Or(p.To, "the last day"))
	}
	line("days", "%s", firstToLast(p.Days))
	line("accounts", "%s", someNames(p.Accounts))
	line("regions", "%s", someNames(p.Regions))
	if p.Access != nil {
		line("requests", "%d to list, %d to get; %s listed, %d folders and objects beside them left out", p.Listings, p.Gets, count(int(p.Prefixes), "prefix", "prefixes"), p.LeftOut)
	}
}

// firstToLast is the first and the last of sorted names, with their number.
func firstToLast(names []string) string {
	if len(names) < 2 {
		return someNames(names)
	}
	return fmt.Sprintf("%s to %s (%d)", names[0], names[len(names)-1], len(names))
}

func someNames(names []string) string {
	switch {
	case len(names) == 0:
		return "none named by the keys"
	case len(names) > 8:
		return fmt.Sprintf("%s, … (%d)", strings.Join(names[:8], ", "), len(names))
	}
	return strings.Join(names, ", ")
}

// inBytes writes a size for people.
func inBytes(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d GiB", n>>30)
}
