package policy

// tri is a truth value of Kleene's three-valued logic. The order makes "and"
// the smaller and "or" the larger of two values, so knowing less about an
// operand can only move a result towards maybe, never from no to yes.
type tri uint8

const (
	no tri = iota
	maybe
	yes
)

func (t tri) not() tri { return yes - t }

func both(a, b tri) tri { return min(a, b) }

func either(a, b tri) tri { return max(a, b) }

// when is the truth value of something known.
func when(known bool) tri {
	if known {
		return yes
	}
	return no
}
