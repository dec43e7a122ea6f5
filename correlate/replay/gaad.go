package replay

import (
	"encoding/json"
	"errors"
	"fmt"
)

// details is the output of "aws iam get-account-authorization-details".
type details struct {
	UserDetailList  []entity
	GroupDetailList []entity
	RoleDetailList  []entity
	Policies        []managed
}

// entity is a user, group or role.
type entity struct {
	Arn                      string
	UserPolicyList           []inline
	GroupPolicyList          []inline
	RolePolicyList           []inline
	GroupList                []string
	AssumeRolePolicyDocument json.RawMessage
	AttachedManagedPolicies  []struct{ PolicyArn string }
	PermissionsBoundary      *struct{ PermissionsBoundaryArn string }
}

type inline struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

type managed struct {
	Arn               string
	DefaultVersionID  string `json:"DefaultVersionId"`
	PolicyVersionList []struct {
		VersionID        string `json:"VersionId"`
		IsDefaultVersion bool
		Document         json.RawMessage
	}
}

// addDetails takes account authorization details in.
func (b *Baseline) addDetails(raw map[string]json.RawMessage) error {
	data, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	var d details
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("account authorization details: %w", err)
	}
	for _, list := range [][]entity{d.UserDetailList, d.GroupDetailList, d.RoleDetailList} {
		for i := range list {
			if err := b.addEntity(&list[i]); err != nil {
				return err
			}
		}
	}
	for i := range d.Policies {
		if err := b.addManaged(&d.Policies[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *Baseline) addEntity(e *entity) error {
	owner := Entity(e.Arn)
	account := accountOf(owner)
	if account == "" {
		return fmt.Errorf("entry without a usable Arn: %q", e.Arn)
	}
	for _, k := range []Kind{Inline, Attached, Member, Boundary} {
		b.whole[owned{k, owner}] = true
	}
	for _, list := range [][]inline{e.UserPolicyList, e.GroupPolicyList, e.RolePolicyList} {
		for _, p := range list {
			if err := b.put(Slot{Inline, owner, p.PolicyName}, p.PolicyDocument); err != nil {
				return err
			}
		}
	}
	for _, p := range e.AttachedManagedPolicies {
		b.values[Slot{Attached, owner, p.PolicyArn}] = Value{Presence: Present}
	}
	for _, name := range e.GroupList {
		b.values[Slot{Member, owner, sibling(owner, "group", name)}] = Value{Presence: Present}
	}
	if p := e.PermissionsBoundary; p != nil && p.PermissionsBoundaryArn != "" {
		b.values[Slot{Kind: Boundary, Owner: owner}] = Value{Presence: Present, ARN: p.PermissionsBoundaryArn}
	}
	if len(e.AssumeRolePolicyDocument) == 0 {
		return nil
	}
	b.whole[owned{Resource, owner}] = true
	return b.put(Slot{Kind: Resource, Owner: owner}, e.AssumeRolePolicyDocument)
}

// sibling names another entity of the same account.
func sibling(arn, kind, name string) string {
	head := arn
	for i, colons := 0, 0; i < len(arn); i++ {
		if arn[i] == ':' {
			if colons++; colons == 5 {
				head = arn[:i+1]
				break
			}
		}
	}
	return head + kind + "/" + name
}

func (b *Baseline) addManaged(m *managed) error {
	if m.Arn == "" {
		return errors.New("a policy without Arn")
	}
	slot := Slot{Kind: Managed, Owner: m.Arn}
	b.whole[owned{Managed, m.Arn}] = true
	for _, v := range m.PolicyVersionList {
		text, err := documentText(v.Document)
		if err != nil {
			return fmt.Errorf("policy %s version %s: %w", m.Arn, v.VersionID, err)
		}
		b.versions[version{m.Arn, v.VersionID}] = text
		if v.IsDefaultVersion || v.VersionID == m.DefaultVersionID {
			if err := b.put(slot, v.Document); err != nil {
				return err
			}
		}
	}
	if _, ok := b.values[slot]; !ok {
		delete(b.whole, owned{Managed, m.Arn}) // listed without its default version
	}
	return nil
}
