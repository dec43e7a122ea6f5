package trail

import (
	"encoding/json"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

func TestJSONKeepsOrderAndText(t *testing.T) {
	got := Text(O("z", "a \"<&>\" \\\n\x01é", "a", nil, "n", O(), "l", []Object{O("i", 3, "f", Float(512), "b", true)}, "none", Object(nil)))
	want := `{"z":"a \"<&>\" \\\n\u0001é","a":null,"n":{},"l":[{"i":3,"f":512.0,"b":true}],"none":null}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not valid JSON")
	}
}

// The bytes of a record do not hang on what else happens in the account.
func TestRecordsStandAlone(t *testing.T) {
	tell := func(more bool) []byte {
		c := NewCloud("111122223333", "us-east-1", 1)
		who := c.NewUser("a").From("192.0.2.1", "cli")
		if more {
			c.NewUser("b")
			c.CallerIdentity(noon.Add(-time.Hour), who)
		}
		_, s := c.AssumeRole(noon, who, c.NewRole("/", "r"), "s")
		return c.Object(noon, s, "GetObject", "bucket", "key", 9).Append(nil)
	}
	if a, b := tell(false), tell(true); string(a) != string(b) {
		t.Errorf("one more record changed another:\n%s\n%s", a, b)
	}
}

func TestTwinsDiffer(t *testing.T) {
	c := NewCloud("111122223333", "us-east-1", 1)
	who := c.NewUser("a")
	if a, b := c.CallerIdentity(noon, who), c.CallerIdentity(noon, who); a.ID == b.ID {
		t.Errorf("two calls of one second share the ID %s", a.ID)
	}
}

// Every record is delivered, within minutes of its event.
func TestEveryRecordIsDelivered(t *testing.T) {
	c := NewCloud("111122223333", "us-east-1", 1)
	s := c.NewStaff("bucket", noon)
	c.Noise(noon, time.Hour, 200, s)
	seen := map[string]bool{}
	const period = 5 * time.Minute
	for _, b := range c.batches(period) {
		for _, e := range b.events {
			seen[e.ID] = true
			if lag := b.end.Sub(e.Time); lag < 0 || lag > 4*time.Minute+period {
				t.Errorf("%s delivered after %v", e.ID, lag)
			}
		}
	}
	if len(seen) != len(c.Events) {
		t.Errorf("%d of %d records delivered", len(seen), len(c.Events))
	}
}
