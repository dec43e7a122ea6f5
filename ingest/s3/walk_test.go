package s3

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest"
)

func TestLocate(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	for key, want := range map[string]place{
		"":                        {},
		"a/b.json.gz":             {},
		"AWSLogs/":                {level: inLogs},
		"x/AWSLogs/o-abcdefghij/": {level: inOrganization},
		"x/AWSLogs/111122223333/": {level: inAccount, account: account},
		"AWSLogs/y/AWSLogs/111122223333/CloudTrail/":                                           {level: inKind, account: account, kind: "CloudTrail"},
		"AWSLogs/o-abcdefghij/111122223333/CloudTrail/eu-west-1/":                              {level: inRegion, account: account, kind: "CloudTrail", region: region},
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/":                                      {level: inYear, account: account, kind: "CloudTrail", region: region, date: "2026"},
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/":                                   {level: inMonth, account: account, kind: "CloudTrail", region: region, date: "2026/01"},
		"AWSLogs/111122223333/CloudTrail/us-gov-west-1/2026/01/02/x/":                          {level: inDay, account: account, kind: "CloudTrail", region: "us-gov-west-1", date: "2026/01/02", odd: true},
		"AWSLogs/12/CloudTrail/":                                                               {level: inLogs, odd: true},
		"AWSLogs/111122223333/CloudTrail-Lake/Query/2026/01/":                                  {level: inKind, account: account, kind: "CloudTrail-Lake", odd: true},
		logKey(account, region, "2026/01/02", 3):                                               {level: inDay, account: account, kind: "CloudTrail", region: region, date: "2026/01/02"},
		"copies/111122223333_CloudTrail_eu-west-1_20260102T0304Z_0123456789abcdef.json.gz":     {account: account, kind: "CloudTrail", region: region, date: "2026/01/02"},
		"111122223333_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260102T030405Z.json.gz": {account: account, kind: "CloudTrail-Digest", region: region, date: "2026/01/02"},
	} {
		if got := locate(key); got != want {
			t.Errorf("%q is at %+v, want %+v", key, got, want)
		}
	}
}

// bucketOf puts deliveries under the keys and returns what lists them.
func bucketOf(t *testing.T, keys ...string) func(prefix string, opts Options) ([]string, *Stats) {
	server := newServer(t)
	for _, key := range keys {
		body := delivery(key)
		if strings.HasSuffix(key, "/") {
			body = nil // a folder, as the console makes them
		}
		server.Put(bucketName, key, body, nil)
	}
	return func(prefix string, opts Options) ([]string, *Stats) {
		t.Helper()
		opts.Stats = new(Stats)
		opts.Known = func(ingest.Object) bool { return true }
		names, errs := list(t, newSource(t, server, prefix, opts))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if n := opts.Stats.Gets.Load(); n != 0 {
			t.Fatalf("%d known objects were fetched", n)
		}
		return names, opts.Stats
	}
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func utc(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, time.UTC)
}

func TestChoice(t *testing.T) {
	const a, b, eu, us = "111122223333", "444455556666", "eu-west-1", "us-east-1"
	var keys []string
	for i, day := range []string{"2025/12/31", "2026/01/01", "2026/01/02", "2026/01/03", "2026/02/01"} {
		keys = append(keys, logKey(a, eu, day, i), logKey(a, us, day, i), logKey(b, us, day, i))
	}
	digest := "AWSLogs/" + a + "/CloudTrail-Digest/eu-west-1/2026/01/01/" + a + "_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260101T030405Z.json.gz"
	network := strings.ReplaceAll(logKey(a, eu, "2026/01/01", 9), "CloudTrail", "CloudTrail-NetworkActivity")
	ls := bucketOf(t, append(keys, digest, network, "AWSLogs/"+a+"/elasticloadbalancing/us-east-1/2026/01/01/x.log", "AWSLogs/")...)
	pick := func(words ...string) (picked []string) {
		for _, key := range append(keys, network) {
			for _, word := range words {
				if strings.Contains(key, word) {
					picked = append(picked, key)
				}
			}
		}
		return picked
	}
	for _, prefix := range []string{"", "AWSLogs", "AWSLogs/"} {
		got, stats := ls(prefix, Options{})
		same(t, got, pick("")...)
		if n := stats.LeftOut.Load(); n != 2 {
			t.Errorf("%q: %d folders left out, want 2", prefix, n)
		}
	}
	got, _ := ls("", Options{From: utc(1, 1, 12), To: utc(1, 2, 0)})
	same(t, got, pick("2026/01/01", "2026/01/02")...)
	got, _ = ls("", Options{From: utc(1, 3, 0)})
	same(t, got, pick("2026/01/03", "2026/02/01")...)
	got, _ = ls("", Options{To: utc(1, 1, 1)})
	same(t, got, pick("2025/12/31", "2026/01/01", "2026/01/02")...)
	got, _ = ls("", Options{Accounts: []string{"4*"}})
	same(t, got, pick(b)...)
	got, _ = ls("", Options{Regions: []string{"eu-*", "ap-south-1"}, To: utc(1, 1, 1), LookAhead: time.Hour})
	same(t, got, pick("/eu-west-1/2025", "/eu-west-1/2026/01/01")...)
	got, _ = ls("AWSLogs/"+a+"/CloudTrail-Digest/", Options{})
	same(t, got, digest)
	got, _ = ls("AWSLogs/"+a+"/CloudTrail/eu-west-1/2026/01", Options{})
	same(t, got, pick("/"+a+"/CloudTrail/eu-west-1/2026/01/")...)
	got, _ = ls(keys[0], Options{})
	same(t, got, keys[0])
	got, _ = ls("AWSLogs/444", Options{})
	same(t, got, pick("/"+b+"/")...)
}

