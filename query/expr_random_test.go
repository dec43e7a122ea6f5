package query

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trailblame/trailblame/index"
)

// The reference evaluator below works on what encoding/json makes of a record,
// with numbers as text, and on its own expressions. It shares nothing with the
// code under test but the rules.

// formula is a random expression: its text and what it means.
type formula struct {
	text string
	eval func(record any) any
}

var randomPaths = []string{
	"eventName", "eventSource", "errorCode", "awsRegion", "recipientAccountId", "sourceIPAddress", "sharedEventID", "eventID", "requestID",
	"userIdentity.arn", "userIdentity.principalId", "userIdentity.invokedBy", "userIdentity.accountId", "userIdentity.userName", "userIdentity.accessKeyId",
	"userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.sessionContext.sessionIssuer.userName", "userIdentity", "requestParameters.n", "readOnly", "nothing.at.all", "addendum.reason",
}

var randomTexts = []string{"", "a", "ab", "abc", "a*", "*", "b", "é", "\uFFFD", "1", "true", "arn:aws:iam::1:role/x", strings.Repeat("x", 2048), strings.Repeat("x", 2049)}

var randomNumbers = []string{"0", "1", "-1", "1.5", "1.0", "1e2", "9007199254740993", "9007199254740992", "9223372036854775807", "12345678901234567890", "1e400"}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// walk reads a path, by the rule that members of nil are nil.
func walk(v any, path string) any {
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// spellPath writes a path in one of the ways that the language has.
func spellPath(r *rand.Rand, path string) string {
	names := strings.Split(path, ".")
	text := names[0]
	if r.IntN(10) == 0 {
		text = fmt.Sprintf("$env[%q]", text)
	}
	for _, n := range names[1:] {
		text += pick(r, []string{"." + n, "." + n, "?." + n, fmt.Sprintf("[%q]", n), fmt.Sprintf("?.[%q]", n)})
	}
	return text
}

func randomValue(r *rand.Rand) formula {
	constant := func(text string, v any) formula { return formula{text, func(any) any { return v }} }
	switch r.IntN(10) {
	case 0:
		return constant("nil", nil)
	case 1:
		return constant("true", true)
	case 2, 3, 4:
		s := pick(r, randomTexts)
		return constant(strconv.Quote(s), s)
	case 5:
		n := pick(r, randomNumbers[:9])
		return constant("("+n+")", json.Number(n))
	}
	path := pick(r, randomPaths)
	return formula{spellPath(r, path), func(record any) any { return walk(record, path) }}
}

func randomFormula(r *rand.Rand, depth int) formula {
	if depth == 0 || r.IntN(4) == 0 {
		return randomTest(r)
	}
	a, b := randomFormula(r, depth-1), randomFormula(r, depth-1)
	switch r.IntN(5) {
	case 0, 1:
		return formula{"(" + a.text + pick(r, []string{" && ", " and "}) + b.text + ")", func(v any) any { return a.eval(v) == true && b.eval(v) == true }}
	case 2, 3:
		return formula{"(" + a.text + pick(r, []string{" || ", " or "}) + b.text + ")", func(v any) any { return a.eval(v) == true || b.eval(v) == true }}
	}
	return formula{pick(r, []string{"!", "not "}) + "(" + a.text + ")", func(v any) any { return a.eval(v) != true }}
}

// indexedTest is a test that a plan can use, and that is often true.
func indexedTest(r *rand.Rand) formula {
	path, want := pick(r, randomPaths[:17]), pick(r, randomTexts[1:4])
	field, text := spellPath(r, path), strconv.Quote(want)
	prefix := func(v any) any { return compareAs("startsWith", walk(v, path), want) }
	equal := func(v any) any { return walk(v, path) == want }
	switch r.IntN(4) {
	case 0:
		return formula{"(" + field + " startsWith " + text + ")", prefix}
	case 1:
		return formula{"(" + text + " == " + field + ")", equal}
	case 2:
		return formula{"(" + field + ` in ["none", ` + text + "])", equal}
	}
	return formula{"(" + field + " == " + text + ")", equal}
}

func randomTest(r *rand.Rand) formula {
	if r.IntN(2) == 0 {
		return indexedTest(r)
	}
	a, b := randomValue(r), randomValue(r)
	op := pick(r, []string{"==", "==", "==", "!=", "<", "<=", ">", ">=", "startsWith", "startsWith", "endsWith", "contains", "in", "in", "not in", "len", "!"})
	switch op {
	case "len":
		return formula{"len(" + a.text + ") == 0", func(v any) any { return length(a.eval(v)) == 0 }}
	case "!":
		path := pick(r, randomPaths)
		return formula{"!" + path, func(v any) any { x := walk(v, path); return x == nil || x == false }}
	case "in", "not in":
		list := make([]formula, r.IntN(4))
		texts := make([]string, len(list))
		for i := range list {
			list[i] = randomValue(r)
			texts[i] = list[i].text
		}
		return formula{"(" + a.text + " " + op + " [" + strings.Join(texts, ", ") + "])", func(v any) any {
			x := a.eval(v)
			found := x != nil && slices.ContainsFunc(list, func(e formula) bool { return same(x, e.eval(v)) })
			return found == (op == "in")
		}}
	}
	return formula{"(" + a.text + " " + op + " " + b.text + ")", func(v any) any { return compareAs(op, a.eval(v), b.eval(v)) }}
}

func length(v any) int {
	switch v := v.(type) {
	case nil:
		return 0
	case string:
		return len([]rune(v))
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return -1
}

func same(a, b any) bool {
	if x, ok := a.(json.Number); ok {
		y, ok := b.(json.Number)
		return ok && compareNumbers(x, y) == 0
	}
	if _, ok := b.(json.Number); ok {
		return false
	}
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

func compareAs(op string, a, b any) bool {
	switch op {
	case "==":
		return same(a, b)
	case "!=":
		return !same(a, b)
	}
	var c int
	x, ok1 := a.(string)
	y, ok2 := b.(string)
	if !ok1 || !ok2 {
		m, ok1 := a.(json.Number)
		n, ok2 := b.(json.Number)
		if !ok1 || !ok2 || !strings.ContainsAny(op, "<>") {
			return false
		}
		c = compareNumbers(m, n)
	} else {
		c = strings.Compare(x, y)
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "startsWith":
		return strings.HasPrefix(x, y)
	case "endsWith":
		return strings.HasSuffix(x, y)
	}
	return strings.Contains(x, y)
}

// compareNumbers compares by the rule: exactly when both are int64, else as
// float64 values. The numbers of the list are chosen so that exact comparison of
// an int64 with a float64 gives the same.
func compareNumbers(a, b json.Number) int {
	x, err1 := a.Int64()
	y, err2 := b.Int64()
	if err1 == nil && err2 == nil {
		return compareInts(x, y)
	}
	f, _ := a.Float64()
	g, _ := b.Float64()
	c, _ := compareFloats(f, g)
	return c
}

func randomJSON(r *rand.Rand) string {
	switch r.IntN(10) {
	case 0:
		return "null"
	case 1:
		return pick(r, []string{"true", "false"})
	case 2:
		return pick(r, randomNumbers)
	case 3:
		return pick(r, []string{`{}`, `{"arn":"a"}`, `[]`, `["a"]`, `"\ud800"`, "\"\xff\"", `"\u0061b"`, `"a\"b"`})
	}
	texts := randomTexts[1:4]
	if r.IntN(3) == 0 {
		texts = randomTexts
	}
	text, _ := json.Marshal(pick(r, texts))
	return string(text)
}

// randomRecord writes a record with some of the paths, now and then a key twice
// or a value of an odd type.
func randomRecord(r *rand.Rand) string {
	var top, user, session, issuer []string
	for _, path := range randomPaths {
		for n := r.IntN(8); n > 1; n -= 5 {
			names := strings.Split(path, ".")
			member := strconv.Quote(names[len(names)-1]) + ":" + randomJSON(r)
			switch len(names) {
			case 1:
				top = append(top, member)
			case 2:
				user = append(user, member)
			case 4:
				issuer = append(issuer, member)
			}
		}
	}
	if r.IntN(3) > 0 {
		session = append(session, `"sessionIssuer":{`+strings.Join(issuer, ",")+`}`)
		user = append(user, `"sessionContext":{`+strings.Join(session, ",")+`}`)
	}
	if r.IntN(4) > 0 {
		top = append(top, `"userIdentity":{`+strings.Join(user, ", ")+`}`)
	}
	top = append(top, `"requestParameters":{"n":`+randomJSON(r)+`}`)
	r.Shuffle(len(top), func(i, k int) { top[i], top[k] = top[k], top[i] })
	return "{" + strings.Join(top, ", ") + "}"
}

func referenceRecord(t testing.TB, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// planHolds evaluates a plan from the terms that the index would hold for the
// record. A prefix also finds the values that are too long to be indexed, which
// is the one place where this test is more generous than the index.
func planHolds(t testing.TB, p Plan, text string, record any) bool {
	switch p.Op {
	case PlanAll:
		return true
	case PlanAnd:
		return !slices.ContainsFunc(p.Args, func(a Plan) bool { return !planHolds(t, a, text, record) })
	case PlanOr:
		return slices.ContainsFunc(p.Args, func(a Plan) bool { return planHolds(t, a, text, record) })
	case PlanEventID:
		id, _ := walk(record, "eventID").(string)
		return slices.Contains(p.IDs, id)
	case PlanRequestID:
		id, _ := walk(record, "requestID").(string)
		return slices.Contains(p.IDs, id)
	}
	for path, field := range indexedPaths {
		long, _ := walk(record, path).(string)
		if field == p.Term.Fields[0] && len(long) > maxTermValue && slices.ContainsFunc(p.Term.Values, func(v string) bool { return index.MatchGlob(v, long) }) {
			return true
		}
	}
	var terms index.TermReader
	ok, err := matchTerms(&terms, []byte(text), false, []Term{p.Term})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// TestExprRandom compares Match with the reference, and checks that whatever
// matches satisfies the plan.
func TestExprRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matches, planned := 0, 0
	for range 20000 {
		f, text := randomFormula(r, r.IntN(4)), randomRecord(r)
		checkFormula(t, f, text, &matches, &planned)
		if t.Failed() {
			return
		}
	}
	if matches < 3000 || planned < 500 {
		t.Errorf("%d matches, %d of them with a plan: too few to prove anything", matches, planned)
	}
}

func checkFormula(t *testing.T, f formula, text string, matches, planned *int) {
	e, err := Compile(f.text)
	if err != nil {
		if !strings.Contains(err.Error(), "not true or false") {
			t.Errorf("Compile(%s): %v", f.text, err)
		}
		return
	}
	record, err := DecodeRecord([]byte(text))
	if err != nil {
		t.Fatalf("DecodeRecord(%s): %v", text, err)
	}
	reference := referenceRecord(t, text)
	got, err := e.Match(record)
	if want := f.eval(reference) == true; err != nil || got != want {
		t.Errorf("%s\non %s\n= %v, %v; want %v", f.text, text, got, err, want)
	}
	if !got {
		return
	}
	*matches++
	if e.Plan().Op != PlanAll {
		*planned++
	}
	if !planHolds(t, e.Plan(), text, reference) {
		t.Errorf("%s\nmatches %s\nbut not its plan %s", f.text, text, e.Plan())
	}
}

// FuzzExpr looks for panics, for hangs, for errors of several lines, and for
// matches that the plan misses.
func FuzzExpr(f *testing.F) {
	for _, src := range trueTests {
		f.Add(src, gitPush)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add(randomFormula(r, 2).text, randomRecord(r))
	}
	f.Fuzz(func(t *testing.T, src, text string) {
		e, err := Compile(src)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") || !utf8.ValidString(err.Error()) && utf8.ValidString(src) {
				t.Errorf("Compile(%q): %q", src, err)
			}
			return
		}
		record, err := DecodeRecord([]byte(text))
		if err != nil || strings.Contains(text, `\u`) {
			return
		}
		again, err1 := e.Match(record)
		ok, err2 := e.Match(record)
		if ok != again || (err1 == nil) != (err2 == nil) {
			t.Errorf("%q gives %v, then %v", src, again, ok)
		}
		if ok && len(text) < 2048 && !planHolds(t, e.Plan(), text, referenceRecord(t, text)) {
			t.Errorf("%q matches %q but not its plan %s", src, text, e.Plan())
		}
	})
}
