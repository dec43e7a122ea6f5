package correlate

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trailblame/trailblame/index"
	"github.com/trailblame/trailblame/query"
)

// memTrail answers queries from records in memory, by looking at each.
type memTrail struct {
	events []memEvent
	reads  atomic.Int64 // events handed out
}

type memEvent struct {
	q      *query.Event
	fields [index.NumFields][]string
}

func (m *memTrail) Events(ctx context.Context, f query.Filter) iter.Seq2[*query.Event, error] {
	return func(yield func(*query.Event, error) bool) {
		for i := range m.events {
			e := &m.events[i]
			if !e.matches(f) {
				continue
			}
			m.reads.Add(1)
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(e.q, nil) {
				return
			}
		}
	}
}

func (e *memEvent) matches(f query.Filter) bool {
	if !e.within(f.From, f.To) || !e.hasAll(f.Where) {
		return false
	}
	if len(f.Any) > 0 && !slices.ContainsFunc(f.Any, func(s query.Set) bool { return e.within(s.From, s.To) && e.hasAll(s.Where) }) {
		return false
	}
	if f.Expr == nil {
		return true
	}
	rec, err := query.DecodeRecord(e.q.Raw)
	if err != nil {
		return false
	}
	ok, err := f.Expr.Match(rec)
	return ok && err == nil
}

func (e *memEvent) within(from, to time.Time) bool {
	if t := e.q.Time; !t.IsZero() {
		return !t.Before(from) && (to.IsZero() || t.Before(to))
	}
	return from.IsZero() && to.IsZero()
}

func (e *memEvent) hasAll(terms []query.Term) bool {
	for _, t := range terms {
		if !slices.ContainsFunc(t.Fields, func(fd index.Field) bool {
			return slices.ContainsFunc(e.fields[fd], func(v string) bool {
				return slices.ContainsFunc(t.Values, func(g string) bool { return glob(g, v) })
			})
		}) {
			return false
		}
	}
	return true
}

// newTrail indexes records given as JSON.
func newTrail(t testing.TB, records ...[]byte) *memTrail {
	t.Helper()
	m := &memTrail{}
	for i, r := range records {
		m.add(t, r, "mem", i)
	}
	m.sort()
	return m
}

func (m *memTrail) sort() {
	slices.SortStableFunc(m.events, func(a, b memEvent) int {
		return cmp.Or(a.q.Time.Compare(b.q.Time), cmp.Compare(a.q.ID, b.q.ID), cmp.Compare(a.q.Account, b.q.Account), bytes.Compare(a.q.Raw, b.q.Raw))
	})
}

func (m *memTrail) add(t testing.TB, raw []byte, object string, i int) {
	t.Helper()
	var flat bytes.Buffer
	if err := json.Compact(&flat, raw); err != nil {
		t.Fatal(err)
	}
	q := &query.Event{Raw: flat.Bytes(), Object: object, Index: i}
	e, err := ParseEvent(q)
	if err != nil {
		t.Fatal(err)
	}
	q.Time, q.ID, q.Account = e.Time, e.ID, Str(e.Record, "recipientAccountId")
	m.events = append(m.events, memEvent{q: q, fields: fieldsOf(e)})
}

func fieldsOf(e *Event) (f [index.NumFields][]string) {
	put := func(k index.Field, vs ...string) {
		for _, v := range vs {
			if v != "" {
				f[k] = append(f[k], v)
			}
		}
	}
	put(index.EventName, e.Name)
	put(index.EventSource, e.EventSource)
	put(index.ErrorCode, e.ErrorCode)
	put(index.Account, Str(e.Record, "recipientAccountId"), e.Identity.AccountID)
	put(index.Region, e.Region)
	put(index.Principal, e.Identity.ARN, e.Identity.PrincipalID, e.Identity.InvokedBy)
	put(index.Issuer, e.Identity.IssuerARN)
	put(index.UserName, e.Identity.UserName, e.Identity.IssuerUserName)
	put(index.AccessKey, e.Identity.AccessKeyID)
	put(index.IssuedKey, Str(e.Response, "credentials", "accessKeyId"), Str(e.Response, "accessKey", "accessKeyId"))
	put(index.SharedEvent, e.SharedEventID)
	for _, r := range e.Resources {
		put(index.Resource, r.ARN)
	}
	for _, v := range Map(e.Params, "encryptionContext") {
		put(index.Resource, text(v))
	}
	if b := Str(e.Params, "bucketName"); b != "" {
		put(index.Resource, b, "arn:aws:s3:::"+b)
	}
	switch {
	case e.Native:
		put(index.Outcome, index.OutcomeNative)
	case e.ErrorCode == "" && e.ErrorMessage == "":
		put(index.Outcome, index.OutcomeSuccess)
	default:
		put(index.Outcome, index.OutcomeError)
		low := strings.ToLower(e.ErrorCode + e.ErrorMessage)
		if strings.Contains(low, "denied") || strings.Contains(low, "authori") || strings.Contains(low, "forbidden") {
			put(index.Outcome, index.OutcomeDenied)
		}
	}
	return f
}

// loadTrail reads every delivery below dir, whatever its envelope.
func loadTrail(t testing.TB, dir string) *memTrail {
	t.Helper()
	m := &memTrail{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), "json") {
			return err
		}
		data, err := readMaybeGzip(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		for i, r := range deliveredIn(data) {
			m.add(t, r, rel, i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.events) == 0 {
		t.Fatalf("no records below %s", dir)
	}
	m.sort()
	return m
}

func readMaybeGzip(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// deliveredIn finds the records of a delivery: {"Records":[…]}, an array, lines,
// or whatever objects can be made out of a damaged file.
func deliveredIn(data []byte) []json.RawMessage {
	var box struct{ Records []json.RawMessage }
	if json.Unmarshal(data, &box) == nil && box.Records != nil {
		return box.Records
	}
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil {
		return list
	}
	var out []json.RawMessage
	for len(data) > 0 {
		i := bytes.IndexByte(data, '{')
		if i < 0 {
			break
		}
		data = data[i:]
		dec := json.NewDecoder(bytes.NewReader(data))
		var r json.RawMessage
		if dec.Decode(&r) != nil {
			data = data[1:]
			continue
		}
		data = data[dec.InputOffset():]
		var wrapped struct {
			AWS struct{ Cloudtrail json.RawMessage }
		}
		if json.Unmarshal(r, &wrapped) == nil && wrapped.AWS.Cloudtrail != nil {
			r = wrapped.AWS.Cloudtrail
		}
		out = append(out, r)
	}
	return out
}

// shared returns a folder of real records, or skips loudly.
func shared(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv("TRAILBLAME_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(root, "trails", folder)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: real records are not there (%v); set TRAILBLAME_SHARED", err)
	}
	return dir
}

// findAll runs a correlation to its end.
func findAll(t testing.TB, trail Trail, opts Options) []*Finding {
	t.Helper()
	var out []*Finding
	for f, err := range Run(context.Background(), trail, opts) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}
