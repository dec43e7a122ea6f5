package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/trailblame/trailblame/"

// line is the order in which data flows: a package may import only those in
// front of it.
var line = []string{"ingest", "index", "query", "correlate", "cmd", "bench"}

// homes names the only packages, with those below them, that may import a
// third-party package. Tests may use what they like of the test kit.
var homes = map[string][]string{
	"github.com/aws/aws-sdk-go-v2":       {"ingest/s3", "ingest/cloudwatch"},
	"github.com/aws/smithy-go":           {"ingest/s3", "ingest/cloudwatch"},
	"github.com/klauspost/compress/gzip": {"ingest", "bench"},
	"github.com/klauspost/compress/zstd": {"index"},
	"github.com/parquet-go":              {"index"},
	"github.com/RoaringBitmap":           {"index"},
	"github.com/expr-lang":               {"query"},
	"github.com/goccy/go-yaml":           {"correlate"},
	"github.com/spf13":                   {"cmd/trailblame"},
	"github.com/itchyny/gojq":            {"cmd/trailblame"},
	"golang.org/x/term":                  {"cmd/trailblame"},
	"golang.org/x/sys":                   {"index"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestPackagesFormALine(t *testing.T) {
	list := packages(t)
	if len(list) < 5 {
		t.Fatalf("only %d packages found", len(list))
	}
	for _, p := range list {
		own := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if other, ok := strings.CutPrefix(imported, module); ok {
				if place(t, other) > place(t, own) {
					t.Errorf("%s imports %s, which comes after it", own, other)
				}
				continue
			}
			checkHome(t, own, imported)
		}
	}
}

func place(t *testing.T, path string) int {
	t.Helper()
	top, _, _ := strings.Cut(path, "/")
	for i, name := range line {
		if name == top {
			return i
		}
	}
	t.Errorf("%s has no place in the line", path)
	return 0
}

func checkHome(t *testing.T, own, imported string) {
	t.Helper()
	if host, _, _ := strings.Cut(imported, "/"); !strings.Contains(host, ".") {
		return // the standard library
	}
	for prefix, places := range homes {
		if !strings.HasPrefix(imported, prefix) {
			continue
		}
		for _, home := range places {
			if own == home || strings.HasPrefix(own, home+"/") {
				return
			}
		}
		t.Errorf("%s imports %s, whose home is %v", own, imported, places)
		return
	}
	t.Errorf("%s imports %s, which has no home yet", own, imported)
}
