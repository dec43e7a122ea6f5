package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Terms come in the order of their bytes, however long a beginning they share,
// and whatever zero bytes they hold.
func TestTermOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	for _, starts := range [][]string{
		{""},
		{"arn:aws:iam::111122223333:role/service/", "arn:aws:s3:::", ""},
		{strings.Repeat("x", maxTerm-3), "x"},
		{"\x00", "\x00\x00\x00\x00\x00\x00\x00\x00", "a\x00\x00\x00\x00\x00\x00\x00", "a"},
	} {
		var d dictionary
		var want []string
		for i := range 3000 {
			text := starts[rnd.IntN(len(starts))]
			switch rnd.IntN(3) {
			case 0:
				text += strings.Repeat("\x00", rnd.IntN(20))
			case 1:
				text += fmt.Sprint(rnd.IntN(500))
			default:
				text += fmt.Sprintf("/%08d/%c", rnd.IntN(50), 'a'+i%26)
			}
			text = string(clip([]byte(text)))
			if text != "" && !slices.Contains(want, text) {
				want = append(want, text)
				d.add([]byte(text), uint32(i))
			}
		}
		slices.Sort(want)
		var got []string
		for _, term := range d.order() {
			got = append(got, string(d.text(term)))
		}
		if len(want) < 100 || !slices.Equal(want, got) {
			t.Errorf("%.20q: %d terms are out of order", starts, len(want))
		}
	}
}

func BenchmarkTermOrder(b *testing.B) {
	var d dictionary
	rnd := rand.New(rand.NewPCG(5, 5))
	for i := range 30_000 {
		d.add(fmt.Appendf(nil, "arn:aws:sts::111122223333:assumed-role/role-%d/session-%d", rnd.IntN(300), rnd.Uint32()), uint32(i))
	}
	for b.Loop() {
		d.order()
	}
}
