package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/cloudwatch"
	"github.com/trailblame/trailblame/ingest/digest"
	"github.com/trailblame/trailblame/ingest/s3"
)

// defaultIndex is where an index stands unless --index or TRAILBLAME_INDEX says
// otherwise.
const defaultIndex = "trailblame.index"

// trailFlags say where a command reads from.
type trailFlags struct {
	index     string
	workers   int
	maxObject int64
	maxRecord int
	compact   bool // merge even few segments
	aws       awsFlags
	choice    choice
	plan      bool // only list, and tell what would be read
	// verify asks the digests beside the sources about each object.
	verify     bool
	publicKeys string
	salvage    bool                     // keep the whole records of damaged objects
	known      func(ingest.Object) bool // what the index holds, once it is open
	stats      *s3.Stats                // of all buckets that are read
}

// awsFlags say how AWS is reached.
type awsFlags struct {
	profile, region, endpoint string
	unsigned, requestPayer    bool
}

func (f *awsFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.profile, "profile", "", "AWS profile to read with")
	flags.StringVar(&f.region, "aws-region", "", "AWS region to read from, unlike --region, which selects events")
	flags.StringVar(&f.endpoint, "endpoint-url", "", "URL of a server to use in place of AWS's own")
}

// registerS3 registers what only buckets need.
func (f *awsFlags) registerS3(flags *pflag.FlagSet) {
	flags.BoolVar(&f.unsigned, "no-sign-request", false, "read a public bucket without credentials")
	flags.BoolVar(&f.requestPayer, "request-payer", false, "agree to pay for reading a requester-pays bucket")
}

func (f *awsFlags) access() cloudwatch.Access {
	return cloudwatch.Access{Profile: f.profile, Region: f.region, Endpoint: f.endpoint}
}

// registerIndex registers the flag of commands that read an index only.
func (t *trailFlags) registerIndex(flags *pflag.FlagSet) {
	flags.StringVar(&t.index, "index", os.Getenv("TRAILBLAME_INDEX"), "index folder (default ./"+defaultIndex+")")
}

func (t *trailFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&t.index, "index", os.Getenv("TRAILBLAME_INDEX"), "index folder to add to and keep (default ./"+defaultIndex+")")
	t.aws.register(flags)
	t.aws.registerS3(flags)
	flags.BoolVar(&t.plan, "dry-run", false, "only list the sources, and tell what would be read")
	flags.IntVar(&t.workers, "workers", runtime.GOMAXPROCS(0), "objects read at the same time")
	flags.Int64Var(&t.maxObject, "max-object-size", ingest.DefaultLimits.Object, "bytes that one object may have when decompressed")
	flags.BoolVar(&t.salvage, "salvage", false, "keep the whole records in front of the damage of an object too, marked "+ingest.SalvagedPrefix)
	flags.IntVar(&t.maxRecord, "max-record-size", ingest.DefaultLimits.Record, "bytes that one record may have")
}

func (t *trailFlags) dir() string {
	if t.index != "" {
		return t.index
	}
	return defaultIndex
}

// segment returns the index and, when args name one, the segment to look at. The
// path of a segment's file tells its index too.
func (t *trailFlags) segment(args []string) (dir, segment string) {
	if len(args) == 0 {
		return t.dir(), ""
	}
	if t.index == "" && filepath.Base(args[0]) != args[0] {
		if dir := index.Holder(args[0]); dir != "" {
			return dir, args[0]
		}
	}
	return t.dir(), args[0]
}

// trail is an open index with what its reading left out.
type trail struct {
	ix         *index.Index
	incomplete bool // some input could not be read
	close      func()
}

