package bundled

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

const (
	mainRef    = "refs/heads/main"
	featureRef = "refs/heads/feature/x"
)

// pushStory is the account of the trail push-denied and who works in it.
type pushStory struct {
	*trail.Cloud
	day                                   [3]time.Time
	junior, senior, morgan, taylor, riley trail.Caller
	payments                              trail.Repo
}

// pushDenied tells how a policy that protects the branch main locks a
// developer out of it.
func pushDenied() *trail.Cloud {
	s := newPushStory()
	s.foundation()
	s.history()
	s.today()
	s.denials()
	s.everydayLife()
	return s.Cloud
}

func newPushStory() *pushStory {
	const git = "git/2.49.0"
	s := &pushStory{Cloud: trail.NewCloud("111122223333", "us-east-1", 11)}
	for i := range s.day {
		s.day[i] = time.Date(2026, 3, 9+i, 0, 0, 0, 0, time.UTC)
	}
	s.junior = s.NewUser("juniordev").From("203.0.113.41", git)
	s.senior = s.NewUser("seniordev").From("203.0.113.58", git)
	s.morgan = s.NewUser("morgan").From("198.51.100.7", awsCLI)
	s.taylor = s.NewUser("taylor").From("198.51.100.12", awsCLI)
	s.riley = s.NewUser("riley").From("203.0.113.66", awsCLI)
	s.payments = s.NewRepo("payments")
	return s
}

const (
	awsCLI    = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/macos#25.3.0 md/arch#arm64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard"
	terraform = "APN/1.0 HashiCorp/1.0 Terraform/1.13.3 (+https://www.terraform.io) terraform-provider-aws/6.14.1 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.1 os/linux lang/go#1.24.6 md/GOARCH#amd64"
)

// asAdmin has morgan take the administrator role.
func (s *pushStory) asAdmin(at time.Time) trail.Caller {
	_, c := s.AssumeRole(at, s.morgan, s.NewRole("/", "PlatformAdmin"), "morgan")
	return c.From(s.morgan.IP, s.morgan.Agent)
}

// asTerraform has the build robot take the role that rolls out changes.
func (s *pushStory) asTerraform(at time.Time) trail.Caller {
	robot := s.NewUser("svc-terraform").From("203.0.113.80", terraform)
	_, c := s.AssumeRole(at, robot, s.NewRole("/", "InfraDeploy"), "terraform")
	return c.From(robot.IP, robot.Agent)
}

// foundation is how the groups came to be what they are.
func (s *pushStory) foundation() {
	at := clock(s.day[0], "09:02:11")
	admin := s.asAdmin(at)
	for i, m := range [][2]string{{"Juniors", "juniordev"}, {"Juniors", "sam"}, {"Approvers", "seniordev"}} {
		s.AddToGroup(at.Add(time.Duration(31+14*i)*time.Second), admin, m[0], m[1])
	}
	deploy := s.asTerraform(clock(s.day[0], "09:05:40"))
	s.PutInline(clock(s.day[0], "09:05:52"), deploy, "group", "Juniors", "repository-access", s.repositoryAccess())
	s.PutInline(clock(s.day[0], "09:05:53"), deploy, "group", "Approvers", "repository-access", s.repositoryAccess())
}

func (s *pushStory) repositoryAccess() trail.Object {
	return trail.Policy(trail.Allow("WorkOnPayments", []string{
		"codecommit:GitPull", "codecommit:GitPush", "codecommit:Get*", "codecommit:List*",
		"codecommit:CreateBranch", "codecommit:CreatePullRequest", "codecommit:MergePullRequestBySquash",
	}, s.ARN("codecommit", s.payments.Name)))
}

// history is two days on which everyone may push.
func (s *pushStory) history() {
	for _, p := range []struct {
		day  int
		at   string
		who  trail.Caller
		refs []string
	}{
		{0, "11:21:07", s.junior, []string{mainRef}},
		{0, "11:24:19", s.senior, []string{mainRef}},
		{0, "14:32:50", s.junior, []string{"refs/heads/feature/rounding"}},
		{0, "16:41:12", s.junior, []string{mainRef}},
		{1, "09:14:33", s.senior, []string{"refs/heads/release/7"}},
		{1, "11:47:05", s.junior, []string{featureRef}},
		{1, "11:52:26", s.junior, []string{mainRef}},
		{1, "14:18:44", s.senior, []string{mainRef}},
		{1, "16:53:31", s.junior, []string{mainRef, featureRef}},
		{2, "09:06:02", s.junior, []string{featureRef}},
		{2, "11:33:48", s.junior, []string{mainRef}},
		{2, "11:36:10", s.senior, []string{mainRef}},
		{2, "13:21:37", s.junior, []string{mainRef}},
	} {
		at := clock(s.day[p.day], p.at)
		s.Pull(at.Add(-3*time.Minute), p.who, s.payments)
		s.Push(at, p.who, s.payments, p.refs...)
	}
}

