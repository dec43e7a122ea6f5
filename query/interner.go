package query

// interner gives texts that come again the same string.
type interner struct {
	texts  map[string]string
	last   string
	asked  int
	off    bool // texts hardly ever come again: do not look
	always bool // look whatever the texts are
}

// Bounds of an interner, and after how many texts it is known whether they
// repeat.
const (
	maxInterned     = 4096
	internedSettles = 512
)

// of returns the string of text, which it copies when it is new.
func (t *interner) of(text []byte) string {
	switch {
	case len(text) == 0:
		return ""
	case string(text) == t.last:
		return t.last
	case t.off:
		return string(text)
	}
	s, ok := t.texts[string(text)]
	if !ok {
		s = t.add(string(text))
	}
	if t.asked++; t.asked == internedSettles && !t.always && len(t.texts) > internedSettles*3/4 {
		t.off, t.texts = true, nil
	}
	t.last = s
	return s
}

func (t *interner) add(s string) string {
	if t.texts == nil || len(t.texts) >= maxInterned {
		t.texts = make(map[string]string)
	}
	t.texts[s] = s
	return s
}
