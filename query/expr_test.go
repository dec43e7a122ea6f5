package query

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const gitPush = `{"eventName":"GitPush","eventTime":"2026-01-02T03:04:05Z","errorCode":"AccessDenied",
	"userIdentity":{"arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","sessionContext":{"attributes":{"mfaAuthenticated":"false"}}},
	"requestParameters":{"bucketName":"prod-eu","maxKeys":1000,"ratio":0.5,"big":9007199254740993,"huge":12345678901234567890,"list":["a","b",3,null],"in":1,"none":null,
		"policyDocument":"{\"Statement\":[{\"Effect\":\"Deny\"}]}"},
	"resources":[{"ARN":"arn:aws:s3:::x","type":"AWS::S3::Object"},{"ARN":"arn:aws:s3:::y"}],
	"readOnly":false,"managementEvent":true,"detail-type":"odd"}`

func matchText(t *testing.T, src, record string) bool {
	t.Helper()
	e, err := Compile(src)
	if err != nil {
		t.Fatalf("Compile(%q): %v", src, err)
	}
	r, err := DecodeRecord([]byte(record))
	if err != nil {
		t.Fatal(err)
	}
	ok, err := e.Match(r)
	if err != nil {
		t.Fatalf("Match(%q): %v", src, err)
	}
	return ok
}

