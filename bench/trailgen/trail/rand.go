package trail

import (
	"encoding/hex"
	"hash/fnv"
	"math"
)

// Rand is a splitmix64 generator. It is written out here because the bundled
// trails are compared byte for byte: their bytes must not hang on what a
// library's next release makes of a seed.
type Rand struct{ state uint64 }

// NewRand returns a generator. The parts name what it is for, so that two
// generators of one seed share nothing.
func NewRand(seed uint64, parts ...string) *Rand {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	r := &Rand{seed*0x9e3779b97f4a7c15 ^ h.Sum64()}
	r.Uint64()
	return r
}

// Uint64 returns 64 fresh bits.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IntN returns a number in [0, n).
func (r *Rand) IntN(n int) int { return int((r.Uint64() >> 33) % uint64(n)) }

// Between returns a number in [lo, hi].
func (r *Rand) Between(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// Float returns a number in [0, 1).
func (r *Rand) Float() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Chance is true with probability p.
func (r *Rand) Chance(p float64) bool { return r.Float() < p }

// LogUniform returns a number in [lo, hi] whose logarithm is evenly spread, so
// that ten seconds and a week are met about equally often.
func (r *Rand) LogUniform(lo, hi float64) float64 {
	return lo * math.Pow(hi/lo, r.Float())
}

// Pick returns one of list.
func Pick[T any](r *Rand, list []T) T { return list[r.IntN(len(list))] }

// Shuffle mixes list in place.
func Shuffle[T any](r *Rand, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

const (
	upperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	// keyDigits is the alphabet of AWS's unique ids and access keys: base 32.
	keyDigits  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	alnum      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	hexDigits  = "0123456789abcdef"
	base64Tail = alnum + "+/"
)

// Text returns n characters of an alphabet.
func (r *Rand) Text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// UUID returns a version 4 UUID.
func (r *Rand) UUID() string {
	var raw [16]byte
	for i := 0; i < 16; i += 8 {
		v := r.Uint64()
		for j := range 8 {
			raw[i+j] = byte(v >> (8 * j))
		}
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	h := hex.EncodeToString(raw[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Key returns an access key id; prefix is AKIA or ASIA. Keys end in EXAMPLE so
// that no secret scanner takes them for real ones.
func (r *Rand) Key(prefix string) string { return prefix + r.Text(keyDigits, 9) + "EXAMPLE" }

// UniqueID returns an IAM unique id; prefix is AIDA, AROA, ANPA and the like.
func (r *Rand) UniqueID(prefix string) string { return prefix + r.Text(keyDigits, 17) }

// Hex returns n hexadecimal digits.
func (r *Rand) Hex(n int) string { return r.Text(hexDigits, n) }

// Alnum returns n letters and digits.
func (r *Rand) Alnum(n int) string { return r.Text(alnum, n) }
