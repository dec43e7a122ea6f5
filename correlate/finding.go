package correlate

import (
	"encoding/json"
	"time"
)

// Schema names the shape of a Finding in its JSON form. Within one schema
// number changes are additive only.
const Schema = "trailblame.finding/1"

// Finding is one episode of failures with what is known of its cause.
type Finding struct {
	Schema     string      `json:"schema"`
	ID         string      `json:"id"`
	Playbook   string      `json:"playbook"`
	Failure    Failure     `json:"failure"`
	Diagnosis  Diagnosis   `json:"diagnosis"`
	Search     Search      `json:"search"`
	Candidates []Candidate `json:"candidates"`
	Vetoed     []Vetoed    `json:"vetoed"`
	NextSteps  []string    `json:"nextSteps"`
	Coverage   Coverage    `json:"coverage"`
	// Attempts are the tries of the request, in order; nil unless
	// Options.Attempts asked for them. They are no part of the JSON form.
	Attempts []Attempt `json:"-"`
}

// Diagnosis is the kind of answer a finding gives.
type Diagnosis string

// The diagnoses.
const (
	DiagnosisChange       Diagnosis = "change"        // the first candidate is at least consistent
	DiagnosisPropagation  Diagnosis = "propagation"   // granted, not yet effective; heals itself
	DiagnosisNeverAllowed Diagnosis = "never-allowed" // denied before and after every change
	DiagnosisUnexplained  Diagnosis = "unexplained"   // nothing fits
)

// Failure describes the episode: what was refused, to whom, since when.
type Failure struct {
	Action       string    `json:"action"`
	Resource     string    `json:"resource"`
	Refs         []string  `json:"refs,omitempty"`
	Principal    string    `json:"principal"`
	Account      string    `json:"account"`
	Region       string    `json:"region"`
	ErrorCode    string    `json:"errorCode"`
	ErrorMessage string    `json:"errorMessage"`
	Denial       Denial    `json:"denial"`
	Count        int       `json:"count"`
	Resources    int       `json:"resources,omitempty"` // distinct resources, when siblings were folded
	First        Citation  `json:"first"`
	Last         Citation  `json:"last"`
	LastSuccess  *Citation `json:"lastSuccess"`
	Recovery     *Citation `json:"recovery"` // the first success after
	Frequency    Frequency `json:"frequency"`
	Spread       Spread    `json:"spread"`
}

// Denial is what the error says about the decision.
type Denial struct {
	Effect    string  `json:"effect"` // explicit, implicit or unknown
	Layer     string  `json:"layer"`
	PolicyARN *string `json:"policyArn"`
}

// Citation names an event and the delivery it came from, as object#index.
type Citation struct {
	EventID   string `json:"eventID"`
	EventTime Time   `json:"eventTime"`
	Object    string `json:"object"`
	// Integrity is what digests say of the object: verified, broken or
	// notCovered; empty when they were not asked.
	Integrity string `json:"integrity,omitempty"`
}

// Frequency tells how steadily the request fails.
type Frequency struct {
	Window   string `json:"window"`
	Attempts int    `json:"attempts"`
	Failures int    `json:"failures"`
	Pattern  string `json:"pattern"` // constant, intermittent or single
}

// Spread tells who and what else fails or succeeds around the onset.
type Spread struct {
	Window     string   `json:"window"`
	Pattern    string   `json:"pattern"` // branch, repository, principal, resource, account or single
	Failing    []string `json:"failing"`
	Succeeding []string `json:"succeeding"`
}

// Search tells how far the hunt for changes went.
type Search struct {
	Windows           []string `json:"windows"`
	FoundIn           *string  `json:"foundIn"`
	Escalated         bool     `json:"escalated"`
	ChangesConsidered int      `json:"changesConsidered"`
}

// Level is the strength of the claim that a change caused the failure.
type Level string

// The levels, best first.
const (
	Proven     Level = "proven"
	Observed   Level = "observed"
	Consistent Level = "consistent"
	Related    Level = "related"
	Temporal   Level = "temporal"
)

// Candidate is one change that may have caused the failure.
type Candidate struct {
	Rank       int             `json:"rank"`
	Level      Level           `json:"level"`
	Score      int             `json:"score"`
	LagSeconds int64           `json:"lagSeconds"`
	Window     string          `json:"window"`
	Change     ChangeRef       `json:"change"`
	Diff       []StatementDiff `json:"diff"`
	Evidence   []Evidence      `json:"evidence"`
	Against    []Evidence      `json:"against"`
	// AlsoSufficient are the eventIDs of later changes each of which would
	// have denied the request by itself.
	AlsoSufficient []string `json:"alsoSufficient,omitempty"`
}

// ChangeRef cites the policy-modifying event.
type ChangeRef struct {
	EventID     string   `json:"eventID"`
	EventTime   Time     `json:"eventTime"`
	EventSource string   `json:"eventSource"`
	EventName   string   `json:"eventName"`
	Actor       string   `json:"actor"`
	ActorChain  []string `json:"actorChain"`
	Target      string   `json:"target"`
	Object      string   `json:"object"`
	Integrity   string   `json:"integrity,omitempty"` // as in Citation
}

// StatementDiff is one statement that a change added, removed or changed. One
// of a new document whose predecessor is not known is present: whether it was
// there before, nobody can tell.
type StatementDiff struct {
	Op        string          `json:"op"` // added, removed, changed or present
	Statement json.RawMessage `json:"statement"`
	Before    json.RawMessage `json:"before,omitempty"`
}

// Evidence is one point for or against a candidate; Text says it in a sentence.
type Evidence struct {
	Kind   string `json:"kind"`
	Points int    `json:"points"`
	Text   string `json:"text"`
}

// Vetoed is a change that cannot be the cause, with the reason.
type Vetoed struct {
	Citation
	EventName string `json:"eventName"`
	Reason    string `json:"reason"`
}

// Coverage tells what the trail holds around the finding.
type Coverage struct {
	Gaps       []Gap  `json:"gaps"`
	DataEvents string `json:"dataEvents"` // present, absent or unknown
}

// Gap is a span without events of an account in a region, or in all regions
// when Region is empty.
type Gap struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	From    Time   `json:"from"`
	To      Time   `json:"to"`
}

// Time is an instant that prints as CloudTrail writes it: UTC, whole seconds
// unless there are fractions, and "" for the zero time.
type Time struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.String())
}

// String returns the time in RFC 3339, UTC.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