// Every test of this list is true of gitPush; the same in brackets behind a !
// must be false.
var trueTests = []string{
	`eventName == "GitPush" && errorCode != nil && requestParameters.bucketName startsWith "prod-"`,
	// A missing field is nil.
	`nil == nil`, `errorMessage == nil`, `nil == errorMessage`, `errorMessage != "x"`, `"x" != errorMessage`,
	`!errorMessage`, `!nil`, `not nil`, `len(errorMessage) == 0`, `len(nil) == 0`, `requestParameters.none == nil`,
	`errorMessage == responseElements`, `some == other.thing.at["all"][3].x`, `errorMessage?.foo?.bar == nil`,
	`!(errorMessage == "x")`, `!(errorMessage < "x")`, `!(errorMessage >= "")`, `!(nil <= nil)`, `!(nil > 1)`,
	`!(errorMessage contains "")`, `!(errorMessage startsWith "")`, `!(errorMessage endsWith "")`,
	`!("x" contains errorMessage)`, `!("x" startsWith nil)`, `!(errorMessage matches ".*")`, `!("x" matches errorMessage)`,
	`!(errorMessage in ["a", nil])`, `!(nil in [nil])`, `errorMessage not in ["a"]`, `!("a" in errorMessage)`, `!("a" in nil)`,
	`errorMessage not contains "x"`, `!(responseElements && true)`, `responseElements || true`, `!(nil && nil)`,
	`!(errorMessage in errorMessage)`, `!lower(errorMessage)`, `lower(errorMessage) == nil`, `errorMessage + "x" == nil`,
	`-errorMessage == nil`, `errorMessage[1:2] == nil`, `(errorMessage ?? "none") == "none"`, `toJSON(nil) == nil`,
	`!any(errorMessage, # == 1)`, `all(errorMessage, # == 1)`, `none(errorMessage, true)`, `count(errorMessage) == 0`,
	`filter(nil, true) == []`, `first(nil) == nil`, `keys(nil) == nil`, `max(nil) == nil`,
	// Nothing of the wrong type is an error.
	`eventName.x.y == nil`, `eventName[0] == nil`, `requestParameters[0] == nil`, `requestParameters.list.x == nil`,
	`requestParameters.list[9] == nil`, `requestParameters.list[-9] == nil`, `requestParameters.list["0"] == nil`,
	`!(eventName == 1)`, `eventName != 1`, `!(eventName < 1)`, `!(1 < eventName)`, `!("1" == 1)`, `!(true == "true")`, `!(readOnly == "false")`,
	`!(requestParameters.maxKeys contains "1")`, `!(requestParameters.maxKeys matches "1")`, `!("a" in "abc")`, `!(1 in requestParameters)`,
	`eventName * 2 == nil`, `eventName + 1 == nil`, `5 % 0 == nil`,
	`len(requestParameters.maxKeys) == nil`, `split(1, ",") == nil`, `fromJSON("{") == nil`, `!any(eventName, true)`, `requestParameters.list[readOnly] == nil`,
	`eventName[readOnly:] == nil`, `join(requestParameters.list) == nil`,
	`!errorCode == false`,
	// Values.
	`requestParameters.maxKeys == 1000`, `requestParameters.maxKeys == 1e3`, `requestParameters.maxKeys > 999.5`, `1 < requestParameters.maxKeys <= 1000`,
	`requestParameters.big == 9007199254740993`, `requestParameters.big != 9007199254740992`, `requestParameters.big > 9007199254740992.0`,
	`requestParameters.huge > 9223372036854775807`, `requestParameters.ratio == 1/2`, `requestParameters["max" + "Keys"] == 1000`,
	`requestParameters.list == ["a", "b", 3, nil]`, `requestParameters.list[0] == "a"`, `requestParameters.list[-2] == 3`, `"b" in requestParameters.list`, `3.0 in requestParameters.list`,
	`requestParameters.list[1:2] == ["b"]`, `eventName[:3] == "Git"`, `eventName[-4:] == "Push"`, `"bucketName" in requestParameters`, `"nope" not in requestParameters`,
	`requestParameters.in == 1`, `requestParameters?.["in"] == 1`, `$env["detail-type"] == "odd"`, `get($env, "eventName") == "GitPush"`,
	`eventName in ["GitPull", "GitPush"]`, `eventName in ["GitPush", 1, nil]`, `requestParameters.maxKeys in [1, 1000]`, `requestParameters.maxKeys in 999..1001`,
	`eventName matches "^Git(Push|Pull)$"`, "eventName matches `^Git\\w+$`", `eventName matches "^" + "Git"`, `eventName matches requestParameters.bucketName[:0] + "Push"`, `!(eventName matches eventName + "(")`,
	`eventName contains "tPu"`, `eventName endsWith "Push"`, `!(eventName startsWith "git")`, `lower(eventName) startsWith "git"`,
	`managementEvent`, `!readOnly`, `not readOnly`, `readOnly == false`, `managementEvent and not readOnly`, `readOnly or managementEvent`,
	`any(resources, .ARN endsWith ":x")`, `any(resources, #.ARN endsWith ":y")`, `all(resources, .ARN startsWith "arn:")`, `one(resources, .type != nil)`, `none(resources, .nope)`,
	`count(resources, .type == "AWS::S3::Object") == 1`, `len(filter(resources, .ARN contains "s3")) == 2`, `map(resources, .ARN) == ["arn:aws:s3:::x", "arn:aws:s3:::y"]`,
	`find(resources, .type == nil).ARN endsWith "y"`, `findIndex(resources, .type == nil) == 1`, `findLast(resources, true).ARN endsWith "y"`, `findIndex(resources, false) == nil`, `any(resources, #index == 1)`,
	`any(resources, any(map(resources, .ARN), # endsWith "x") && .ARN endsWith "y")`, `resources | any(.ARN endsWith "x")`,
	`let p = requestParameters; p.maxKeys == 1000 && p.bucketName == "prod-eu"`, `let a = 1; let b = a + 1; b == 2`, `any(resources, let a = .ARN; a endsWith "y")`,
	`readOnly ? false : true`, `if readOnly { false } else { true }`, `(errorMessage ?? errorCode) == "AccessDenied"`,
	`any(fromJSON(requestParameters.policyDocument).Statement, .Effect == "Deny")`, `toJSON(requestParameters) contains "prod-eu"`, `string(requestParameters.maxKeys) == "1000"`, `int("12") == 12`, `float("1.5") == 1.5`,
	`split("a,b", ",") == ["a", "b"]`, `join(["a", "b"], "-") == "a-b"`, `trim("  x ") == "x"`, `trim("xax", "x") == "a"`, `upper("x") == "X"`, `trimPrefix("ab", "a") == "b"`, `indexOf("abc", "c") == 2`, `hasSuffix("abc", "c")`,
	`max(1, 3, 2) == 3`, `min([2, 1]) == 1`, `sum([1, 2, "x"]) == 3`, `abs(-3) == 3`, `round(1.5) == 2`, `ceil(1.2) == 2`, `floor(-1.2) == -2`, `abs(3) == 3`, `2 ** 10 == 1024`, `7 % 4 == 3`, `1 + 2 * 3 == 7`, `-2 < 0`,
	`9223372036854775807 + 1 > 9223372036854775807`, `type(eventName) == "string"`, `type(requestParameters.huge) == "float"`, `type(nil) == "nil"`, `type(resources) == "array"`, `type($env) == "map"`, `type(1) == "int"`, `type(true) == "bool"`,
	`keys(resources[0]) == ["ARN", "type"]`, `values(resources[1])[0] endsWith "y"`, `last(resources).ARN endsWith "y"`, `len("é") == 1`, `len(resources) == 2`, `len(userIdentity) == 3`,
	`eventTime >= "2026-01-02" && eventTime < "2026-01-03"`, `userIdentity["arn"] == userIdentity.arn`, `userIdentity.sessionContext.attributes.mfaAuthenticated == "false"`,
	"true // a comment", "true /* and ( [ { */", "eventName == 'GitPush'", "eventName\n==\n`GitPush`", `[1, [2]] == [1.0, [2.0]]`, `resources[0] != resources[1]`, `userIdentity == userIdentity`,
}

