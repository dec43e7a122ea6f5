package trail

import "time"

// Repo is a CodeCommit repository.
type Repo struct{ Name, ID string }

// NewRepo returns a repository; its id follows from its name.
func (c *Cloud) NewRepo(name string) Repo {
	return Repo{name, NewRand(c.seed, c.Account, "repository", name).UUID()}
}

// git appends one record of the git protocol.
func (c *Cloud) git(at time.Time, who Caller, repo Repo, name string, data bool) *Event {
	e := c.call(at, who, "codecommit", name)
	e.TLSHost = "git-codecommit." + c.Region + ".amazonaws.com"
	e.Additional = O("protocol", "HTTP")
	if data {
		e.Additional = append(e.Additional, Member{"capabilities", []string{"report-status", "side-band-64k"}})
	}
	e.Additional = append(e.Additional, Member{"dataTransferred", data},
		Member{"repositoryName", repo.Name}, Member{"repositoryId", repo.ID})
	e.Resources = []Object{O("accountId", c.Account, "type", "AWS::CodeCommit::Repository",
		"ARN", c.ARN("codecommit", repo.Name))}
	e.ReadOnly = !data
	return e
}

// Push appends the two records of one push, the discovery of refs and a second
// later, at the given time, the transfer, and returns the transfer. A push that is refused for its branch
// fails in the transfer: only there are the refs known.
func (c *Cloud) Push(at time.Time, who Caller, repo Repo, refs ...string) *Event {
	c.git(at.Add(-time.Second), who, repo, "GitPush", false)
	e := c.git(at, who, repo, "GitPush", true)
	var list []Object
	for _, ref := range refs {
		list = append(list, O("commit", c.R.Hex(40), "ref", ref))
	}
	e.Request = O("references", list)
	return e
}

// Pull appends one GitPull.
func (c *Cloud) Pull(at time.Time, who Caller, repo Repo) *Event {
	e := c.git(at, who, repo, "GitPull", true)
	e.ReadOnly = true
	return e
}

// Commit appends an API call on a branch of a repository, such as PutFile or
// DeleteBranch; CloudTrail gives the repository as its resource.
func (c *Cloud) Commit(at time.Time, who Caller, repo Repo, name string, request Object) *Event {
	e := c.Write(at, who, "codecommit", name, request, nil)
	e.Resources = []Object{O("accountId", c.Account, "type", "AWS::CodeCommit::Repository",
		"ARN", c.ARN("codecommit", repo.Name))}
	return e
}
