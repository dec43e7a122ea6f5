package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builtIn is the folder of the program that was built, "" before.
var builtIn string

// built is the program, and what building it said.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "trailblame-test-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "trailblame")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// builtOnce builds the program for tests that run it as users do.
func builtOnce(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tidyM runs all tests and then removes what they share.
type tidyM struct{ *testing.M }

func (m tidyM) Run() int {
	defer func() {
		if builtIn != "" {
			os.RemoveAll(builtIn)
		}
	}()
	return m.M.Run()
}
