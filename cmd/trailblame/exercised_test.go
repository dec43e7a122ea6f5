package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exercise is what the tests run of one command.
type exercise struct {
	flags, formats, statuses map[string]bool
}

// unreachable are flags that no test of the command line can make a difference
// with: what they steer is tested in the package that it belongs to.
var unreachable = map[string][]string{
	// Only a signed chain of digests makes verify ask AWS for keys.
	"trailblame verify": {"profile", "aws-region", "endpoint-url", "no-sign-request", "request-payer"},
}

// Every command, flag and format, and every exit status, is run by a script or a
// test.
func TestEverythingIsExercised(t *testing.T) {
	root := (&app{stdout: &standardOutput{file: os.Stdout}, stderr: os.Stderr}).root()
	ran := map[string]*exercise{}
	lines := append(scriptLines(t), goCalls(t)...)
	if len(lines) < 150 {
		t.Fatalf("only %d command lines found in the tests", len(lines))
	}
	for _, l := range lines {
		note(root, ran, l)
	}
	statuses := map[string]bool{}
	for _, e := range ran {
		maps.Copy(statuses, e.statuses)
	}
	for _, s := range exitStatuses {
		if !statuses[strconv.Itoa(s.code)] && !provenElsewhere(t, s.code) {
			t.Errorf("exit status %d (%s) is not tested", s.code, s.text)
		}
	}
	each(root, func(c *cobra.Command) { checkExercised(t, c, ran[c.CommandPath()]) })
}

// each calls do for a command and all below it that a user can run.
func each(c *cobra.Command, do func(*cobra.Command)) {
	if c.Runnable() || c.HasParent() {
		do(c)
	}
	for _, sub := range c.Commands() {
		each(sub, do)
	}
}

func checkExercised(t *testing.T, c *cobra.Command, e *exercise) {
	if e == nil {
		t.Errorf("%s: no script or test runs it", c.CommandPath())
		return
	}
	if c.Example == "" {
		t.Errorf("%s: has no example", c.CommandPath())
	}
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !e.flags[f.Name] && f.Name != "help" && !slices.Contains(unreachable[c.CommandPath()], f.Name) {
			t.Errorf("%s: no script or test uses --%s", c.CommandPath(), f.Name)
		}
	})
	if f := c.Flags().Lookup("format"); f != nil {
		for _, form := range formatsIn(f.Usage) {
			if !e.formats[form] {
				t.Errorf("%s: no script or test asks for --format %s", c.CommandPath(), form)
			}
		}
	}
	if len(e.statuses) == 0 && strings.Count(c.CommandPath(), " ") == 1 {
		t.Errorf("%s: no exit status is tested", c.CommandPath())
	}
}

// note records one command line, given as words; the word in front of the
// program may be the exit status.
func note(root *cobra.Command, ran map[string]*exercise, words []string) {
	at := slices.Index(words, "trailblame")
	if at < 0 || at+1 == len(words) {
		return
	}
	c, rest, err := root.Find(words[at+1:])
	if err != nil || c == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return
	}
	e := ran[c.CommandPath()]
	if e == nil {
		e = &exercise{map[string]bool{}, map[string]bool{}, map[string]bool{}}
		ran[c.CommandPath()] = e
	}
	if at > 0 {
		e.statuses[words[at-1]] = true
	}
	for i, w := range rest {
		name, value, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
		if !strings.HasPrefix(w, "-") || name == "" {
			continue
		}
		f := c.Flags().Lookup(name)
		if !strings.HasPrefix(w, "--") {
			f = c.Flags().ShorthandLookup(name[:1])
		}
		if f == nil {
			continue
		}
		e.flags[f.Name] = true
		if f.Name == "format" && value == "" && i+1 < len(rest) {
			value = rest[i+1]
		}
		if f.Name == "format" {
			e.formats[value] = true
		}
	}
}

var shellWord = regexp.MustCompile(`'[^']*'|[^\s|;&()]+`)

// scriptLines are the command lines of the scripts.
func scriptLines(t *testing.T) [][]string {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var lines [][]string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body, _, _ := strings.Cut(string(text), "\n-- ")
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "#") || !strings.Contains(line, "trailblame ") {
				continue
			}
			// A command inside the quotes of sh -c counts as well.
			for _, part := range append([]string{line}, quotedParts(line)...) {
				words := shellWord.FindAllString(part, -1)
				for i := range words {
					words[i] = strings.Trim(words[i], "'")
				}
				for i, w := range words {
					if w == "trailblame" {
						lines = append(lines, words[max(i-1, 0):])
					}
				}
			}
		}
	}
	return lines
}

func quotedParts(line string) []string {
	var parts []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 && strings.Contains(part, "trailblame ") {
			parts = append(parts, part)
		}
	}
	return parts
}

// goCalls are the command lines in the tests in Go: calls and lists whose words
// are string literals, of which one names a command.
func goCalls(t *testing.T) [][]string {
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	var lines [][]string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var list []ast.Expr
			switch n := n.(type) {
			case *ast.CallExpr:
				list = n.Args
			case *ast.CompositeLit:
				list = n.Elts
			}
			if words := literals(list); len(words) > 0 {
				lines = append(lines, append([]string{"trailblame"}, words...))
			}
			return true
		})
	}
	return lines
}

func literals(list []ast.Expr) []string {
	var words []string
	for _, e := range list {
		word := "…"
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				word = text
			}
		}
		if word == "…" && len(words) == 0 {
			continue // what stands in front of the command
		}
		words = append(words, word)
	}
	return words
}

// provenElsewhere tells whether a test in Go checks for a status by its name.
func provenElsewhere(t *testing.T, code int) bool {
	names := map[int]string{exitLocked: "exitLocked", exitInterrupted: "exitInterrupted", exitPipe: "exitPipe"}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if f != "exercised_test.go" && names[code] != "" && strings.Contains(string(text), "!= "+names[code]) {
			return true
		}
	}
	return false
}
