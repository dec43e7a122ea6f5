package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func apply(t *testing.T, j *jqFilter, value string) (out []string, err error) {
	t.Helper()
	err = j.apply(context.Background(), []byte(value), func(b []byte) bool {
		out = append(out, string(b))
		return len(out) < 100
	})
	return out, err
}

func TestJQ(t *testing.T) {
	for filter, want := range map[string]string{
		".":                  `{"a":[1,2],"big":12345678901234567890,"s":"x"}`,
		".a[]":               "1|2",
		".big":               "12345678901234567890",
		".s":                 `"x"`,
		"empty":              "",
		"halt":               "",
		".a | length":        "2",
		"env, $ENV":          "{}|{}",
		"range(infinite)|.s": "!expected an object but got: number (0)",
	} {
		j, err := compileJQ(filter, false)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		out, err := apply(t, j, `{"s":"x","a":[1,2],"big":12345678901234567890}`)
		got := strings.Join(out, "|")
		if err != nil {
			got = "!" + err.Error()
		}
		if got != want {
			t.Errorf("%s gives %s, want %s", filter, got, want)
		}
	}
	for _, bad := range []string{"", ".a |", "nosuch", "input", "import \"x\" as x; 1", strings.Repeat(".", jqSource+1)} {
		var usage *usageError
		if _, err := compileJQ(bad, false); bad != "" && !errors.As(err, &usage) {
			t.Errorf("compileJQ(%.20q): %v", bad, err)
		}
	}
}

// A filter that a record makes run on ends, in time and in memory.
func TestJQIsBounded(t *testing.T) {
	j, err := compileJQ("last(range(.n))", false)
	if err != nil {
		t.Fatal(err)
	}
	j.limit = 50 * time.Millisecond
	begun := time.Now()
	if _, err := apply(t, j, `{"n":1e15}`); !errors.Is(err, errJQTime) || j.spent != 1 {
		t.Errorf("ends with %v", err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
	if out, err := apply(t, j, `{"n":3}`); err != nil || strings.Join(out, "") != "2" {
		t.Errorf("then gives %q, %v", out, err)
	}
	grow, err := compileJQ("[range(.n)]|length", false)
	if err != nil {
		t.Fatal(err)
	}
	grow.limit, grow.heap = time.Minute, 16<<20
	if _, err := apply(t, grow, `{"n":1e15}`); !errors.Is(err, errJQMemory) {
		t.Errorf("ends with %v", err)
	}
}
