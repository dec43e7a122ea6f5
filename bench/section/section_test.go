package section

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, []byte("a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\nkept\n<!-- /y -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Write(path, "x", "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n<!-- y -->\nkept\n<!-- /y -->\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := Write(path, "z", "new"); err == nil {
		t.Error("a section without markers was written")
	}
}
