package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trailblame/trailblame/correlate"
)

// diffLine is a line of a statement diff. Its mark is "+", "-", "~" for the
// first line of a statement of which some lines changed, "?" for a statement that
// may have been there before, or " ".
type diffLine struct{ mark, text string }

// diffColours colour a line by its mark.
var diffColours = map[string]string{"+": sgrGreen, "-": sgrRed, "~": sgrYellow}

// writeDiff prints the statements that a change added, removed or changed.
func (p *page) writeDiff(at int, diff []correlate.StatementDiff) {
	for _, l := range diffLines(diff, max(p.style.width-at-2, 20)) {
		p.line(at, diffColours[l.mark], l.mark+" "+l.text)
	}
}

// diffLines lays a diff out in lines of at most room columns where it can.
func diffLines(diff []correlate.StatementDiff, room int) []diffLine {
	var lines []diffLine
	for _, d := range diff {
		after := layoutJSON(d.Statement, room)
		switch d.Op {
		case "added":
			lines = appendMarked(lines, "+", after)
		case "removed":
			lines = appendMarked(lines, "-", after)
		case "present":
			lines = appendMarked(lines, "?", after)
		default:
			lines = appendChanged(lines, layoutJSON(d.Before, room), after)
		}
	}
	return lines
}

// diffSummary counts the statements of a diff by what happened to them.
func diffSummary(diff []correlate.StatementDiff) string {
	ops := map[string]int{}
	for _, d := range diff {
		ops[d.Op]++
	}
	var parts []string
	for _, op := range []string{"added", "removed", "changed"} {
		if n := ops[op]; n > 0 {
			parts = append(parts, count(n, "statement ", "statements ")+op)
		}
	}
	if n := ops["present"]; n > 0 {
		parts = append(parts, count(n, "statement", "statements")+" of the new document, perhaps not new (?)")
	}
	return strings.Join(parts, ", ")
}

func appendMarked(lines []diffLine, mark string, texts []string) []diffLine {
	for _, l := range texts {
		lines = append(lines, diffLine{mark, l})
	}
	return lines
}

// appendChanged merges two versions into one: "~" leads the first line where
// that is in both, "-" and "+" the lines of one version only.
func appendChanged(lines []diffLine, before, after []string) []diffLine {
	same := commonLines(before, after)
	for n := 0; len(before) > 0 || len(after) > 0; n++ {
		switch {
		case len(same) > 0 && len(before) > 0 && len(after) > 0 && before[0] == same[0] && after[0] == same[0]:
			mark := " "
			if n == 0 {
				mark = "~"
			}
			lines = append(lines, diffLine{mark, after[0]})
			before, after, same = before[1:], after[1:], same[1:]
		case len(before) > 0 && (len(same) == 0 || before[0] != same[0]):
			lines = append(lines, diffLine{"-", before[0]})
			before = before[1:]
		default:
			lines = append(lines, diffLine{"+", after[0]})
			after = after[1:]
		}
	}
	return lines
}

// maxDiffLines bounds the lines compared one by one; longer statements are shown
// as wholly replaced.
const maxDiffLines = 1000

// commonLines returns a longest common subsequence of a and b.
func commonLines(a, b []string) []string {
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		return nil
	}
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var same []string
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			same = append(same, a[i])
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return same
}

// layoutJSON lays a JSON value out in lines of at most room columns where it
// can: objects and lists that fit stay on one line. Keys keep their order.
func layoutJSON(raw json.RawMessage, room int) []string {
	if len(raw) == 0 {
		return nil
	}
	var tight bytes.Buffer
	if json.Compact(&tight, raw) != nil {
		return strings.Split(string(raw), "\n")
	}
	return layoutValue(tight.Bytes(), "", "", room)
}

// layoutValue lays out compact JSON. lead is written in front of its first line,
// tail behind its last.
func layoutValue(value []byte, lead, tail string, room int) []string {
	one := lead + oneLine(value) + tail
	parts := elements(value)
	if cells(one) <= room && !isStatement(value) || len(parts) == 0 {
		return []string{one}
	}
	lines := []string{lead + string(value[0])}
	inner := strings.Repeat(" ", len(lead)-len(strings.TrimLeft(lead, " ")))
	for i, part := range parts {
		end := ","
		if i == len(parts)-1 {
			end = ""
		}
		key, rest := splitKey(value[0], part)
		lines = append(lines, layoutValue(rest, inner+"  "+key, end, room)...)
	}
	return append(lines, inner+string(value[len(value)-1])+tail)
}

// isStatement tells whether value is an object with an Effect: policy statements
// are always broken into lines, because people read them by key.
func isStatement(value []byte) bool {
	return bytes.HasPrefix(value, []byte(`{`)) && bytes.Contains(value, []byte(`"Effect":`))
}

// elements returns the parts of a compact object or list between its commas.
func elements(value []byte) [][]byte {
	if len(value) < 3 || value[0] != '{' && value[0] != '[' {
		return nil
	}
	var parts [][]byte
	inside := value[1 : len(value)-1]
	start, depth := 0, 0
	scanJSON(inside, func(i int, c byte) {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, inside[start:i])
				start = i + 1
			}
		}
	})
	return append(parts, inside[start:])
}

// scanJSON calls f for every byte outside strings.
func scanJSON(text []byte, f func(i int, c byte)) {
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString:
			f(i, c)
		}
	}
}

// splitKey splits `"key":value`, an element of an object, behind its colon.
func splitKey(open byte, part []byte) (key string, value []byte) {
	if open != '{' {
		return "", part
	}
	at := -1
	scanJSON(part, func(i int, c byte) {
		if c == ':' && at < 0 {
			at = i
		}
	})
	return string(part[:at+1]) + " ", part[at+1:]
}

// oneLine writes compact JSON with a space behind every comma and colon.
func oneLine(value []byte) string {
	var b strings.Builder
	last := 0
	scanJSON(value, func(i int, c byte) {
		if c == ',' || c == ':' {
			b.Write(value[last : i+1])
			b.WriteByte(' ')
			last = i + 1
		}
	})
	b.Write(value[last:])
	return b.String()
}
