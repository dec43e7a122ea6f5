package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailblame/trailblame/query"
)

// queryFlags are the flags of query.
type queryFlags struct {
	trail     trailFlags
	filters   filterFlags
	output    outputFlags
	sources   []string
	eventID   string
	fields    string
	countBy   string
	order     string
	jq        string
	top       int
	limit     int
	raw       bool
	scan      bool
	count     bool
	explain   bool
	failEmpty bool
}

func (q *queryFlags) register(flags *pflag.FlagSet) {
	q.trail.register(flags)
	q.filters.register(flags)
	q.output.register(flags)
	flags.StringArrayVar(&q.sources, "source", nil, "read this SOURCE instead of the index; repeatable")
	flags.StringVar(&q.eventID, "event-id", "", "only the event with this eventID: every version of it, and the records that correct it")
	flags.StringVar(&q.fields, "select", "", "print only these values: eventTime,userIdentity.arn,resources[*].ARN; principal and object work too")
	flags.StringVar(&q.countBy, "count-by", "", "count the events by the values of these fields, most frequent first")
	flags.IntVar(&q.top, "top", 0, "with --count-by: only the most frequent so many")
	flags.StringVar(&q.order, "order", "time", "time, or -time for the latest first")
	flags.IntVar(&q.limit, "limit", 0, "stop after this many events")
	flags.StringVar(&q.jq, "jq", "", "print what this jq filter makes of each result")
	flags.BoolVarP(&q.raw, "raw-output", "r", false, "with --jq: print strings as text, not as JSON")
	flags.BoolVar(&q.count, "count", false, "print only how many events match")
	flags.BoolVar(&q.explain, "explain", false, "print how the query is answered and what it read, instead of the events")
	flags.BoolVar(&q.scan, "scan", false, "look at every event instead of using the terms; the answer is the same")
	flags.BoolVar(&q.failEmpty, "fail-empty", false, "exit with status 1 when nothing matches")
}

