package correlate

// memo keeps what was made of texts that come again. It gives up on texts that
// hardly do.
type memo[V any] struct {
	kept       map[string]V
	asked, new int
	off        bool
}

// Bounds of a memo: texts, the bytes of one, and after how many it is known
// whether they repeat.
const (
	maxKept     = 2048
	maxKeptText = 4096
	keptSettles = 512
)

// of returns what is kept of a text, or keeps what read makes of it.
func (m *memo[V]) of(text string, read func(string) (V, error)) (V, error) {
	if m.off || len(text) > maxKeptText {
		return read(text)
	}
	m.asked++
	if v, ok := m.kept[text]; ok {
		return v, nil
	}
	v, err := read(text)
	if err == nil {
		m.keep(text, v)
	}
	return v, err
}

func (m *memo[V]) keep(text string, v V) {
	if m.kept == nil || len(m.kept) >= maxKept {
		m.kept = map[string]V{}
	}
	m.kept[text] = v
	if m.new++; m.asked >= keptSettles && m.new > m.asked*3/4 {
		m.kept, m.off = nil, true
	}
}
