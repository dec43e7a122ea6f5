package large

import (
	"fmt"
	"math"
	"strconv"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// cell is one folder of the trail: an account in a region.
type cell struct {
	account int
	region  string
	share   float64
}

// account is one account of the organization with what its calls name.
type account struct {
	id         string
	principals []principal
	buckets    []string
	keys       []string
	repos      []string
	functions  []string
	params     []string
	instances  []string
}

// principal is a user or one line of sessions of a role.
type principal struct {
	user  bool
	arn   string
	head  string // userIdentity up to the access key
	role  string // of a session: the sessionIssuer object
	rarn  string // the role's ARN
	host  string // the service that hands the credentials out
	name  string // session name
	id    string // principalId
	ip    string
	agent string
}

// world is the organization that the noise happens in. It is read only.
type world struct {
	accounts []account
	cells    []cell
}

var regions = []struct {
	name  string
	share float64
}{{"us-east-1", 0.62}, {"eu-west-1", 0.25}, {"us-west-2", 0.1}, {"ap-southeast-2", 0.03}}

var accountShares = []struct {
	id    string
	share float64
}{{"210987654321", 0.75}, {"321098765432", 0.2}, {"432109876543", 0.05}}

// newWorld makes an organization whose population grows with the square root
// of the trail, as names do in logs.
func newWorld(o Options) *world {
	w := &world{}
	people := min(20_000, 200+2*int(math.Sqrt(float64(o.Events))))
	for i, a := range accountShares {
		r := trail.NewRand(o.Seed, "world", a.id)
		w.accounts = append(w.accounts, newAccount(r, a.id, int(float64(people)*math.Sqrt(a.share))))
		for _, reg := range regions {
			w.cells = append(w.cells, cell{i, reg.name, a.share * reg.share})
		}
	}
	return w
}

func newAccount(r *trail.Rand, id string, people int) account {
	a := account{id: id}
	for i := range people {
		a.principals = append(a.principals, newPrincipal(r, id, i))
	}
	things := max(20, people/4)
	for i := range things {
		a.buckets = append(a.buckets, trail.Pick(r, words)+"-"+trail.Pick(r, stores)+"-"+id+"-"+strconv.Itoa(i))
		a.keys = append(a.keys, r.UUID())
		a.functions = append(a.functions, trail.Pick(r, words)+"-"+trail.Pick(r, verbs)+"-"+strconv.Itoa(i))
		a.params = append(a.params, "/"+trail.Pick(r, words)+"/prod/"+trail.Pick(r, verbs)+"/"+strconv.Itoa(i))
		a.repos = append(a.repos, trail.Pick(r, words)+"-service-"+strconv.Itoa(i))
		a.instances = append(a.instances, "i-0"+r.Hex(16))
	}
	return a
}

var (
	words  = []string{"orders", "billing", "search", "media", "ledger", "identity", "catalog", "shipping", "pricing", "events", "reports", "edge"}
	stores = []string{"raw", "curated", "artifacts", "backups", "exports", "assets", "logs", "staging"}
	verbs  = []string{"ingest", "publish", "rotate", "compact", "notify", "index", "resize", "settle", "archive", "token"}
	names  = []string{"ada", "boris", "chidi", "dina", "emil", "farah", "goran", "hana", "ivo", "june", "kofi", "lena", "mira", "noor", "otto", "pia"}
	agents = []string{
		"aws-sdk-go-v2/1.41.0 os/linux lang/go#1.26.1 md/GOOS#linux md/GOARCH#arm64 api/s3#1.97.1",
		"Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.8.0-1021-aws md/arch#x86_64 lang/python#3.12.3",
		"aws-sdk-java/2.33.4 md/io#sync md/http#Apache ua/2.1 os/Linux#6.8.0 lang/java#21.0.4 md/vendor#Amazon.com_Inc.",
		"aws-sdk-js/3.888.0 ua/2.1 os/linux#5.10.230 lang/js md/nodejs#22.11.0 api/client-s3#3.888.0",
		"aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython",
		"APN/1.0 HashiCorp/1.0 Terraform/1.13.1 (+https://www.terraform.io) terraform-provider-aws/6.11.0",
	}
)

// newPrincipal makes the i-th of an account: one in six is a user.
func newPrincipal(r *trail.Rand, account string, i int) principal {
	p := principal{user: i%6 == 5, agent: trail.Pick(r, agents)}
	if p.user {
		name := fmt.Sprintf("%s.%d", trail.Pick(r, names), i)
		p.id, p.arn = r.UniqueID("AIDA"), "arn:aws:iam::"+account+":user/"+name
		p.ip = fmt.Sprintf("198.51.%d.%d", r.Between(100, 103), r.Between(1, 254))
		p.head = fmt.Sprintf(`{"type":"IAMUser","principalId":"%s","arn":"%s","accountId":"%s","accessKeyId":"%s","userName":"%s"}`,
			p.id, p.arn, account, r.Key("AKIA"), name)
		return p
	}
	p.session(r, account, i)
	return p
}

// session makes the principal a line of sessions; four in a row share a role.
func (p *principal) session(r *trail.Rand, account string, i int) {
	group := trail.NewRand(uint64(i/4), "role", account)
	role := fmt.Sprintf("%s-%s-%d", trail.Pick(group, words), trail.Pick(group, verbs), i/4)
	id := group.UniqueID("AROA")
	p.host, p.name = "ec2.amazonaws.com", "i-0"+r.Hex(16)
	if i/4%3 == 1 {
		p.host, p.name = "lambda.amazonaws.com", role
	}
	p.id = id + ":" + p.name
	p.arn = "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + p.name
	p.rarn = "arn:aws:iam::" + account + ":role/" + role
	p.ip = fmt.Sprintf("10.%d.%d.%d", r.IntN(8), r.IntN(256), r.Between(4, 250))
	p.head = fmt.Sprintf(`{"type":"AssumedRole","principalId":"%s","arn":"%s","accountId":"%s","accessKeyId":"`, p.id, p.arn, account)
	p.role = fmt.Sprintf(`","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"%s","arn":"%s","accountId":"%s","userName":"%s"},"attributes":{"creationDate":"`,
		id, p.rarn, account, role)
}
