package replay

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func TestBaselineReadsAccountDetails(t *testing.T) {
	encoded := strings.ReplaceAll(url.QueryEscape(allowAll), "+", "%20")
	text := `{"UserDetailList":[{"Arn":"arn:aws:iam::111122223333:user/team/ann","GroupList":["Devs"],
	  "UserPolicyList":[{"PolicyName":"p","PolicyDocument":"` + encoded + `"}],
	  "AttachedManagedPolicies":[{"PolicyName":"m","PolicyArn":"arn:aws:iam::111122223333:policy/m"}],
	  "PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/edge"}}],
	 "RoleDetailList":[{"Arn":"arn:aws:iam::111122223333:role/x/build","AssumeRolePolicyDocument":` + allowAll + `}],
	 "Policies":[{"Arn":"arn:aws:iam::111122223333:policy/m","DefaultVersionId":"v2","PolicyVersionList":[
	  {"VersionId":"v1","IsDefaultVersion":false,"Document":"` + encoded + `"},{"VersionId":"v2","IsDefaultVersion":true,"Document":` + allowAll + `}]}]}
	{"arn:aws:s3:::data":` + allowAll + `,"arn:aws:s3:::open":null}`
	file := filepath.Join(t.TempDir(), "base.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := LoadBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	const ann, role = "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:role/build"
	for slot, want := range map[Slot]Presence{
		{Inline, ann, "p"}: Present,
		{Inline, ann, "q"}: Absent,
		{Attached, ann, "arn:aws:iam::111122223333:policy/m"}: Present,
		{Member, ann, "arn:aws:iam::111122223333:group/Devs"}: Present,
		{Boundary, ann, ""}:  Present,
		{Boundary, role, ""}: Absent,
		{Resource, role, ""}: Present,
		{Kind: Managed, Owner: "arn:aws:iam::111122223333:policy/m"}: Present,
		{Kind: Resource, Owner: "arn:aws:s3:::data"}:                 Present,
		{Kind: Resource, Owner: "arn:aws:s3:::open"}:                 Absent,
	} {
		if v, ok := b.Value(slot); !ok || v.Presence != want {
			t.Errorf("%v is %v (%v), want %v", slot, v.Presence, ok, want)
		}
	}
	if _, ok := b.Value(Slot{Inline, "arn:aws:iam::111122223333:user/bob", "p"}); ok {
		t.Error("it covers a user that it does not list")
	}
	if b.Version("arn:aws:iam::111122223333:policy/m", "v1") != allowAll {
		t.Error("the older version is lost")
	}
}

func TestBaselineErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                   "it is empty",
		`{"a":`:                              "near byte",
		`[1]`:                                "value 1",
		`{"user":{}}`:                        `member "user" is neither`,
		`{"arn:x":{}}`:                       "not an ARN",
		`{"Policies":[{}]}`:                  "a policy without Arn",
		`{"Policies":"all"}`:                 "account authorization details",
		`{"UserDetailList":[{"Arn":"ann"}]}`: "without a usable Arn",
		`{"arn:aws:iam::111122223333:user/ann":{}}`:         "no policy document of its own",
		`{"arn:aws:s3:::b":"%zz"}`:                          "percent-encoded",
		`{} {"arn:aws:s3:::b":"{\"Version\":\"2012-10-17\"`: "value 2",
		`{"arn:aws:s3:::b":"not a policy"}`:                 "policy  of arn:aws:s3:::b",
	} {
		if err := NewBaseline().Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := LoadBaseline(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is no error")
	}
}

// A baseline taken after a change holds what the change made. It must not pass
// for the state before.
func TestLaterBaselineIsNotTrusted(t *testing.T) {
	const ann = "arn:aws:iam::111122223333:user/ann"
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, f := range map[string]Fact{
		"detached what it does not list": {ID: "1", At: at, Slot: Slot{Attached, ann, "arn:aws:iam::111122223333:policy/gone"}, Value: Value{Presence: Absent}},
		"put what it lists":              {ID: "1", At: at, Slot: Slot{Inline, ann, "p"}, Value: Value{Presence: Present, Doc: allowAll}},
	} {
		b := NewBaseline()
		text := `{"UserDetailList":[{"Arn":"` + ann + `","UserPolicyList":[{"PolicyName":"p","PolicyDocument":` + allowAll + `}]}]}`
		if err := b.Read(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		h := New(b)
		if !h.complete(Inline, ann, at) {
			t.Errorf("%s: a listed user is not complete", name)
		}
		h.Add(f)
		if h.complete(Inline, ann, at) || !h.Doubted(ann) {
			t.Errorf("%s: the baseline is still trusted", name)
		}
	}
}
