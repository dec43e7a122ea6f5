package correlate

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkStorm correlates many failures of one role on the objects of one
// bucket; the time should be a few microseconds each.
func BenchmarkStorm(b *testing.B) {
	s := newScene(b)
	s.object(-3600, buildRole, "a/1", nil)
	s.put(-600, "s3", "PutBucketPolicy", "arn:aws:iam::111122223333:user/ops", obj{"bucketName": "artifacts", "bucketPolicy": obj{"Version": "2012-10-17",
		"Statement": []any{obj{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket + "/*"}}}}, nil)
	const failures = 20000
	for i := range failures {
		s.object(i/50, buildRole, fmt.Sprintf("a/%d", i), denied("Access Denied"))
	}
	t := s.trail()
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Run(context.Background(), t, Options{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 1 {
			b.Fatalf("%d findings", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*failures), "µs/failure")
}
