package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var phone = screen{width: 390, height: 844, scheme: "light", mobile: true}

// Every report opens without a word on the console, a request or a dialog, in
// every look, with everything in it unfolded.
func TestOpens(t *testing.T) {
	for _, name := range []string{"push", "bundled", "kinds", "hostile", "nothing", "silent"} {
		for _, s := range []screen{desktop, {1280, 900, "dark", false}, phone} {
			t.Run(fmt.Sprintf("%s-%s-%d", name, s.scheme, s.width), func(t *testing.T) {
				b := open(t, name+".html", s)
				b.unfold()
				if n := eval[int](b, `document.querySelectorAll('.finding').length`); (n == 0) != (name == "nothing") {
					t.Errorf("%d findings", n)
				}
				if over := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%d pixels wider than the screen: %s", over, eval[string](b, wide))
				}
			})
		}
	}
}

// wide names the elements that stick out.
const wide = `[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .diff, svg'))
	.slice(0, 4).map((e) => e.tagName + '.' + e.className).join(', ')`

// unfold opens all findings on the screen.
func (b *tab) unfold() {
	b.Helper()
	eval[bool](b, `(() => { for (const e of document.querySelectorAll('.finding')) e.open = true; return true })()`)
	time.Sleep(50 * time.Millisecond) // toggle events come later
	b.until(`[...document.querySelectorAll('.finding .timeline > .bar')].every((e) => !e.hidden)`)
}

// The map marks where an account or one of its regions is unusually silent, and
// each mark has its words.
func TestCoverageIsMarked(t *testing.T) {
	b := open(t, "silent.html", desktop)
	for what, want := range map[string]int{".coverage .account svg": 2, ".coverage g": 60, ".coverage .gap:not(.part)": 2, ".coverage .gap.part": 1, "header .warning a[href='#read']": 1} {
		if got := eval[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, what)); got != want {
			t.Errorf("%d of %s, want %d", got, what, want)
		}
	}
	title := eval[string](b, `document.querySelector('.coverage .part').parentElement.querySelector('title').textContent`)
	if want := "2026-03-05: events in 24 of 24 hours; eu-west-1 unusually silent for 3 hours"; title != want {
		t.Errorf("%q, want %q", title, want)
	}
}

// Text out of a record stays text: on the first screen, and in findings that
// the script unpacks.
func TestHostileTextStaysText(t *testing.T) {
	b := open(t, "hostile.html", desktop)
	for turn := range 3 {
		b.unfold()
		for _, what := range []string{"main script", "main img", "main iframe", "main [onload]", "main [onerror]", "main [onmouseover]", "main [style]:not(.x)", "main a:not([href^='#'])", "main b b"} {
			if n := eval[int](b, fmt.Sprintf(`document.querySelectorAll(%q).length`, what)); n > 0 {
				t.Errorf("screen %d: %d of %s", turn, n, what)
			}
		}
		if !eval[bool](b, `document.querySelector('#list').textContent.includes('<script>alert(1)</script>')`) {
			t.Errorf("screen %d does not show the text", turn)
		}
		if turn < 2 {
			b.do(click(`.turn[data-turn="1"]`))
			b.until(fmt.Sprintf(`document.querySelector('#status').textContent.startsWith('%d–')`, 50*(turn+1)+1))
		}
	}
	b.do(set("#search", "<script>"), fire("#search", "input"))
	b.until(`!document.querySelector('#clear').hidden`)
}

