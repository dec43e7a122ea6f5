package ingest

import "io"

// window is a sliding view of an object's decompressed text. Small objects
// stand in it whole.
type window struct {
	src  io.Reader // nil once buf holds everything to the end
	buf  []byte
	pos  int   // next byte to look at
	base int64 // offset in the object of buf[0]
	err  error // what ended src, io.EOF apart
}

// offset returns the object's offset of the next byte.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// eof tells that nothing more will come into the window.
func (w *window) eof() bool { return w.src == nil }

// more reads on, giving up the bytes before pos, and reports whether anything
// came. At least as much as is held is asked for, so that a value that does not
// fit is looked at a logarithmic number of times.
func (w *window) more() bool {
	if w.src == nil {
		return false
	}
	if w.pos > 0 {
		n := copy(w.buf, w.buf[w.pos:])
		w.buf, w.base, w.pos = w.buf[:n], w.base+int64(w.pos), 0
	}
	held := len(w.buf)
	if want := max(2*held, windowSize); cap(w.buf) < want {
		w.buf = append(make([]byte, 0, want), w.buf...)
	}
	for w.src != nil && len(w.buf) < cap(w.buf) {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if err != nil {
			w.src = nil
			if err != io.EOF {
				w.err = err
			}
		}
	}
	return len(w.buf) > held
}

// windowSize is what a window holds at least of a large object.
const windowSize = 1 << 20
