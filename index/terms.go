package index

import (
	"bytes"

	"github.com/trailblame/trailblame/ingest"
)

// maxTerm bounds a term: of a longer value its beginning is the term, so that a
// search for what it begins with finds it.
const maxTerm = 2048

// termsOf calls yield for each term of a row. It defines what the searchable
// fields hold; a query without the index asks the same function.
func (r *rows) termsOf(row int, yield func(f Field, term []byte)) {
	add := func(f Field, term []byte) {
		if len(term) > 0 {
			yield(f, clip(term))
		}
	}
	for _, m := range termColumns {
		add(m.field, r.text(m.column, row))
	}
	r.lists.eachName(row, func(name []byte) { add(Resource, name) })
	r.messageTerms(row, add)
	r.otherTerms(row, add)
}

// otherTerms calls add for the terms of the fields that neither columns nor
// resources feed.
func (r *rows) otherTerms(row int, add func(f Field, term []byte)) {
	r.lists.each(row, func(key []byte) { add(IssuedKey, key) })
	for _, o := range r.outcomes(row) {
		add(Outcome, []byte(o))
	}
	if v := r.text(ingest.Addendum, row); len(v) > 0 && v[0] == '{' {
		add(Outcome, []byte(OutcomeAddendum))
	}
}

// clip returns the term that stands for a value.
func clip(value []byte) []byte { return value[:min(len(value), maxTerm)] }

// TermReader finds the terms of a record without an index. It is the reference
// for what Segment.Find answers. It is not safe for concurrent use.
type TermReader struct {
	decoder ingest.Decoder
	rows    rows
}

// Terms calls yield for each term of the record; term is valid during the call.
func (t *TermReader) Terms(raw []byte, native bool, yield func(f Field, term []byte)) error {
	if err := t.read(raw, native); err != nil {
		return err
	}
	t.rows.termsOf(0, yield)
	return nil
}

// read makes the record the only row.
func (t *TermReader) read(raw []byte, native bool) error {
	rec, err := t.decoder.Decode(raw, native)
	if err != nil {
		return err
	}
	t.rows.reset()
	t.rows.beginObject("")
	t.rows.append(rec, 0)
	return nil
}

// termColumns lists which columns feed which fields.
var termColumns = [...]struct {
	field  Field
	column ingest.Column
}{
	{EventName, ingest.EventName},
	{EventSource, ingest.EventSource},
	{ErrorCode, ingest.ErrorCode},
	{Account, ingest.RecipientAccountID},
	{Account, ingest.UserAccountID},
	{Region, ingest.AWSRegion},
	{Principal, ingest.UserARN},
	{Principal, ingest.UserPrincipalID},
	{Principal, ingest.UserInvokedBy},
	{Issuer, ingest.IssuerARN},
	{UserName, ingest.UserName},
	{UserName, ingest.IssuerUserName},
	{AccessKey, ingest.UserAccessKeyID},
	{SourceIP, ingest.SourceIPAddress},
	{SharedEvent, ingest.SharedEventID},
}

// messageTerms calls add for the ARNs in the error message: the target of a
// denied call often stands nowhere else.
func (r *rows) messageTerms(row int, add func(Field, []byte)) {
	message := r.text(ingest.ErrorMessage, row)
	for {
		at := bytes.Index(message, []byte("arn:"))
		if at < 0 {
			return
		}
		message = message[at:]
		end := bytes.IndexAny(message, " \t\r\n\"'`,;()<>")
		if end < 0 {
			end = len(message)
		}
		add(Resource, bytes.TrimRight(message[:end], ".:"))
		message = message[end:]
	}
}

func (l *lists) start(ends []uint32, row int) uint32 {
	if row == 0 {
		return 0
	}
	return ends[row-1]
}

func (l *lists) eachName(row int, yield func([]byte)) {
	for i := l.start(l.nameEnds, row); i < l.nameEnds[row]; i++ {
		yield(l.names.bytes(int(i)))
	}
}

func (l *lists) each(row int, yield func([]byte)) {
	for i := l.start(l.issueEnds, row); i < l.issueEnds[row]; i++ {
		yield(l.issued.bytes(int(i)))
	}
}

func (r *rows) outcomes(row int) []string {
	code, message := r.text(ingest.ErrorCode, row), r.text(ingest.ErrorMessage, row)
	switch {
	case r.native[row]:
		return outcomeNative
	case len(code) == 0 && len(message) == 0:
		return outcomeSuccess
	case mayBeDenial(code) || mayBeDenial(message):
		return outcomeDenied
	}
	return outcomeError
}

var (
	outcomeNative  = []string{OutcomeNative}
	outcomeSuccess = []string{OutcomeSuccess}
	outcomeError   = []string{OutcomeError}
	outcomeDenied  = []string{OutcomeDenied, OutcomeError}
)

// mayBeDenial is generous: see OutcomeDenied.
func mayBeDenial(text []byte) bool {
	for _, sign := range denialSigns {
		if containsFold(text, sign) {
			return true
		}
	}
	return false
}

// denialSigns are parts of the codes and messages with which services refuse a
// call (IAM user guide, "Troubleshoot access denied error messages", and the
// error shapes of the service models).
var denialSigns = [...]string{
	"denied", "authoriz", "forbidden", "permi", "notsatisfied", "entitled", "optin", "subscriptionrequired",
	"kmsinvalidstate", "kmsdisabled", "disabledexception", "insufficient", "rolearn", "not allowed", "encryptionpolicy",
	"bucketpolicy", "topicpolicy", "invalidaccess", "access",
}

// containsFold tells whether text holds sign, which is lower-case ASCII, in any
// case.
func containsFold(text []byte, sign string) bool {
	for i := 0; i+len(sign) <= len(text); i++ {
		if text[i]|0x20 == sign[0] && hasPrefixFold(text[i:], sign) {
			return true
		}
	}
	return false
}

func hasPrefixFold(text []byte, sign string) bool {
	for i := range len(sign) {
		c := text[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != sign[i] {
			return false
		}
	}
	return true
}