// openTrail reads the sources into an index and opens it: into the one of
// --index, or a private one that close removes. Without sources it opens the
// index that is there.
func (a *app) openTrail(ctx context.Context, t *trailFlags, sources []string) (*trail, error) {
	if t.plan {
		return nil, a.dryRun(ctx, t, sources)
	}
	dir, cleanup := t.dir(), func() {}
	incomplete := false
	if len(sources) > 0 {
		if t.index == "" {
			temp, err := os.MkdirTemp("", "trailblame-")
			if err != nil {
				return nil, fmt.Errorf("make a temporary index: %w; set TMPDIR to a folder with space, or use --index", err)
			}
			dir, cleanup = filepath.Join(temp, "index"), func() { os.RemoveAll(temp) }
		}
		result, err := a.ingest(ctx, t, dir, sources)
		if err != nil {
			cleanup()
			return nil, err
		}
		incomplete = result.incomplete
	}
	ix, err := index.Open(dir)
	if err != nil {
		cleanup()
		return nil, err
	}
	if err := a.startRedacting(ix); err != nil {
		ix.Close()
		cleanup()
		return nil, err
	}
	for _, w := range ix.Warnings() {
		a.complain("%s", w)
	}
	return &trail{ix: ix, incomplete: incomplete || isIncomplete(ix), close: func() { ix.Close(); cleanup() }}, nil
}

// kept tells whether the index of a run outlives it.
func kept(t *trailFlags, sources []string) bool { return t.index != "" || len(sources) == 0 }

// isIncomplete tells whether input of the index could not be read.
func isIncomplete(ix *index.Index) bool {
	t := ix.Totals()
	return t.Damaged > 0 || t.Unreadable > 0 || t.Malformed > 0
}

// finish turns what the trail lacks into the exit status.
func (t *trail) finish(found bool, failEmpty bool) error {
	switch {
	case t.incomplete:
		return &silentError{exitIncomplete}
	case !found && failEmpty:
		return &silentError{exitFailed}
	}
	return nil
}

// ingestResult tells how a run of reading sources went.
type ingestResult struct {
	incomplete bool
	progress   ingest.Progress
	totals     index.Totals
}

// ingest reads sources into the index in dir. Input that cannot be read is named
// on standard error and does not end the run.
func (a *app) ingest(ctx context.Context, t *trailFlags, dir string, names []string) (*ingestResult, error) {
	result := &ingestResult{}
	t.stats = new(s3.Stats)
	sources, closeAll, failed := a.sources(ctx, t, names)
	defer closeAll()
	if len(sources) == 0 {
		return nil, &silentError{exitFailed}
	}
	result.incomplete = failed > 0
	w, err := index.OpenWriter(dir)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	t.known = w.Known
	defer context.AfterFunc(ctx, w.StopMerging)()
	if t.index == "" {
		w.StopMerging() // not worth it for one look
	}
	report := &report{app: a}
	stopStatus := a.showProgress(ctx, &gauge{progress: &result.progress, stats: t.stats, known: w.Known}, sources)
	defer stopStatus()
	opts := ingest.Options{
		Workers:  t.workers,
		Limits:   ingest.Limits{Object: t.maxObject, Record: t.maxRecord},
		Known:    w.Known,
		NewSink:  w.NewSink,
		Done:     report.done,
		Progress: &result.progress,
		Salvage:  t.salvage,
	}
	var digests *integrity
	if t.verify {
		if digests, err = a.readDigests(ctx, t, names); err != nil {
			return nil, err
		}
		defer digests.close()
		opts.Verify = digests.check
		opts.Known = func(obj ingest.Object) bool { digests.seen(obj); return w.Known(obj) }
	}
	runErr := ingest.Run(ctx, sources, opts)
	p := &result.progress
	a.tell("read %s, %s, %d records; %d objects known already", count(int(p.Objects.Load()), "object", "objects"), inBytes(p.Bytes.Load()), p.Records.Load(), p.Skipped.Load())
	a.leftOut(t, names)
	var stop ingest.StopError
	if runErr != nil && !errors.Is(runErr, context.Canceled) && !errors.As(runErr, &stop) {
		return nil, runErr
	}
	a.status.say("putting away what was read")
	if err := w.Finish(); err != nil {
		return nil, err
	}
	if runErr == nil && t.index != "" {
		if err := w.Merge(t.compact); err != nil {
			return nil, err
		}
	}
	stopStatus()
	if runErr != nil {
		return nil, a.stopped(t, dir, &result.progress, runErr)
	}
	result.incomplete = result.incomplete || report.incomplete
	result.totals = w.Totals()
	if digests != nil && digests.report(a, result.totals) {
		result.incomplete = true
	}
	if result.progress.Objects.Load() > 0 && report.read == 0 && result.progress.Skipped.Load() == 0 {
		a.complain("none of the input could be read")
		return nil, &silentError{exitFailed}
	}
	return result, nil
}