// fire lets the page know of a new value.
func fire(selector, event string) step {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).dispatchEvent(new Event(%q, {bubbles: true}))`, selector, event))
}

const status = `document.querySelector('#status').textContent`

func TestFilters(t *testing.T) {
	b := open(t, "kinds.html", desktop)
	all := eval[string](b, status)
	if all != "5 findings" {
		t.Fatalf("%q", all)
	}
	choose := func(facet, value, want string) {
		t.Helper()
		selector := fmt.Sprintf(`[data-facet=%q]`, facet)
		b.do(set(selector, value), fire(selector, "input"))
		b.until(status + fmt.Sprintf(` === %q`, want))
	}
	choose("level", "never-allowed", "1 finding (5 in all)")
	if n := eval[int](b, `document.querySelectorAll('.finding:not([data-level="never-allowed"])').length`); n != 0 {
		t.Errorf("%d findings of other levels", n)
	}
	choose("playbook", "assume-role-denied", "No finding matches. (5 in all)")
	b.do(click("#clear"))
	b.until(status + ` === "5 findings"`)
	b.do(typed("#search", "juniordev PAYMENTS"))
	b.until(status + `.includes("(5 in all)")`)
	b.do(click("#clear"))
	b.until(status + ` === "5 findings"`)
	b.do(set("#sort", "rank"), fire("#sort", "input"))
	const levels = `[...document.querySelectorAll('.finding')].map((e) => e.dataset.level).join(' ')`
	b.until(levels + ` === "proven observed propagation never-allowed unexplained"`)
	b.do(set("#sort", "-time"), fire("#sort", "input"))
	const times = `[...document.querySelectorAll('.finding .since')].map((e) => /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(e.textContent)[0])`
	b.until(`(() => { const t = ` + times + `; return t.length === 5 && t.every((x, i) => i === 0 || x <= t[i - 1]) })()`)
}

// A change of the summary leads to its findings.
func TestChangeLeadsToFindings(t *testing.T) {
	b := open(t, "bundled.html", desktop)
	b.do(click(`#changes tr:last-child .link`))
	b.until(status + ` === "2 findings (3 in all)"`)
	if !strings.Contains(eval[string](b, `document.querySelector('.finding .answer').textContent`), "PutBucketPolicy") {
		t.Error("the finding is of another change")
	}
}

// xs are the places of the marks of the first timeline.
const xs = `[...document.querySelectorAll('.finding .mark')].map((e) => e.getAttribute('x')).join(' ')`

func (b *tab) changes(expression string, steps ...step) {
	b.Helper()
	before := eval[string](b, expression)
	b.do(steps...)
	if after := eval[string](b, expression); before == after {
		b.Errorf("%s stays", expression)
	}
}

func mouse(p input.DispatchMouseEventParams) step { return send(input.DispatchMouseEvent, p) }

func TestTimeline(t *testing.T) {
	b := open(t, "push.html", desktop)
	b.do(scroll(".timeline"))
	onset := eval[string](b, xs)
	button := func(label string) step {
		return click(fmt.Sprintf(`.timeline button[aria-label=%q]`, label))
	}
	b.changes(xs, button("Zoom in"))
	b.changes(xs, button("Zoom out"))
	b.changes(xs, button("Show all of it"))
	b.equal(`document.querySelector('.readout').textContent.trim()`, "")
	b.do(button("Show the time around the onset"))
	b.equal(xs, onset)

	b.do(click(`.toggle[data-k="vetoed"]`))
	b.equal(`document.querySelector('.toggle[data-k="vetoed"]').getAttribute('aria-pressed')`, "false")
	if n := eval[int](b, `[...document.querySelectorAll('.mark.vetoed')].filter((e) => e.getClientRects().length > 0).length`); n != 0 {
		t.Errorf("%d marks of a kind that is off", n)
	}
	b.do(click(`.toggle[data-k="vetoed"]`))

	box := eval[[]float64](b, `(() => { const r = document.querySelector('.timeline svg').getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })()`)
	x, y := box[0]+box[2]*0.6, box[1]+60
	b.changes(xs, mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: x, Y: y, DeltaX: 1, DeltaY: -120, Modifiers: 2}))
	b.changes(xs, chromedp.DragAndDropXY(x, y, x-160, y, 4))

	const told = `document.querySelector('.readout .now').textContent`
	mark := eval[[]float64](b, `(() => { document.querySelector('button[aria-label="Show the time around the onset"]').click();
		const r = document.querySelector('.mark.cause').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2] })()`)
	b.changes(told, mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: mark[0], Y: mark[1]}))
	if got := eval[string](b, told); !strings.Contains(got, "proven: caused by. PutGroupPolicy on group Juniors") {
		t.Errorf("hovering the cause tells %q", got)
	}
}

