package main

import (
	"bytes"
	"strings"
)

// How lines are broken
//
//   - At spaces, with a hanging indent. What is read as one stays together: "2 min
//     22 s", a date with its time and zone, a citation with the word before it.
//   - An ARN or another long word that the hanging indent leaves no room for moves
//     to a line of its own that begins further left, so that it can be copied
//     whole. Only what is longer than the line is cut.
//   - Commands are broken so that the shell takes the lines for one, and never
//     inside a word: there the line is too long rather than the command wrong.

// word is a word of running text, made safe, in its colour.
type word struct {
	sgr, text string
	width     int
}

// words splits spans at spaces.
func words(spans []span) []word {
	var list []word
	for _, s := range spans {
		for text := range strings.FieldsFuncSeq(s.text, func(r rune) bool { return r == ' ' }) {
			text = safe(text)
			list = append(list, word{s.sgr, text, cells(text)})
		}
	}
	return list
}

// wrap prints lead, which takes up at columns, and then the words of the spans;
// lines after the first start at column hang.
func (p *page) wrap(lead string, at, hang int, spans ...span) {
	l := lineOf{page: p, at: at, hang: hang, fresh: true}
	p.buf.WriteString(lead)
	list := words(spans)
	for i := range list {
		l.add(list[i:])
	}
	l.colour("")
	p.buf.WriteByte('\n')
}

// lineOf is the line that wrap is writing.
type lineOf struct {
	*page
	at, hang int
	fresh    bool   // nothing but the lead or the indent so far
	sgr      string // the colour that is on
}

// add prints the first of the words, on this line or the next.
func (l *lineOf) add(list []word) {
	w := list[0]
	room := max(l.style.width-l.hang, 20)
	need := together(list)
	if need > room {
		need = w.width
	}
	switch {
	case w.width > max(l.style.width, room):
		for _, part := range cut(w.text, room, 0) {
			l.onLine(l.hang, word{w.sgr, part, cells(part)})
		}
	case w.width > room:
		l.onLine(min(indent+2, l.style.width-w.width), w)
	case !l.fresh && l.at+1+need > l.style.width || l.fresh && l.at > l.hang && l.at+need > l.style.width:
		l.onLine(l.hang, w)
	case l.fresh:
		l.print(w)
	default:
		if w.sgr != l.sgr {
			l.colour("")
		}
		l.buf.WriteByte(' ')
		l.at++
		l.print(w)
	}
}

// onLine prints a word that has a line to itself, or begins one, at a column.
func (l *lineOf) onLine(column int, w word) {
	l.colour("")
	if l.fresh && l.at == column {
		l.print(w)
		return
	}
	if l.fresh { // the lead stands alone
		l.buf.Truncate(len(bytes.TrimRight(l.buf.Bytes(), " ")))
	}
	if b := l.buf.Bytes(); len(b) > 0 && b[len(b)-1] != '\n' {
		l.buf.WriteByte('\n')
	}
	l.buf.WriteString(strings.Repeat(" ", column))
	l.at = column
	l.print(w)
}

func (l *lineOf) print(w word) {
	l.colour(w.sgr)
	l.buf.WriteString(w.text)
	l.at += w.width
	l.fresh = false
}

// colour turns a colour on, or with "" off.
func (l *lineOf) colour(sgr string) {
	if !l.style.colour || sgr == l.sgr {
		return
	}
	if l.sgr != "" {
		l.buf.WriteString(sgrReset)
	}
	l.buf.WriteString(sgr)
	l.sgr = sgr
}

// together returns the columns of the first word and of those that belong to it.
func together(list []word) int {
	n := list[0].width
	for i := 1; i < len(list) && inseparable(list[i-1].text, list[i].text); i++ {
		n += 1 + list[i].width
	}
	return n
}

var (
	number   = pattern(`^\(?[+-]?[0-9]{1,9}$`)
	unit     = pattern(`^(d|h|min|s)[,.;:)]*$`)
	bareUnit = pattern(`^(d|h|min)$`)
	date     = pattern(`^\(?[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	clockAt  = pattern(`^[0-9]{2}:[0-9]{2}:[0-9]{2}[,.;:)]*$`)
	zone     = pattern(`^UTC[,.;:)]*$`)
	citation = pattern(`^\[[0-9]{1,6}\][,.;:)]*$`)
)

// inseparable tells whether two words are read as one.
func inseparable(a, b string) bool {
	switch {
	case len(b) > 16:
		return false
	case citation().MatchString(b):
		return true
	case number().MatchString(a):
		return unit().MatchString(b)
	case bareUnit().MatchString(a) || a == "score":
		return number().MatchString(b)
	case date().MatchString(a):
		return clockAt().MatchString(b)
	}
	return clockAt().MatchString(a) && zone().MatchString(b)
}

// command prints a shell command, broken between its words with a backslash, an
// option kept with its value where that fits.
func (p *page) command(at int, text string) {
	const deeper = 2
	var line []string
	used, indent := 0, at
	room := func(last bool) int {
		if last {
			return p.style.width - indent
		}
		return p.style.width - indent - len(` \`)
	}
	flush := func(end string) {
		p.buf.WriteString(strings.Repeat(" ", indent) + strings.Join(line, " ") + end + "\n")
		line, used, indent = nil, 0, at+deeper
	}
	list := shellWords(text)
	for i, w := range list {
		need := cells(w)
		if strings.HasPrefix(w, "--") && i+1 < len(list) && !strings.HasPrefix(list[i+1], "-") {
			if both := need + 1 + cells(list[i+1]); both <= p.style.width-at-deeper-len(` \`) {
				need = both
			}
		}
		if len(line) > 0 && used+1+need > room(i+1 == len(list)) {
			flush(` \`)
		}
		if len(line) > 0 {
			used++
		} else if over := cells(w) - room(i+1 == len(list)); over > 0 {
			indent = max(indent-over, 0)
		}
		line = append(line, w)
		used += cells(w)
	}
	flush("")
}

// shellWords splits a command at the spaces that the shell would split it at.
func shellWords(text string) []string {
	var list []string
	quote, start, escaped := rune(0), 0, false
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == ' ':
			list = appendWord(list, text[start:i])
			start = i + 1
		}
	}
	return appendWord(list, text[start:])
}

func appendWord(list []string, text string) []string {
	if text == "" {
		return list
	}
	return append(list, safe(text))
}
