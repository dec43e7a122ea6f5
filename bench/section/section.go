// Package section writes measured results into a Markdown file, between the
// markers <!-- NAME --> and <!-- /NAME -->, so that no figure is ever typed by
// hand and each command replaces its own only.
package section

import (
	"fmt"
	"os"
	"strings"
)

// Write replaces the body of a section of the file, which must have its two
// markers.
func Write(path, name, body string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := replace(string(text), name, body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}

func replace(text, name, body string) (string, error) {
	begin, end := "<!-- "+name+" -->", "<!-- /"+name+" -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("has no %s and %s for the results", begin, end)
	}
	return before + begin + "\n" + strings.TrimSpace(body) + "\n" + end + after, nil
}
