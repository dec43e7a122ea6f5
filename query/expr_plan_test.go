package query

import (
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	long := strings.Repeat("x", 2048)
	for src, want := range map[string]string{
		`eventName == "GitPush"`:                  `eventName is "GitPush"`,
		`"GitPush" == eventName`:                  `eventName is "GitPush"`,
		`eventName in ["a", "b"]`:                 `eventName is "a" or "b"`,
		`eventName startsWith "Git"`:              `eventName is "Git*"`,
		`eventSource == "a" && errorCode != nil`:  `eventSource is "a"`,
		`eventSource == "a" and errorCode == "b"`: `eventSource is "a" and errorCode is "b"`,
		`eventSource == "a" || errorCode == "b"`:  `eventSource is "a" or errorCode is "b"`,
		`eventSource == "a" || errorCode != "b"`:  `all`,
		`(awsRegion == "a" || recipientAccountId == "1") && sharedEventID == "s" && sourceIPAddress == "i"`: `(region is "a" or account is "1") and sharedEvent is "s" and sourceIP is "i"`,
		`userIdentity.arn == "a"`:                                     `principal is "a"`,
		`userIdentity?.principalId == "a"`:                            `principal is "a"`,
		`userIdentity["invokedBy"] == "a"`:                            `principal is "a"`,
		`$env.userIdentity?.["accountId"] == "a"`:                     `account is "a"`,
		`userIdentity.userName == "a"`:                                `userName is "a"`,
		`userIdentity.accessKeyId == "a"`:                             `accessKey is "a"`,
		`userIdentity?.sessionContext?.sessionIssuer?.arn == "a"`:     `issuer is "a"`,
		`userIdentity.sessionContext.sessionIssuer.userName == "a"`:   `userName is "a"`,
		`eventID == "a"`:                                              `eventID is "a"`,
		`requestID in ["a", "b"]`:                                     `requestID is "a" or "b"`,
		`addendum.reason == "a"`:                                      `outcome is "addendum" or "native"`,
		`eventID startsWith "a"`:                                      `all`,
		`eventName == ""`:                                             `all`,
		`eventName in ["a", ""]`:                                      `all`,
		`eventName in []`:                                             `all`,
		`eventName in ["a", 1]`:                                       `all`,
		`eventName in ["a", nil]`:                                     `all`,
		`eventName startsWith ""`:                                     `all`,
		`eventName == "a*"`:                                           `all`,
		"eventName == '\uFFFD'":                                       `all`,
		`eventName == 1`:                                              `all`,
		`eventName == nil`:                                            `all`,
		`eventName == true`:                                           `all`,
		`eventName != "a"`:                                            `all`,
		`eventName not in ["a"]`:                                      `all`,
		`!(eventName == "a")`:                                         `all`,
		`not (eventName != "a")`:                                      `all`,
		`lower(eventName) == "a"`:                                     `all`,
		`eventName < "a"`:                                             `all`,
		`eventName contains "a"`:                                      `all`,
		`"ab" startsWith eventName`:                                   `all`,
		`requestParameters.eventName == "a"`:                          `all`,
		`userIdentity.eventName == "a"`:                               `all`,
		`$env["userIdentity.arn"] == "a"`:                             `all`,
		`userAgent == "a"`:                                            `all`,
		`eventName == "` + long + `"`:                                 `eventName is "` + long + `"`,
		`eventName == "` + long + `x"`:                                `all`,
		`let x = 1; eventName == "a"`:                                 `eventName is "a"`,
		`let eventName = "a"; eventName == "a"`:                       `all`,
		`eventName == "b" && (let eventName = "a"; eventName == "a")`: `eventName is "b"`,
		`(let eventName = "a"; eventName == "a") && eventName == "b"`: `eventName is "b"`,
		`let $env = responseElements; $env.eventName == "a"`:          `all`,
		`eventName == "a" ? true : false`:                             `all`,
		`(eventName ?? "a") == "a"`:                                   `all`,
		`any(resources, eventName == "a")`:                            `all`,
		`true`:                                                        `all`,
		`eventName == "a" && (true || eventName == "b")`:              `eventName is "a"`,
		`eventName == "a\x1b"`:                                        `eventName is "a\x1b"`,
		`eventName in ["1","2","3","4","5","6","7","8","9","10"]`:     `eventName is "1" or "2" or "3" or "4" or "5" or "6" or "7" or "8" or 2 more`,
	} {
		e, err := Compile(src)
		if err != nil {
			t.Errorf("Compile(%.80s): %v", src, err)
			continue
		}
		if got := e.Plan().String(); got != want {
			t.Errorf("plan of %.80s:\n got %s\nwant %s", src, got, want)
		}
		if e.String() != src {
			t.Errorf("String() = %q, want %q", e.String(), src)
		}
	}
}
