package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// How --redact hides what should not leave the house
//
//   - Hidden are account ids, IP addresses (also in ip-10-0-0-1 host names),
//     access key ids and the other unique ids of AWS, whose letters hold the
//     account, and secrets: session tokens, signatures and encoded messages.
//   - Each becomes a pseudonym of its own kind that still reads as one: twelve
//     digits, an address that is never in use, a key id, a numbered secret. The
//     same original has the same pseudonym throughout a run, in results, bundle
//     and error lines alike, so that joins still work; and the same run over the
//     same index gives the same pseudonyms.
//   - Pseudonyms are numbered as originals come up. They are not computed from
//     the originals, so nothing can be tried out until it fits.
//   - Texts are searched as they are and with URL and JSON escapes undone; JSON
//     is searched string by string. Redaction is done last: filters, evaluation
//     and order see the originals.
//
// Originals are told by their shape, or by the name of a secret's member, so that
// a value hides the same in JSON, CSV and text. What stays: values without such a
// shape (an accessKeyId of "1111", which stands for one in an example); names, ARNs
// but for their account, times, event and request ids, regions, object names but
// for the above; account aliases and organization ids; addresses written in any
// other way than dotted, dashed or colon form; keys whose letters were changed to
// lower case; what is encrypted or encoded in a way other than URL and JSON
// escapes, however short.

// redactor replaces originals by pseudonyms. It belongs to one run and may be
// used by several goroutines. What it made stays as it is when it meets it again.
type redactor struct {
	mu                                             sync.Mutex
	accounts, addresses4, addresses6, ids, secrets pseudonyms
}

func newRedactor() *redactor { return &redactor{} }

// pseudonyms are those of one kind, by their originals.
type pseudonyms struct {
	of    map[string]string
	count int
}

// get returns the pseudonym of an original, a new one when it is new.
func (p *pseudonyms) get(original string, name func(n int) string) string {
	if known, ok := p.of[original]; ok {
		return known
	}
	if p.of == nil {
		p.of = map[string]string{}
	}
	for {
		p.count++
		if made := name(p.count); p.of[made] == "" {
			p.of[original], p.of[made] = made, made
			return made
		}
	}
}

// know gives accounts their pseudonyms in advance, so that these do not depend
// on the order of results, and so that the ids are found inside longer numbers.
func (r *redactor) know(accounts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range accounts {
		if len(a) == 12 && strings.Trim(a, "0123456789") == "" {
			r.account(a)
		}
	}
}

func (r *redactor) account(id string) string {
	return r.accounts.get(id, func(n int) string { return fmt.Sprintf("9%011d", n) })
}

// address4 numbers addresses in 240.0.0.0/4, which is reserved.
func (r *redactor) address4(a netip.Addr) string {
	return r.addresses4.get(a.String(), func(n int) string {
		return netip.AddrFrom4([4]byte{240 | byte(n>>24&15), byte(n >> 16), byte(n >> 8), byte(n)}).String()
	})
}

// address6 numbers addresses in 100::/64, which discards.
func (r *redactor) address6(a netip.Addr) string {
	return r.addresses6.get(a.String(), func(n int) string { return fmt.Sprintf("100::%x", n) })
}

// id keeps the four letters that tell the kind, and the length.
func (r *redactor) id(original string) string {
	return r.ids.get(original, func(n int) string {
		digits := strconv.Itoa(n)
		fill := max(len(original)-4-len(digits), 0)
		return original[:4] + ("REDACTED" + strings.Repeat("0", max(fill-8, 0)))[:fill] + digits
	})
}

func (r *redactor) secret(original string) string {
	return r.secrets.get(original, func(n int) string { return fmt.Sprintf("REDACTED-SECRET-%d", n) })
}

// hide replaces a text as a whole.
func (r *redactor) hide(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secret(s)
}

// hit is a span of text to replace.
type hit struct {
	start, end int
	with       func() string
}

