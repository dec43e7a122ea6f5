package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailblame/trailblame/correlate"
)

func (a *app) explainCommand() *cobra.Command {
	var flags correlateFlags
	cmd := &cobra.Command{
		Use:   "explain EVENTID|REQUESTID|TEXT [SOURCE...]",
		Short: "Tell everything about one denial: the request, each layer's answer, the cause",
		Long: `Explain one denial: the request as it was evaluated, what each layer of policies
answered before and after the change that is blamed, what happened around it,
the changes that were ruled out and why, and what to do next.

The denial is named by its eventID or requestID, or by the error text as a
client printed it. Of several events that a text may mean the latest is
explained, and the others are listed. Filters and times narrow down which event
is meant.`,
		Example: `  trailblame explain 19f71051-8ce7-4475-9f31-1106eb3c2cde
  trailblame explain 'User: arn:aws:iam::111122223333:user/sam is not authorized to perform: s3:GetObject …' ./AWSLogs
  trailblame explain --format json "$(pbpaste)" | jq '.layers[] | select(.atDenial.answer == "denies")'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.asked = invocationOf(cmd, args)
			return a.explain(cmd.Context(), &flags, args[0], args[1:])
		},
	}
	flags.registerReading(cmd.Flags())
	flags.registerBundle(cmd.Flags())
	flags.output.registerWith(cmd.Flags(), "text, ndjson or json (default: text on a terminal, else ndjson)")
	return cmd
}

func (a *app) explain(ctx context.Context, flags *correlateFlags, question string, sources []string) error {
	if strings.TrimSpace(question) == "" {
		return usagef("explain: want an eventID, a requestID or an error text")
	}
	opts, err := flags.options(time.Now())
	if err != nil {
		return err
	}
	out, err := a.openOutput(&flags.output)
	if err != nil {
		return err
	}
	defer out.abandon()
	explained := &explanationEncoder{out: out}
	out.encoder = explained
	switch out.form {
	case formatText, formatNDJSON, formatJSON:
	default:
		return usagef("explain: want --format text, ndjson or json, not %s", out.form)
	}
	bundle, err := a.openBundle(flags)
	if err != nil {
		return err
	}
	defer bundle.abandon()
	if flags.trail.choice, err = correlationChoice(&opts); err != nil {
		return err
	}
	t, err := a.openTrail(ctx, &flags.trail, sources)
	if err != nil {
		return err
	}
	defer t.close()
	found, err := newFindings(t.ix)
	if err != nil {
		return err
	}
	x, err := found.explain(ctx, question, opts)
	if err != nil {
		return err
	}
	explained.x = redactValue(a.redact, x)
	if err := errors.Join(out.commit(), bundle.explanation(x)); err != nil {
		return err
	}
	if err := bundle.commit(ctx, t, kept(&flags.trail, sources)); err != nil {
		return err
	}
	return t.finish(x.Event != nil, flags.failEmpty)
}

// explanationEncoder writes one explanation where an encoder of findings stands.
type explanationEncoder struct {
	out *output
	x   *correlate.Explanation
}

func (e *explanationEncoder) encode(*correlate.Finding) error { return nil }

func (e *explanationEncoder) close() error {
	var text []byte
	if e.out.form == formatText {
		p := &page{style: e.out.style}
		p.explanation(e.x)
		text = p.buf.Bytes()
	} else {
		line, err := safeLine(e.x)
		if err != nil {
			return err
		}
		text = append(line, '\n')
	}
	_, err := e.out.Write(text)
	return err
}

// explanation writes what a hurried reader needs first: what is meant, and the
// answer; then the request, the layers, what happened around it, and the
// finding in full.
func (p *page) explanation(x *correlate.Explanation) {
	if x.Event == nil {
		p.wrap("", 0, 2, span{sgrBold, capital(x.Note) + "."})
		p.understood(x)
		return
	}
	f := x.Finding
	if f != nil {
		p.headline(f)
	} else {
		p.wrap("", 0, 2, span{sgrBold, capital(x.Note) + "."})
	}
	p.meant(x)
	p.asking(x.Event)
	p.layers(x)
	p.timeline(x.Timeline)
	if f != nil {
		p.failure(&f.Failure)
		p.conclusion(f)
		p.coverage(f)
	}
	p.writeSources()
}

func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// meant says which event is explained, and why that one.
func (p *page) meant(x *correlate.Explanation) {
	p.heading("EVENT", p.cite(x.Event.EventID, x.Event.Object))
	how := map[string]string{
		"eventID": "found by its eventID", "requestID": "found by its requestID",
		"message": "it holds the very text that was asked about", "request": "principal, action and resource agree with the text; the message itself does not show that it is this one",
	}
	p.field("asked", plain(how[x.Matches[len(x.Matches)-1].By]))
	p.understood(x)
	if x.MatchCount > 1 {
		p.field("beware", span{sgrYellow, fmt.Sprintf("%d events match; the latest is explained.", x.MatchCount)}, plain("Others:"))
		shown := 0
		for i := len(x.Matches) - 2; i >= 0 && shown < maxNamed; i-- {
			p.more(plain(clock(x.Matches[i].EventTime)+" "+x.Matches[i].EventID), p.cite(x.Matches[i].EventID, x.Matches[i].Object))
			shown++
		}
		if more := x.MatchCount - 1 - shown; more > 0 {
			p.more(plain(fmt.Sprintf("and %d more", more)))
		}
	}
	if f := x.Finding; f != nil && f.Failure.First.EventID != x.Event.EventID {
		p.field("note", plain("it is one of "+count(f.Failure.Count, "refusal", "refusals")+" of the request; what follows explains why they began"))
	}
}

// understood repeats what a pasted text was read as, so that a wrong reading shows.
func (p *page) understood(x *correlate.Explanation) {
	u := x.Understood
	if u == nil {
		return
	}
	var parts []string
	for _, part := range [][2]string{
		{"caller", u.Principal}, {"action", u.Action}, {"operation", u.Operation}, {"resource", u.Resource}, {"error code", u.ErrorCode},
		{"request id", u.RequestID}, {"effect", u.Effect}, {"layer", u.Layer}, {"policy", u.PolicyARN},
	} {
		if part[1] != "" {
			parts = append(parts, part[0]+" "+part[1])
		}
	}
	if u.Encoded {
		parts = append(parts, "an encoded message, which aws sts decode-authorization-message reads")
	}
	if len(parts) == 0 {
		parts = []string{"nothing that an event can be found by"}
	}
	p.field("text says", plain(strings.Join(parts, "; ")))
}

// asking prints the request as it is evaluated.
func (p *page) asking(e *correlate.Asking) {
	p.heading("REQUEST")
	p.field("event", plain(e.EventName+" ("+e.EventSource+"), "+clock(e.EventTime)))
	p.field("outcome", plain(strings.Trim(e.Outcome+", "+e.ErrorCode, ", ")))
	p.field("principal", plain(e.Principal))
	if e.Caller != e.Principal {
		p.field("through", plain(e.Caller))
	}
	p.field("action", plain(e.Action))
	if len(e.Actions) > 1 {
		p.field("may need", plain(someOf(e.Actions[1:], maxNamed)))
	}
	p.field("resource", plain(e.Resource))
	p.field("refs", plain(strings.Join(e.Refs, ", ")))
	p.field("request id", plain(e.RequestID))
	var absent []string
	label := "keys"
	for _, k := range e.Keys {
		if k.Values == nil {
			absent = append(absent, k.Key)
			continue
		}
		if label != "" {
			p.field(label, plain(k.Key+" = "+strings.Join(k.Values, ", ")))
		} else {
			p.more(plain(k.Key + " = " + strings.Join(k.Values, ", ")))
		}
		label = ""
	}
	p.field("absent", dim(strings.Join(absent, ", ")))
}

// layers prints each layer's answer before and after.
func (p *page) layers(x *correlate.Explanation) {
	if len(x.Layers) == 0 {
		if x.Finding != nil {
			p.heading("LAYERS")
			p.wrap("  ", indent, indent, plain("The record does not show enough of the request to ask the policies about it."))
		}
		return
	}
	when := "before: when the request last passed; then: when it was first refused"
	if f := x.Finding; f != nil && blames(f) {
		when = "before: without " + f.Candidates[0].Change.EventName + "; then: when the request was first refused"
	} else if x.Layers[0].Before == nil {
		when = "when the request was first refused"
	}
	p.heading("LAYERS", dim(when))
	for _, l := range x.Layers {
		if l.At.Answer == "not-asked" && (l.Before == nil || l.Before.Answer == "not-asked") {
			continue
		}
		answer := l.At.Answer
		if l.Before != nil && *l.Before != l.At {
			answer = l.Before.Answer + " -> " + l.At.Answer
		}
		p.field(l.Layer, span{sgrBold, answer}, plain(because(l)))
	}
}

func because(l correlate.Layers) string {
	switch {
	case l.Before == nil || *l.Before == l.At || l.Before.Why == "":
		return paren(l.At.Why)
	case l.At.Why == "":
		return "(before: " + l.Before.Why + ")"
	}
	return "(before: " + l.Before.Why + "; then: " + l.At.Why + ")"
}

func paren(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

// timeline prints what matters in order of time.
func (p *page) timeline(list []correlate.Moment) {
	if len(list) == 0 {
		return
	}
	p.heading("TIMELINE")
	colour := map[string]string{"failure": sgrRed, "this": sgrAlert, "change": sgrYellow, "success": sgrGreen, "recovery": sgrGreen, "ruled-out": sgrDim}
	for _, m := range list {
		lead := "  " + clock(m.EventTime) + " "
		p.wrap(lead, len(lead), 6, span{colour[m.Kind], m.Kind + ":"}, plain(m.Text), p.cite(m.EventID, m.Object))
	}
}
