package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// outputFlags say how and where results are written.
type outputFlags struct {
	format string
	out    string
	force  bool
	redact bool

	private bool // nobody but the user may read the file
}

func (o *outputFlags) register(flags *pflag.FlagSet) {
	o.registerWith(flags, "text, ndjson, json, csv or markdown (default: text on a terminal, else ndjson)")
}

// registerWith registers the flags of a command that has its own formats.
func (o *outputFlags) registerWith(flags *pflag.FlagSet, formats string) {
	flags.StringVar(&o.format, "format", "", formats)
	o.registerFile(flags)
}

// registerFile registers what goes with any format.
func (o *outputFlags) registerFile(flags *pflag.FlagSet) {
	flags.StringVar(&o.out, "out", "", "write to this file instead of standard output")
	flags.BoolVar(&o.force, "force", false, "let --out replace a file")
	flags.BoolVar(&o.redact, "redact", false, "replace account ids, addresses, access keys and secrets by pseudonyms, in all that is written")
}

// destination is where results go: standard output, or a file that appears
// under its name only when it is whole.
type destination struct {
	io.Writer
	terminal bool
	form     format
	style    style
	file     *os.File
	name     string
}

// openDestination opens what the flags ask for. The format is checked against
// the ones that the command has besides the common ones.
func (a *app) openDestination(flags *outputFlags, more ...format) (*destination, error) {
	if flags.redact {
		a.redact = newRedactor()
	}
	d := &destination{Writer: a.stdout, terminal: a.terminal(), name: flags.out}
	d.terminal = d.terminal && flags.out == ""
	var err error
	if d.form, err = parseFormat(flags.format, d.terminal, more...); err != nil {
		return nil, &usageError{err}
	}
	if d.style, err = a.style(d.terminal); err != nil {
		return nil, err
	}
	if flags.out == "" {
		return d, nil
	}
	if old, err := os.Lstat(flags.out); err == nil && old.Mode()&^fs.ModeSymlink&fs.ModeType != 0 {
		return nil, usagef("--out %s: this is no regular file, and would be replaced", flags.out)
	} else if err == nil && !flags.force {
		return nil, usagef("--out %s: the file exists; --force replaces it", flags.out)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if d.file, err = createBeside(flags.out, flags.private); err != nil {
		return nil, fmt.Errorf("create %s: %w", flags.out, err)
	}
	d.Writer = d.file
	return d, nil
}

// createBeside creates a file that will take the name's place. Who may read it is
// as a shell's redirection has it: those who may read the file that it replaces,
// else those whom the umask leaves.
func createBeside(name string, private bool) (*os.File, error) {
	mode := fs.FileMode(0o666)
	if private {
		mode = 0o600
	}
	for {
		f, err := os.OpenFile(filepath.Join(filepath.Dir(name), ".trailblame-"+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if old, statErr := os.Stat(name); err == nil && statErr == nil && !private {
			if err = f.Chmod(old.Mode().Perm()); err != nil {
				f.Close()
				os.Remove(f.Name())
				return nil, err
			}
		}
		return f, err
	}
}

// commit gives a file its name.
func (d *destination) commit() error {
	if d.file == nil {
		return nil
	}
	err := d.file.Sync()
	if closeErr := d.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(d.file.Name(), d.name)
	}
	if err != nil {
		os.Remove(d.file.Name())
		return fmt.Errorf("write %s: %w", d.name, err)
	}
	d.file = nil
	return nil
}

// abandon removes what commit did not finish.
func (d *destination) abandon() {
	if d.file != nil {
		d.file.Close()
		os.Remove(d.file.Name())
		d.file = nil
	}
}

// output is where findings go.
type output struct {
	*destination
	encoder findingEncoder
}

func (a *app) openOutput(flags *outputFlags) (*output, error) {
	d, err := a.openDestination(flags)
	if err != nil {
		return nil, err
	}
	return &output{d, newFindingEncoder(d, d.form, d.style)}, nil
}

// commit ends the output and, of a file, gives it its name.
func (o *output) commit() error {
	if err := o.encoder.close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return o.destination.commit()
}

// defaultWidth is that of text that does not go to a terminal.
const defaultWidth = 100

// style decides colour and width of text.
func (a *app) style(terminal bool) (style, error) {
	st := style{width: defaultWidth}
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
		if w, _, err := term.GetSize(int(a.stdout.file.Fd())); err == nil && w > 0 {
			st.width = min(max(w, 40), 132)
		}
	}
	return st, nil
}