var (
	redactDigits  = pattern(`[0-9]{12,}`)
	redactUUID    = pattern(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	redactHash    = pattern(`[0-9a-f]+`)
	redactID      = pattern(`(?:AKIA|ASIA|AIDA|AROA|AGPA|AIPA|ANPA|ANVA|APKA|ABIA|ACCA|ASCA|A3T[A-Z0-9])[A-Z0-9]{12,}`)
	redactDotted  = pattern(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}`)
	redactDashed  = pattern(`(?i)((?:ip|ec2)-)([0-9]{1,3}(?:-[0-9]{1,3}){3})`)
	redactColons  = pattern(`[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*`)
	redactBase64  = pattern(`[A-Za-z0-9+/]{80,}={0,2}|[A-Za-z0-9_-]{80,}={0,2}`)
	redactNamed   = pattern(`(?i)(?:security-?_?token|session-?_?token|secret-?_?access-?_?key|x-amz-signature|signature|password)["'\\]*\s*[:=]\s*["'\\]*([A-Za-z0-9+/=_.~-]{8,})`)
	secretMembers = pattern(`(?i)^(?:x-amz-)?(?:session-?token|security-?token|secret-?access-?key|secret-?key|signature|password|new-?password|old-?password)$`)
)

// text replaces what a text holds.
func (r *redactor) text(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	hits := r.search(s)
	if strings.ContainsAny(s, `%\&`) {
		if plain, at := unescaped(s); plain != s {
			for _, h := range r.search(plain) {
				hits = append(hits, hit{at[h.start], at[h.end], h.with})
			}
		}
	}
	return replaced(s, hits)
}

// replaced puts the pseudonyms in. Of hits that overlap, the first and longest
// counts; what sticks out of it goes with it.
func replaced(s string, hits []hit) string {
	if len(hits) == 0 {
		return s
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	var out strings.Builder
	done := 0
	for i := 0; i < len(hits); i++ {
		h := hits[i]
		for i+1 < len(hits) && hits[i+1].start < h.end {
			i++
			h.end = max(h.end, hits[i].end)
		}
		out.WriteString(s[done:h.start])
		out.WriteString(h.with())
		done = h.end
	}
	out.WriteString(s[done:])
	return out.String()
}

// search lists what is to be replaced in s.
func (r *redactor) search(s string) []hit {
	var hits []hit
	add := func(start, end int, with func() string) { hits = append(hits, hit{start, end, with}) }
	r.searchSecrets(s, add)
	r.searchNumbers(s, add)
	r.searchAddresses(s, add)
	return hits
}

type addHit func(start, end int, with func() string)

func (r *redactor) searchSecrets(s string, add addHit) {
	for _, m := range redactID().FindAllStringIndex(s, -1) {
		original := s[m[0]:m[1]]
		add(m[0], m[1], func() string { return r.id(original) })
	}
	if len(s) >= 80 {
		for _, m := range redactBase64().FindAllStringIndex(s, -1) {
			if original := s[m[0]:m[1]]; !isPath(original) {
				add(m[0], m[1], func() string { return r.secret(original) })
			}
		}
	}
	for _, m := range redactNamed().FindAllStringSubmatchIndex(s, -1) {
		original := s[m[2]:m[3]]
		add(m[2], m[3], func() string { return r.secret(original) })
	}
}

// isPath tells long names from tokens, which have a plus sign, two slashes in a
// row, an end of equals signs or a long run without a slash.
func isPath(s string) bool {
	if strings.ContainsAny(s, "+=") || strings.Contains(s, "//") {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if len(part) >= 40 {
			return false
		}
	}
	return true
}

// searchNumbers finds account ids: twelve digits that stand alone, and of those
// that are part of a UUID, a hash or a longer number the ones already known.
func (r *redactor) searchNumbers(s string, add addHit) {
	if len(s) < 12 {
		return
	}
	var uuids [][]int
	for _, m := range redactDigits().FindAllStringIndex(s, -1) {
		run := s[m[0]:m[1]]
		if len(run) > 12 {
			for i := 0; i+12 <= len(run); i++ {
				if part := run[i : i+12]; r.accounts.of[part] != "" {
					add(m[0]+i, m[0]+i+12, func() string { return r.account(part) })
				}
			}
			continue
		}
		if uuids == nil {
			uuids = append([][]int{{-1, -1}}, redactUUID().FindAllStringIndex(s, -1)...)
			for _, word := range redactHash().FindAllStringIndex(s, -1) {
				if n := word[1] - word[0]; n == 16 || n == 32 || n == 40 || n == 64 {
					uuids = append(uuids, word)
				}
			}
		}
		known := r.accounts.of[run] != ""
		if known || !slices.ContainsFunc(uuids, func(u []int) bool { return u[0] <= m[0] && m[1] <= u[1] }) {
			add(m[0], m[1], func() string { return r.account(run) })
		}
	}
}

func (r *redactor) searchAddresses(s string, add addHit) {
	for _, m := range redactDotted().FindAllStringIndex(s, -1) {
		r.dotted(s[m[0]:m[1]], ".", m[0], m[1], add)
	}
	if strings.Contains(s, "-") {
		for _, m := range redactDashed().FindAllStringSubmatchIndex(s, -1) {
			r.dotted(s[m[4]:m[5]], "-", m[4], m[5], add)
		}
	}
	if strings.Count(s, ":") < 2 {
		return
	}
	for _, m := range redactColons().FindAllStringIndex(s, -1) {
		r.colons(s, m[0], m[1], add)
	}
}

// dotted adds an IPv4 address whose numbers sep joins. A number may be one digit
// of a longer one: 1203.0.113.5 holds an address, too.
func (r *redactor) dotted(text, sep string, start, end int, add addHit) {
	a, err := netip.ParseAddr(strings.ReplaceAll(text, sep, "."))
	if err != nil {
		return
	}
	add(start, end, func() string { return strings.ReplaceAll(r.address4(a), ".", sep) })
}

// colons adds an IPv6 address. Text before it that is hexadecimal by chance and
// colons around it that belong to an ARN are not part of it.
func (r *redactor) colons(s string, start, end int, add addHit) {
	text := strings.TrimRight(s[start:end], ".")
	for _, candidate := range []string{text, strings.TrimSuffix(text, ":")} {
		a, err := netip.ParseAddr(candidate)
		if err != nil || a == netip.IPv6Unspecified() || start > 0 && isWordByte(s[start-1]) {
			continue
		}
		add(start, start+len(candidate), func() string {
			if a.Is4In6() {
				return "::ffff:" + r.address4(a.Unmap())
			}
			return r.address6(a)
		})
		return
	}
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
