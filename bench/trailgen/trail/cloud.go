package trail

import (
	"strconv"
	"strings"
	"time"
)

// Cloud is one account at work: every method appends one record.
type Cloud struct {
	Account string
	Region  string // the home region; global services record in us-east-1
	R       *Rand  // what is random in the record at hand
	Events  []*Event

	seed uint64
	seen map[string]int
}

// NewCloud returns an account whose random parts come from the seed.
func NewCloud(account, region string, seed uint64) *Cloud {
	return &Cloud{Account: account, Region: region, R: NewRand(seed, account, region),
		seed: seed, seen: map[string]int{}}
}

// call appends a record with everything that all services share.
func (c *Cloud) call(at time.Time, who Caller, service, name string) *Event {
	c.turn(at, who, service, name)
	e := &Event{
		Time: at.UTC().Truncate(time.Second), Caller: who, Service: service, Name: name,
		Region: c.Region, Account: c.Account, RequestID: c.R.UUID(), ID: c.R.UUID(),
	}
	e.TLSHost = service + "." + c.Region + ".amazonaws.com"
	c.Events = append(c.Events, e)
	return e
}

// turn gives the coming record its own generator. Calls alike in second, name
// and caller are told apart by the order they come in.
func (c *Cloud) turn(at time.Time, who Caller, service, name string) {
	key := strings.Join([]string{Stamp(at), service, name, who.ARN, who.InvokedBy}, "|")
	c.R = NewRand(c.seed, c.Account, key, strconv.Itoa(c.seen[key]))
	c.seen[key]++
}

// global appends a record of a service that lives in us-east-1 alone.
func (c *Cloud) global(at time.Time, who Caller, service, name string) *Event {
	e := c.call(at, who, service, name)
	e.Region = "us-east-1"
	e.TLSHost = service + ".amazonaws.com"
	return e
}

// Read appends a read-only call.
func (c *Cloud) Read(at time.Time, who Caller, service, name string, request Object) *Event {
	e := c.call(at, who, service, name)
	e.Request, e.ReadOnly = request, true
	return e
}

// Write appends a call of a regional service that changes something.
func (c *Cloud) Write(at time.Time, who Caller, service, name string, request, response Object) *Event {
	e := c.call(at, who, service, name)
	e.Request, e.Response = request, response
	return e
}

// NewUser returns an IAM user of the account; its id and key follow from its
// name.
func (c *Cloud) NewUser(name string) Caller {
	r := NewRand(c.seed, c.Account, "user", name)
	return User(c.Account, name, r.UniqueID("AIDA"), r.Key("AKIA"))
}

// NewRole returns a role of the account; its id follows from its name.
func (c *Cloud) NewRole(path, name string) Role {
	return Role{Account: c.Account, Name: name, ID: NewRand(c.seed, c.Account, "role", name).UniqueID("AROA"), Path: path}
}

// ARN returns an ARN in the account and its home region.
func (c *Cloud) ARN(service, rest string) string {
	return "arn:aws:" + service + ":" + c.Region + ":" + c.Account + ":" + rest
}

// resource builds one element of resources[] in the order most services use.
func (c *Cloud) resource(arn, kind string) []Object {
	return []Object{O("accountId", c.Account, "type", kind, "ARN", arn)}
}
