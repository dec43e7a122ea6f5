package s3

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/trailblame/trailblame/ingest"
)

const (
	// lists is the number of listings that are read at a time.
	lists = 16
	// maxOddDepth and maxOdd bound how far folders of no known layout are
	// listed one by one, in the hope of trails in them, before all that is
	// below them is listed key by key.
	maxOddDepth = 3
	maxOdd      = 200
)

// found is what a walk finds: an object, or an error in the place of some.
type found struct {
	obj ingest.Object
	day string // that the key names, YYYY/MM/DD, or empty
	err error
}

// node is a prefix that is still to be listed.
type node struct {
	prefix string
	how    how
	depth  int // folders below the source's prefix that are none of the layout
}

// how a prefix is listed.
type how int

const (
	flat  how = iota // every key
	fold             // its folders, each on its own
	probe            // every key if one page holds them, else its folders
)

// walker lists the objects of a source. It goes down the folders of the layout
// and steps over those that are not chosen; what it does not know it lists key
// by key.
type walker struct {
	s    *Source
	emit func(found)
	// listed counts the prefixes whose keys were listed, leftOut the folders
	// and single objects that are not chosen.
	listed, leftOut atomic.Int64

	mu     sync.Mutex
	wake   *sync.Cond
	stack  []node // the last first, so that few wait
	active int
	odd    int
	ended  bool
}

func newWalker(s *Source, emit func(found)) *walker {
	w := &walker{s: s, emit: emit}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// run lists everything and returns when all is emitted, or ctx ends.
func (w *walker) run(ctx context.Context) {
	defer context.AfterFunc(ctx, w.end)()
	if err := w.root(ctx); err != nil {
		w.fail(ctx, w.s.prefix, err)
		return
	}
	var group sync.WaitGroup
	for range lists {
		group.Go(func() {
			for n, ok := w.take(); ok; n, ok = w.take() {
				if err := w.list(ctx, n); err != nil {
					w.fail(ctx, n.prefix, err)
				}
				w.finish()
			}
		})
	}
	group.Wait()
}

// errNothing says that there is nothing to choose from.
const errNothing = permanent("nothing is there; check the bucket and the prefix")

// root finds out what the source's prefix means.
func (w *walker) root(ctx context.Context) error {
	prefix := w.s.prefix
	top := &listing{source: w.s, prefix: prefix, folded: true}
	p, err := top.read(ctx)
	if err != nil {
		return err
	}
	if len(p.objects)+len(p.folders) == 0 && top.done {
		return errNothing
	}
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		w.expand(prefix, 0)
		return nil
	}
	exact := len(p.objects) > 0 && p.objects[0].Name == prefix
	folder := &listing{source: w.s, prefix: prefix + "/", folded: true}
	in, err := folder.read(ctx)
	if err != nil {
		return err
	}
	if exact {
		w.emit(found{obj: w.s.object(p.objects[0])})
	}
	if len(in.objects)+len(in.folders) > 0 {
		w.expand(prefix+"/", 0)
	} else if !exact {
		w.push(node{prefix, fold, 0})
	}
	return nil
}

// object is obj with the name that it has outside of the source.
func (s *Source) object(obj ingest.Object) ingest.Object {
	obj.Name = s.name(obj.Name)
	return obj
}

// expand decides how a folder is listed, if at all.
func (w *walker) expand(folder string, depth int) {
	p := locate(folder)
	switch {
	case !w.s.choice.wants(p):
		w.leaveOut()
	case p.odd, p.level == outside:
		w.push(node{folder, w.oddly(depth), depth + 1})
	case p.level >= inMonth:
		w.push(node{folder, flat, 0})
	case p.level == inRegion:
		w.push(node{folder, probe, 0})
	default:
		w.push(node{folder, fold, 0})
	}
}

func (w *walker) oddly(depth int) how {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.odd++; depth >= maxOddDepth || w.odd > maxOdd {
		return flat
	}
	return probe
}

func (w *walker) leaveOut() {
	w.leftOut.Add(1)
	w.s.opts.Stats.LeftOut.Add(1)
}

// list lists one prefix.
func (w *walker) list(ctx context.Context, n node) error {
	l := &listing{source: w.s, prefix: n.prefix, folded: n.how == fold}
	after, before := w.s.choice.clip(n.prefix)
	if n.how == flat {
		l.after = after
	}
	for first := true; !l.done; first = false {
		p, err := l.read(ctx)
		if err != nil {
			return err
		}
		if first && !l.done && n.how != flat && (n.how == probe || n.depth > 0) {
			return w.split(ctx, n)
		}
		w.hand(p, n.depth)
		if before != "" && l.lastKey >= before {
			break
		}
	}
	w.listed.Add(1)
	return nil
}

// split lists in another way a prefix that does not fit into one page: folder
// by folder, or key by key if it has too many odd folders for that.
func (w *walker) split(ctx context.Context, n node) error {
	n.how--
	return w.list(ctx, n)
}

// hand hands on what a page lists.
func (w *walker) hand(p page, depth int) {
	for _, obj := range p.objects {
		if strings.HasSuffix(obj.Name, "/") && obj.Size == 0 {
			continue // a folder that was made by hand
		}
		at := locate(obj.Name)
		if w.s.choice.wants(at) {
			w.emit(found{obj: w.s.object(obj), day: at.date})
		} else {
			w.leaveOut()
		}
	}
	for _, folder := range p.folders {
		w.expand(folder, depth)
	}
}

func (w *walker) push(n node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stack = append(w.stack, n)
	w.wake.Signal()
}

// take returns the next prefix to list, when there is one.
func (w *walker) take() (node, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.stack) == 0 && w.active > 0 && !w.ended {
		w.wake.Wait()
	}
	if len(w.stack) == 0 || w.ended {
		return node{}, false
	}
	n := w.stack[len(w.stack)-1]
	w.stack = w.stack[:len(w.stack)-1]
	w.active++
	return n, true
}

func (w *walker) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active--; w.active == 0 {
		w.wake.Broadcast()
	}
}

// end makes the walk end soon.
func (w *walker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.wake.Broadcast()
}

// fail reports that what begins with prefix could not be listed to its end.
func (w *walker) fail(ctx context.Context, prefix string, err error) {
	if ctx.Err() != nil {
		return
	}
	var credentials *CredentialsError
	if errors.As(err, &credentials) {
		w.end()
	}
	w.emit(found{obj: ingest.Object{Name: w.s.name(prefix)}, err: err})
}
