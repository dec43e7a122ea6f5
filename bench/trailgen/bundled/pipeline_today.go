package bundled

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

const bucketDeny = "with an explicit deny in a resource-based policy"

// at returns a time on the day of the failure.
func (s *pipelineStory) at(d string) time.Time { return clock(s.day[2], d) }

// today is the cause and what else changed around it.
func (s *pipelineStory) today() {
	s.noor = s.person(s.at("09:47:32"), "PlatformAdmin", "noor@example.com", "198.51.100.90")
	deploy := s.asTerraform(s.at("09:57:40"))

	// The cause, 11 minutes before the first failure: the list has the build's
	// role and the scanner's, but not the pipeline's.
	s.BucketPolicy(s.at("09:52:10"), s.noor, artifactBucket, s.restricted(s.build, s.scanner))

	s.PutInline(s.at("09:58:10"), deploy, "role", s.pipeline.Name, "notify", trail.Policy(
		trail.Allow("Notify", "sns:Publish", s.ARN("sns", "web-release-events"))))
	s.Bucket(s.at("09:59:30"), s.noor, "PutBucketLifecycle", artifactBucket, trail.O("lifecycle", "",
		"LifecycleConfiguration", trail.O("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/",
			"Rule", trail.O("ID", "expire-artifacts", "Status", "Enabled",
				"Filter", trail.O("Prefix", pipelineName+"/"), "Expiration", trail.O("Days", 90)))))
	s.Detach(s.at("10:00:20"), deploy, "role", "pipeline-web-preview", "arn:aws:iam::aws:policy/AWSCodePipeline_FullAccess")
	s.KeyPolicy(s.at("10:01:10"), deploy, s.otherKey, trail.Policy(
		trail.For(trail.Allow("Account", "kms:*", "*"), trail.O("AWS", "arn:aws:iam::"+s.Account+":root")),
		trail.For(trail.Deny("NoDecrypt", "kms:Decrypt", "*"), trail.O("AWS", "arn:aws:iam::"+s.Account+":role/legacy-export"))))
}

// denials are new executions that cannot store their sources, and the waiting
// one that cannot read what it built.
func (s *pipelineStory) denials() {
	s.devi = s.person(s.at("10:04:51"), "Developer", "devi@example.com", "198.51.100.93")
	s.deniedStart(s.at("10:03:02"))
	s.Write(s.at("10:06:12"), s.devi, "codepipeline", "PutApprovalResult",
		trail.O("pipelineName", pipelineName, "stageName", "Approve", "actionName", "Release",
			"result", trail.O("summary", "go", "status", "Approved")),
		trail.O("approvedAt", "Apr 16, 2026, 10:06:12 AM"))
	s.deniedDeploy(s.at("10:06:30"))
	s.retry(s.at("10:18:05"))
	s.deniedDeploy(s.at("10:18:09"))
	s.deniedStart(s.at("10:34:20"))
	s.retry(s.at("10:52:40"))
	s.deniedDeploy(s.at("10:52:44"))
	s.deniedStart(s.at("11:20:33"))
}

// deniedStart is an execution whose source stage is refused; the first refusal
// comes eight seconds after its start.
func (s *pipelineStory) deniedStart(at time.Time) {
	x := s.execution(at)
	s.start(at, x)
	who := s.session(at.Add(6 * time.Second))
	for i, key := range x.sources {
		s.Object(at.Add(time.Duration(8+3*i)*time.Second), who, "PutObject", artifactBucket, key, 0).
			DenyObject("s3:PutObject", bucketDeny)
	}
}

func (s *pipelineStory) deniedDeploy(at time.Time) {
	who := s.session(at)
	for i, key := range s.waiting.built {
		s.Object(at.Add(time.Duration(2+i)*time.Second), who, "GetObject", artifactBucket, key, 0).
			DenyObject("s3:GetObject", bucketDeny)
	}
}

func (s *pipelineStory) retry(at time.Time) {
	s.Write(at, s.devi, "codepipeline", "RetryStageExecution",
		trail.O("pipelineName", pipelineName, "stageName", "Deploy",
			"pipelineExecutionId", s.waiting.id, "retryMode", "FAILED_ACTIONS"),
		trail.O("pipelineExecutionId", s.waiting.id))
}

// recovery is the policy with the pipeline's role in its list, and everything
// that works again after it.
func (s *pipelineStory) recovery() {
	s.BucketPolicy(s.at("11:41:05"), s.noor, artifactBucket, s.restricted(s.build, s.scanner, s.pipeline))
	s.retry(s.at("11:45:12"))
	s.deploy(s.at("11:45:16"), s.waiting)
	for _, d := range []string{"11:50:08", "14:02:37"} {
		x := s.execution(s.at(d))
		s.startAndBuild(s.at(d), x)
		s.deploy(s.at(d).Add(4*time.Minute), x)
	}
}

// everydayLife is the rest of the account, and a scanner that reads artifacts
// all along: the bucket never shut it out.
func (s *pipelineStory) everydayLife() {
	staff := s.NewStaff("org-trail-444455556666", clock(s.day[0], "08:30:00"))
	for day, hours := range [][]string{
		{"09:10:00", "15:23:00"},
		{"08:56:00", "14:07:00"},
		{"09:34:00", "09:57:00", "10:34:00", "11:41:00", "14:03:00"},
	} {
		for _, h := range hours {
			s.Noise(clock(s.day[day], h), 3*time.Minute, 22, staff)
			s.scan(clock(s.day[day], h).Add(95 * time.Second))
		}
	}
}

func (s *pipelineStory) scan(at time.Time) {
	_, c := s.ServiceAssumes(at, "lambda.amazonaws.com", s.scanner, "artifact-scanner")
	c = c.From("192.0.2.201", "Boto3/1.40.4 md/Botocore#1.40.4 ua/2.1 os/linux#5.10.245 lang/python#3.13.7 exec-env/AWS_Lambda_python3.13")
	s.fetch(at.Add(2*time.Second), c, s.waiting.built[0])
}