// All of a timeline can be reached from the keyboard.
func TestTimelineKeys(t *testing.T) {
	b := open(t, "push.html", desktop)
	const told = `document.querySelector('.readout .now').textContent`
	b.do(focus(".timeline button:last-of-type"), chromedp.KeyEvent(kb.Tab))
	if got := eval[string](b, told); !strings.Contains(got, "PutGroupPolicy") {
		t.Fatalf("Tab leads to %q, %s", got, eval[string](b, `document.activeElement.outerHTML.slice(0, 200)`))
	}
	b.changes(told, chromedp.KeyEvent(kb.ArrowRight))
	b.changes(told, chromedp.KeyEvent(kb.ArrowLeft))
	b.changes(xs, chromedp.KeyEvent("+"))
	b.changes(xs, chromedp.KeyEvent("-"))
	b.changes(told, chromedp.KeyEvent(kb.End))
	if got := eval[string](b, told); !strings.Contains(got, "17:26:13 UTC failed") {
		t.Errorf("End leads to %q", got)
	}
	b.changes(told, chromedp.KeyEvent(kb.Home))
	b.changes(xs, chromedp.KeyEvent("0"))
	if n := eval[int](b, `document.querySelectorAll('.timeline .mark[tabindex="0"]').length`); n != 1 {
		t.Errorf("Tab stops at %d marks", n)
	}
}

// A finding opens and closes from the keyboard, and its link leads to it.
func TestFindingKeysAndLinks(t *testing.T) {
	b := open(t, "bundled.html", desktop)
	b.do(focus(".finding:nth-of-type(2) summary"))
	const isOpen = `document.querySelector('.finding:nth-of-type(2)').open + ''`
	b.changes(isOpen, chromedp.KeyEvent(kb.Enter))
	b.changes(isOpen, chromedp.KeyEvent(" "))
	b.do(click("#fold"))
	b.until(`[...document.querySelectorAll('.finding')].every((e) => e.open)`)
	b.do(click(".finding:nth-of-type(3) .cite"))
	b.until(`document.querySelector('.sources li:target') !== null`)
	if top := eval[float64](b, `document.querySelector('.sources li:target').getBoundingClientRect().top`); top < -1 || top > 900 {
		b.until(`(() => { const t = document.querySelector('.sources li:target').getBoundingClientRect().top; return t >= -1 && t < innerHeight })()`)
	}
}

func TestColours(t *testing.T) {
	b := open(t, "bundled.html", desktop)
	const paper = `getComputedStyle(document.body).backgroundColor`
	b.equal(paper, "rgb(255, 255, 255)")
	b.do(click("#theme"), click("#theme"))
	b.equal(paper, "rgb(21, 23, 27)")
	b.do(click("#theme"))
	b.equal(paper, "rgb(255, 255, 255)")
}

// Text is read easily: WCAG AA asks for a contrast of 4.5.
func TestContrast(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		for _, name := range []string{"kinds", "bundled", "hostile"} {
			b := open(t, name+".html", screen{1280, 900, scheme, false})
			b.unfold()
			if weak := eval[[]string](b, contrast); len(weak) > 0 {
				t.Errorf("%s, %s: %s", name, scheme, strings.Join(weak, "; "))
			}
			if n := eval[int](b, `document.querySelectorAll('main *').length`); n < 100 {
				t.Errorf("%s: %d elements", name, n)
			}
		}
	}
}

// contrast lists elements with text of too little contrast. Colours are resolved
// by painting them.
const contrast = `(() => {
	const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
	const paint = (...colours) => {
		canvas.clearRect(0, 0, 1, 1);
		for (const c of colours) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); }
		return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255);
	};
	const light = (rgb) => { const [r, g, b] = rgb.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const weak = new Set();
	for (const e of document.querySelectorAll('body *')) {
		if (e.closest('script, style, [hidden], .defs, .skip, title') || e.getClientRects().length === 0) continue;
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '')) continue;
		const under = [];
		for (let p = e; p; p = p.parentElement) under.unshift(getComputedStyle(p).backgroundColor);
		const style = getComputedStyle(e);
		const back = light(paint('white', ...under)), text = light(paint('white', ...under, e.ownerSVGElement ? style.fill : style.color));
		const ratio = (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
		if (ratio < 4.5 && !e.disabled) weak.add(e.tagName + '.' + (e.getAttribute('class') ?? '') + ' ' + ratio.toFixed(2));
	}
	return [...weak].slice(0, 10);
})()`

// On paper every finding is unfolded, and what can only be clicked is gone.
func TestPrints(t *testing.T) {
	b := open(t, "bundled.html", desktop)
	b.do(send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPrintBackground()))
	if err != nil {
		t.Fatal(err)
	}
	if len(pdf) < 50_000 {
		t.Errorf("%d bytes of PDF", len(pdf))
	}
	if n := eval[int](b, `[...document.querySelectorAll('.tools, .pager, .copy, .brand nav')].filter((e) => e.getClientRects().length > 0).length`); n != 0 {
		t.Errorf("%d controls on paper", n)
	}
}