func (a *app) queryCommand() *cobra.Command {
	var flags queryFlags
	cmd := &cobra.Command{
		Use:   "query [EXPR]",
		Short: "Print matching events as they were delivered, one a line",
		Long: `Print the events that match, in the order of their time: in a pipe or a file byte
for byte as they were delivered, on a terminal as a table. EXPR is an expression
over CloudTrail's own field names; a missing field is nil.`,
		Example: `  trailblame query 'eventName == "GitPush" && errorCode != nil'
  trailblame query --principal '*juniordev' --from 24h --count-by eventName,errorCode
  trailblame query --error-code AccessDenied --select eventTime,principal,errorMessage --format csv
  trailblame query --order -time --limit 10 --jq '{eventTime, who: .userIdentity.arn}'
  trailblame query --source ./AWSLogs 'requestParameters.bucketName startsWith "prod-"'
  trailblame query --access-key AKIAIOSFODNN7EXAMPLE --explain`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.query(cmd.Context(), &flags, strings.Join(args, " "))
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

// queryRun is one query under way.
type queryRun struct {
	flags   *queryFlags
	ctx     context.Context
	filter  query.Filter
	picked  []query.Path
	tally   *tally
	jq      *jqFilter
	rows    *rowWriter
	trouble complaints
}

func (a *app) query(ctx context.Context, flags *queryFlags, expr string) error {
	run := &queryRun{flags: flags, ctx: ctx, trouble: complaints{app: a}}
	if err := run.parse(expr); err != nil {
		return err
	}
	dest, err := a.openDestination(&flags.output)
	if err != nil {
		return err
	}
	defer dest.abandon()
	if err := run.checkFormat(dest); err != nil {
		return err
	}
	run.filter.Uncited = run.recordsOnly(dest)
	t, err := a.openTrail(ctx, &flags.trail, flags.sources)
	if err != nil {
		return err
	}
	defer t.close()
	engine := query.NewEngine(t.ix)
	if flags.scan {
		engine = query.NewScanner(t.ix)
	}
	found, err := run.print(engine, dest)
	if err != nil {
		return err
	}
	if err := dest.commit(); err != nil {
		return err
	}
	if run.trouble.finish() {
		t.incomplete = true
	}
	return t.finish(found, flags.failEmpty)
}

// parse reads what the flags and the expression say.
func (r *queryRun) parse(expr string) (err error) {
	f := r.flags
	if f.eventID != "" {
		if expr, err = and(query.EventIDExpr(f.eventID), expr); err != nil {
			return err
		}
	}
	if r.filter, err = f.filters.filter(expr, time.Now()); err != nil {
		return err
	}
	f.trail.choice = readingChoice(r.filter.From, r.filter.To)
	r.filter.Undecided = r.trouble.tell
	switch f.order {
	case "time":
	case "-time":
		r.filter.Latest = true
	default:
		return usagef("--order %s: want time or -time", f.order)
	}
	if f.fields != "" {
		if r.picked, err = query.ParsePaths(f.fields); err != nil {
			return usagef("--select: %w", err)
		}
	}
	if f.countBy != "" {
		paths, err := query.ParsePaths(f.countBy)
		if err != nil {
			return usagef("--count-by: %w", err)
		}
		r.tally = &tally{paths: paths, counts: map[string]*int64{}}
	}
	if f.jq != "" {
		if r.jq, err = compileJQ(f.jq, f.raw); err != nil {
			return err
		}
	}
	return f.contradiction()
}

// contradiction finds flags that make no sense together.
func (q *queryFlags) contradiction() error {
	modes := 0
	for _, on := range []bool{q.fields != "", q.countBy != "", q.count, q.explain} {
		if on {
			modes++
		}
	}
	switch {
	case modes > 1:
		return usagef("--select, --count-by, --count and --explain exclude each other")
	case q.top != 0 && q.countBy == "":
		return usagef("--top needs --count-by; --limit bounds the events")
	case q.top < 0 || q.limit < 0:
		return usagef("--top and --limit want a number of at least 0")
	case q.raw && q.jq == "":
		return usagef("--raw-output needs --jq")
	case q.jq != "" && (q.count || q.explain):
		return usagef("--jq works on events, --select and --count-by")
	}
	return nil
}

func (r *queryRun) checkFormat(d *destination) error {
	asked := r.flags.output.format != ""
	switch {
	case r.jq != nil && !asked:
		d.form = formatNDJSON
	case r.jq != nil && d.form != formatNDJSON && d.form != formatJSON || r.jq != nil && r.flags.raw && d.form == formatJSON:
		return usagef("--jq prints ndjson, or json without --raw-output; not %s", d.form)
	case (r.flags.count || r.flags.explain) && (d.form == formatCSV || d.form == formatMarkdown):
		return usagef("--count and --explain print text or json; not %s", d.form)
	}
	return nil
}

// recordsOnly tells whether nothing is printed of an event but its record.
func (r *queryRun) recordsOnly(d *destination) bool {
	records := d.form == formatNDJSON || d.form == formatJSON
	return r.flags.count || records && r.picked == nil && r.tally == nil && r.jq == nil
}

// print runs the query. found tells whether any event matched.
func (r *queryRun) print(engine *query.Engine, d *destination) (found bool, err error) {
	switch {
	case r.flags.explain:
		return r.explain(engine, d)
	case r.flags.count:
		return r.count(engine, d)
	}
	r.rows = newRowWriter(d, r.names())
	n := 0
	for e, err := range engine.Events(r.ctx, r.filter) {
		if err == nil {
			n++
			err = r.event(e)
		}
		if err != nil {
			r.rows.close() // what was found so far stands
			return n > 0, err
		}
		if r.rows.err != nil || n == r.flags.limit {
			break
		}
	}
	if r.tally != nil {
		for _, g := range r.tally.groups(r.flags.top) {
			r.group(&g)
		}
	}
	return n > 0, r.rows.close()
}

// names are the columns of the output.
func (r *queryRun) names() []string {
	var names []string
	switch {
	case r.tally != nil:
		for _, p := range r.tally.paths {
			names = append(names, p.String())
		}
		return append(names, countName)
	case r.picked != nil:
		for _, p := range r.picked {
			names = append(names, p.String())
		}
		return names
	}
	return eventColumnNames
}

// event prints or counts an event.
func (r *queryRun) event(e *query.Event) error {
	e = r.trouble.app.redacted(e)
	if r.tally != nil {
		return r.tally.add(e)
	}
	if r.jq != nil {
		json := e.Raw
		if r.picked != nil {
			json = objectOf(r.names(), r.values(e))
		}
		r.filtered(json, func(err error) { r.trouble.tell(e, err) })
		if r.jq.spent >= jqGiveUp {
			return fmt.Errorf("--jq: given up, %d events needed too much time or memory", r.jq.spent)
		}
		return nil
	}
	if r.picked != nil {
		r.rows.row(r.values(e))
		return nil
	}
	r.rows.event(e)
	return nil
}

// values are what --select picks of an event.
func (r *queryRun) values(e *query.Event) [][]byte {
	values := make([][]byte, len(r.picked))
	for i, p := range r.picked {
		values[i] = p.Value(e)
	}
	return values
}

// filtered prints what the jq filter makes of a value.
func (r *queryRun) filtered(json []byte, trouble func(error)) {
	err := r.jq.apply(r.ctx, json, func(out []byte) bool {
		r.rows.object(out)
		return r.rows.err == nil
	})
	if err != nil && r.ctx.Err() == nil {
		trouble(fmt.Errorf("--jq: %w", err))
	}
}

// group prints a group of --count-by.
func (r *queryRun) group(g *group) {
	if r.jq == nil {
		r.rows.row(g.row())
		return
	}
	json := objectOf(r.names(), g.row())
	r.filtered(json, func(err error) { r.trouble.note("count "+string(json), err) })
}

func (r *queryRun) count(engine *query.Engine, d *destination) (found bool, err error) {
	n := 0
	for _, err := range engine.Events(r.ctx, r.filter) {
		if err != nil {
			return n > 0, err
		}
		if n++; n == r.flags.limit {
			break
		}
	}
	d.form = formatNDJSON
	rows := newRowWriter(d, nil)
	rows.object(strconv.AppendInt(nil, int64(n), 10))
	return n > 0, rows.close()
}

func (r *queryRun) explain(engine *query.Engine, d *destination) (found bool, err error) {
	x, err := engine.Explain(r.ctx, r.filter, r.flags.limit)
	if err != nil {
		return false, err
	}
	rows := newRowWriter(d, nil)
	x = redactValue(r.trouble.app.redact, x)
	if r.flags.output.format == "" || d.form == formatText {
		d.form = formatText
		rows.width = []int{}
		for line := range strings.Lines(x.String()) {
			rows.write([]byte(safe(strings.TrimSuffix(line, "\n")) + "\n"))
		}
	} else {
		b, err := json.Marshal(x)
		if err != nil {
			return false, err
		}
		rows.object(appendSafeJSON(nil, b))
	}
	return x.Read.Matches > 0, rows.close()
}

// and joins an expression and what the user wrote, which may be empty.
func and(expr, text string) (string, error) {
	if text == "" {
		return expr, nil
	}
	if _, err := query.Compile(text); err != nil {
		return "", &usageError{err}
	}
	return expr + " && (" + text + ")", nil
}
