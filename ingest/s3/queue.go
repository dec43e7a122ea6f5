package s3

import (
	"cmp"
	"container/heap"

	"github.com/trailblame/trailblame/ingest"
)

// byDay is a queue of objects by the day that their keys name, then as they
// came.
type byDay struct {
	list  []queued
	count int64
}

type queued struct {
	found
	number int64
}

func (q *byDay) push(f found) {
	heap.Push((*dayHeap)(q), queued{f, q.count})
	q.count++
}

// pop takes the first object out, or returns nil when there is none.
func (q *byDay) pop() *ingest.Object {
	if len(q.list) == 0 {
		return nil
	}
	first := heap.Pop((*dayHeap)(q)).(queued)
	return &first.obj
}

// dayHeap is the queue as container/heap wants it.
type dayHeap byDay

func (h *dayHeap) Len() int      { return len(h.list) }
func (h *dayHeap) Swap(i, k int) { h.list[i], h.list[k] = h.list[k], h.list[i] }
func (h *dayHeap) Push(x any)    { h.list = append(h.list, x.(queued)) }

func (h *dayHeap) Less(i, k int) bool {
	a, b := &h.list[i], &h.list[k]
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.number, b.number)) < 0
}

func (h *dayHeap) Pop() any {
	last := h.list[len(h.list)-1]
	h.list[len(h.list)-1] = queued{}
	h.list = h.list[:len(h.list)-1]
	return last
}
