package s3fake

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Fault is what goes wrong with one request. The zero Fault is none.
type Fault struct {
	// Status and Code answer with an error of S3 and nothing else, or with
	// Text; Header goes with it.
	Status int
	Code   string
	Header http.Header
	// Text is sent in place of the answer, with status 200 if there is none.
	Text *string
	// ResetFirst cuts the connection in place of an answer, StallFirst leaves
	// the request without one.
	ResetFirst, StallFirst bool
	// Cut says how the body ends after At bytes.
	Cut Cut
	At  int
	// Drip, for CutDrip, is the pause between bytes.
	Drip time.Duration
	// NoRange sends the whole object whatever range was asked for.
	NoRange bool
	// NoMatch ignores the condition of the request.
	NoMatch bool
	// Page edits a page of a listing.
	Page func(*Page)
}

// Cut is a way in which a body goes wrong.
type Cut int

// The ways in which a body goes wrong, each after Fault.At bytes of it.
const (
	Whole    Cut = iota
	CutReset     // the connection is reset
	CutClose     // the connection is closed
	CutStall     // nothing more comes
	CutShort     // the body ends, properly, without a Content-Length
	CutFlip      // the lowest bit of byte At is turned over
	CutDrip      // the rest comes byte by byte
)

// instead answers in place of the server, if that is the fault.
func (f *Fault) instead(s *Server, w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.ResetFirst:
		hijack(w, func(conn net.Conn) { reset(conn) })
	case f.StallFirst:
		s.stall(r)
	case f.Text != nil:
		w.WriteHeader(max(f.Status, http.StatusOK))
		fmt.Fprint(w, *f.Text)
	case f.Status != 0:
		for name, values := range f.Header {
			w.Header()[name] = values
		}
		fail(w, f.Status, f.Code)
	default:
		return false
	}
	return true
}

// stall keeps an answer back until the client gives up.
func (s *Server) stall(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
}

// body sends the body of an object as far as the fault lets it.
func (f *Fault) body(s *Server, w http.ResponseWriter, r *http.Request, status int, body []byte) {
	at := min(f.At, len(body))
	switch f.Cut {
	case CutFlip:
		body = append([]byte(nil), body...)
		if at < len(body) {
			body[at] ^= 1
		}
	case CutShort:
		w.Header().Del("Content-Length")
		w.WriteHeader(status)
		w.Write(body[:at])                    //nolint:errcheck // the client has gone
		http.NewResponseController(w).Flush() //nolint:errcheck // so that no length is made up
		return
	case CutReset, CutClose, CutStall, CutDrip:
		f.slow(s, w, r, status, body)
		return
	}
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

func (f *Fault) slow(s *Server, w http.ResponseWriter, r *http.Request, status int, body []byte) {
	at := min(f.At, len(body))
	w.WriteHeader(status)
	w.Write(body[:at])                    //nolint:errcheck // the client has gone
	http.NewResponseController(w).Flush() //nolint:errcheck // as above
	switch f.Cut {
	case CutStall:
		s.stall(r)
	case CutDrip:
		for ; at < len(body) && r.Context().Err() == nil; at++ {
			time.Sleep(f.Drip)
			w.Write(body[at : at+1])              //nolint:errcheck // as above
			http.NewResponseController(w).Flush() //nolint:errcheck // as above
		}
	case CutReset:
		hijack(w, reset)
	default:
		hijack(w, func(conn net.Conn) { conn.Close() })
	}
}

// hijack takes the connection away from the server; what was written before
// has been flushed.
func hijack(w http.ResponseWriter, f func(net.Conn)) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		f(conn)
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // the connection ends either way
	}
	conn.Close()
}
