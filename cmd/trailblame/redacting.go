package main

import (
	"slices"

	"github.com/trailblame/trailblame/correlate"
	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// redacting returns an encoder that writes redacted findings, or enc itself when
// nothing is to be redacted.
func (a *app) redacting(enc findingEncoder) findingEncoder {
	if a.redact == nil {
		return enc
	}
	return &redactingEncoder{enc, a.redact}
}

type redactingEncoder struct {
	findingEncoder
	redact *redactor
}

func (e *redactingEncoder) encode(f *correlate.Finding) error {
	return e.findingEncoder.encode(redactValue(e.redact, f))
}

// redacted returns an event as it may be shown.
func (a *app) redacted(e *query.Event) *query.Event {
	r := a.redact
	if r == nil {
		return e
	}
	return &query.Event{Raw: r.json(e.Raw), Time: e.Time, ID: r.text(e.ID), Account: r.text(e.Account), Object: r.text(e.Object), Index: e.Index}
}

// redactedText returns a text as it may be shown.
func (a *app) redactedText(s string) string {
	if a.redact == nil {
		return s
	}
	return a.redact.text(s)
}

// startRedacting makes the accounts of an index known, so that their pseudonyms
// depend on the index alone, and says what had to wait for that.
func (a *app) startRedacting(ix *index.Index) error {
	if a.redact == nil {
		return nil
	}
	accounts, err := accountsOf(ix)
	if err != nil {
		return err
	}
	a.redact.know(accounts)
	a.release()
	return nil
}

// accountsOf lists the accounts that an index has events of, sorted.
func accountsOf(ix *index.Index) ([]string, error) {
	seen := map[string]bool{}
	for _, date := range ix.Partitions() {
		segments, err := ix.Segments(date)
		if err != nil {
			return nil, err
		}
		for _, s := range segments {
			err := s.Terms(index.Account, func(t index.TermCount) bool {
				seen[t.Term] = true
				return true
			})
			if err != nil {
				return nil, err
			}
		}
	}
	var list []string
	for account := range seen {
		list = append(list, account)
	}
	slices.Sort(list)
	return list, nil
}

// hold keeps a line for standard error back while pseudonyms would depend on
// what happens to be said first.
func (a *app) hold(line string) bool {
	a.heldMu.Lock()
	defer a.heldMu.Unlock()
	if a.redact == nil || a.released {
		return false
	}
	a.held = append(a.held, line)
	return true
}

// release says what was held back, in a fixed order.
func (a *app) release() {
	a.heldMu.Lock()
	lines := a.held
	a.held, a.released = nil, true
	a.heldMu.Unlock()
	slices.Sort(lines)
	for _, line := range lines {
		a.complain("%s", line)
	}
}