func TestPrefixIsAFolder(t *testing.T) {
	ls := bucketOf(t, "prod/a.json", "prod-old/a.json", "prod2", "single", "single/x")
	got, _ := ls("prod", Options{})
	same(t, got, "prod/a.json")
	got, _ = ls("pro", Options{})
	same(t, got, "prod/a.json", "prod-old/a.json", "prod2")
	got, _ = ls("single", Options{})
	same(t, got, "single", "single/x")
}

func TestOddLayouts(t *testing.T) {
	flat := "111122223333_CloudTrail_eu-west-1_%sT0304Z_0123456789abcdef.json.gz"
	keys := []string{
		"export/" + strings.ReplaceAll(flat, "%s", "20260101"), "export/" + strings.ReplaceAll(flat, "%s", "20260105"),
		"a/b/c/d/e/f.json", "events/year=2026/month=01/x.json.gz", "k v+%/ü.json", "back\\slash", "esc\x1bape\x01.json", "😀", "\uffee",
		"AWSLogs/111122223333/CloudTrail/eu-west-1/merged.json.gz", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/q1/x.json",
		"AWSLogs/readme.txt", "team/AWSLogs/o-abcdefghij/" + logKey("111122223333", "eu-west-1", "2026/01/01", 1)[len("AWSLogs/"):],
		"double//slash", "dots/../x", "dots/./y", strings.Repeat("long", 255),
	}
	ls := bucketOf(t, keys...)
	got, _ := ls("", Options{})
	same(t, got, keys...)
	got, _ = ls("", Options{From: utc(1, 4, 0), To: utc(1, 6, 0)})
	keys = slices.DeleteFunc(keys, func(key string) bool {
		return strings.Contains(key, "20260101") || strings.HasPrefix(key, "team/")
	})
	same(t, got, keys...)
}

// A listing of many pages, with folders of which some are larger than a page,
// gives the keys of all, whatever the pages' size.
func TestPages(t *testing.T) {
	server := newServer(t)
	want := fill(server, 300)
	for i := range 60 {
		key := "odd/" + strings.Repeat("x/", i%5) + string(rune('a'+i%26)) + "/" + string(rune('a'+i/26))
		server.Put(bucketName, key, delivery(key), nil)
		want = append(want, key)
	}
	slices.Sort(want)
	for _, size := range []int{1, 2, 3, 7, 100, 1000} {
		for _, raw := range []bool{false, true} {
			server.MaxKeys, server.RawKeys = size, raw
			names, errs := list(t, newSource(t, server, "", Options{Known: func(ingest.Object) bool { return true }}))
			if len(errs) > 0 {
				t.Fatal(size, errs)
			}
			same(t, names, slices.Clone(want)...)
		}
	}
}

func TestPruningSparesRequests(t *testing.T) {
	server := newServer(t)
	for n := range 3000 {
		day := time.Date(2025, 1, 1+n/5, 0, 0, 0, 0, time.UTC).Format(day)
		server.Put(bucketName, logKey("111122223333", "eu-west-1", day, n), []byte("x"), nil)
		server.Put(bucketName, logKey("444455556666", "eu-west-1", day, n), []byte("x"), nil)
	}
	s := newSource(t, server, "", Options{From: utc(2, 10, 0), To: utc(2, 12, 0), Accounts: []string{"111122223333"}})
	plan, err := s.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if plan.Objects != 15 || plan.Listings > 12 || plan.Requests() != plan.Listings+15 {
		t.Errorf("%+v", plan)
	}
	if diff := cmp.Diff([]string{"2026/02/10", "2026/02/11", "2026/02/12"}, plan.Days); diff != "" {
		t.Error(diff)
	}
	t.Logf("%d of 6000 objects with %d listings", plan.Objects, plan.Listings)
}

func TestNothingThere(t *testing.T) {
	server := newServer(t)
	_, errs := list(t, newSource(t, server, "nowhere/", Options{}))
	if len(errs) != 1 || errs[0].Error() != "s3://trails/nowhere/: nothing is there; check the bucket and the prefix" {
		t.Error(errs)
	}
}

func TestBadURLs(t *testing.T) {
	setEnv(t)
	for _, url := range []string{"", "s3:/x", "http://x/y", "s3://", "s3:///key", "s3://user:pass@host/x", "s3://a b/c"} {
		if _, err := New(t.Context(), url, Options{}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
	if _, err := New(t.Context(), "s3://b/", Options{Accounts: []string{"[1"}}); err == nil {
		t.Error("a bad pattern is taken")
	}
	if _, err := New(t.Context(), "s3://b/", Options{Profile: "nobody"}); err == nil || !strings.Contains(err.Error(), `no AWS profile "nobody"`) {
		t.Error(err)
	}
}
