package correlate

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sharedFolder returns a file or folder of the facts and trails kept outside
// the repository, and skips the test loudly when it is not there.
func sharedFolder(t *testing.T, elem ...string) string {
	t.Helper()
	roots := []string{os.Getenv("TRAILBLAME_SHARED")}
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			roots = append(roots, filepath.Join(filepath.Dir(dir), "shared"))
		}
	}
	for _, r := range roots {
		p := filepath.Join(append([]string{r}, elem...)...)
		if _, err := os.Stat(p); r != "" && err == nil {
			return p
		}
	}
	t.Skipf("NOT CHECKED: no %s; set TRAILBLAME_SHARED to the folder that holds it", filepath.Join(elem...))
	return ""
}

func readTSV(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(strings.ReplaceAll(string(b), `"`, "\x00")))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "\x00", `"`)
		}
	}
	return rows
}

func TestParseDenialExamples(t *testing.T) {
	rows := readTSV(t, sharedFolder(t, "facts", "denial_examples.tsv"))[1:]
	if len(rows) < 52 {
		t.Fatalf("%d examples, want at least 52", len(rows))
	}
	layers := map[string]Layer{
		"vpce": LayerVPCEndpoint, "bpa": LayerResource, "lakeformation": LayerGate,
	}
	// Forms whose wording alone tells the layer, though it names no policy.
	byForm := map[string]Layer{"billing-gate": LayerGate, "kms-ciphertext": LayerKMS}
	for _, row := range rows {
		msg := strings.ReplaceAll(row[0], `\n`, "\n")
		d := ParseDenial("AccessDenied", msg)
		want := Layer(row[3])
		if l, ok := layers[row[3]]; ok {
			want = l
		}
		if l, ok := byForm[row[1]]; ok {
			want = l
		}
		if string(d.Effect) != row[2] || d.Layer != want || d.Action != row[4] ||
			(d.PolicyARN != "") != (row[5] == "1") || d.Form == FormNone {
			t.Errorf("%s\n got %+v\nwant effect %s layer %s action %s arn %s", msg, d, row[2], want, row[4], row[5])
		}
		if row[1] == "user-not-authorized" && !strings.HasPrefix(d.Principal, "arn:") {
			t.Errorf("%s\nprincipal %q", msg, d.Principal)
		}
		if strings.Contains(msg, "on resource") && d.Resource == "" {
			t.Errorf("%s\nno resource", msg)
		}
	}
}

