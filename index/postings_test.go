package index

import "testing"

// A bitmap with any one byte changed is refused or has as many rows as it says:
// nothing in it makes the reader give up or count otherwise.
func TestForgedBitmaps(t *testing.T) {
	var rows []uint32
	for i := range uint32(70_000) {
		if i%1000 < 900 {
			rows = append(rows, i)
		}
	}
	var long longPostings
	form, body, err := long.encode(rows)
	if err != nil || form != formBitmap {
		t.Fatalf("form %d, %v; want a bitmap", form, err)
	}
	read := func(body []byte) (*RowSet, error) {
		d := &decbuf{file: "terms"}
		found := NewRowSet()
		d.body(form, uint64(len(rows)), body, found)
		return found, d.err
	}
	if found, err := read(body); err != nil || found.GetCardinality() != uint64(len(rows)) {
		t.Fatalf("%d rows, %v; want %d", found.GetCardinality(), err, len(rows))
	}
	refused := 0
	for at := range body {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			forged := append([]byte(nil), body...)
			forged[at] ^= flip
			found, err := read(forged)
			if err != nil {
				refused++
			} else if found.GetCardinality() != uint64(len(rows)) {
				t.Fatalf("byte %d: %d rows and no error", at, found.GetCardinality())
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}