// stopped says what a run that ended early leaves, and how to go on.
func (a *app) stopped(t *trailFlags, dir string, p *ingest.Progress, err error) error {
	word := "stopped"
	if errors.Is(err, context.Canceled) {
		word, err = "interrupted", &silentError{exitInterrupted}
	}
	if t.index == "" {
		a.complain("%s after %d objects, which are not kept; with --index the next run goes on from there", word, p.Objects.Load())
	} else {
		a.complain("%s; %s, %d records, are whole in %s; run the same command again to read the rest", word,
			count(int(p.Objects.Load()), "object", "objects"), p.Records.Load(), dir)
	}
	return err
}

// sources opens the named sources; those that are not there are named and
// counted.
func (a *app) sources(ctx context.Context, t *trailFlags, names []string) (list []ingest.Source, closeAll func(), failed int) {
	closeAll = func() {}
	for _, name := range names {
		switch {
		case name == "-":
			in := ingest.NewStdin(&interruptible{ctx: ctx, from: a.stdin})
			list = append(list, in)
			closeAll = func() { in.Close() }
			continue
		}
		src, err := t.remote(ctx, name)
		if err == nil && src == nil {
			src, err = ingest.NewLocal(name)
		}
		if err != nil {
			a.complain("%v", err)
			failed++
			continue
		}
		list = append(list, src)
	}
	return list, closeAll, failed
}

// remote opens a source that is no local path; nil means that name is one.
func (t *trailFlags) remote(ctx context.Context, name string) (ingest.Source, error) {
	c := &t.choice
	switch {
	case strings.HasPrefix(name, s3.Scheme):
		return s3.New(ctx, name, s3.Options{Profile: t.aws.profile, Region: t.aws.region, EndpointURL: t.aws.endpoint,
			NoSignRequest: t.aws.unsigned, RequestPayer: t.aws.requestPayer, From: c.from, To: c.to, Accounts: c.accounts, Regions: c.regions,
			Stats: t.stats, Known: func(o ingest.Object) bool { return t.known != nil && t.known(o) }})
	case strings.HasPrefix(name, "cloudwatch://"):
		return cloudwatch.New(ctx, name, cloudwatch.Options{Access: t.aws.access(), From: c.from, To: c.to})
	case strings.Contains(name, "://"):
		return nil, fmt.Errorf("%s: not a source; want a path, s3://bucket/prefix, cloudwatch://log-group or -", name)
	}
	return nil, nil
}

// report names input that could not be read, as it is found.
type report struct {
	app        *app
	mu         sync.Mutex
	incomplete bool
	read       int
}

func (r *report) done(e *ingest.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Status {
	case ingest.StatusDamaged:
		salvage := ""
		switch {
		case e.Salvaged > 0:
			salvage = fmt.Sprintf("; %d whole records in front of the damage were kept, marked %s", e.Salvaged, ingest.SalvagedPrefix)
		case e.Salvageable > 0:
			salvage = fmt.Sprintf("; %d whole records in front of the damage were not used", e.Salvageable)
		}
		r.app.complain("%s: damaged: %s%s", e.Name, e.Problem, salvage)
	case ingest.StatusUnreadable:
		r.app.complain("%s: cannot be read: %s", e.Name, e.Problem)
	default:
		r.read++
	}
	if len(e.Pointers) > 0 {
		r.app.say("%s: tells of deliveries that were not read on its account, %s first; name them or their bucket as a source", e.Name, e.Pointers[0])
	}
	if e.Integrity == string(digest.Broken) {
		r.app.complain("%s: broken: its content is not what was delivered, by a valid digest; its records are marked", e.Name)
	}
	for _, bad := range e.Bad {
		r.app.complain("%s#%d: malformed record skipped: %s", e.Name, bad.Index, bad.Reason)
	}
	if more := e.Malformed - int64(len(e.Bad)); more > 0 {
		r.app.complain("%s: %d more malformed records skipped", e.Name, more)
	}
	r.incomplete = r.incomplete || e.Incomplete()
}
