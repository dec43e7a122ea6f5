package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// span is a run of text in one colour.
type span struct{ sgr, text string }

// plain and dim make spans of body text and of citations.
func plain(text string) span { return span{"", text} }
func dim(text string) span   { return span{sgrDim, text} }

// page lays text out in lines that fit the style's width. Everything that is
// printed goes through it, and it is where text becomes safe, once.
type page struct {
	style   style
	buf     bytes.Buffer
	sources []source
}

// source is where the reader can look an event up.
type source struct{ eventID, object string }

// cite numbers an event; the numbers are resolved at the end of the note, so
// that long object names do not stand in the way of reading. object may be empty.
func (p *page) cite(eventID, object string) span {
	s := source{eventID, object}
	i := slices.Index(p.sources, s)
	if i < 0 {
		i = len(p.sources)
		p.sources = append(p.sources, s)
	}
	return dim(fmt.Sprintf("[%d]", i+1))
}

// writeSources resolves the citations. The folder that all objects have in
// common is named once.
func (p *page) writeSources() {
	if len(p.sources) == 0 {
		return
	}
	p.heading("SOURCES")
	folder := commonFolder(p.sources)
	if folder != "" {
		p.wrap("  ", indent, 6, dim("in "+folder))
	}
	for i, s := range p.sources {
		lead := fmt.Sprintf("%5s ", fmt.Sprintf("[%d]", i+1))
		p.wrap(lead, len(lead), len(lead), plain("event "+cmp.Or(s.eventID, "without an id")))
		if s.object != "" {
			p.wrap(strings.Repeat(" ", len(lead)), len(lead), len(lead), dim(s.object[len(folder):]))
		}
	}
}

// commonFolder is what the names of objects begin with up to a slash, empty
// unless there are several objects.
func commonFolder(sources []source) string {
	folder, objects := "", 0
	for _, s := range sources {
		if s.object == "" {
			continue
		}
		if objects++; objects == 1 {
			folder = s.object
		}
		for !strings.HasPrefix(s.object, folder) || !strings.HasSuffix(folder, "/") {
			folder = folder[:strings.LastIndexByte(strings.TrimSuffix(folder, "/"), '/')+1]
			if folder == "" {
				return ""
			}
		}
	}
	if objects < 2 {
		return ""
	}
	return folder
}

// Columns of a field: the label stands at indent, the value at column.
const (
	indent = 2
	column = 13
)

func (p *page) blank() { p.buf.WriteByte('\n') }

// heading starts a section.
func (p *page) heading(title string, more ...span) {
	p.blank()
	p.wrap("", 0, 2, append([]span{{sgrBold, title}}, more...)...)
}

// field prints a label and its value, the value with a hanging indent. Without a
// value it prints nothing.
func (p *page) field(label string, value ...span) {
	if !hasText(value) {
		return
	}
	lead := strings.Repeat(" ", indent) + p.style.paint(sgrCyan, label)
	if pad := column - indent - len(label); pad > 0 {
		lead += strings.Repeat(" ", pad)
	}
	p.wrap(lead, column, column, value...)
}

// more prints a further value of the field above.
func (p *page) more(value ...span) {
	if hasText(value) {
		p.wrap(strings.Repeat(" ", column), column, column, value...)
	}
}

func hasText(spans []span) bool {
	for _, s := range spans {
		if s.text != "" {
			return true
		}
	}
	return false
}

// line prints text as it is, cut at the width into further lines rather than
// wrapped at words: for text whose spaces count.
func (p *page) line(at int, sgr, text string) {
	room := max(p.style.width-at, 20)
	lead := strings.Repeat(" ", at)
	for i, part := range cut(safe(text), room, 4) {
		if i > 0 {
			part = "    " + part
		}
		p.buf.WriteString(lead + p.style.paint(sgr, part) + "\n")
	}
}

// cut splits text into parts of at most room columns, parts after the first of
// at most room-less. It prefers to cut behind the punctuation of ARNs and paths.
func cut(text string, room, less int) []string {
	var parts []string
	for {
		end := fitting(text, room)
		if end == len(text) {
			return append(parts, text)
		}
		parts = append(parts, text[:end])
		text = text[end:]
		if len(parts) == 1 {
			room = max(room-less, 1)
		}
	}
}

// fitting returns how much of text to print in room columns: all of it if it
// fits, else up to a good place to cut, and at least one character.
func fitting(text string, room int) int {
	end, good, used := 0, 0, 0
	for i, r := range text {
		if used += cells(string(r)); used > room && i > 0 {
			if good > end*2/3 {
				end = good
			}
			return behindEscape(text, end)
		}
		end = i + utf8.RuneLen(r)
		if strings.ContainsRune("/:,;=&?_ ", r) {
			good = end
		}
	}
	return len(text)
}

var wholeEscape = pattern(`\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})`)

// behindEscape moves a cut that would split an escape to the front of it.
func behindEscape(text string, end int) int {
	from := max(end-9, 0)
	for _, at := range wholeEscape().FindAllStringIndex(text[from:min(end+9, len(text))], -1) {
		if begin := from + at[0]; begin > 0 && begin < end && from+at[1] > end {
			return begin
		}
	}
	return end
}
