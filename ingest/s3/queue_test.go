package s3

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/trailblame/trailblame/ingest"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// The queue gives the objects of a day before those of the next, each once, and
// those of one day as they came.
func TestQueue(t *testing.T) {
	var q byDay
	if q.pop() != nil {
		t.Fatal("an empty queue gives something")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var want []string
	for i := range 1000 {
		day := fmt.Sprintf("2026/01/%02d", random.IntN(20))
		name := fmt.Sprintf("%s %04d", day, i)
		if random.IntN(10) == 0 {
			day, name = "", fmt.Sprintf(" %04d", i)
		}
		want = append(want, name)
		q.push(found{obj: ingest.Object{Name: name}, day: day})
	}
	slices.Sort(want)
	for i, name := range want {
		if obj := q.pop(); obj == nil || obj.Name != name {
			t.Fatalf("%d: %v, want %s", i, obj, name)
		}
	}
	if q.pop() != nil {
		t.Fatal("the queue gives more than was put in")
	}
}

// Objects of several accounts and regions are fetched day by day.
func TestDaysInOrder(t *testing.T) {
	server := newServer(t)
	const days, each = 25, 8
	for day := range days {
		for n := range each {
			server.Put(bucketName, fmt.Sprintf("AWSLogs/%012d/CloudTrail/eu-west-%d/2026/01/%02d/x%d.json.gz", 1+n/2, n%2, day+1, n), []byte("x"), nil)
		}
	}
	var asked []string
	server.Fault = func(call s3fake.Call) *s3fake.Fault {
		if call.Op == "Get" {
			asked = append(asked, locate(call.Key).date)
		}
		return nil
	}
	n := 0
	for _, err := range newSource(t, server, "", Options{Concurrency: 1}).Objects(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	// A few are fetched while the rest is being listed, and a few change places
	// on their way; folder by folder the day would change about 200 times.
	changes := 0
	for i := range asked[1:] {
		if asked[i] != asked[i+1] {
			changes++
		}
	}
	if n != days*each || len(asked) != n || changes > 3*days {
		t.Errorf("%d objects, %d asked for, the day changes %d times", n, len(asked), changes)
	}
}
