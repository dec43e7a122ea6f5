//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A shell that completes: how it is started, what it reads first, and whether a
// trailing space stands behind a whole word.
type completingShell struct {
	name  string
	args  []string
	setup string
	needs string // a file without which it cannot complete
}

var completingShells = []completingShell{
	{"bash", []string{"--noprofile", "--norc", "-i"}, "source /usr/share/bash-completion/bash_completion\nsource <(trailblame completion bash)\n", "/usr/share/bash-completion/bash_completion"},
	{"zsh", []string{"-f", "-i"}, "bindkey -e; unsetopt beep; autoload -U compinit; compinit -u -D\nsource <(trailblame completion zsh)\n", ""},
	{"fish", []string{"--no-config", "-i"}, "trailblame completion fish | source\n", ""},
}

// TestCompletionInShells types in real shells, presses the key that completes,
// and has the shell print the words that it then has.
func TestCompletionInShells(t *testing.T) {
	dir := t.TempDir()
	ix := filepath.Join(dir, "ix")
	if out, err := programCommand(t, "ingest", "-q", "--index", ix, "../../testdata/trails/push-denied").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asProgram, self)
	if err := os.WriteFile(filepath.Join(dir, "trailblame"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "somewhere.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	words := [][2]string{
		{"quer", "query"},
		{"playbooks sho", "playbooks show"},
		{"query --count-b", "query --count-by"},
		{"query --index ix --event-name PutGroupP", "query --index ix --event-name PutGroupPolicy"},
		{"timeline --index=ix --principal juniord", "timeline --index=ix --principal juniordev"},
		{"query --index ix --principal arn:aws:iam::111122223333:user/juniord", "query --index ix --principal arn:aws:iam::111122223333:user/juniordev"},
		{"query --index ix --error-code Acc", "query --index ix --error-code AccessDenied"},
		{"correlate --playbook codecom", "correlate --playbook codecommit-push-denied"},
		{"playbooks show codecom", "playbooks show codecommit-push-denied"},
		{"correlate --format mark", "correlate --format markdown"},
		{"correlate --format=mark", "correlate --format=markdown"},
		{"report --color nev", "report --color never"},
		{"correlate some", "correlate somewhere.json"},
		{"playbooks validate some", "playbooks validate somewhere.json"},
	}
	for _, sh := range completingShells {
		t.Run(sh.name, func(t *testing.T) {
			path, err := exec.LookPath(sh.name)
			if err == nil && sh.needs != "" {
				_, err = os.Stat(sh.needs)
			}
			if err != nil {
				t.Skipf("SKIPPED: NO COMPLETION TESTED IN %s: %v", strings.ToUpper(sh.name), err)
			}
			var typed strings.Builder
			typed.WriteString(sh.setup)
			for i, w := range words {
				fmt.Fprintf(&typed, "trailblame %s\t\x05 > got%d\x01printf '<%%s>' \n", w[0], i) // to the end, then to the beginning of the line
			}
			typed.WriteString("exit\n")
			screen := typeInto(t, dir, exec.Command(path, sh.args...), typed.String())
			for i, w := range words {
				got, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("got%d", i)))
				want := "<" + strings.Join(strings.Fields("trailblame "+w[1]), "><") + ">"
				if err != nil || string(got) != want {
					t.Errorf("%s became %s, want %s (%v)", w[0], got, want, err)
				}
				os.Remove(filepath.Join(dir, fmt.Sprintf("got%d", i)))
			}
			if t.Failed() {
				t.Logf("%.6000q", screen)
			}
		})
	}
}

// typeInto runs a shell on a terminal, line by line, and returns what it showed.
func typeInto(t *testing.T, dir string, cmd *exec.Cmd, text string) string {
	t.Helper()
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "TERM=xterm", "LC_ALL=C", "PS1=$ "}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Skipf("SKIPPED: NO TERMINAL TO COMPLETE ON: %v", err)
	}
	defer tty.Close()
	stop := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer stop.Stop()
	go io.WriteString(tty, text)
	var screen bytes.Buffer
	if _, err = io.Copy(&screen, tty); err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	cmd.Wait()
	return screen.String()
}
