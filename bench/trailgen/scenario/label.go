package scenario

// Label is the truth of one scenario. Its windows and spreads are in the words
// of a finding.
type Label struct {
	Name      string  `json:"name"`
	Mechanism string  `json:"mechanism"`
	Culprit   *string `json:"culprit"` // eventID; null: no change is to blame
	// Also are event IDs of further steps of the same change, as right as the
	// culprit: a permission set is edited, provisioned and then written.
	Also      []string `json:"also,omitempty"`
	Principal string   `json:"principal"`
	Action    string   `json:"action"`
	Resource  string   `json:"resource"`
	Ref       string   `json:"ref,omitempty"`
	Layer     string   `json:"layer"`
	Explicit  bool     `json:"explicit"`
	Style     string   `json:"style"`    // arn, type, bare, encoded
	Baseline  string   `json:"baseline"` // trail, file, unknown
	Gap       int      `json:"gapSeconds"`
	Window    string   `json:"window"` // empty without a culprit
	// Spread is empty where what is in the trail leaves it open.
	Spread       string `json:"spread"`
	FirstFailure string `json:"firstFailure"` // eventID
	Failures     int    `json:"failures"`
	Recovered    bool   `json:"recovered"`
	// Hit are further principals that the same change breaks.
	Hit    []string       `json:"hit,omitempty"`
	Decoys map[string]int `json:"decoys,omitempty"`
}

// rungs is the ladder of windows in seconds.
var rungs = []struct {
	name    string
	seconds int
}{{"5m", 300}, {"30m", 1800}, {"1h", 3600}, {"24h", 86400}, {"7d", 604800}}

// window is the smallest rung that holds a gap.
func window(seconds int) string {
	for _, r := range rungs {
		if seconds <= r.seconds {
			return r.name
		}
	}
	return ""
}
