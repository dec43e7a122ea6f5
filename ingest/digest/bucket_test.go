package digest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailblame/trailblame/ingest/s3"
	"github.com/trailblame/trailblame/ingest/s3/s3fake"
)

// realEnv names a real server, which .ci/run starts.
const realEnv = "TRAIL_TEST_S3_ENDPOINT"

const keyID, secret = "AKIDEXAMPLE", "topsecret"

// inBucket is a bucket as a Store.
type inBucket struct{ *s3.Store }

func (b inBucket) Other(ctx context.Context, bucket string) (Store, error) {
	other, err := b.Store.Other(ctx, bucket)
	return inBucket{other}, err
}

// A chain in a bucket, signed by a key of our own, is validated as in memory:
// over listings, bodies and the notes that hold the newest signature.
func TestChainInABucket(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	t.Run("fake", func(t *testing.T) {
		fake := s3fake.New(testBucket)
		fake.KeyID, fake.Secret = keyID, secret
		defer fake.Close()
		chainsIn(t, fake.URL, testBucket)
	})
	t.Run("real", func(t *testing.T) {
		endpoint := os.Getenv(realEnv)
		if endpoint == "" {
			t.Skip("NOT RUN AGAINST A REAL SERVER: " + realEnv + " is not set; .ci/run starts one")
		}
		c := s3fake.NewClient(endpoint, keyID, secret)
		defer c.Close()
		bucket := fmt.Sprintf("trailblame-digest-%x", time.Now().UnixNano())
		if err := c.CreateBucket(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.DeleteBucket(context.Background(), bucket); err != nil {
				t.Errorf("the bucket %s is left over: %v", bucket, err)
			}
		}()
		chainsIn(t, endpoint, bucket)
	})
}

// chainsIn puts trails into a bucket, one after another below prefixes of their
// own.
func chainsIn(t *testing.T, endpoint, bucket string) {
	log := func(edit func(m *memory, key string)) func(*trail) {
		return func(tr *trail) { edit(tr.store, tr.logs[1][0]) }
	}
	for i, c := range []struct {
		name  string
		hours []hour
		edit  func(*trail)
		want  []string
	}{
		{"whole", []hour{{}, {}, {}}, nil, []string{"D valid", "D valid", "D valid"}},
		{"a digest is missing", []hour{{}, {missing: true}, {}}, nil, []string{"D valid", "D INVALID: not found", "gap: no valid digest", "D valid"}},
		{"a digest is changed", []hour{{}, {edit: garble}, {}}, nil, []string{"D valid", "D INVALID: signature verification failed", "gap: no valid digest", "D valid"}},
		{"a log is changed", []hour{{}, {}, {}}, log(func(m *memory, key string) { m.objects[key] = zip([]byte(`{"Records":[]}`)) }),
			[]string{"D valid", "D valid", "L INVALID: hash value doesn't match", "D valid"}},
		{"a log is missing", []hour{{}, {}, {}}, log(remove), []string{"D valid", "D valid", "L INVALID: not found", "D valid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTrail()
			tr.bucket, tr.prefix = bucket, fmt.Sprintf("t%d/", i)
			for n, h := range c.hours {
				tr.write(t, n, h)
			}
			if c.edit != nil {
				c.edit(tr)
			}
			upload(t, tr, endpoint)
			store, err := s3.NewStore(t.Context(), bucket, s3.Options{EndpointURL: endpoint})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			results, s := validate(t, inBucket{store}, testRing(), Options{Prefix: strings.TrimSuffix(tr.prefix, "/")})
			got := short(results)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if s.Digests.Valid < 2 || s.Logs.Valid < 3 {
				t.Errorf("only %+v and %+v", s.Digests, s.Logs)
			}
		})
	}
}

func upload(t *testing.T, tr *trail, endpoint string) {
	t.Helper()
	c := s3fake.NewClient(endpoint, keyID, secret)
	defer c.Close()
	if len(tr.store.objects) < 6 {
		t.Fatalf("only %d objects were made", len(tr.store.objects))
	}
	for key, body := range tr.store.objects {
		if err := c.PutWith(t.Context(), tr.bucket, key, body, tr.store.meta[key], ""); err != nil {
			t.Fatal(err)
		}
	}
}
