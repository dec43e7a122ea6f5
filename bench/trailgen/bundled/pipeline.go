package bundled

import (
	"strconv"
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

const (
	artifactBucket = "web-artifacts-444455556666"
	pipelineName   = "web-release"
)

// pipelineStory is the account of the trail pipeline-denied and who works in
// it.
type pipelineStory struct {
	*trail.Cloud
	day                      [3]time.Time
	pipeline, build, scanner trail.Role
	noor, devi               trail.Caller
	artifactKey, otherKey    string
	waiting                  execution
}

// execution is one run of the pipeline and the artifacts it moves.
type execution struct {
	id      string
	sources [2]string // keys that the source stage writes
	built   [2]string // keys that the build writes and the deploy stage reads
}

// pipelineDenied tells how a bucket policy that forgets a role stops a
// pipeline, until the policy is mended.
func pipelineDenied() *trail.Cloud {
	s := newPipelineStory()
	s.foundation()
	s.history()
	s.today()
	s.denials()
	s.recovery()
	s.everydayLife()
	return s.Cloud
}

func newPipelineStory() *pipelineStory {
	s := &pipelineStory{Cloud: trail.NewCloud("444455556666", "eu-west-1", 12)}
	for i := range s.day {
		s.day[i] = time.Date(2026, 4, 14+i, 0, 0, 0, 0, time.UTC)
	}
	s.pipeline = s.NewRole("/service-role/", "pipeline-web")
	s.build = s.NewRole("/service-role/", "codebuild-web")
	s.scanner = s.NewRole("/", "artifact-scanner")
	keys := trail.NewRand(12, "pipeline keys")
	s.artifactKey, s.otherKey = keys.UUID(), keys.UUID()
	return s
}

// person signs someone in through the identity provider.
func (s *pipelineStory) person(at time.Time, set, name, ip string) trail.Caller {
	role := s.NewRole("/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_"+set+"_4f1c0d9be27a6583")
	return s.AssumeRoleWithSAML(at, role, name, "AWSSSO_d4c8b1f70a925e36_DO_NOT_DELETE", ip)
}

// asTerraform has the build robot take the role that rolls out changes.
func (s *pipelineStory) asTerraform(at time.Time) trail.Caller {
	robot := s.NewUser("svc-terraform").From("192.0.2.80", terraform)
	_, c := s.AssumeRole(at, robot, s.NewRole("/", "InfraDeploy"), "terraform")
	return c.From(robot.IP, robot.Agent)
}

// foundation is the bucket's policy as it was before.
func (s *pipelineStory) foundation() {
	deploy := s.asTerraform(clock(s.day[0], "08:40:22"))
	s.BucketPolicy(clock(s.day[0], "08:41:03"), deploy, artifactBucket, tlsOnly(artifactBucket))
	s.PutInline(clock(s.day[0], "08:41:09"), deploy, "role", s.build.Name, "artifacts", s.artifactAccess())
}

func (s *pipelineStory) artifactAccess() trail.Object {
	return trail.Policy(trail.Allow("Artifacts", []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
		"arn:aws:s3:::"+artifactBucket+"/*"))
}

// restricted is the policy that keeps everyone out of the bucket but those it
// lists.
func (s *pipelineStory) restricted(roles ...trail.Role) trail.Object {
	allowed := []string{"arn:aws:iam::" + s.Account + ":role/aws-reserved/sso.amazonaws.com/*"}
	for _, r := range roles {
		allowed = append(allowed, r.ARN())
	}
	deny := trail.For(trail.Deny("KnownPrincipalsOnly", []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
		"arn:aws:s3:::"+artifactBucket+"/*"), "*")
	deny = trail.When(deny, trail.O("StringNotLike", trail.O("aws:PrincipalArn", allowed)))
	tls, _ := tlsOnly(artifactBucket).Get("Statement").([]trail.Object)
	return trail.Policy(append(tls, deny)...)
}

// history is two days of executions that succeed, and one on the third day
// that waits for an approval before it deploys.
func (s *pipelineStory) history() {
	for day, hours := range [][]string{
		{"09:10:04", "11:35:41", "15:22:17"},
		{"08:55:30", "11:40:12", "14:05:58", "16:30:26"},
	} {
		for _, h := range hours {
			at := clock(s.day[day], h)
			x := s.execution(at)
			s.startAndBuild(at, x)
			s.deploy(at.Add(4*time.Minute), x)
		}
	}
	at := clock(s.day[2], "09:33:18")
	s.waiting = s.execution(at)
	s.startAndBuild(at, s.waiting)
}

func (s *pipelineStory) execution(at time.Time) execution {
	r := trail.NewRand(12, "execution", trail.Stamp(at))
	return execution{
		id:      r.UUID(),
		sources: [2]string{pipelineName + "/SourceArti/" + r.Alnum(7), pipelineName + "/ConfigArti/" + r.Alnum(7)},
		built:   [2]string{pipelineName + "/BuildArtif/" + r.Alnum(7), pipelineName + "/TemplateAr/" + r.Alnum(7)},
	}
}

// session is CodePipeline with the pipeline's role; it numbers its sessions by
// the millisecond.
func (s *pipelineStory) session(at time.Time) trail.Caller {
	millis := trail.NewRand(12, "session", trail.Stamp(at)).IntN(1000)
	name := strconv.FormatInt(at.UnixMilli()+int64(millis), 10)
	_, c := s.ServiceAssumes(at, "codepipeline.amazonaws.com", s.pipeline, name)
	return c.Via("codepipeline.amazonaws.com")
}

// start is a change in the repository that sets an execution going.
func (s *pipelineStory) start(at time.Time, x execution) {
	trigger := s.NewRole("/service-role/", "start-web-release")
	_, c := s.ServiceAssumes(at.Add(-time.Second), "events.amazonaws.com", trigger, "events-"+x.id[:8])
	s.Write(at, c.Via("events.amazonaws.com"), "codepipeline", "StartPipelineExecution",
		trail.O("name", pipelineName), trail.O("pipelineExecutionId", x.id))
}

// startAndBuild is the source and the build stage of an execution.
func (s *pipelineStory) startAndBuild(at time.Time, x execution) {
	s.start(at, x)
	who := s.session(at.Add(3 * time.Second))
	for i, key := range x.sources {
		s.store(at.Add(time.Duration(6+2*i)*time.Second), who, key)
	}
	id := "web-build:" + x.id
	s.Write(at.Add(15*time.Second), s.session(at.Add(13*time.Second)), "codebuild", "StartBuild",
		trail.O("projectName", "web-build", "artifactsOverride", trail.O("type", "CODEPIPELINE")),
		trail.O("build", trail.O("id", id, "arn", s.ARN("codebuild", "build/"+id), "buildStatus", "IN_PROGRESS")))
	s.runBuild(at.Add(40*time.Second), x)
}

// runBuild is CodeBuild with its own role, which the bucket always lets in.
func (s *pipelineStory) runBuild(at time.Time, x execution) {
	_, c := s.ServiceAssumes(at, "codebuild.amazonaws.com", s.build, "AWSCodeBuild-"+x.id)
	c = c.From("192.0.2.136", "aws-sdk-go/1.55.8 (go1.24.6; linux; amd64) CodeBuild")
	for i, key := range x.sources {
		s.fetch(at.Add(time.Duration(5+i)*time.Second), c, key)
	}
	for i, key := range x.built {
		s.store(at.Add(time.Duration(170+3*i)*time.Second), c, key)
	}
}

// deploy is the last stage: it reads what was built.
func (s *pipelineStory) deploy(at time.Time, x execution) {
	who := s.session(at)
	for i, key := range x.built {
		s.fetch(at.Add(time.Duration(3+i)*time.Second), who, key)
	}
	s.Write(at.Add(9*time.Second), who, "cloudformation", "UpdateStack", trail.O("stackName", "web",
		"capabilities", []string{"CAPABILITY_IAM"}, "roleARN", s.NewRole("/", "web-stack").ARN()),
		trail.O("stackId", s.ARN("cloudformation", "stack/web/6b1d2c80-19f5-11f1-8c3a-0a5f0c7e2b11")))
}

// store and fetch move one artifact; S3 asks KMS for the key in the caller's
// name.
func (s *pipelineStory) store(at time.Time, who trail.Caller, key string) {
	s.Object(at, who, "PutObject", artifactBucket, key, 48_213+len(key)*1_117)
	s.DataKey(at, who.Via("AWS Internal"), s.artifactKey, objectContext(key))
}

func (s *pipelineStory) fetch(at time.Time, who trail.Caller, key string) {
	s.Object(at, who, "GetObject", artifactBucket, key, 48_213+len(key)*1_117)
	s.Decrypt(at, who.Via("AWS Internal"), s.artifactKey, objectContext(key))
}

func objectContext(key string) trail.Object {
	return trail.O("aws:s3:arn", "arn:aws:s3:::"+artifactBucket+"/"+key)
}
