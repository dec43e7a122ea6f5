package policy

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// family is the type a condition operator compares.
type family uint8

const (
	familyString family = iota
	familyNumber
	familyDate
	familyBool
	familyBinary
	familyIP
	familyARN
	familyNull
)

// operand is one side of a comparison, read as the operator's type.
type operand struct {
	valid  bool
	text   string // strings, folded if the operator ignores case; binary; ARN
	truth  bool
	number *big.Rat
	time   time.Time
	block  netip.Prefix
}

// readOperand reads s as type f. What cannot be read is not valid, and a
// comparison with it never holds, not even a negated one.
func readOperand(f family, s string) operand {
	switch f {
	case familyNumber:
		n, ok := readNumber(s)
		return operand{valid: ok, number: n}
	case familyDate:
		t, ok := readDate(s)
		return operand{valid: ok, time: t}
	case familyBool, familyNull:
		return operand{valid: isBool(s), truth: strings.EqualFold(s, "true")}
	case familyBinary:
		b, err := base64.StdEncoding.DecodeString(s)
		return operand{valid: err == nil, text: string(b)}
	case familyIP:
		block, ok := readBlock(s)
		return operand{valid: ok, block: block}
	case familyARN:
		return operand{valid: isARN(s), text: s}
	}
	return operand{valid: true, text: s}
}

func isBool(s string) bool {
	return strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}

// maxDigits bounds the text of a number; exact arithmetic on longer ones
// would let a short document ask for a lot of work.
const maxDigits = 64

// readNumber reads integers and decimals exactly: keys such as
// aws:EpochTime in other units leave the range where float64 is exact.
func readNumber(s string) (*big.Rat, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxDigits || strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && r != '.' && r != '-' && r != '+'
	}) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

var dateLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02",
	"2006-01",
	"20060102T150405Z0700", // as CloudTrail writes some creation dates
}

// lastSecond is the end of the year 9999. A number beyond it cannot be a date
// in seconds; such values are taken as milliseconds.
const lastSecond = 253402300799

// readDate reads the ISO 8601 forms the W3C note lists, and seconds since
// 1970, as "Date condition operators" allows on either side. Without an
// offset a date is in UTC. Four digits are a year, not a second of 1970.
func readDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) == 4 {
		t, err := time.Parse("2006", s)
		return t, err == nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > lastSecond {
			return time.UnixMilli(n).UTC(), true
		}
		return time.Unix(n, 0).UTC(), true
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func readBlock(s string) (netip.Prefix, bool) {
	s = strings.TrimSpace(s)
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}

// inside reports whether the address or block b lies within a.
func inside(a, b netip.Prefix) bool {
	return a.Bits() <= b.Bits() && a.Contains(b.Addr())
}

func isARN(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") >= arnParts-1
}

// matchARN compares the six parts of two ARNs one by one, as "ARN condition
// operators" describes. pattern has its wildcards marked.
func matchARN(pattern, arn string, budget *int) tri {
	if pattern == string(rune(anyRun)) {
		return yes
	}
	result := yes
	for range arnParts - 1 {
		var p, s string
		p, pattern, _ = strings.Cut(pattern, ":")
		s, arn, _ = strings.Cut(arn, ":")
		if result = both(result, matchGlob(p, s, budget)); result == no {
			return no
		}
	}
	return both(result, matchGlob(pattern, arn, budget))
}
