package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
)

// reportOn writes a report of findings over an index of files.
func reportOn(t *testing.T, title string, list []*correlate.Finding, files map[string]string) string {
	t.Helper()
	return reportWith(t, shownAtOnce, title, list, files)
}

// reportWith writes out only so many findings, and packs the others.
func reportWith(t *testing.T, most int, title string, list []*correlate.Finding, files map[string]string) string {
	t.Helper()
	ix := indexOf(t, files)
	b, err := newReportBuilder(10000)
	if err != nil {
		t.Fatal(err)
	}
	b.packer.most = most
	for _, f := range list {
		if err := b.add(f); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	found, err := newFindings(ix)
	if err != nil {
		t.Fatal(err)
	}
	var selected []labelled
	if title != "" {
		selected = []labelled{{Label: "where", Text: safe(title)}}
	}
	if err := b.write(&out, found, title, selected, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// indexOf ingests files.
func indexOf(t *testing.T, files map[string]string) *index.Index {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	a := &app{stdout: &standardOutput{file: null}, stderr: null, quiet: true}
	flags := &trailFlags{index: filepath.Join(t.TempDir(), "index"), workers: 1, maxObject: 1 << 20, maxRecord: 1 << 20}
	if _, err := a.ingest(context.Background(), flags, flags.index, []string{dir}); err != nil {
		t.Fatal(err)
	}
	ix, err := index.Open(flags.index)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

// trailFile is one readable record and, behind it, a malformed one; every string
// of the record holds text.
func trailFile(text string) map[string]string {
	quoted, _ := json.Marshal(text)
	return map[string]string{
		"a.json": fmt.Sprintf(`{"Records":[{"eventVersion":"1.08","eventID":%[1]s,"eventName":%[1]s,"eventSource":%[1]s,"awsRegion":%[1]s,"recipientAccountId":%[1]s,`+
			`"eventTime":"2026-03-04T10:00:00Z","userIdentity":{"arn":%[1]s,"accountId":%[1]s}}, {"eventTime":7,}]}`, quoted),
		"<script>alert(1)\u202e.json": "",
	}
}

// nasties are strings that break pages.
var nasties = []string{
	`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</style></title></textarea><img src=x onerror=alert(1)>`,
	`"><svg onload=alert(1)>`, `' onmouseover='alert(1)`, "javascript:alert(1)", "` onload=alert(1)", `{{.}} ${alert(1)}`, "<!--", "-->", "]]>",
	"\u2028\u2029\u202e\u200b\u0000\u0007\u001b[31m\u009b", "&lt;b&gt;&#60;b&#62;", "\xff\xfe<b>", strings.Repeat("<b>", 3000),
}

// poisonWith puts text into every string of a sample finding.
func poisonWith(text string) *correlate.Finding {
	f := sampleChange()
	replaceStrings(reflect.ValueOf(f).Elem(), text)
	f.Diagnosis = correlate.DiagnosisChange
	quoted, _ := json.Marshal(text)
	for i := range f.Candidates {
		f.Candidates[i].AlsoSufficient = []string{text}
		f.Candidates[i].Diff = []correlate.StatementDiff{{Op: "added", Statement: quoted}, {Op: "present", Statement: json.RawMessage(text)}}
	}
	f.Attempts = []correlate.Attempt{{EventID: text, EventTime: f.Failure.First.EventTime, Target: text, Failed: true}}
	return f
}

// Elements and attributes of a report are those of our templates, whatever the
// strings in it.
func TestReportKeepsHostileText(t *testing.T) {
	allowed := vocabulary(t, reportWith(t, 1, "plain", []*correlate.Finding{sampleChange(), poisonWith("plain"), sampleUnexplained()}, trailFile("plain")))
	for _, text := range append([]string{hostile()}, nasties...) {
		page := reportWith(t, 1, text, []*correlate.Finding{poisonWith(text), poisonWith(text)}, trailFile(text))
		for name := range vocabulary(t, page) {
			if !allowed[name] {
				t.Errorf("%.40q makes %s", text, name)
			}
		}
		for _, r := range page {
			if r != '\n' && r != '\t' && hidden(r) {
				t.Errorf("%.40q: %U is raw in the page", text, r)
				break
			}
		}
	}
}

// vocabulary lists the kinds of elements and attributes of a page and of what is
// packed in it, and checks those that could do something.
func vocabulary(t *testing.T, page string) map[string]bool {
	t.Helper()
	words := map[string]bool{}
	scripts := 0
	walk(parse(t, page), func(n *html.Node) {
		if n.Type != html.ElementNode {
			return
		}
		words["<"+n.Data+">"] = true
		for _, a := range n.Attr {
			words["<"+n.Data+" "+a.Key+">"] = true
			checkAttribute(t, n, a)
		}
		if n.Data == "script" && attribute(n, "type") != "text/plain" {
			scripts++
		}
	})
	if scripts != 1 {
		t.Errorf("%d scripts", scripts)
	}
	return words
}

// checkAttribute finds attributes that run or fetch something.
func checkAttribute(t *testing.T, n *html.Node, a html.Attribute) {
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcdoc", a.Key == "action":
		t.Errorf("<%s %s=%.60q>", n.Data, a.Key, a.Val)
	case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
		t.Errorf("<%s> leads to %.60q", n.Data, a.Val)
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// parse parses a page, and puts what is packed in it behind it.
func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var more []*html.Node
	walk(root, func(n *html.Node) {
		if n.Data == "script" && attribute(n, "class") == "pack" {
			body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: 0x2804}
			list, err := html.ParseFragment(strings.NewReader(unpacked(t, n.FirstChild.Data)), body)
			if err != nil {
				t.Fatal(err)
			}
			more = append(more, list...)
		}
	})
	for _, n := range more {
		root.AppendChild(n)
	}
	return root
}

func walk(n *html.Node, f func(*html.Node)) {
	f(n)
	for c := range n.ChildNodes() {
		walk(c, f)
	}
}

func unpacked(t *testing.T, data string) string {
	t.Helper()
	zip, err := gzip.NewReader(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The content policy names the style sheet and the script by their hashes, and
// allows nothing else.
func TestReportPolicy(t *testing.T) {
	page := reportOn(t, "", []*correlate.Finding{sampleChange()}, trailFile("plain"))
	var policy, style, script string
	walk(parse(t, page), func(n *html.Node) {
		switch {
		case n.Data == "meta" && attribute(n, "http-equiv") == "Content-Security-Policy":
			policy = attribute(n, "content")
		case n.Data == "style":
			style = n.FirstChild.Data
		case n.Data == "script" && attribute(n, "type") == "":
			script = n.FirstChild.Data
		}
	})
	want := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'", sourceHash([]byte(script)), sourceHash([]byte(style)))
	if policy != want {
		t.Errorf("policy %q, want %q", policy, want)
	}
	if len(style) < 1000 || len(script) < 1000 {
		t.Errorf("a style of %d bytes, a script of %d", len(style), len(script))
	}
	if m := regexp.MustCompile(`https?://|//# source|@import|url\(`).FindString(style + script); m != "" {
		t.Errorf("our own files hold %q", m)
	}
}

// The page says what the text says.
func TestReportSays(t *testing.T) {
	for name, f := range samples() {
		text := textContent(parse(t, reportOn(t, "INC-4711", []*correlate.Finding{f}, trailFile("plain"))))
		for _, want := range append([]string{"INC-4711", whatFailed(&f.Failure), headlineAnswer(f), f.Failure.First.EventID, f.ID}, saidOf(f)...) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
	}
}

// saidOf lists what must be in a page on f.
func saidOf(f *correlate.Finding) []string {
	var list []string
	for i := range f.Candidates {
		c := &f.Candidates[i]
		list = append(list, deed(c), c.Change.EventID)
		if i == 0 && blames(f) {
			for _, e := range slices.Concat(c.Evidence, c.Against) {
				list = append(list, signed(e.Points)+e.Text)
			}
			list = append(list, c.Change.ActorChain...)
		}
	}
	for _, v := range f.Vetoed {
		list = append(list, v.EventID, v.Reason)
	}
	for _, s := range f.NextSteps {
		text, command := splitStep(s)
		list = append(list, text, command)
	}
	return list
}

func textContent(root *html.Node) string {
	var b strings.Builder
	walk(root, func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	})
	return b.String()
}

// Findings beyond the first screen are packed, none is lost, and the index of
// the script names each.
func TestReportPacks(t *testing.T) {
	var list []*correlate.Finding
	for i := range 120 {
		f := sampleChange()
		f.ID = fmt.Sprintf("%016x", i)
		list = append(list, f)
	}
	root := parse(t, reportOn(t, "", list, trailFile("plain")))
	var ids, rows []string
	packs := 0
	walk(root, func(n *html.Node) {
		switch {
		case n.Data == "details":
			ids = append(ids, strings.TrimPrefix(attribute(n, "id"), "f-"))
		case attribute(n, "id") == "index":
			var index []packRow
			if err := json.Unmarshal([]byte(unpacked(t, n.FirstChild.Data)), &index); err != nil {
				t.Fatal(err)
			}
			for _, r := range index {
				rows = append(rows, r.ID)
			}
		case attribute(n, "class") == "pack":
			if first := attribute(n, "data-first"); packs == 0 && first != fmt.Sprint(shownAtOnce) {
				t.Errorf("the first pack begins at %s", first)
			}
			packs++
		}
	})
	if len(ids) != 120 || packs < 2 {
		t.Fatalf("%d findings, %d packs", len(ids), packs)
	}
	if diff := cmp.Diff(ids, rows); diff != "" {
		t.Errorf("index (-page +index):\n%s", diff)
	}
}

// What is beyond the limit is counted, and the page says that it is left out.
func TestReportLimit(t *testing.T) {
	b, err := newReportBuilder(2)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := b.add(sampleChange()); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	found, err := newFindings(indexOf(t, trailFile("plain")))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.write(&out, found, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	text := textContent(parse(t, out.String()))
	for _, want := range []string{"60 refusals in 5 episodes.", "The first 2 findings are in this file; 3 later ones are counted above and left out."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// A report tells what was not read.
func TestReportNotRead(t *testing.T) {
	files := trailFile("plain")
	files["cut.json.gz"] = "\x1f\x8b\x08"
	text := textContent(parse(t, reportOn(t, "", nil, files)))
	for _, want := range []string{"No access failure was found.", "Incomplete.", "cut.json.gz", `<script>alert(1)\u202e.json`, "1 malformed record"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// A report of odd findings is still a report.
func TestReportOfOddFindings(t *testing.T) {
	empty := &correlate.Finding{}
	far := sampleChange()
	for i, at := range []string{"0001-01-01T00:00:01Z", "9999-12-31T23:59:59Z"} {
		far.Attempts = append(far.Attempts, correlate.Attempt{EventTime: mustTime(t, at), Failed: i == 0})
	}
	for range 3000 {
		far.Attempts = append(far.Attempts, correlate.Attempt{EventTime: at("10:00:00"), Failed: true})
	}
	page := reportOn(t, "", []*correlate.Finding{empty, far}, nil)
	if n := strings.Count(page, "<details"); n != 2 {
		t.Errorf("%d findings", n)
	}
	if len(page) > 1<<20 {
		t.Errorf("%d bytes", len(page))
	}
}

func mustTime(t *testing.T, text string) correlate.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return correlate.Time{Time: at}
}

// replaceStrings puts text into every string that v holds.
func replaceStrings(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if !v.IsNil() {
			replaceStrings(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Type().Elem().Kind() != reflect.Uint8 {
				replaceStrings(v.Index(i), text)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != reflect.TypeFor[correlate.Time]() {
				replaceStrings(v.Field(i), text)
			}
		}
	}
}
