package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// Hashes answers for deliveries while they are read for another purpose, from
// the hashes that valid digests list: so the very bytes that are used are the
// ones that were checked, and none is read twice. Its zero value is ready and
// safe for concurrent use. It keeps some 60 bytes for each delivery.
type Hashes struct {
	mu   sync.Mutex
	list map[objectHash]*listed
}

// listed is a delivery that a valid digest lists.
type listed struct {
	sum  [sha256.Size]byte
	odd  bool // two digests disagree, or the hash is none
	seen bool
}

// Add takes what Options.Listed is told.
func (h *Hashes) Add(name string, log LogFile) {
	l := &listed{}
	n, err := hex.Decode(l.sum[:], []byte(log.Hash)[:min(len(log.Hash), 2*sha256.Size)])
	l.odd = err != nil || n != sha256.Size || len(log.Hash) != 2*sha256.Size || log.Algorithm != "SHA-256"
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.list == nil {
		h.list = map[objectHash]*listed{}
	}
	if old := h.list[hashOf(name)]; old != nil {
		l.odd = l.odd || old.odd || old.sum != l.sum
	}
	h.list[hashOf(name)] = l
}

// Check answers for a delivery whose decompressed content has the given
// SHA-256.
func (h *Hashes) Check(name string, sum [sha256.Size]byte) Verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.list[hashOf(name)]
	switch {
	case l == nil:
		return NotCovered
	case l.odd || l.sum != sum:
		return Broken
	}
	return Verified
}

// Seen notes that a delivery is there.
func (h *Hashes) Seen(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.list[hashOf(name)]; l != nil {
		l.seen = true
	}
}

// Missing counts the deliveries that are listed and were not seen.
func (h *Hashes) Missing() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.list {
		if !l.seen {
			n++
		}
	}
	return n
}
