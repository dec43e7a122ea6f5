package correlate

import "strings"

// ErrorClass groups error codes by what they say about access.
type ErrorClass string

// The classes.
const (
	ClassNone       ErrorClass = ""           // no error, or one that is not about access
	ClassAuthz      ErrorClass = "AUTHZ"      // a policy refused the call
	ClassDependency ErrorClass = "DEPENDENCY" // a policy refused something that the call needs
	ClassGate       ErrorClass = "GATE"       // a setting or state refused it, not a policy
	ClassAuthn      ErrorClass = "AUTHN"      // the caller could not prove who it is
)

// namedCodes are the codes whose class their spelling does not tell, each
// without its "Client." or service prefix and without "Exception", "Fault" or
// "Error" at the end.
var namedCodes = map[string]ErrorClass{
	"SNSNoAuthorization":                            ClassDependency,
	"IamRoleMissingPermissions":                     ClassDependency,
	"OutboundContactNotPermitted":                   ClassDependency,
	"InsufficientDependencyServiceAccessPermission": ClassDependency,
	"InsufficientEncryptionPolicy":                  ClassDependency,
	"InsufficientS3BucketPolicy":                    ClassDependency,
	"InsufficientSnsTopicPolicy":                    ClassDependency,
	"InvalidCloudWatchLogsRoleArn":                  ClassDependency,
	"BucketPermission":                              ClassDependency,
	"LogDestinationPermission":                      ClassDependency,
	"InsufficientIAMAccessPermission":               ClassAuthz,
	"ChannelInsufficientPermission":                 ClassAuthz,
	"InsufficientPermissions":                       ClassAuthz,
	"AccessForbidden":                               ClassAuthz,
	"OperationNotPermitted":                         ClassGate,
	"KMSInvalidState":                               ClassGate,
	"KMSDisabled":                                   ClassGate,
	"Disabled":                                      ClassGate,
	"OptInRequired":                                 ClassGate,
	"KMSOptInRequired":                              ClassGate,
	"KmsOptInRequired":                              ClassGate,
	"SubscriptionRequired":                          ClassGate,
	"CustomerNotEntitled":                           ClassGate,
	"InvalidAccess":                                 ClassGate,
	"PullRequestApprovalRulesNotSatisfied":          ClassGate,
	"AuthFailure":                                   ClassAuthn,
	"SignatureDoesNotMatch":                         ClassAuthn,
	"InvalidClientTokenId":                          ClassAuthn,
	"InvalidAccessKeyId":                            ClassAuthn,
	"InvalidToken":                                  ClassAuthn,
	"InvalidIdentityToken":                          ClassAuthn,
	"UnrecognizedClient":                            ClassAuthn,
	"ExpiredToken":                                  ClassAuthn,
	"RequestExpired":                                ClassAuthn,
	"RequestTimeTooSkewed":                          ClassAuthn,
	"MissingAuthenticationToken":                    ClassAuthn,
	"IncompleteSignature":                           ClassAuthn,
	"Failed authentication":                         ClassAuthn,
}

// dependencyMarks in a code that denies access tell that something behind the
// call was refused.
var dependencyMarks = []string{"KMS", "Kms", "EncryptionKey", "Dependen", "S3", "SNS", "Sns", "EC2", "LoadUrl"}

// authzMarks in a code tell a refusal by policy.
var authzMarks = []string{"AccessDenied", "Unauthorized", "NotAuthorized", "AuthorizationError", "Forbidden"}

// baseCode strips what services put around a code: a namespace before '#', a
// message after ':', the "Client." or service prefix, and the word Exception,
// Fault or Error at the end.
func baseCode(code string) string {
	code = strings.TrimSpace(code[strings.LastIndexByte(code, '#')+1:])
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '.'); i >= 0 && i < len(code)-1 {
		code = code[i+1:]
	}
	for _, end := range []string{"Exception", "Fault"} {
		if s, ok := strings.CutSuffix(code, end); ok && s != "" {
			code = s
		}
	}
	return code
}

// ClassifyCode returns the class of an error code alone.
func ClassifyCode(code string) ErrorClass {
	base := baseCode(code)
	if c, ok := namedCodes[base]; ok {
		return c
	}
	if base == "Authorization" || base == "InsufficientAccess" {
		return ClassAuthz
	}
	if !containsAny(base, authzMarks) {
		return ClassNone
	}
	if strings.Contains(base, "AccessDenied") && containsAny(base, dependencyMarks) {
		return ClassDependency
	}
	return ClassAuthz
}

func containsAny(s string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(s, m) {
			return true
		}
	}
	return false
}

// ClassOf returns the class of an event's error. The message decides where the
// code says nothing about access, and where it shows that a refusal came from
// an account setting.
func ClassOf(e *Event) ErrorClass {
	if e.Native || e.ErrorCode == "" && e.ErrorMessage == "" && !refusedLine(e) {
		return ClassNone
	}
	class := ClassifyCode(e.ErrorCode)
	switch class {
	case ClassAuthz:
		if e.denial().Form == FormGate {
			return ClassGate
		}
		return class
	case ClassNone:
		return classByMessage(e)
	}
	return class
}

// classByMessage judges an error whose code is missing or says nothing.
func classByMessage(e *Event) ErrorClass {
	if e.ErrorMessage == "Failed authentication" {
		return ClassAuthn
	}
	if e.ErrorCode == "" && refusedLine(e) {
		return ClassAuthz
	}
	if neverDenial(e.ErrorCode) {
		return ClassNone
	}
	switch e.denial().Form {
	case FormPerform, FormEncoded, FormEndpoint, FormLakeFormation:
		return ClassAuthz
	case FormBare, FormAccess:
		if e.ErrorCode == "" {
			return ClassAuthz
		}
	case FormGate:
		return ClassGate
	}
	return ClassNone
}

// neverDenial reports codes that are no refusal whatever their message says: a
// dry run is refused on purpose, a missing thing or a throttle is another
// trouble.
func neverDenial(code string) bool {
	base := baseCode(code)
	return base == "DryRunOperation" || strings.HasPrefix(base, "NoSuch") ||
		strings.Contains(base, "Throttl") || strings.Contains(base, "NotFound")
}

// IsDenial reports whether e is a call that a policy refused, itself or one
// that it needed: class AUTHZ or DEPENDENCY.
func IsDenial(e *Event) bool {
	c := ClassOf(e)
	return c == ClassAuthz || c == ClassDependency
}

// refusedLine reports whether e wraps a line of an S3 access log with status
// 403. HEAD requests have no error code there.
func refusedLine(e *Event) bool {
	if status := Str(e.Additional, "httpStatus"); status != "" {
		return status == "403" && Str(e.Additional, "line") != ""
	}
	line := Str(e.Additional, "line")
	i := strings.Index(line, ` HTTP/`)
	if line == "" || i < 0 {
		return false
	}
	_, rest, _ := strings.Cut(line[i:], `" `)
	return strings.HasPrefix(rest, "403 ")
}
