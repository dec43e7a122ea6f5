package main

import (
	"unicode"

	"golang.org/x/term"
)

// style says how text looks: how wide a line may be, and whether in colour.
type style struct {
	width  int
	colour bool
}

// The only escape sequences that trailblame ever writes.
const (
	sgrReset  = "\x1b[0m"
	sgrBold   = "\x1b[1m"
	sgrDim    = "\x1b[2m"
	sgrRed    = "\x1b[31m"
	sgrGreen  = "\x1b[32m"
	sgrYellow = "\x1b[33m"
	sgrCyan   = "\x1b[36m"
	sgrAlert  = "\x1b[1;31m"
)

// paint puts text between sgr and a reset, when in colour.
func (s style) paint(sgr, text string) string {
	if !s.colour || sgr == "" || text == "" {
		return text
	}
	return sgr + text + sgrReset
}

// cells returns how many columns safe text takes up on a terminal.
func cells(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case r < 0x300:
			n++
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		case unicode.Is(wide, r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide holds the blocks whose characters take two columns: the East Asian
// scripts, their full-width forms, and pictographs.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1f9ff, 1}, {0x20000, 0x3fffd, 1}},
}

// terminal tells whether standard output is one.
func (a *app) terminal() bool { return term.IsTerminal(int(a.stdout.file.Fd())) }
