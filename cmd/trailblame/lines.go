package main

import (
	"bufio"
	"fmt"

	"golang.org/x/term"
)

// lineWriter writes lines to standard output. It keeps the first error, so that
// a caller checks once, at the end.
type lineWriter struct {
	w    *bufio.Writer
	safe bool // the output is a terminal
	buf  []byte
	err  error
}

// lines returns a writer of JSON lines: as they are into a pipe or a file, made
// safe on a terminal.
func (a *app) lines() *lineWriter {
	return &lineWriter{w: bufio.NewWriterSize(a.stdout, 64<<10), safe: a.terminal()}
}

// terminal tells whether standard output is one.
func (a *app) terminal() bool { return term.IsTerminal(int(a.stdout.Fd())) }

func (l *lineWriter) line(json []byte) {
	if l.err != nil {
		return
	}
	if l.safe {
		l.buf = appendSafeJSON(l.buf[:0], json)
		json = l.buf
	}
	if _, l.err = l.w.Write(json); l.err == nil {
		l.err = l.w.WriteByte('\n')
	}
}

func (l *lineWriter) flush() error {
	if l.err == nil {
		l.err = l.w.Flush()
	}
	if l.err != nil {
		return fmt.Errorf("write standard output: %w", l.err)
	}
	return nil
}
