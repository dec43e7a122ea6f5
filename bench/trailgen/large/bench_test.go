package large

import "testing"

// BenchmarkWrite measures one worker, compressor and file system included.
func BenchmarkWrite(b *testing.B) {
	total := 0
	for b.Loop() {
		s, _, err := Write(b.TempDir(), Options{Events: 100_000, Seed: 3, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		total += s.Events
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
}
