package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// outputFlags say how and where findings are written.
type outputFlags struct {
	format string
	out    string
	force  bool
}

func (o *outputFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.format, "format", "", "text, ndjson, json, csv or markdown (default: text on a terminal, else ndjson)")
	flags.StringVar(&o.out, "out", "", "write to this file instead of standard output")
	flags.BoolVar(&o.force, "force", false, "let --out replace a file")
}

// output is where findings go: standard output, or a file that appears under
// its name only when it is whole.
type output struct {
	encoder findingEncoder
	file    *os.File
	name    string
}

func (a *app) openOutput(flags *outputFlags) (*output, error) {
	o := &output{name: flags.out}
	var w io.Writer = a.stdout
	terminal := a.terminal()
	if flags.out != "" {
		if _, err := os.Lstat(flags.out); err == nil && !flags.force {
			return nil, usagef("--out %s: the file exists; --force replaces it", flags.out)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		var err error
		if o.file, err = os.CreateTemp(filepath.Dir(flags.out), ".trailblame-*"); err != nil {
			return nil, fmt.Errorf("create %s: %w", flags.out, err)
		}
		w, terminal = o.file, false
	}
	form, err := parseFormat(flags.format, terminal)
	if err != nil {
		o.abandon()
		return nil, &usageError{err}
	}
	st, err := a.style(terminal)
	if err != nil {
		o.abandon()
		return nil, err
	}
	o.encoder = newFindingEncoder(w, form, st)
	return o, nil
}

// style decides colour and width of text.
func (a *app) style(terminal bool) (style, error) {
	st := style{width: 100}
	switch a.color {
	case "always":
		st.colour = true
	case "never":
	case "auto":
		st.colour = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	default:
		return st, usagef("--color %s: want auto, always or never", a.color)
	}
	if terminal {
		if w, _, err := term.GetSize(int(a.stdout.Fd())); err == nil && w > 0 {
			st.width = min(max(w, 40), 132)
		}
	}
	return st, nil
}

// commit ends the output and, of a file, gives it its name.
func (o *output) commit() error {
	if err := o.encoder.close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if o.file == nil {
		return nil
	}
	err := o.file.Sync()
	if closeErr := o.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.name)
	}
	if err != nil {
		os.Remove(o.file.Name())
		return fmt.Errorf("write %s: %w", o.name, err)
	}
	o.file = nil
	return nil
}

// abandon removes what commit did not finish.
func (o *output) abandon() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
		o.file = nil
	}
}
