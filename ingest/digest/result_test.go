package digest

import (
	"encoding/json"
	"strings"
	"testing"
)

// The machine-readable form is a contract.
func TestResultJSON(t *testing.T) {
	tr := chainOf(t, hour{}, hour{skip: true}, hour{starts: true})
	delete(tr.store.objects, tr.logs[0][1])
	results, s := validate(t, tr.store, testRing(), Options{})
	const trail = `"account":"111122223333","region":"eu-west-1","trail":"my_trail","homeRegion":"eu-west-1"`
	want := map[int]string{
		0: `{"object":"s3://trail-bucket/` + tr.keys[1] + `","kind":"digest","status":"valid",` + trail +
			`,"from":"2026-01-31T22:00:00Z","to":"2026-01-31T23:00:00Z","fingerprint":"` + testPrint + `"}`,
		3: `{"kind":"gap","status":"gap","reason":"no log files were delivered",` + trail +
			`,"from":"2026-01-31T21:00:00Z","to":"2026-01-31T22:00:00Z"}`,
		6: `{"object":"s3://trail-bucket/` + tr.logs[0][1] + `","kind":"log","status":"invalid","reason":"not found","digest":"s3://trail-bucket/` +
			tr.keys[0] + `",` + trail + `}`,
	}
	for i, text := range want {
		if got, err := json.Marshal(results[i]); err != nil || string(got) != text {
			t.Errorf("%d: got %s, want %s", i, got, text)
		}
	}
	if got, want := results[3].Text(), "No log files were delivered by CloudTrail between 2026-01-31T21:00:00Z and 2026-01-31T22:00:00Z"; got != want {
		t.Errorf("got %q", got)
	}
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "Results found for 2026-01-31T20:00:00Z to 2026-01-31T23:00:00Z:\n\n2/2 digest files valid\n3/4 log files valid, 1/4 log files INVALID\n"; text.String() != want {
		t.Errorf("got %q", text.String())
	}
}

func TestNoDigest(t *testing.T) {
	results, s := validate(t, newTrail().store, testRing(), Options{})
	var text strings.Builder
	if err := s.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if len(results) != 0 || !s.OK() || !s.Complete() || text.String() != "No digests found\n" {
		t.Errorf("%v %+v %q", results, s, text.String())
	}
}
