package main

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
)

// How the HTML report keeps hostile text harmless
//
//   - Every string of a finding passes safeFinding, every string of the index
//     passes safe: what cannot be seen is shown as an escape, as everywhere.
//   - All HTML comes from html/template. Only our own style sheet and script are
//     put in as they are, and the content policy names them by their hashes: no
//     other script, style, image, font, frame or request, inline or not.
//   - The script makes no HTML from strings but from the packs, which
//     html/template wrote.

//go:embed report
var reportFiles embed.FS

// reportPage is what report/page.html shows.
type reportPage struct {
	Title, Version, Schema string
	Policy                 string
	Style                  template.CSS
	Script                 template.JS
	Verdict                string
	Selected               []labelled
	Read                   *readView
	Totals                 *reportTotals
	Blamed                 []*culprit
	AllBlamed, MoreBlamed  int
	Incomplete             string // what was not read, in words
	Histogram              *reportHistogram
	Filters                []reportFilter
	Cards                  []*findingCard
	Packs                  []pack
	Index                  string
	PageSize               int
	Shown, Left            int // findings in the page, and left out of it
	Levels                 []labelled
}

type reportFilter struct {
	Name    string
	Options []option
}

// maxBlamedShown is how many changes the summary of a report lists.
const maxBlamedShown = 10

// reportBuilder makes a report of findings, one at a time. Its memory grows with
// the findings shown, compressed, and not with the trail.
type reportBuilder struct {
	tmpl   *template.Template
	packer packer
	totals *reportTotals
	limit  int // findings shown, at most
}

func newReportBuilder(limit int) (*reportBuilder, error) {
	tmpl, err := template.New("report").Funcs(template.FuncMap{"thousands": thousandsOf, "signed": signed, "pieces": pieces, "odd": func(i int) bool { return i%2 == 1 }}).
		ParseFS(reportFiles, "report/*.html")
	if err != nil {
		return nil, fmt.Errorf("report template: %w", err)
	}
	return &reportBuilder{tmpl: tmpl, packer: packer{tmpl: tmpl, most: shownAtOnce}, totals: newReportTotals(), limit: limit}, nil
}

func thousandsOf(n any) string {
	switch n := n.(type) {
	case int:
		return thousands(n)
	case int64:
		return thousands(n)
	}
	return fmt.Sprint(n)
}

// pieces cuts text behind the punctuation of ARNs and paths, where a line may
// break.
func pieces(text string) []string {
	var list []string
	for {
		at := strings.IndexAny(text, ":/")
		if at < 0 || at == len(text)-1 || len(list) > 100 {
			return append(list, text)
		}
		list, text = append(list, text[:at+1]), text[at+1:]
	}
}

// signed writes the points of a piece of evidence; without any it is a fact.
func signed(points int) string {
	if points == 0 {
		return "·"
	}
	return fmt.Sprintf("%+d", points)
}

// add takes a finding as delivered.
func (b *reportBuilder) add(raw *correlate.Finding) error {
	f := safeFinding(raw)
	b.totals.add(f)
	if b.totals.Findings > b.limit {
		return nil
	}
	return b.packer.add(f)
}

// write writes the report on the findings so far.
func (b *reportBuilder) write(w io.Writer, found *findings, title string, selected []labelled, r *redactor) error {
	p, err := b.page(found, title, selected, r)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, bufferSize)
	if err := b.tmpl.ExecuteTemplate(out, "page.html", p); err != nil {
		return err
	}
	return out.Flush()
}

func (b *reportBuilder) page(found *findings, title string, selected []labelled, r *redactor) (*reportPage, error) {
	read, err := newReadView(found)
	if err != nil {
		return nil, err
	}
	if err := b.packer.close(); err != nil {
		return nil, err
	}
	title, selected, read = redactValue(r, title), redactValue(r, selected), redactValue(r, read)
	p := &reportPage{Title: safe(title), Version: version, Schema: correlate.Schema, Verdict: b.totals.verdict(), Selected: selected, Read: read,
		Totals: b.totals, Blamed: b.totals.blamed(), Histogram: b.totals.histogram(), Cards: b.packer.cards, Packs: b.packer.packs,
		PageSize: shownAtOnce, Shown: b.packer.next, Left: b.totals.Findings - b.packer.next}
	p.AllBlamed, p.Incomplete = len(p.Blamed), incompleteText(read.Totals)
	p.MoreBlamed = max(len(p.Blamed)-maxBlamedShown, 0)
	p.Blamed = p.Blamed[:len(p.Blamed)-p.MoreBlamed]
	for i, name := range facetNames {
		p.Filters = append(p.Filters, reportFilter{name, b.totals.options(i)})
	}
	for _, level := range []string{"proven", "observed", "consistent", "related", "temporal"} {
		p.Levels = append(p.Levels, labelled{Label: level, Text: claims[correlate.Level(level)] + ": " + levelMeanings[level]})
	}
	if p.Index, err = b.packer.index(); err != nil {
		return nil, err
	}
	return p, p.embed()
}

// incompleteText says what was not read, "" when all was.
func incompleteText(t index.Totals) string {
	var parts []string
	if t.Damaged > 0 {
		parts = append(parts, counted(t.Damaged, "damaged object", "damaged objects")+" not read")
	}
	if t.Unreadable > 0 {
		parts = append(parts, counted(t.Unreadable, "unreadable object", "unreadable objects"))
	}
	if t.Malformed > 0 {
		parts = append(parts, counted(t.Malformed, "malformed record", "malformed records")+" skipped")
	}
	return strings.Join(parts, ", ")
}

// embed puts our style sheet and script into the page, and a content policy that
// allows nothing else.
func (p *reportPage) embed() error {
	style, err := reportFiles.ReadFile("report/style.css")
	if err != nil {
		return err
	}
	script, err := reportFiles.ReadFile("report/script.js")
	if err != nil {
		return err
	}
	p.Style, p.Script = template.CSS(style), template.JS(script)
	p.Policy = fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'", sourceHash(script), sourceHash(style))
	return nil
}

func sourceHash(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