// Ten thousand findings open at once, filter at once, and leave the memory be.
func TestTenThousandFindings(t *testing.T) {
	began := time.Now()
	b := open(t, "many.html", desktop)
	loaded := time.Since(began)
	b.until(status + ` === "1–50 of 10,000 findings"`)
	first := b.memory()

	began = time.Now()
	b.do(set("#search", "caller-777 "), fire("#search", "input"))
	b.until(status + `.includes("(10,000 in all)")`)
	filtered := time.Since(began)
	if n := eval[int](b, `document.querySelectorAll('.finding').length`); n == 0 || n > 50 {
		t.Errorf("%d findings on the screen", n)
	}
	b.do(click("#clear"))

	began = time.Now()
	b.do(set("#sort", "-count"), fire("#sort", "input"))
	b.until(`document.querySelector('.finding .since').textContent.startsWith('10,011 times')`)
	sorted := time.Since(began)

	b.do(set("#sort", "-time"), fire("#sort", "input"))
	b.until(`document.querySelector('.finding').id === 'f-000000000000270f'`)
	for range 5 {
		before := eval[string](b, status)
		b.do(click(`.turn[data-turn="1"]`))
		b.until(status + fmt.Sprintf(` !== %q`, before))
		b.unfold()
	}
	eval[bool](b, `(location.hash = '#f-0000000000001388', true)`)
	b.until(`document.getElementById('f-0000000000001388')?.open === true`)
	last := b.memory()
	t.Logf("open %v; filter %v; sort %v; heap %.1f then %.1f MB; %0.f then %.0f nodes", loaded, filtered, sorted,
		first["JSHeapUsedSize"]/1e6, last["JSHeapUsedSize"]/1e6, first["Nodes"], last["Nodes"])
	for what, limit := range map[string]float64{"JSHeapUsedSize": 150e6, "Nodes": 200_000} {
		if last[what] > limit {
			t.Errorf("%s is %.0f, above %.0f", what, last[what], limit)
		}
	}
	if loaded > time.Minute || filtered > 20*time.Second || sorted > 30*time.Second {
		t.Error("that is too slow, even on a busy machine")
	}
}

// memory measures what the page holds, garbage aside.
func (b *tab) memory() map[string]float64 {
	b.Helper()
	b.do(send(performance.Enable, performance.EnableParams{}), send(heapprofiler.CollectGarbage, cdp.Empty{}))
	r, err := chromedp.Call(b.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		b.Fatal(err)
	}
	m := map[string]float64{}
	for _, x := range r.Metrics {
		m[x.Name] = x.Value
	}
	return m
}

// TestScreenshots writes what people look at; see TRAILBLAME_SHOTS.
func TestScreenshots(t *testing.T) {
	for _, s := range []struct {
		name, page string
		screen     screen
		script     string
	}{
		{"light", "push.html", screen{1280, 1500, "light", false}, ""},
		{"dark", "bundled.html", screen{1280, 1500, "dark", false}, ""},
		{"phone", "push.html", screen{390, 1500, "light", true}, ""},
		{"phone-dark", "push.html", screen{390, 1500, "dark", true}, `document.querySelector('.finding').scrollIntoView()`},
		{"kinds", "kinds.html", screen{1280, 1500, "light", false}, ""},
		{"many", "many.html", screen{1280, 1500, "light", false}, ""},
		{"hostile", "hostile.html", screen{1280, 1500, "light", false}, ""},
		{"nothing", "nothing.html", screen{1280, 900, "light", false}, ""},
		{"silent", "silent.html", screen{1280, 1000, "light", false}, ""},
		{"silent-read", "silent.html", screen{1280, 1100, "dark", false}, `document.querySelector('#read').scrollIntoView()`},
		{"silent-phone", "silent.html", screen{390, 1300, "light", true}, `document.querySelector('#read').scrollIntoView()`},
		{"read", "kinds.html", screen{1280, 1000, "light", false}, `document.querySelector('#read').scrollIntoView()`},
	} {
		b := open(t, s.page, s.screen)
		if s.script != "" {
			b.do(chromedp.Evaluate[chromedp.Void](s.script))
		}
		time.Sleep(300 * time.Millisecond)
		b.shot(s.name)
	}
}
