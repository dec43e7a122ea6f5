package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The picture in the README is drawn from the golden file of a real terminal, so
// that it shows what the program prints today; -update draws it anew.
const (
	pictureFrom  = "testdata/terminal/correlate-100-colour.txt"
	picturePath  = "../../testdata/pictures/correlate.svg"
	pictureLines = 36
)

func TestPictureOfTheText(t *testing.T) {
	text, err := os.ReadFile(pictureFrom)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < pictureLines {
		t.Fatalf("%s has only %d lines", pictureFrom, len(lines))
	}
	got := drawing(lines[:pictureLines], 100)
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(picturePath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(picturePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the program prints; -update if it should be (-want +got):\n%s", picturePath, diff)
	}
	if err := xml.Unmarshal([]byte(got), new(struct{})); err != nil {
		t.Errorf("not XML: %v", err)
	}
}

// pictureColours are what the eight sequences of style.go look like.
var pictureColours = map[string]string{
	sgrBold: `font-weight="bold" fill="#f0f6fc"`, sgrDim: `fill="#7d8590"`, sgrRed: `fill="#ff7b72"`, sgrGreen: `fill="#7ee787"`,
	sgrYellow: `fill="#e3b341"`, sgrCyan: `fill="#79c0ff"`, sgrAlert: `font-weight="bold" fill="#ff7b72"`,
}

// drawing sets lines of terminal text as SVG.
func drawing(lines []string, columns int) string {
	const fontSize, advance, leading, margin = 13, 7.83, 18, 16
	width, height := int(float64(columns)*advance)+2*margin, len(lines)*leading+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="a finding as text">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>`+"\n")
	fmt.Fprintf(&b, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="%d" fill="#e6edf3">`+"\n", fontSize)
	for i, line := range lines {
		if line != "" {
			fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", margin, margin+fontSize+i*leading, runs(line))
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// runs makes the coloured runs of a line spans.
func runs(line string) string {
	var b strings.Builder
	for line != "" {
		at, sgr := len(line), ""
		for s := range pictureColours {
			if i := strings.Index(line, s); i >= 0 && i < at {
				at, sgr = i, s
			}
		}
		escapeXML(&b, line[:at])
		if sgr == "" {
			break
		}
		run, rest, _ := strings.Cut(line[at+len(sgr):], sgrReset)
		b.WriteString("<tspan " + pictureColours[sgr] + ">")
		escapeXML(&b, run)
		b.WriteString("</tspan>")
		line = rest
	}
	return b.String()
}

// escapeXML writes text whose spaces all count: browsers no longer agree on
// xml:space, so they become ones that are never folded.
func escapeXML(b *strings.Builder, text string) {
	if err := xml.EscapeText(b, []byte(strings.ReplaceAll(text, " ", "\u00a0"))); err != nil {
		panic(err) // a Builder never fails
	}
}
