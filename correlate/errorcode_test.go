package correlate

import "testing"

func TestClassifyCodeFacts(t *testing.T) {
	rows := readTSV(t, sharedFolder(t, "facts", "error_codes.tsv"))[1:]
	if len(rows) < 60 {
		t.Fatalf("%d codes", len(rows))
	}
	for _, row := range rows {
		if got := ClassifyCode(row[0]); string(got) != row[1] {
			t.Errorf("%s: got %q, want %s", row[0], got, row[1])
		}
	}
}

func TestIsDenial(t *testing.T) {
	const says = "User: arn:aws:iam::111122223333:user/a is not authorized to perform: s3:GetObject"
	for _, c := range []struct {
		code, msg string
		class     ErrorClass
	}{
		{"AccessDenied", "", ClassAuthz},
		{"com.amazon.coral.service#AccessDenied", "", ClassAuthz},
		{"Client.UnauthorizedOperation", "", ClassAuthz},
		{"Server.UnauthorizedOperation", "", ClassAuthz},
		{"VpceAccessDenied", "The request was denied due to a VPC endpoint policy", ClassAuthz},
		{"KMS.KMSAccessDeniedException", "", ClassDependency},
		{"EncryptionKeyAccessDeniedException", "", ClassDependency},
		{"AccessDenied", "IAM user access not activated", ClassGate},
		{"Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.", ClassNone},
		{"NoSuchKey", "The specified key does not exist.", ClassNone},
		{"NoSuchEntityException", says, ClassNone},
		{"ThrottlingException", "Rate exceeded", ClassNone},
		{"ExpiredToken", "The provided token has expired.", ClassAuthn},
		{"ValidationException", "1 validation error detected", ClassNone},
		{"InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", ClassNone},
		{"", says, ClassAuthz},
		{"InvalidInputException", says, ClassAuthz},
		{"", "Access Denied", ClassAuthz},
		{"", "", ClassNone},
		{"", "Failed authentication", ClassAuthn},
	} {
		e := &Event{ErrorCode: c.code, ErrorMessage: c.msg}
		if got := ClassOf(e); got != c.class {
			t.Errorf("%s %q: got %q, want %q", c.code, c.msg, got, c.class)
		}
		if want := c.class == ClassAuthz || c.class == ClassDependency; IsDenial(e) != want {
			t.Errorf("%s %q: IsDenial is %v", c.code, c.msg, !want)
		}
	}
	line := &Event{Additional: map[string]any{"line": `o b [x] 192.0.2.3 r 3E REST.HEAD.OBJECT k "HEAD /b/k HTTP/1.1" 403 - 243`}}
	if !IsDenial(line) {
		t.Error("an access log line with status 403 is a denial")
	}
}
