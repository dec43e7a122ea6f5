package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// A page of ten thousand findings must open at once. So only the first findings
// are written out; the others lie in the page as packs: HTML of a few dozen
// findings from the same template, gzipped, in base64. The script unpacks those
// that a reader turns to. What filters and search need of each finding lies
// beside them as one pack of JSON.

const (
	shownAtOnce = 50        // findings a screen; as many are written out
	packSize    = 384 << 10 // bytes of HTML in a pack, before compression
)

// pack is a run of findings that are not written out.
type pack struct {
	First int // its first finding, from 0
	Data  string
}

// packer gathers the cards of a report.
type packer struct {
	tmpl  *template.Template
	most  int            // findings written out
	cards []*findingCard // written out
	packs []pack
	open  bytes.Buffer
	next  int // number of the next finding
	first int // of the open pack
	rows  []packRow
}

// packRow is what the script filters, searches and sorts a finding by.
type packRow struct {
	ID     string                  `json:"i"`
	Time   int64                   `json:"t"`
	Rank   int                     `json:"r"`
	Count  int                     `json:"n"`
	Facets [len(facetNames)]string `json:"f"`
	Text   string                  `json:"s"`
}

func newPackRow(f *correlate.Finding, c *findingCard) packRow {
	text := []string{c.Headline, c.Answer, f.ID, f.Failure.Principal, f.Failure.Resource, f.Failure.ErrorCode, f.Failure.First.EventID, f.Failure.Last.EventID}
	if blames(f) {
		change := &f.Candidates[0].Change
		text = append(text, change.EventID, change.EventName, change.Actor, change.Target)
		text = append(text, change.ActorChain...)
	}
	text = append(text, f.Failure.Refs...)
	return packRow{ID: f.ID, Time: f.Failure.First.EventTime.Unix(), Rank: badgeRank(c.Level), Count: f.Failure.Count,
		Facets: facetsOf(f, c.Level), Text: strings.Join(text, " ")}
}

// add puts a finding, whose strings are safe, into the page.
func (p *packer) add(f *correlate.Finding) error {
	c := newFindingCard(f)
	p.rows = append(p.rows, newPackRow(f, c))
	p.next++
	if len(p.cards) < p.most {
		p.cards = append(p.cards, c)
		p.first = p.next
		return nil
	}
	if err := p.tmpl.ExecuteTemplate(&p.open, "finding", c); err != nil {
		return fmt.Errorf("write finding %s: %w", f.ID, err)
	}
	if p.open.Len() < packSize {
		return nil
	}
	return p.close()
}

// close ends the open pack, if there is one.
func (p *packer) close() error {
	if p.open.Len() == 0 {
		return nil
	}
	data, err := packed(p.open.Bytes())
	p.packs = append(p.packs, pack{p.first, data})
	p.open.Reset()
	p.first = p.next
	return err
}

// index packs what the script knows of each finding.
func (p *packer) index() (string, error) {
	rows := p.rows
	if rows == nil {
		rows = []packRow{}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return "", err
	}
	return packed(text)
}

// packed compresses and encodes. The alphabet is the one for URLs, which needs
// no escape in HTML.
func packed(b []byte) (string, error) {
	var out bytes.Buffer
	encoder := base64.NewEncoder(base64.RawURLEncoding, &out)
	zip := gzip.NewWriter(encoder)
	if _, err := zip.Write(b); err != nil {
		return "", err
	}
	if err := zip.Close(); err != nil {
		return "", err
	}
	err := encoder.Close()
	return out.String(), err
}