func TestExprTrue(t *testing.T) {
	for _, src := range trueTests {
		if !matchText(t, src, gitPush) {
			t.Errorf("%s: false, want true", src)
		}
		if strings.Contains(src, "let ") || strings.Contains(src, "//") {
			continue
		}
		if matchText(t, "!("+src+")", gitPush) {
			t.Errorf("!(%s): true, want false", src)
		}
	}
}

// What is neither true nor false counts as false.
func TestExprNotBool(t *testing.T) {
	for _, src := range []string{
		`nil`, `responseElements`, `requestParameters.bucketName`, `requestParameters.maxKeys`, `resources`, `first(resources)`, `requestParameters.list[9]`,
	} {
		if matchText(t, src, gitPush) {
			t.Errorf("%s: true, want false", src)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for src, want := range map[string]string{
		``:                                `expression: is empty; write a test such as eventName == "GitPush"`,
		`  `:                              `expression: is empty; write a test such as eventName == "GitPush"`,
		`eventname == "x"`:                `expression, column 1: unknown field eventname, did you mean eventName?`,
		`true && event_name == "x"`:       `expression, column 9: unknown field event_name, did you mean eventName?`,
		"true &&\n  SourceIpAddress == 1": `expression, line 2 column 3: unknown field SourceIpAddress, did you mean sourceIPAddress?`,
		`readOnly == True`:                `expression, column 13: unknown field True, did you mean true?`,
		`eventName = "x"`:                 `expression, column 11: cannot read "=" here; did you mean ==?`,
		`eventName startswith "x"`:        `expression, column 11: cannot read "startswith" here; did you mean startsWith?`,
		`eventName == "x" AND true`:       `expression, column 18: cannot read "AND" here; did you mean and?`,
		`eventName == "x`:                 `expression, column 16: a string is not closed; end it with the quote it begins with`,
		`eventName ==`:                    `expression, column 12: the expression ends too early; complete it or close what is open`,
		`(eventName == "x"`:               `expression, column 17: the expression ends too early; complete it or close what is open`,
		`eventName == "x")`:               `expression, column 17: cannot read ")" here; join tests with && or ||, and put text in quotes`,
		`eventName matches "("`:           "expression, column 19: matches needs an RE2 pattern: missing closing ): `(`",
		`eventName matches "(?=x)"`:       "expression, column 19: matches needs an RE2 pattern: invalid or unsupported Perl syntax: `(?=`",
		`eventName matches 1`:             `expression, column 19: matches needs a regular expression in quotes`,
		`eventName matches nil`:           `expression, column 19: matches needs a regular expression in quotes`,
		`now() > 1`:                       `expression, column 1: now is not available; compare eventTime as text, as in eventTime >= "2026-01-02", or use --from and --to`,
		`Lower(eventName) == "x"`:         `expression, column 1: unknown function Lower, did you mean lower?`,
		`len() == 1`:                      `expression, column 1: len takes one value`,
		`eventName.lower() == "x"`:        `expression, column 11: a field cannot be called; functions stand alone, as in lower(eventName)`,
		`eventName`:                       `expression, column 1: is text, not true or false; compare it, as in eventName != nil`,
		`"x"`:                             `expression, column 1: is text, not true or false; compare it, as in eventName == "GitPush"`,
		`1 + 2`:                           `expression, column 3: is a number, not true or false; compare it, as in eventName == "GitPush"`,
		`true && errorCode`:               `expression, column 9: is text, not true or false; compare it, as in errorCode != nil`,
		`!"x"`:                            `expression, column 2: is text, not true or false; compare it, as in eventName == "GitPush"`,
		`[true]`:                          `expression, column 1: is a list, not true or false; compare it, as in eventName == "GitPush"`,
		`{"a": 1} == nil`:                 `expression, column 1: an object cannot be written here; compare its members one by one`,
		`true; false`:                     `expression, column 1: only one test is possible; join tests with && or || instead of ;`,
		`any(resources)`:                  `expression, column 14: expected at least 2 arguments`,
		`# == 1`:                          `expression, column 1: cannot read "#" here; join tests with && or ||, and put text in quotes`,
		`any(resources, #acc == 1)`:       `expression, column 16: #acc does not exist; # is the element and #index its position`,
		`repeat("x", 1000000) == "x"`:     `expression, column 1: unknown function repeat;`,
		`eventName == b"x"`:               `expression, column 14: bytes cannot be compared with a record; write the string without b`,
	} {
		_, err := Compile(src)
		if err == nil {
			t.Errorf("Compile(%q): no error, want %s", src, want)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, want) || strings.ContainsAny(got, "\n\r\x1b") {
			t.Errorf("Compile(%q):\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestExprLimits(t *testing.T) {
	nested := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for name, src := range map[string]string{
		"brackets": nested("(", "true", ")", 251), "lists": nested("[", "1", "]", 251) + " == 1",
		"not": nested("!", "true", "", 60000), "words": nested("not ", "true", "", 16000), "minus": nested("-", "1", "", 60000) + "==1",
		"mixed": nested("!-+", "1", "", 100), "power": nested("2**", "2", "", 251) + "==1", "ternary": nested("true?1:", "true", "", 251),
		"let": nested("let a=1;", "true", "", 251), "if": nested("if true {true} else ", "if true {true} else {true}", "", 251),
		"both": nested("!(", "true", ")", 60000/3), "open": strings.Repeat("(", 60000), "length": `eventName == "` + strings.Repeat("x", 64<<10) + `"`,
		"predicates": nested("any(resources,", "true", ")", 251), "members": nested("a[", "1", "]", 251) + "==1",
	} {
		if e, err := Compile(src); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Compile = %v, %v; want an error of one line", name, e, err)
		}
	}
	for name, src := range map[string]string{
		"brackets": nested("(", "true", ")", 250), "or": "false" + strings.Repeat(" || eventName == 'x'", 3000) + "|| true",
		"and": strings.Repeat("true && ", 8000) + "true", "sum": strings.Repeat("1+", 30000) + "1 == 30001", "in": `eventName in [` + strings.Repeat("'a',", 16000) + `'GitPush']`,
		"members": `nothing` + strings.Repeat(".a", 30000) + " == nil", "string": `"((((` + strings.Repeat("(", 1000) + `" != nil`,
		"comparisons": nested("(1 < (", "2 < 3", ") < 1) == true", 60) + "|| true",
	} {
		if !matchText(t, src, gitPush) {
			t.Errorf("%s: false, want true", name)
		}
	}
}

// Work is bounded whatever the expression and the record.
func TestExprWorkIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"list":[0`)
	for i := 1; i < 3000; i++ {
		b.WriteString("," + strconv.Itoa(i))
	}
	b.WriteString(`],"text":"` + strings.Repeat("a", 1<<20) + `"}`)
	record, err := DecodeRecord([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		`len(1..1000000000) == 1`, `1 in -9223372036854775807..9223372036854775807`, `all(list, all(list, all(list, true)))`, `all(list, text not matches "^b(a*)*$")`,
		`let a = text + text;` + strings.Repeat(`let a = a + a;`, 100) + `a == "x"`, `any(list, toJSON($env) == "x")`, `map(list, map(list, map(list, list))) == nil`,
		strings.Repeat("1 < (", 120) + "2" + strings.Repeat(" < 9) < 10", 120), `any(list, len(split(text, "")) == 1)`, `any(list, any(list, text[:] == "x"))`, `any(list, "x" matches text[:1000])`, `all(list, list == list)`,
	} {
		e, err := Compile(src)
		if err != nil {
			t.Errorf("Compile(%.60q): %v", src, err)
			continue
		}
		start := time.Now()
		ok, err := e.Match(record)
		if ok || err == nil && !strings.HasPrefix(src, "1 < (") {
			t.Errorf("Match(%.60q) = %v, %v; want an error", src, ok, err)
		}
		t.Logf("%6d ms: %.60s", time.Since(start).Milliseconds(), src)
	}
}

func TestExprConcurrent(t *testing.T) {
	e, err := Compile(`let n = eventName; any(resources, .ARN endsWith "y" && n == "GitPush") && lower(n) == "gitpush"`)
	if err != nil {
		t.Fatal(err)
	}
	record, err := DecodeRecord([]byte(gitPush))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if ok, err := e.Match(record); !ok || err != nil {
					t.Errorf("Match = %v, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkExprMatch(b *testing.B) {
	e, err := Compile(`eventName == "GitPush" && errorCode != nil && requestParameters.bucketName startsWith "prod-"`)
	if err != nil {
		b.Fatal(err)
	}
	record, err := DecodeRecord([]byte(gitPush))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := e.Match(record); !ok {
			b.Fatal("no match")
		}
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	b.SetBytes(int64(len(gitPush)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeRecord([]byte(gitPush)); err != nil {
			b.Fatal(err)
		}
	}
}
