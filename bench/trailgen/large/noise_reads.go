package large

// reads are the calls that consoles, agents and audits make all day, with what
// stands before and after the one value their request holds.
var reads = []struct{ service, name, before, after string }{
	{"ec2", "DescribeInstances", `{"instancesSet":{"items":[{"instanceId":"`, `"}]},"filterSet":{}}`},
	{"ec2", "DescribeInstanceStatus", `{"instancesSet":{"items":[{"instanceId":"`, `"}]},"filterSet":{},"includeAllInstances":false}`},
	{"ec2", "DescribeTags", `{"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"`, `"}]}}]}}`},
	{"ec2", "DescribeVolumes", `{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"`, `"}]}}]}}`},
	{"ec2", "DescribeRouteTables", `{"routeTableIdSet":{},"filterSet":{},"nextToken":"`, `"}`},
	{"ec2", "DescribeNetworkInterfaces", `{"networkInterfaceIdSet":{},"filterSet":{},"nextToken":"`, `"}`},
	{"ec2", "DescribeSecurityGroups", `{"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{},"nextToken":"`, `"}`},
	{"monitoring", "DescribeAlarms", `{"alarmNamePrefix":"`, `","maxRecords":100}`},
	{"monitoring", "GetMetricData", `{"startTime":"","endTime":"","nextToken":"`, `"}`},
	{"logs", "DescribeLogStreams", `{"logGroupName":"/aws/lambda/`, `","orderBy":"LastEventTime","descending":true}`},
	{"logs", "CreateLogStream", `{"logGroupName":"/aws/lambda/`, `"}`},
	{"lambda", "GetFunction20150331v2", `{"functionName":"`, `"}`},
	{"lambda", "ListFunctions20150331", `{"marker":"`, `"}`},
	{"iam", "GetRole", `{"roleName":"`, `"}`},
	{"iam", "GetUser", `{"userName":"`, `"}`},
	{"iam", "ListAttachedRolePolicies", `{"roleName":"`, `"}`},
	{"sqs", "GetQueueAttributes", `{"attributeNames":["All"],"queueUrl":"https://sqs/`, `"}`},
	{"dynamodb", "DescribeTable", `{"tableName":"`, `"}`},
	{"ecr", "BatchGetImage", `{"imageIds":[{"imageTag":"latest"}],"repositoryName":"`, `"}`},
	{"ecr", "GetDownloadUrlForLayer", `{"layerDigest":"sha256:0","repositoryName":"`, `"}`},
	{"cloudformation", "DescribeStacks", `{"stackName":"`, `"}`},
	{"sts", "GetCallerIdentity", "", ""},
	{"elasticloadbalancing", "DescribeTargetHealth", `{"targetGroupArn":"`, `"}`},
	{"config", "DescribeConfigurationRecorders", "", ""},
	{"health", "DescribeEventAggregates", `{"filter":{"eventStatusCodes":["open","upcoming"]},"nextToken":"`, `"}`},
	{"tagging", "GetResources", `{"paginationToken":"`, `"}`},
	{"autoscaling", "DescribeAutoScalingGroups", `{"autoScalingGroupNames":["`, `"],"maxRecords":100}`},
	{"cloudtrail", "GetTrailStatus", `{"name":"`, `"}`},
	{"route53", "ListHostedZones", `{"marker":"`, `"}`},
	{"acm", "DescribeCertificate", `{"certificateArn":"`, `"}`},
}

// stumbles are failures that have nothing to do with permissions.
var stumbles = []string{
	`"errorCode":"ThrottlingException","errorMessage":"Rate exceeded",`,
	`"errorCode":"ResourceNotFoundException","errorMessage":"The requested resource was not found",`,
	`"errorCode":"ValidationException","errorMessage":"1 validation error detected",`,
}

// look appends one of the reads; one in fifty fails.
func (d *day) look(b []byte, c *call, a *account, p *principal, ident []byte, sec int) []byte {
	w := &reads[skewed(d.r, len(reads))]
	if global := w.service == "iam" || w.service == "route53"; global && c.region != "us-east-1" {
		w = &reads[0]
	}
	c.service, c.name, c.readOnly = w.service, w.name, w.name != "CreateLogStream"
	if d.r.IntN(50) == 0 {
		c.failure = stumbles[d.r.IntN(len(stumbles))]
	}
	b = d.open(b, c, ident, sec, p.ip, p.agent)
	switch {
	case w.before == "" || c.failure == stumbles[0]:
		b = append(b, "null"...)
	case w.service == "ec2":
		b = append(append(append(b, w.before...), pick(d.r, a.instances)...), w.after...)
	default:
		b = append(append(append(b, w.before...), pick(d.r, a.functions)...), w.after...)
	}
	b = append(b, `,"responseElements":null`...)
	return d.end(d.ids(b, c), c, c.service, ".", c.region, ".amazonaws.com")
}
