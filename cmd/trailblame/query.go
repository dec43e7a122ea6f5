package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/query"
)

func (a *app) queryCommand() *cobra.Command {
	var (
		trail                  trailFlags
		filters                filterFlags
		sources                []string
		scan, count, failEmpty bool
		limit                  int
		eventID                string
	)
	cmd := &cobra.Command{
		Use:   "query [EXPR]",
		Short: "Print matching events as they were delivered, one a line",
		Long: `Print the events that match, byte for byte as they were delivered, in the order
of their time. EXPR is an expression over CloudTrail's own field names; a
missing field is nil.`,
		Example: `  trailblame query 'eventName == "GitPush" && errorCode != nil'
  trailblame query --principal '*juniordev' --from 24h | jq -r .eventName | sort | uniq -c
  trailblame query --source ./AWSLogs 'requestParameters.bucketName startsWith "prod-"'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if eventID != "" {
				var err error
				if text, err = and(query.EventIDExpr(eventID), text); err != nil {
					return err
				}
			}
			filter, err := filters.filter(text, time.Now())
			if err != nil {
				return err
			}
			trail.choice = choice{from: filter.From, to: filter.To}
			t, err := a.openTrail(cmd.Context(), &trail, sources)
			if err != nil {
				return err
			}
			defer t.close()
			engine := query.NewEngine(t.ix)
			if scan {
				engine = query.NewScanner(t.ix)
			}
			out := a.lines()
			n := 0
			for e, err := range engine.Events(cmd.Context(), filter) {
				if err != nil {
					out.flush()
					return err
				}
				n++
				if !count {
					out.line(e.Raw)
				}
				if out.err != nil || n == limit {
					break
				}
			}
			if count {
				out.line(strconv.AppendInt(nil, int64(n), 10))
			}
			if err := out.flush(); err != nil {
				return err
			}
			return t.finish(n > 0, failEmpty)
		},
	}
	flags := cmd.Flags()
	trail.register(flags)
	filters.register(flags)
	flags.StringArrayVar(&sources, "source", nil, "read this SOURCE instead of the index; repeatable")
	flags.StringVar(&eventID, "event-id", "", "only the event with this eventID: every version of it, and the records that correct it")
	flags.BoolVar(&scan, "scan", false, "look at every event instead of using the terms; the answer is the same")
	flags.BoolVar(&count, "count", false, "print only how many events match")
	flags.IntVar(&limit, "limit", 0, "stop after this many events")
	flags.BoolVar(&failEmpty, "fail-empty", false, "exit with status 1 when nothing matches")
	return cmd
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