// denialWordings covers each form once, in words of our own.
var denialWordings = []struct {
	code, msg string
	want      DenialText
}{
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:GetUser on resource: user bob because no identity-based policy allows the iam:GetUser action",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "iam:GetUser", Resource: "user bob", Effect: EffectImplicit, Layer: LayerIdentity}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/a \"because of\" x.txt\" with an explicit deny in a resource-based policy",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "s3:GetObject", Resource: `arn:aws:s3:::b/a "because of" x.txt`, Effect: EffectExplicit, Layer: LayerResource}},
	{"AccessDenied", "User: arn:aws-cn:sts::111122223333:assumed-role/dev/s is not authorized to perform: sqs:sendmessage on resource: arn:aws-cn:sqs:cn-north-1:111122223333:q with an explicit deny in a service control policy: arn:aws-cn:organizations::1:policy/o-1/service_control_policy/p-1 (Guard). To learn more, open https://console.example/ with authorization id 1-2-3",
		DenialText{Form: FormPerform, Principal: "arn:aws-cn:sts::111122223333:assumed-role/dev/s", Action: "sqs:sendmessage", Resource: "arn:aws-cn:sqs:cn-north-1:111122223333:q", Effect: EffectExplicit, Layer: LayerSCP, PolicyARN: "arn:aws-cn:organizations::1:policy/o-1/service_control_policy/p-1", PolicyName: "Guard"}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:PassRole on resource: role deploy. To learn more, open https://console.example/",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "iam:PassRole", Resource: "role deploy", Effect: EffectUnknown, Layer: LayerUnknown}},
	{"AccessDenied", "arn:aws:sts::111122223333:assumed-role/pipe/1\n is not authorized to perform:\r\ns3:PutObject on resource: \"arn:aws:s3:::b/k\"\nbecause no session policy allows the s3:PutObject action (Service: S3)",
		DenialText{Form: FormPerform, Principal: "arn:aws:sts::111122223333:assumed-role/pipe/1", Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k", Effect: EffectImplicit, Layer: LayerSession}},
	{"AccessDenied", "User: arn:aws:sts::111122223333:assumed-role/pipe/1 is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
		DenialText{Form: FormPerform, Principal: "arn:aws:sts::111122223333:assumed-role/pipe/1", Action: "kms:Decrypt", Effect: EffectUnknown, Layer: LayerResource}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/ops with an explicit deny in the role trust policy",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "sts:AssumeRole", Resource: "arn:aws:iam::444455556666:role/ops", Effect: EffectExplicit, Layer: LayerTrust}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sns:publish with an explicit deny in a VPC endpoint policy transitively through a service control policy",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "sns:publish", Effect: EffectExplicit, Layer: LayerVPCEndpoint, Transitive: LayerSCP}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: codecommit:GitPush on resource: arn:aws:codecommit:us-east-1:111122223333:app with an explicit deny",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "codecommit:GitPush", Resource: "arn:aws:codecommit:us-east-1:111122223333:app", Effect: EffectExplicit, Layer: LayerUnknown}},
	{"Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/ann is not authorized to perform: ec2:StopInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/i-1 because no identity-based policy allows the ec2:StopInstances action. Encoded authorization failure message: AAAA",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "ec2:StopInstances", Resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", Effect: EffectImplicit, Layer: LayerIdentity, Encoded: true}},
	{"Client.UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: AAAA",
		DenialText{Form: FormEncoded, Effect: EffectUnknown, Layer: LayerUnknown, Encoded: true}},
	{"AccessDenied", "Access Denied", DenialText{Form: FormBare, Effect: EffectUnknown, Layer: LayerUnknown}},
	{"VpceAccessDenied", "", DenialText{Effect: EffectUnknown, Layer: LayerVPCEndpoint}},
	{"AccessDenied", "Insufficient Lake Formation permission(s): Required Select on sales",
		DenialText{Form: FormLakeFormation, Resource: "sales", Effect: EffectImplicit, Layer: LayerGate}},
	{"AccessDenied", "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::b\" because public policies are blocked, prevented by the BlockPublicPolicy setting in S3 Block Public Access",
		DenialText{Form: FormPerform, Principal: "arn:aws:iam::111122223333:user/ann", Action: "s3:PutBucketPolicy", Resource: "arn:aws:s3:::b", Effect: EffectExplicit, Layer: LayerResource, Setting: "BlockPublicPolicy"}},
	{"Throttling", "Rate exceeded", DenialText{Effect: EffectUnknown, Layer: LayerUnknown}},
	{"", "", DenialText{Effect: EffectUnknown, Layer: LayerUnknown}},
}

func TestParseDenialWordings(t *testing.T) {
	for _, c := range denialWordings {
		if got := ParseDenial(c.code, c.msg); got != c.want {
			t.Errorf("%s\n got %+v\nwant %+v", c.msg, got, c.want)
		}
	}
}

func TestParseDenialHostileText(t *testing.T) {
	start := time.Now()
	for _, unit := range []string{"User: ", "not authorized to perform: a:b ", ` on resource: "`, " because no ", ": arn:", "\n", "\xff", "İ"} {
		ParseDenial("AccessDenied", strings.Repeat(unit, (1<<20)/len(unit)))
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzParseDenial(f *testing.F) {
	for _, c := range denialWordings {
		f.Add(c.code, c.msg)
	}
	f.Fuzz(func(t *testing.T, code, msg string) {
		d := ParseDenial(code, msg)
		if d.Effect == "" || d.Layer == "" {
			t.Errorf("%q: effect %q, layer %q", msg, d.Effect, d.Layer)
		}
	})
}
