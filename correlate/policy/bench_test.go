package policy

import (
	"fmt"
	"testing"
)

var mixed = []string{"s3", "ec2", "dynamodb", "codecommit", "kms"}

// benchSet is a principal with 10 policies of 20 statements each. Only the
// last statement of the last policy allows the request.
func benchSet(b *testing.B, services ...string) *Set {
	var set Set
	for p := range 10 {
		var list []string
		for s := range 20 {
			service := services[(p+s)%len(services)]
			list = append(list, fmt.Sprintf(`{'Effect':'Allow','Action':['%s:Get%d*','%s:List*','%s:Put%d'],
				'Resource':['arn:aws:%s:*:111122223333:thing-%d/*'],
				'Condition':{'StringEquals':{'aws:RequestedRegion':['eu-west-1','us-east-1']}}}`,
				service, s, service, service, s, service, s))
		}
		if p == 9 {
			list[19] = `{'Sid':'Push','Effect':'Allow','Action':['codecommit:GitPull','codecommit:GitPush'],
				'Resource':'arn:aws:codecommit:us-east-1:111122223333:pay*',
				'Condition':{'StringLike':{'codecommit:References':'refs/heads/feature/*'}}}`
		}
		set.Identity.Policies = append(set.Identity.Policies, Policy{Name: fmt.Sprint("p", p), Doc: statements(b, list...)})
	}
	return &set
}

func BenchmarkEvaluate(b *testing.B)           { benchmarkPush(b, benchSet(b, mixed...)) }
func BenchmarkEvaluateOneService(b *testing.B) { benchmarkPush(b, benchSet(b, "codecommit")) }

func benchmarkPush(b *testing.B, set *Set) {
	req := ask(someUser, "codecommit:GitPush", "arn:aws:codecommit:us-east-1:111122223333:payments",
		"aws:RequestedRegion", "us-east-1", "codecommit:References", "refs/heads/feature/x")
	if got := Evaluate(set, req); got.Value != Allow {
		b.Fatal(got)
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(set, req)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
}

func BenchmarkEvaluateDenied(b *testing.B) {
	set := benchSet(b, mixed...)
	req := ask(someUser, "codecommit:DeleteBranch", "arn:aws:codecommit:us-east-1:111122223333:payments")
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(set, req)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
}

func BenchmarkParse(b *testing.B) {
	data, err := benchSet(b, mixed...).Identity.Policies[0].Doc.MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
