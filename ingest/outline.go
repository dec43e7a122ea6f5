package ingest

import "sync/atomic"

// An outline is the text of a record without the tokens of its columns. The
// records of a trail have few of them: that of one kind of call differs from the
// next in its values alone. A decoder remembers the outlines that it has seen, as
// a tree of the pieces of text between the tokens, and a record that follows one
// of them needs no look at its keys: each piece is one comparison, and only the
// tokens are scanned.
//
// Following an outline gives the same Record as decoding, because decoding takes
// the same steps over the same text. What fits none is decoded.
type outlines struct {
	roots [2]piece // of records and of state changes; their text is empty
	count int      // pieces
}

// Bounds of the outlines of one decoder: records that are made to differ must
// cost no memory, and hardly more time than they take without outlines.
const (
	maxPieces    = 1 << 13
	maxPieceText = 1 << 10
	maxFollowers = 32
)

// piece is the text between two tokens, and what that token is.
type piece struct {
	text string
	node *node // of the token behind the text, nil at the end of the record
	// null tells that the token is null, which the text then ends with: it is
	// a part of the outline.
	null      bool
	number    uint32   // of the outline that ends here
	followers []*piece // the one that last followed first
}

// outlineCount numbers the outlines of all decoders.
var outlineCount atomic.Uint32

// follow returns the piece that stands behind p at b[i:], nil when none does.
func (p *piece) follow(b []byte, i int) *piece {
	for k, next := range p.followers {
		if !next.standsAt(b, i) {
			continue
		}
		if k > 0 {
			p.followers[0], p.followers[k] = next, p.followers[0]
		}
		return next
	}
	return nil
}

func (p *piece) standsAt(b []byte, i int) bool {
	if !hasToken(b, i, p.text) {
		return false
	}
	if p.node == nil || p.null {
		return true
	}
	i += len(p.text)
	return i < len(b) && b[i] != 'n'
}

// outlined decodes the record at i if it follows a known outline.
func (d *decoder) outlined(i int, t *tree) (end int, ok bool) {
	r, root := &d.rec, &d.outlines.roots[t.number]
	for p := root.follow(d.b, i); p != nil; p = p.follow(d.b, i) {
		i += len(p.text)
		if p.node == nil {
			r.Outline = p.number
			return i, true
		}
		val := i
		if p.null {
			val -= len("null")
		} else {
			var err error
			if i, err = d.known(p.node, val, p.node.depth); err != nil {
				return i, false
			}
		}
		r.tokens[p.node.column] = d.span(val, i)
		r.Order = append(r.Order, p.node.column)
	}
	return i, false
}

// remember adds the outline of the record that was decoded last.
func (d *decoder) remember(t *tree) {
	r, at := &d.rec, int32(0)
	if d.highBits != 0 || d.twice || r.env != [numEnvelopeKeys]span{} {
		return // more than the tokens and plain text tells such records apart
	}
	p := &d.outlines.roots[t.number]
	for _, c := range r.Order {
		token, null := r.tokens[c], string(r.Token(c)) == "null"
		behind := token.start
		if null {
			behind = token.end
		}
		if p = d.outlines.add(p, r.Raw[at:behind], t.columns[c], null); p == nil {
			return
		}
		at = token.end
	}
	if p = d.outlines.add(p, r.Raw[at:], nil, false); p != nil {
		if p.number == 0 {
			p.number = outlineCount.Add(1)
		}
		r.Outline = p.number
	}
}

// add returns the piece that follows p with this text and token, a new one where
// there is none yet, nil when there are too many.
func (o *outlines) add(p *piece, text []byte, n *node, null bool) *piece {
	for _, f := range p.followers {
		if f.text == string(text) && f.node == n && f.null == null {
			return f
		}
	}
	if o.count == maxPieces || len(p.followers) == maxFollowers || len(text) > maxPieceText {
		return nil
	}
	o.count++
	next := &piece{text: string(text), node: n, null: null}
	p.followers = append(p.followers, next)
	return next
}
