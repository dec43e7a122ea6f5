package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// holder is a user, a group or a role with the permissions it has at first.
type holder struct {
	kind, name string
	role       trail.Role // of a role
	trust      trail.Object
	inline     []document
	attached   []string // names of managed policies of the account
	groups     []string
	boundary   string // name of a managed policy
}

// document is a policy with its name.
type document struct {
	name string
	doc  trail.Object
}

// state is what was in force before anything changed. It goes into the trail
// as events, into a baseline file, or nowhere.
type state struct {
	holders []*holder
	managed []document
	// older are earlier versions of managed policies, by name: those have two.
	older map[string]trail.Object
	// more are events of services a baseline file does not cover.
	more []func(at time.Time)
}

func (s *state) holder(kind, name string) *holder {
	for _, h := range s.holders {
		if h.kind == kind && h.name == name {
			return h
		}
	}
	h := &holder{kind: kind, name: name}
	s.holders = append(s.holders, h)
	return h
}

// emit writes the state into the trail, one event every few seconds.
func (s *state) emit(c *trail.Cloud, admin trail.Caller, at time.Time) {
	next := func() time.Time { at = at.Add(7 * time.Second); return at }
	for _, m := range s.managed {
		if old := s.older[m.name]; old != nil {
			c.CreatePolicy(next(), admin, m.name, old)
			c.CreatePolicyVersion(next(), admin, m.name, 2, m.doc)
			continue
		}
		c.CreatePolicy(next(), admin, m.name, m.doc)
	}
	for _, h := range s.holders {
		h.emit(c, admin, next)
	}
}

func (h *holder) emit(c *trail.Cloud, admin trail.Caller, next func() time.Time) {
	if h.trust != nil {
		c.CreateRole(next(), admin, h.role, h.trust)
	}
	for _, d := range h.inline {
		c.PutInline(next(), admin, h.kind, h.name, d.name, d.doc)
	}
	for _, name := range h.attached {
		c.Attach(next(), admin, h.kind, h.name, c.PolicyARN(name))
	}
	for _, g := range h.groups {
		c.AddToGroup(next(), admin, g, h.name)
	}
	if h.boundary != "" {
		c.SetBoundary(next(), admin, h.kind, h.name, c.PolicyARN(h.boundary))
	}
}

// details renders the state as get-account-authorization-details does.
func (s *state) details(c *trail.Cloud) trail.Object {
	lists := map[string][]trail.Object{"user": {}, "group": {}, "role": {}}
	for _, h := range s.holders {
		lists[h.kind] = append(lists[h.kind], h.detail(c))
	}
	policies := []trail.Object{}
	for _, m := range s.managed {
		versions, latest := []trail.Object{trail.O("Document", m.doc, "VersionId", "v1", "IsDefaultVersion", true)}, "v1"
		if old := s.older[m.name]; old != nil {
			latest = "v2"
			versions = []trail.Object{trail.O("Document", m.doc, "VersionId", "v2", "IsDefaultVersion", true),
				trail.O("Document", old, "VersionId", "v1", "IsDefaultVersion", false)}
		}
		policies = append(policies, trail.O("PolicyName", m.name, "PolicyId", "ANPA"+pad(m.name), "Arn", c.PolicyARN(m.name), "Path", "/",
			"DefaultVersionId", latest, "AttachmentCount", 1, "IsAttachable", true, "PolicyVersionList", versions))
	}
	return trail.O("UserDetailList", lists["user"], "GroupDetailList", lists["group"],
		"RoleDetailList", lists["role"], "Policies", policies)
}

func (h *holder) detail(c *trail.Cloud) trail.Object {
	inline, attached := []trail.Object{}, []trail.Object{}
	for _, d := range h.inline {
		inline = append(inline, trail.O("PolicyName", d.name, "PolicyDocument", d.doc))
	}
	for _, name := range h.attached {
		attached = append(attached, trail.O("PolicyName", name, "PolicyArn", c.PolicyARN(name)))
	}
	o := h.head(c, inline)
	o = o.With("AttachedManagedPolicies", attached)
	if h.boundary != "" {
		o = o.With("PermissionsBoundary", trail.O("PermissionsBoundaryType", "Policy",
			"PermissionsBoundaryArn", c.PolicyARN(h.boundary)))
	}
	return o
}

// head is what differs between users, groups and roles.
func (h *holder) head(c *trail.Cloud, inline []trail.Object) trail.Object {
	arn := "arn:aws:iam::" + c.Account + ":" + h.kind + "/" + h.name
	switch h.kind {
	case "user":
		return trail.O("Path", "/", "UserName", h.name, "UserId", "AIDA"+pad(h.name), "Arn", arn,
			"UserPolicyList", inline, "GroupList", append([]string{}, h.groups...))
	case "group":
		return trail.O("Path", "/", "GroupName", h.name, "GroupId", "AGPA"+pad(h.name), "Arn", arn, "GroupPolicyList", inline)
	}
	trust := h.trust
	if trust == nil {
		trust = trail.Policy(trail.O("Effect", "Allow", "Principal", trail.O("Service", "ec2.amazonaws.com"), "Action", "sts:AssumeRole"))
	}
	path := "/"
	if h.role.Name != "" {
		path, arn = h.role.Path, h.role.ARN()
	}
	return trail.O("Path", path, "RoleName", h.name, "RoleId", "AROA"+pad(h.name), "Arn", arn,
		"AssumeRolePolicyDocument", trust, "RolePolicyList", inline)
}

// pad makes a unique id's tail of a name.
func pad(name string) string { return trail.NewRand(0, name).UniqueID("") }