// today is the cause and what else changed around it.
func (s *pushStory) today() {
	at := func(d string) time.Time { return clock(s.day[2], d) }
	deploy := s.asTerraform(at("13:57:12"))
	admin := s.asAdmin(at("13:58:05"))

	// The cause, 142 s before the first failure.
	s.PutInline(at("14:02:11"), admin, "group", "Juniors", "protect-main", s.protectMain())

	s.Attach(at("14:02:40"), deploy, "role", "report-runner", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	s.PutInline(at("14:02:58"), admin, "user", "juniordev", "read-logs", trail.Policy(
		trail.Allow("ReadLogs", []string{"logs:Get*", "logs:FilterLogEvents", "logs:StartQuery"}, "*")))
	s.failedChange(at("14:03:12"))
	s.BucketPolicy(at("14:03:20"), deploy, "payments-build-logs", tlsOnly("payments-build-logs"))
	s.PutInline(at("14:03:31"), deploy, "group", "Juniors", "repository-access", s.repositoryAccess())
	s.PutInline(at("14:03:53"), s.taylor, "user", "sam", "no-push", trail.Policy(
		trail.Deny("OnLeave", "codecommit:GitPush", "*")))
	s.PutInline(at("14:09:47"), admin, "group", "Juniors", "read-dashboards", trail.Policy(
		trail.Allow("Dashboards", []string{"cloudwatch:GetDashboard", "cloudwatch:ListDashboards"}, "*")))
}

// protectMain denies every write to main, whether by git or by the API. The
// Null condition keeps the deny off requests that name no branch at all.
func (s *pushStory) protectMain() trail.Object {
	deny := trail.Deny("ProtectMain", []string{
		"codecommit:GitPush", "codecommit:DeleteBranch", "codecommit:PutFile",
		"codecommit:DeleteFile", "codecommit:CreateCommit",
		"codecommit:MergeBranchesByFastForward", "codecommit:MergeBranchesBySquash",
		"codecommit:MergeBranchesByThreeWay", "codecommit:MergePullRequestByFastForward",
		"codecommit:MergePullRequestBySquash", "codecommit:MergePullRequestByThreeWay",
	}, s.ARN("codecommit", s.payments.Name))
	return trail.Policy(trail.When(deny, trail.O(
		"StringEqualsIfExists", trail.O("codecommit:References", []string{mainRef}),
		"Null", trail.O("codecommit:References", "false"))))
}

// failedChange is someone who tries to change the very same group, and whose
// document IAM does not take.
func (s *pushStory) failedChange(at time.Time) {
	deny := trail.Deny("NoPush", "codecommit:GitPush", []string{"payments"})
	s.PutInline(at, s.riley, "group", "Juniors", "no-force-push", trail.Policy(deny)).
		Deny("MalformedPolicyDocumentException", `Resource payments must be in ARN format or "*".`)
}

// tlsOnly is a bucket policy that refuses calls without TLS.
func tlsOnly(bucket string) trail.Object {
	deny := trail.For(trail.Deny("TLSOnly", "s3:*",
		[]string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"}), "*")
	return trail.Policy(trail.When(deny, trail.O("Bool", trail.O("aws:SecureTransport", "false"))))
}

// denials are the failing pushes, and between them those that still work.
func (s *pushStory) denials() {
	at := func(d string) time.Time { return clock(s.day[2], d) }
	for _, d := range []string{
		"14:04:33", "14:06:02", "14:12:40", "14:41:15", "14:43:51", "15:22:08",
		"15:24:30", "15:58:47", "16:35:19", "16:37:02", "17:21:55", "17:26:13",
	} {
		s.Push(at(d), s.junior, s.payments, mainRef).Deny("AccessDenied",
			trail.Denial(s.junior, "codecommit:GitPush", s.ARN("codecommit", s.payments.Name),
				"with an explicit deny in an identity-based policy"))
	}
	for _, d := range []string{"14:08:21", "15:26:44", "16:38:30"} {
		s.Push(at(d), s.junior, s.payments, featureRef)
	}
	for _, d := range []string{"14:13:09", "15:59:36", "17:23:18"} {
		s.Push(at(d), s.senior, s.payments, mainRef)
	}
}

// everydayLife is the rest of the account, at the hours when someone is there.
func (s *pushStory) everydayLife() {
	staff := s.NewStaff("org-trail-111122223333", clock(s.day[0], "08:30:00"))
	for day, hours := range [][]string{
		{"09:01:00", "11:20:00", "14:30:00", "16:40:00"},
		{"09:11:00", "11:46:00", "14:16:00", "16:51:00"},
		{"09:03:00", "11:31:00", "13:19:00", "14:00:00", "14:41:00", "15:57:00", "17:21:00"},
	} {
		for _, h := range hours {
			s.Noise(clock(s.day[day], h), 4*time.Minute, 18, staff)
		}
		s.elsewhere(clock(s.day[day], "10:30:00"), staff)
	}
}

// elsewhere is the account's second region.
func (s *pushStory) elsewhere(at time.Time, staff trail.Staff) {
	home := s.Region
	s.Region = "us-west-2"
	s.Noise(at, 2*time.Minute, 12, staff)
	s.Region = home
}
