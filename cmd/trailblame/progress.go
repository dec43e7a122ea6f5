package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3"
)

// How trailblame shows progress
//
//   - One line on standard error, only if that is a terminal that can rewrite a
//     line, and never with --quiet. It is drawn a few times a second.
//   - Whatever else is said on standard error takes the line away first.
//   - Nothing of a record or of a name is in it.
//   - Time left is told when all is listed, not guessed before.

// drawEvery is how often the line is drawn.
const drawEvery = 200 * time.Millisecond

// status is a line that is drawn again and again. A nil status draws nothing.
type status struct {
	mu    sync.Mutex
	out   *os.File
	width func() int
	text  func() string
	shown bool
	over  bool
}

// without does something while the line is away.
func (s *status) without(f func()) {
	if s == nil {
		f()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	f()
}

func (s *status) clear() {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
}

// say shows text in place of what was shown before, from now on.
func (s *status) say(text string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.text = func() string { return text }
	s.mu.Unlock()
	s.draw()
}

func (s *status) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	line := s.text()
	if room := s.width() - 1; len(line) > room {
		line = line[:max(room, 0)] // ASCII
	}
	fmt.Fprintf(s.out, "\r\x1b[K%s", line)
	s.shown = true
}

// end takes the line away for good.
func (s *status) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.over = true
}

// showProgress draws how far a run is until the returned function is called,
// which may be called twice.
func (a *app) showProgress(ctx context.Context, g *gauge, sources []ingest.Source) (stop func()) {
	if a.quiet || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(a.stderr.Fd())) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	g.start = time.Now()
	go g.count(ctx, sources)
	s := &status{out: a.stderr, text: g.String, width: func() int {
		width, _, err := term.GetSize(int(a.stderr.Fd()))
		if err != nil || width <= 0 {
			return 80
		}
		return width
	}}
	a.status = s
	var drawn sync.WaitGroup
	drawn.Go(func() {
		tick := time.NewTicker(drawEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.draw()
			}
		}
	})
	return sync.OnceFunc(func() {
		cancel()
		drawn.Wait()
		s.end()
	})
}

// gauge knows how far a run is and how much there is.
type gauge struct {
	progress *ingest.Progress
	stats    *s3.Stats // of all buckets
	known    func(ingest.Object) bool
	start    time.Time

	files, fileBytes atomic.Int64 // on disk, to be read
	counted          atomic.Bool  // all files
	buckets          atomic.Int64
	endless          atomic.Bool // a source does not tell how much it holds
	throttled        int64       // as of the last look
	slow             time.Time   // when requests were last throttled
}

// count finds out how much there is on disk; buckets are counted while they are
// listed.
func (g *gauge) count(ctx context.Context, sources []ingest.Source) {
	for _, src := range sources {
		switch src := src.(type) {
		case *s3.Source:
			g.buckets.Add(1)
		case *ingest.Local:
			for obj, err := range src.Objects(ctx) {
				if err == nil && !g.known(obj) {
					g.files.Add(1)
					g.fileBytes.Add(obj.Size)
				}
			}
		default:
			g.endless.Store(true)
		}
	}
	g.counted.Store(ctx.Err() == nil)
}

// String is the line.
func (g *gauge) String() string {
	var b strings.Builder
	objects, bytes, elapsed := g.progress.Objects.Load(), g.progress.Bytes.Load(), time.Since(g.start)
	all, allBytes, whole := g.total()
	switch {
	case whole:
		fmt.Fprintf(&b, "%s of %s objects  %s of %s", thousands(objects), thousands(all), inBytes(bytes), inBytes(allBytes))
	default:
		fmt.Fprintf(&b, "%s objects  %s", thousands(objects), inBytes(bytes))
	}
	fmt.Fprintf(&b, "  %s events", thousands(g.progress.Records.Load()))
	if seconds := elapsed.Seconds(); seconds >= 1 {
		rate := float64(bytes) / seconds
		fmt.Fprintf(&b, "  %.1f MiB/s", rate/(1<<20))
		if left := allBytes - bytes; whole && rate > 0 && left >= 0 {
			fmt.Fprintf(&b, "  %s left", duration(time.Duration(float64(left)/rate+1)*time.Second))
		}
	}
	if !whole && !g.endless.Load() {
		b.WriteString("  (still listing)")
	}
	if n := g.stats.Throttled.Load(); n > g.throttled {
		g.throttled, g.slow = n, time.Now()
	}
	if !g.slow.IsZero() && time.Since(g.slow) < 10*time.Second {
		fmt.Fprintf(&b, "  slowed down by S3: %d at a time", g.stats.AtATime.Load())
	}
	return b.String()
}

// total is how much there is to read, and whether that is all.
func (g *gauge) total() (objects, bytes int64, whole bool) {
	whole = g.counted.Load() && !g.endless.Load() && g.stats.Walked.Load() == g.buckets.Load()
	return g.files.Load() + g.stats.Found.Load(), g.fileBytes.Load() + g.stats.FoundBytes.Load(), whole
}
