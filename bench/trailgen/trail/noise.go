package trail

import "time"

// Staff is who keeps an account busy while nothing of interest happens.
type Staff struct {
	Operator Caller // a person at the console
	CI       Caller // a build robot with keys
	App      Role   // the role of the running application
	Bucket   string // the bucket that the trail is delivered to
	Key      string // a KMS key id
	Param    string // a parameter's path
}

// NewStaff returns staff for the account, the operator signed in since a time.
func (c *Cloud) NewStaff(bucket string, since time.Time) Staff {
	r := NewRand(c.seed, c.Account, "staff")
	operator := c.NewUser("olivia.tran").From("198.51.100.24", "console.amazonaws.com")
	operator.Key, operator.Created, operator.MFA, operator.Console = r.Key("ASIA"), since, true, true
	return Staff{
		Operator: operator,
		CI:       c.NewUser("svc-release").From("203.0.113.77", "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.8.0 lang/python#3.12.3"),
		App:      c.NewRole("/", "orders-api"),
		Bucket:   bucket, Key: r.UUID(), Param: "/orders/prod/feature-flags",
	}
}

// Noise appends n records of everyday life, spread over a span. None is a
// change of permissions and none is a failure.
func (c *Cloud) Noise(from time.Time, span time.Duration, n int, s Staff) {
	r := NewRand(c.seed, c.Account, c.Region, "noise", Stamp(from))
	for range n {
		at := from.Add(time.Duration(r.Float() * float64(span)))
		c.noise(r, at, s)
	}
}

func (c *Cloud) noise(r *Rand, at time.Time, s Staff) {
	switch k := r.IntN(100); {
	case k < 22:
		c.delivery(at, s)
	case k < 40:
		c.appCall(r, at, s)
	case k < 62:
		c.look(r, at, s)
	case k < 74:
		c.robot(r, at, s)
	case k < 84:
		c.ServiceAssumes(at, "ec2.amazonaws.com", s.App, "i-0"+r.Hex(16))
	default:
		c.audit(r, at, s)
	}
}

// delivery is CloudTrail at its own work: it checks the bucket it delivers to.
func (c *Cloud) delivery(at time.Time, s Staff) {
	e := c.Bucket(at, Service("cloudtrail.amazonaws.com"), "GetBucketAcl", s.Bucket, O("acl", ""))
	e.ReadOnly, e.SharedID = true, c.R.UUID()
}

// appCall is the application that reads its settings.
func (c *Cloud) appCall(r *Rand, at time.Time, s Staff) {
	app := Session(s.App, "i-0"+r.Hex(16), r.Key("ASIA"), at.Add(-time.Duration(r.Between(60, 3000))*time.Second))
	app = app.From("10.0."+itoa(r.Between(1, 9))+"."+itoa(r.Between(4, 250)), "aws-sdk-go-v2/1.41.0 os/linux lang/go#1.26.1 md/GOARCH#arm64")
	switch r.IntN(3) {
	case 0:
		c.Read(at, app, "ssm", "GetParameter", O("name", s.Param, "withDecryption", true))
	case 1:
		c.Decrypt(at, app.Via("ssm.amazonaws.com"), s.Key, O("PARAMETER_ARN", c.ARN("ssm", "parameter"+s.Param)))
	default:
		c.Read(at, app, "sqs", "GetQueueAttributes", O("queueUrl",
			"https://sqs."+c.Region+".amazonaws.com/"+c.Account+"/orders", "attributeNames", []string{"All"}))
	}
}

var looks = []struct{ service, name string }{
	{"ec2", "DescribeInstances"}, {"ec2", "DescribeVolumes"}, {"ec2", "DescribeSecurityGroups"},
	{"ec2", "DescribeTags"}, {"monitoring", "DescribeAlarms"}, {"logs", "DescribeLogGroups"},
	{"lambda", "ListFunctions20150331"}, {"cloudtrail", "DescribeTrails"}, {"health", "DescribeEventAggregates"},
	{"elasticloadbalancing", "DescribeLoadBalancers"}, {"codecommit", "ListRepositories"}, {"rds", "DescribeDBInstances"},
}

// look is a person who pages through the console.
func (c *Cloud) look(r *Rand, at time.Time, s Staff) {
	w := Pick(r, looks)
	c.Read(at, s.Operator, w.service, w.name, O("maxResults", r.Between(1, 10)*100))
}

// robot is the build robot's routine.
func (c *Cloud) robot(r *Rand, at time.Time, s Staff) {
	switch r.IntN(3) {
	case 0:
		c.CallerIdentity(at, s.CI)
	case 1:
		e := c.Read(at, s.CI, "ecr", "GetAuthorizationToken", O())
		e.Response = O("authorizationData", []Object{O("expiresAt", locale(at.Add(12*time.Hour)),
			"proxyEndpoint", "https://"+c.Account+".dkr.ecr."+c.Region+".amazonaws.com")})
	default:
		c.Read(at, s.CI, "cloudformation", "DescribeStacks", O("stackName", "orders-"+Pick(r, []string{"api", "data", "edge"})))
	}
}

// audit is AWS Config and friends, who read everything under their own roles.
func (c *Cloud) audit(r *Rand, at time.Time, s Staff) {
	role := c.NewRole("/aws-service-role/config.amazonaws.com/", "AWSServiceRoleForConfig")
	who := Session(role, "AWSConfig-Describe", r.Key("ASIA"), at.Add(-10*time.Minute)).Via("config.amazonaws.com")
	switch r.IntN(3) {
	case 0:
		c.Read(at, who, "ec2", "DescribeNetworkInterfaces", O("networkInterfaceIdSet", O(), "filterSet", O()))
	case 1:
		c.IAM(at, who, "GetRole", O("roleName", s.App.Name)).ReadOnly = true
	default:
		c.IAM(at, who, "ListAttachedRolePolicies", O("roleName", s.App.Name)).ReadOnly = true
	}
}

func itoa(n int) string { return string(AppendJSON(nil, n)) }
