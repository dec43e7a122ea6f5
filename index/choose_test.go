package index

import "testing"

// Which segments are merged: not a few, not a large one for some small ones, not
// more than one segment takes, not large ones; a tiny one keeps nobody from it.
func TestChoose(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		sizes []int64
		want  int
	}{
		{[]int64{1, 1, 1, 1, 1, 1, 1}, 0},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 1}, 8},
		{[]int64{0, 0, 5, 9, 9, 9, 9, 9}, 8},
		{[]int64{1, 100, 100, 100, 100, 100, 100, 100, 100}, 9},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 100}, 0},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 1, 100}, 8},
		{[]int64{1, 1, 1, 1, 1, 1, 1, 1, 16}, 9},
		{[]int64{9 * mb, 9 * mb, 9 * mb, 9 * mb, 9 * mb, 9 * mb, 9 * mb, 9 * mb, 700 * mb, 700 * mb}, 8},
		{[]int64{40 * mb, 40 * mb, 40 * mb, 40 * mb, 40 * mb, 40 * mb, 40 * mb, 40 * mb, 50 * mb, 60 * mb}, 8},
		{[]int64{300 * mb, 300 * mb, 300 * mb, 300 * mb, 300 * mb, 300 * mb, 300 * mb, 300 * mb}, 0},
	} {
		var infos []segmentInfo
		for i, size := range c.sizes {
			infos = append(infos, segmentInfo{ID: uint64(i), Date: "2026-03-01", Rows: 1, Raw: size})
		}
		if _, got := choose(infos, 8, false); len(got) != c.want {
			t.Errorf("%v: %d are merged, want %d", c.sizes, len(got), c.want)
		}
	}
}
