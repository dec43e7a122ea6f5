package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pages is a folder with the reports that the tests open.
var pages string

// browser is the one Chromium of all tests.
var browser context.Context

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trailblame-browser-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	pages = dir
	if err := makePages(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.Env("TMPDIR="+dir), // its own leftovers go with the folder
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(alloc)
	defer end()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "start Chromium:", err)
		return 1
	}
	return m.Run()
}

// makePages writes reports: of the bundled trails by the program itself, and by
// the product's own test code of findings that no trail would have.
func makePages(dir string) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "trailblame")
	steps := [][]string{
		{"go", "build", "-o", program, "./cmd/trailblame"},
		{program, "report", "testdata/trails/push-denied", "--title", "Pushes to payments fail", "--out", filepath.Join(dir, "push.html")},
		{program, "report", "testdata/trails/push-denied", "testdata/trails/pipeline-denied", "--out", filepath.Join(dir, "bundled.html")},
		{"go", "test", "./cmd/trailblame", "-count=1", "-run", "^TestWriteReportPages$"},
	}
	for _, args := range steps {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "TRAILBLAME_PAGES="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// screen is how a tab looks.
type screen struct {
	width, height int64
	scheme        string
	mobile        bool
}

var desktop = screen{width: 1280, height: 900, scheme: "light"}

// tab is an open report, with all that went wrong in it.
type tab struct {
	*testing.T
	ctx     context.Context
	mu      sync.Mutex
	trouble []string
}

// open opens a report and waits until its script is done. When the test ends,
// it fails for every message of the console, error, dialog or request.
func open(t *testing.T, name string, s screen) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, text := range b.trouble {
			t.Error(text)
		}
	})
	look := []chromedp.EmulateViewportOption{}
	if s.mobile {
		look = append(look, chromedp.EmulateMobile)
	}
	b.do(send(network.Enable, network.EnableParams{}), send(log.Enable, cdp.Empty{}), send(runtime.Enable, cdp.Empty{}), send(page.Enable, page.EnableParams{}),
		send(page.BringToFront, cdp.Empty{}), chromedp.EmulateViewport(s.width, s.height, look...),
		send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
		chromedp.Navigate("file://"+filepath.Join(pages, name)),
		chromedp.WaitReady(chromedp.CSS("html[data-ready]")))
	return b
}

func (b *tab) event(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprintf("console %s: %v", e.Type, e.Args)
	case *runtime.EventExceptionThrown:
		text = fmt.Sprintf("exception: %s", e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		text = fmt.Sprintf("log %s: %s", e.Entry.Level, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		text = "dialog: " + e.Message
		go chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file://"+pages) {
			text = "request for " + e.Request.URL
		}
	}
	if text != "" {
		b.mu.Lock()
		b.trouble = append(b.trouble, text)
		b.mu.Unlock()
	}
}

// step is something that is done to a tab.
type step = chromedp.Action[chromedp.Void]

// send sends a command of the protocol.
func send[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// Steps on the first element that a CSS selector finds.

func click(selector string) step       { return chromedp.Click(chromedp.CSS(selector)) }
func focus(selector string) step       { return chromedp.Focus(chromedp.CSS(selector)) }
func scroll(selector string) step      { return chromedp.ScrollIntoView(chromedp.CSS(selector)) }
func set(selector, value string) step  { return chromedp.SetValue(chromedp.CSS(selector), value) }
func typed(selector, text string) step { return chromedp.SendKeys(chromedp.CSS(selector), text) }

func (b *tab) do(steps ...step) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// eval runs an expression in the page, which may be a promise.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// until waits for an expression to hold.
func (b *tab) until(expression string) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if eval[bool](b, expression) {
			return
		}
	}
	b.Fatalf("never: %s (status %q)", expression, eval[string](b, `document.querySelector('#status')?.textContent ?? ''`))
}

func (b *tab) equal(expression, want string) {
	b.Helper()
	if got := eval[string](b, expression); got != want {
		b.Errorf("%s is %q, want %q", expression, got, want)
	}
}

// shot writes a screenshot of what the screen shows.
func (b *tab) shot(name string) {
	b.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	dir := os.Getenv("TRAILBLAME_SHOTS")
	if dir == "" {
		dir = b.TempDir()
	}
	file := filepath.Join(dir, name+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.Fatal(err)
	}
	if len(png) < 10_000 {
		b.Errorf("%s has %d bytes", file, len(png))
	}
}
