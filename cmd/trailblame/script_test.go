package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trailblame/trailblame/correlate"
)

// asProgram makes the test binary run as the program itself, signals and all.
const asProgram = "TRAILBLAME_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	testscript.Main(tidyM{m}, map[string]func(){
		"trailblame": func() { os.Exit(run(context.Background(), os.Args[1:])) },
	})
}

// TestScripts runs the command line as users do; see testdata/script.
func TestScripts(t *testing.T) {
	trails, err := filepath.Abs("../../testdata/trails")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TRAILS", trails)
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"gzip":  gzipFile,
			"cut":   cutFile,
			"flip":  flipBit,
			"hard":  hardFile,
		},
		RequireExplicitExec: true,
	})
}

// TestEveryPlaybookHasAScript wants a trail and its finding for each playbook.
func TestEveryPlaybookHasAScript(t *testing.T) {
	books, err := correlate.Playbooks()
	if err != nil || len(books) == 0 {
		t.Fatalf("%d playbooks, %v", len(books), err)
	}
	for _, p := range books {
		if _, err := os.Stat(filepath.Join("testdata", "script", "playbook_"+p.ID+".txtar")); err != nil {
			t.Errorf("playbook %s has no script: %v", p.ID, err)
		}
	}
}

// exits STATUS PROGRAM ARGS... runs a program that must end with STATUS.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	err = ts.Exec(args[1], args[2:]...)
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// gzip FILE compresses FILE to FILE.gz.
func gzipFile(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	text, err := os.ReadFile(name)
	ts.Check(err)
	f, err := os.Create(name + ".gz")
	ts.Check(err)
	z := gzip.NewWriter(f)
	_, err = z.Write(text)
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(f.Close())
}

// cut FILE N takes the last N bytes off FILE.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(name, info.Size()-n))
}

// flip PATTERN OFFSET flips a bit of the one file that matches.
func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	names, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(names) != 1 {
		ts.Fatalf("%s matches %d files", args[0], len(names))
	}
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(names[0])
	ts.Check(err)
	b[offset] ^= 1
	ts.Check(os.WriteFile(names[0], b, 0o600))
}

// hard FILE writes two plain records around one with a very long list.
func hardFile(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	for i, list := range []string{`"x"`, strings.Repeat(`"abcdefgh",`, 20000) + `"x"`, `"y"`} {
		fmt.Fprintf(&b, `{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"X","eventTime":"2026-03-01T1%d:00:00Z",`+
			`"eventID":"0000000%d-0000-4000-8000-000000000000","requestParameters":{"l":[%s]}}`+"\n", i, i+1, list)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// programCommand runs the program as users do, without building it again.
func programCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}
