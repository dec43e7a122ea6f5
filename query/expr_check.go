package query

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// checkSource refuses what the parser must not see: too long, or nested too
// deeply. The lexer it uses does not recurse.
func checkSource(src string) error {
	if strings.TrimSpace(src) == "" {
		return errors.New(`expression: is empty; write a test such as eventName == "GitPush"`)
	}
	if len(src) > maxExprSource {
		return fmt.Errorf("expression: has %d bytes, the limit is %d; use several filters, or flags such as --principal", len(src), maxExprSource)
	}
	tokens, err := lexer.Lex(file.NewSource(src))
	if err != nil {
		return parseError(src, err)
	}
	var n nesting
	for _, t := range tokens {
		if n.add(t) > maxExprNesting {
			return exprError(src, t.From, "nested more than %d deep; write it with fewer brackets, prefixes and ternaries inside each other", maxExprNesting)
		}
	}
	return nil
}

// nesting bounds from the tokens alone how deeply the parser will recurse.
type nesting struct {
	brackets int // open ones
	prefixes int // in a row
	rights   int // so far: operators whose right side nests, with no end to see
}

func (n *nesting) add(t lexer.Token) int {
	prefix := false
	switch t.Value {
	case "(", "[", "{":
		if t.Kind == lexer.Bracket {
			n.brackets++
		}
	case ")", "]", "}":
		if t.Kind == lexer.Bracket {
			n.brackets--
		}
	case "!", "-", "+", "not":
		prefix = t.Kind == lexer.Operator
	case "**", "^", "?", "let", "if":
		if t.Kind == lexer.Operator {
			n.rights++
		}
	}
	if prefix {
		n.prefixes++
	} else {
		n.prefixes = 0
	}
	return max(n.brackets, 0) + n.prefixes + n.rights
}

// exprError returns an error about what stands at a position, counted in runes.
func exprError(src string, at int, format string, args ...any) error {
	line, column := 1, 1
	for _, r := range src {
		if at--; at < 0 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	place := fmt.Sprintf("column %d", column)
	if strings.Contains(src, "\n") {
		place = fmt.Sprintf("line %d column %d", line, column)
	}
	return fmt.Errorf("expression, %s: %s", place, fmt.Sprintf(format, args...))
}

// parseError turns an error of the parser into one line that helps.
func parseError(src string, err error) error {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return errors.New("expression: cannot be read")
	}
	return exprError(src, fe.From, "%s", advice(fe.Message, tokenAt(src, fe.Location)))
}

// tokenAt returns the text between two positions counted in runes.
func tokenAt(src string, loc file.Location) string {
	runes := []rune(src)
	from := min(max(loc.From, 0), len(runes))
	return string(runes[from:min(max(loc.To, from), len(runes))])
}

// advice says what to do about a parser's message.
func advice(message, token string) string {
	switch {
	case strings.Contains(message, "token EOF"), strings.Contains(message, "unexpected end"):
		return "the expression ends too early; complete it or close what is open"
	case strings.Contains(message, "not terminated"):
		return "a string is not closed; end it with the quote it begins with"
	case strings.Contains(message, "char escape"), strings.Contains(message, "unable to unescape"):
		return `a string has a bad escape; write \\ for a backslash, or quote the string with backticks`
	case strings.Contains(message, "maximum allowed nodes"):
		return fmt.Sprintf("the expression has more than %d parts; use several filters", maxExprNodes)
	case strings.HasPrefix(message, "Operator ("):
		return "?? cannot be mixed with other operators; put it and its operands in brackets"
	case !strings.HasPrefix(message, "unexpected token"), token == "":
		return strings.Join(strings.Fields(message), " ")
	}
	if hint := spellings[strings.ToLower(token)]; hint != "" && hint != token {
		return fmt.Sprintf("cannot read %q here; did you mean %s?", token, hint)
	}
	return fmt.Sprintf("cannot read %q here; join tests with && or ||, and put text in quotes", token)
}

// spellings maps what people write from habit to what expr wants.
var spellings = map[string]string{
	"=": "==", "&": "&&", "<>": "!=", "~": "matches", "=~": "matches", "|": "||",
	"and": "and", "or": "or", "in": "in", "not": "not", "is": "==", "like": "contains or matches",
	"startswith": "startsWith", "starts_with": "startsWith", "endswith": "endsWith", "ends_with": "endsWith",
	"contains": "contains", "matches": "matches", "regex": "matches",
}

// recordFields are the top-level names of a CloudTrail record (AWS CloudTrail
// user guide, "CloudTrail record contents"), with whether the value is always
// text.
var recordFields = map[string]bool{
	"addendum": false, "additionalEventData": false, "apiVersion": true, "awsRegion": true,
	"edgeDeviceDetails": false, "errorCode": true, "errorMessage": true, "eventCategory": true,
	"eventContext": false, "eventID": true, "eventName": true, "eventSource": true, "eventTime": true,
	"eventType": true, "eventVersion": true, "insightDetails": false, "managementEvent": false,
	"readOnly": false, "recipientAccountId": true, "requestID": true, "requestParameters": false,
	"resources": false, "responseElements": false, "serviceEventDetails": false,
	"sessionCredentialFromConsole": false, "sharedEventID": true, "sourceIPAddress": true,
	"tlsDetails": false, "userAgent": true, "userIdentity": false, "vpcEndpointAccountId": true,
	"vpcEndpointId": true,
}

// foldedFields finds a name of recordFields, or a literal, from a spelling in
// another case or in snake case.
var foldedFields = func() map[string]string {
	m := map[string]string{"true": "true", "false": "false", "nil": "nil"}
	for name := range recordFields {
		m[foldField(name)] = name
	}
	return m
}()

func foldField(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// misspelled returns the name that was probably meant, empty when name stands
// for itself.
func misspelled(name string) string {
	if meant := foldedFields[foldField(name)]; meant != name {
		return meant
	}
	return ""
}
